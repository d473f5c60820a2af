import { pairsFrom, wrongKind } from '../options/check.ts'

/** For a key that `loadMany` does not give. */
export const ABSENT = /* @__PURE__ */ Symbol('absent')

/** What a call of `loadMany` has given, by key. */
export class Batch extends Map<string, unknown> {}

/** What a load has given for one of its keys, or `ABSENT`. */
export function resultFor(key: string, result: unknown): unknown {
  if (!(result instanceof Batch)) return result
  return result.has(key) ? result.get(key) : ABSENT
}

/**
 * Reads what `loadMany` returned: an array by position, unless it holds pairs; anything else by key. Awaits
 * the values, and ignores a key that was not asked for.
 */
export async function batchFrom(keys: readonly string[], given: unknown): Promise<Batch> {
  const isByPosition = Array.isArray(given) && !holdsPairs(keys, given)
  const results = isByPosition ? byPosition(keys, given) : byKey(given)
  const asked = keys.filter((key) => results.has(key))
  const values = await Promise.all(asked.map((key) => results.get(key)))
  return new Batch(asked.map((key, index) => [key, values[index]]))
}

/** Whether each element is a pair whose first is a key that was asked for. */
function holdsPairs(keys: readonly string[], given: readonly unknown[]): boolean {
  const asked = new Set<unknown>(keys)
  return given.every(
    (pair) => Array.isArray(pair) && pair.length === 2 && asked.has(String(pair[0])),
  )
}

function byPosition(keys: readonly string[], given: readonly unknown[]): Map<string, unknown> {
  if (given.length !== keys.length) {
    throw new TypeError(
      `The array that loadMany returns must have a value for each of the ${keys.length} keys, undefined for none; got ${given.length} values`,
    )
  }
  const results = new Map<string, unknown>()
  keys.forEach((key, index) => {
    if (given[index] !== undefined) results.set(key, given[index])
  })
  return results
}

function byKey(given: unknown): Map<string, unknown> {
  const isObject = typeof given === 'object' && given !== null
  // One that has to be awaited has no entries, and nobody would notice.
  if (isObject && !(Symbol.asyncIterator in given)) return new Map(pairsFrom(given))
  const accepted = 'a Map, an object, an iterable of pairs, or an array in the order of the keys'
  throw wrongKind('The result of loadMany', accepted, given)
}
