import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Entries } from '../../lib/entries.ts'
import { Hooks } from '../../lib/hooks.ts'
import { Growth } from '../../lib/later/growth.ts'
import { Load } from '../../lib/later/load.ts'
import { SingleFlight } from '../../lib/later/single-flight.ts'
import { Squeeze } from '../../lib/later/squeeze.ts'
import { Sweep } from '../../lib/later/sweep.ts'
import { settingsFrom } from '../../lib/options/options.ts'
import { DEFAULT_TERMS } from '../../lib/options/terms.ts'
import { PendingPromises } from '../../lib/promise.ts'
import { Statistics } from '../../lib/statistics.ts'
import { systemClock } from '../../lib/time/clock.ts'

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
  const settings = settingsFrom({ maxSizeBytes: null })
  const hooks = new Hooks(undefined, undefined)
  const statistics = new Statistics()
  const pending = new PendingPromises(() => {})
  const entries = new Entries(settings, systemClock, statistics, hooks, pending)
  const now = systemClock.now()
  entries.limit(settings.maxSizeBytes, settings.maxEntrySizeBytes, settings.maxItems, now)
  const growth = new Growth(entries, pending, settings, hooks)
  if (value !== undefined) entries.put('other', value, DEFAULT_TERMS)
  growth.hasObjects = typeof value === 'object'
  const loads = new SingleFlight()
  const end = { deref: () => undefined }
  const load = new Load(['a'], now, now + 30_000, settings.loadTerms, end)
  loads.begin(load, () => new Promise(() => {}), undefined, {})
  const squeeze = new Squeeze(settings, entries, hooks)
  new Sweep(5_000, entries, growth, loads, squeeze, statistics, hooks, systemClock).wake()
  vi.advanceTimersByTime(29_000)
  expect(loads.size).toBe(1)
  vi.advanceTimersByTime(20_000)
  expect(loads.size).toBe(0)
  vi.runAllTimers()
  expect(vi.getTimerCount()).toBe(0)
})

it.each([
  ['a write that needs room', (entries: Entries) => entries.put('new', 1, DEFAULT_TERMS)],
  ['evictOldest', (entries: Entries) => entries.evictOne()],
])('%s moves no more entries than it has to, of many that went stale at once', (_name, change) => {
  const settings = settingsFrom({ maxItems: 100, defaultTtl: '1s', staleIfError: '1m' })
  const hooks = new Hooks(undefined, undefined)
  const pending = new PendingPromises(() => {})
  const entries = new Entries(settings, systemClock, new Statistics(), hooks, pending)
  entries.limit(Infinity, Infinity, 100, systemClock.now())
  for (let i = 0; i < 100; i++) entries.put(`${i}`, i, DEFAULT_TERMS)
  vi.advanceTimersByTime(1_000)
  const before = entries.table.size
  change(entries)
  expect(entries.table.size).toBeGreaterThanOrEqual(before - 1)
  expect(entries.count).toBeLessThanOrEqual(before)
})
