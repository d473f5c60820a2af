import type { CacheController } from 'faas-cache-dict'
import { expect } from 'vitest'
import { BASE_BYTES, ENTRY_BYTES } from './charges.ts'

/** Checks what holds for every cache between two calls. */
export function expectInvariants(controller: CacheController, itemsAtReset = 0): void {
  const stats = controller.stats()
  const removals =
    stats.replacements +
    stats.evictions +
    stats.expirations +
    stats.deletions +
    stats.clears +
    stats.rejections
  expect(stats.items).toBe(itemsAtReset + stats.writes - removals)
  expect(stats.items).toBe(controller.size)
  const keys = [...controller.keys()]
  expect(keys).toHaveLength(controller.size)
  expect([...controller.reversed()].map(([key]) => key)).toEqual([...keys].reverse())
  const charges = keys.reduce((sum, key) => sum + controller.sizeOf(key), 0)
  // The rest is the empty structure and the slack of its tables.
  expect(controller.sizeBytes).toBeGreaterThanOrEqual(charges + BASE_BYTES)
  const { effectiveMaxSizeBytes, maxSizeBytes } = controller
  if (effectiveMaxSizeBytes !== null) {
    expect(controller.sizeBytes).toBeLessThanOrEqual(effectiveMaxSizeBytes)
    if (maxSizeBytes !== null) expect(effectiveMaxSizeBytes).toBeLessThanOrEqual(maxSizeBytes)
  } else expect(maxSizeBytes).toBeNull()
  expect(stats.pressureEvictions).toBeLessThanOrEqual(stats.evictions)
  expect(stats.evictedBytes).toBeGreaterThanOrEqual(stats.evictions * ENTRY_BYTES)
  if (controller.maxItems !== null) expect(controller.size).toBeLessThanOrEqual(controller.maxItems)
}
