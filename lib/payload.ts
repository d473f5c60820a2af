import sizeof from 'object-sizeof'
import { formatValue } from './options/check.ts'

/**
 * A `sizeOf` that counts what `object-sizeof` says of value and key, in bytes: an idea of what they
 * would take on a wire, and not of what they take in memory.
 *
 * Throws a `TypeError` that names the key where `object-sizeof` gives no number, as for a cycle. Runs
 * a `toJSON` of the value.
 */
export function payloadSize(value: unknown, key: string): number {
  // An Error, not thrown but given, is no number from 0 on either.
  const bytes = sizeof(value)
  if (bytes >= 0) return bytes + sizeof(key)
  throw new TypeError(`object-sizeof cannot measure the value of ${formatValue(key)}`)
}
