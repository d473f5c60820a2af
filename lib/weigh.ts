import { formatValue } from './options/check.ts'
import type { Settings } from './options/options.ts'
import { ENTRY_SIZE_RANGE, isEntrySize } from './options/units.ts'
import { fulfilled, isNativePromise } from './promise.ts'
import { heapSize, measure } from './size/heap-size.ts'
import { PROMISE } from './size/layout.ts'

/**
 * The bytes of a value, and of its key where `sizeOf` counts both. A promise weighs itself and what it
 * has fulfilled with. `heapSize` stops beyond the budget.
 *
 * Throws a `TypeError` that names the key if `sizeOf` throws or returns no size.
 */
export function weigh(
  settings: Settings,
  key: string,
  value: unknown,
  isPromise = isNativePromise(value),
): number {
  if (!isPromise) return weighPlain(settings, key, value)
  const kept = fulfilled(value)
  return kept === undefined ? PROMISE : PROMISE + weighPlain(settings, key, kept.value)
}

function weighPlain({ sizeOf, maxSizeBytes }: Settings, key: string, value: unknown): number {
  if (sizeOf === heapSize) return measure(value, maxSizeBytes)
  let bytes: unknown
  try {
    bytes = sizeOf(value, key)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : formatValue(cause)
    throw new TypeError(`sizeOf failed for ${formatValue(key)}: ${message}`, { cause })
  }
  if (isEntrySize(bytes)) return Math.ceil(bytes)
  throw new TypeError(
    `sizeOf must return ${ENTRY_SIZE_RANGE}; got ${formatValue(bytes)} for ${formatValue(key)}`,
  )
}
