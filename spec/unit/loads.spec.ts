import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Entries } from '../../lib/entries.ts'
import { Hooks } from '../../lib/hooks.ts'
import { Growth } from '../../lib/later/growth.ts'
import { Load, SingleFlight } from '../../lib/later/single-flight.ts'
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
  const end = { loaded() {}, failed() {} }
  const load = new Load(['a'], now, now + 30_000, Infinity, end)
  loads.begin(load, () => new Promise(() => {}), undefined)
  const squeeze = new Squeeze(settings, entries, hooks)
  new Sweep(5_000, entries, growth, loads, squeeze, statistics, hooks, systemClock).wake()
  vi.advanceTimersByTime(29_000)
  expect(loads.size).toBe(1)
  vi.advanceTimersByTime(20_000)
  expect(loads.size).toBe(0)
  vi.runAllTimers()
  expect(vi.getTimerCount()).toBe(0)
})
