import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['an empty cache', {}],
  ['a cache of a text', { other: 'text' }],
  ['a cache of an object', { other: {} }],
])('the sweep of %s forgets a load that never settles, and then ends', (_name, entries) => {
  const cache = new FaaSCacheDict({ pendingTtl: '30s', sweepInterval: '5s' }, entries)
  void controllerOf(cache).getOrSet('a', () => new Promise(() => {}))
  vi.advanceTimersByTime(29_000)
  expect(vi.getTimerCount()).toBe(1)
  vi.runAllTimers()
  expect(vi.getTimerCount()).toBe(0)
})
