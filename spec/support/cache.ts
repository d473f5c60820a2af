import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, onTestFinished, vi } from 'vitest'
import { FakeClock } from './fake-clock.ts'
import { expectInvariants } from './invariants.ts'

export type Values = Record<string, unknown>
export type Dictionary = FaaSCacheDict<Values>

/** A cache on a fake clock. Its invariants are checked when the test ends. */
export function cacheWith(options: CacheOptions = {}, entries: Values = {}) {
  const clock = new FakeClock()
  const onDelete = vi.fn()
  const cache = new FaaSCacheDict<Values>({ now: clock.now, onDelete, ...options }, entries)
  const controller = controllerOf(cache)
  onTestFinished(() => {
    expectInvariants(controller)
    const { evictions, evictedBytes } = controller.stats()
    const told = onDelete.mock.calls.filter(([, , reason]) => reason === 'evicted')
    // Unless the spec has its own hook, or has reset the statistics.
    if (told.length !== evictions) return
    expect(told.reduce((sum, [, , , bytes]) => sum + bytes, 0)).toBe(evictedBytes)
  })
  return {
    cache,
    controller,
    clock,
    onDelete,
    keys: () => [...controller.keys()],
    /** The calls of `onDelete`, as `'key reason'`. */
    removals: () => onDelete.mock.calls.map(([key, , reason]) => `${key} ${reason}`),
    /** The calls of `onDelete`, as `[key, value, reason]`. */
    removed: () => onDelete.mock.calls.map(([key, value, reason]) => [key, value, reason]),
  }
}
