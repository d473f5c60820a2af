import { wrongKind } from './options/refusal.ts'

/** The key that `cache[key]` makes of a string, a number or a bigint; any other key is refused. */
export function keyFrom(key: unknown): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  throw wrongKind('A key', 'a string, a number or a bigint', key)
}
