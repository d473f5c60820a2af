import type { CacheController } from 'faas-cache-dict'
import { expect } from 'vitest'

/** What holds of any cache whenever no call is under way. */
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
  // The rest is the slack of the tables, and what an empty cache takes.
  expect(controller.sizeBytes).toBeGreaterThan(charges - 88 * keys.length)
  if (controller.maxSizeBytes !== null) {
    expect(controller.sizeBytes).toBeLessThanOrEqual(controller.maxSizeBytes)
  }
  if (controller.maxItems !== null) expect(controller.size).toBeLessThanOrEqual(controller.maxItems)
}
