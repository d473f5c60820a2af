import { keyFrom } from './key.ts'
import { wrongKind } from './options/refusal.ts'

export type Pairs<K = string, V = unknown> = Iterable<readonly [K, V]>

/** The entries of an object, or of an iterable of pairs, all checked before any is used. */
export function pairsFrom(entries: unknown): [string, unknown][] {
  if (typeof entries !== 'object' || entries === null) {
    throw wrongKind('The entries', 'an object or an iterable of pairs', entries)
  }
  if (typeof (entries as Partial<Pairs>)[Symbol.iterator] !== 'function') {
    return Object.entries(entries)
  }
  return Array.from(entries as Iterable<unknown>, (pair, index) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw wrongKind(`Entry ${index}`, 'a pair [key, value]', pair)
    }
    return [keyFrom(pair[0]), pair[1]]
  })
}
