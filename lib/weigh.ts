import { fulfilledValue } from './fulfilled.ts'
import { isNativePromise } from './native-promise.ts'
import { ENTRY_SIZE, isEntrySize } from './options/byte-size.ts'
import type { Settings } from './options/options.ts'
import { shown } from './options/shown.ts'
import { heapSize } from './size/heap-size.ts'
import { PROMISE } from './size/layout.ts'
import { measure } from './size/measure.ts'

/**
 * The bytes of a value, and of its key where `sizeOf` counts both in one. A promise weighs itself
 * and what it has fulfilled with. Measuring by `heapSize` stops beyond the budget.
 *
 * Throws a `TypeError` that names the key if `sizeOf` throws or gives no size.
 */
export function weigh(settings: Settings, value: unknown, key: string): number {
  if (!isNativePromise(value)) return weighPlain(settings, value, key)
  const kept = fulfilledValue(value)
  return kept === undefined ? PROMISE : PROMISE + weighPlain(settings, kept.value, key)
}

function weighPlain({ sizeOf, maxSizeBytes }: Settings, value: unknown, key: string): number {
  if (sizeOf === heapSize) return measure(value, maxSizeBytes)
  let bytes: unknown
  try {
    bytes = sizeOf(value, key)
  } catch (cause) {
    throw new TypeError(`sizeOf failed for ${shown(key)}: ${messageOf(cause)}`, { cause })
  }
  if (isEntrySize(bytes)) return Math.ceil(bytes)
  throw new TypeError(`sizeOf must give ${ENTRY_SIZE}; got ${shown(bytes)} for ${shown(key)}`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : shown(error)
}
