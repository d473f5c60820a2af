import sizeof from 'object-sizeof'
import { formatValue } from './options/check.ts'

/**
 * A function for the option `sizeOf`: the size of value and key in bytes, by the package
 * `object-sizeof`. It estimates what they take when they are sent, not what they take in memory; use
 * `heapSize` for that. It calls `toJSON` of the value.
 *
 * Throws a `TypeError` that names the key if `object-sizeof` cannot measure the value, such as an
 * object with a cycle.
 *
 * @example
 * const cache = new FaaSCacheDict({ sizeOf: payloadSize, maxSizeBytes: '16M' })
 */
export function payloadSize(value: unknown, key: string): number {
  // `object-sizeof` returns an Error for what it cannot measure.
  const bytes = sizeof(value)
  if (bytes >= 0) return bytes + sizeof(key)
  throw new TypeError(`object-sizeof cannot measure the value of ${formatValue(key)}`)
}
