import { wrongKind } from './refusal.ts'
import { shown } from './shown.ts'

const NONE: Readonly<Record<string, unknown>> = /* @__PURE__ */ Object.create(null)

/**
 * The options, once it is sure that they are options and that none is unknown; of `undefined`, none.
 * `name` is what an error calls them.
 */
export function refuseUnknown(
  name: string,
  options: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (options === undefined) return NONE
  // An array or a Map would pass for options none of which is set, when what was meant are entries.
  if (typeof options !== 'object' || options === null || Symbol.iterator in options) {
    throw wrongKind(name, 'a plain object', options)
  }
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new TypeError(`${shown(option)} is no option; there are ${known.join(', ')}`)
    }
  }
  return unpolluted(options, known)
}

/**
 * The object, or a copy without the named properties that a program has added to `Object.prototype`.
 * What the object inherits from elsewhere stays, such as the accessors of a class.
 */
export function unpolluted(
  object: object,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  const given = object as Record<string, unknown>
  return isPolluted() ? copied(given, names) : given
}

const COMMON = Object.prototype as unknown as Readonly<Record<string, unknown>>

/** Checked once, since a check of each name would make a write with a TTL half as slow again. */
function isPolluted(): boolean {
  for (const _ in COMMON) return true
  return false
}

function copied(given: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const copy: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    const value = given[name]
    if (Object.hasOwn(given, name) || value !== COMMON[name]) copy[name] = value
  }
  return copy
}
