import type { SizeOf } from './options/options.ts'
import { shown } from './options/shown.ts'
import { heapSize } from './size/heap-size.ts'
import { measure } from './size/measure.ts'

/**
 * The bytes of a value, and of its key where `sizeOf` counts both in one. Measuring by `heapSize`
 * stops beyond `limit`.
 *
 * Throws a `TypeError` that names the key if `sizeOf` throws or gives no size.
 */
export function valueBytesFor(sizeOf: SizeOf, value: unknown, key: string, limit: number): number {
  if (sizeOf === heapSize) return measure(value, limit)
  let bytes: unknown
  try {
    bytes = sizeOf(value, key)
  } catch (cause) {
    throw new TypeError(`sizeOf failed for ${shown(key)}: ${messageOf(cause)}`, { cause })
  }
  if (typeof bytes !== 'number' || !(bytes >= 0) || bytes === Number.POSITIVE_INFINITY) {
    throw new TypeError(
      `sizeOf must give a finite number of bytes, 0 or more; got ${shown(bytes)} for ${shown(key)}`,
    )
  }
  return Math.ceil(bytes)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : shown(error)
}
