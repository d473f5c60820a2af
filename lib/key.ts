import { wrongKind } from './options/refusal.ts'

/** The key that `cache[key]` would make of a string or a number; anything else is refused. */
export function keyFrom(key: unknown): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number') return String(key)
  throw wrongKind('A key', 'a string or a number', key)
}
