import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Cache } from '../../lib/cache.ts'
import { settingsFrom } from '../../lib/options/options.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['an empty cache', undefined],
  ['a cache of a text', 'text'],
  ['a cache of an object', {}],
])('the sweep of %s forgets a load that never settles, and then ends', (_name, value) => {
  const cache = new Cache(settingsFrom({ pendingTtl: '30s', sweepInterval: '5s' }))
  if (value !== undefined) cache.write('other', value)
  cache.loads.getOrLoad(cache, 'a', () => new Promise(() => {}), undefined)
  vi.advanceTimersByTime(29_000)
  expect(cache.loads.size).toBe(1)
  vi.advanceTimersByTime(20_000)
  expect(cache.loads.size).toBe(0)
  vi.runAllTimers()
  expect(vi.getTimerCount()).toBe(0)
})
