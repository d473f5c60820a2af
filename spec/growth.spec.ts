import type { CacheOptions } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheWith } from './support/cache.ts'
import { deferred } from './support/promises.ts'

/** Objects to measure. One slice of a sweep measures fewer than 40,000. */
const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ i, name: `row ${i}` }))

describe('the background sweep', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const sweeping = (options: CacheOptions = {}) =>
    cacheWith({ now: undefined, sweepInterval: '1s', maxSizeBytes: null, ...options })

  it('measures a large value over several slices', () => {
    const { cache, controller } = sweeping()
    const large = rows(40_000)
    cache.large = large
    const before = controller.sizeOf('large')
    large.push(...rows(10_000))
    vi.advanceTimersByTime(1_000)
    expect(controller.sizeOf('large')).toBe(before)
    vi.advanceTimersByTime(900)
    expect(controller.sizeOf('large')).toBeGreaterThan(before * 1.2)
    const found = controller.sizeOf('large')
    controller.remeasure()
    expect(controller.sizeOf('large')).toBe(found)
  })

  it('charges nothing for a value replaced while it was measured', () => {
    const { cache, controller } = sweeping()
    cache.large = rows(40_000)
    vi.advanceTimersByTime(1_000)
    cache.large = rows(30_000)
    const charge = controller.sizeOf('large')
    for (let slice = 0; slice < 200; slice++) {
      vi.advanceTimersByTime(20)
      expect(controller.sizeOf('large')).toBe(charge)
    }
  })

  it('charges nothing for a value deleted while it was measured', () => {
    const { cache, controller } = sweeping()
    const large = rows(40_000)
    cache.large = large
    cache.other = {}
    large.push(...rows(10_000))
    vi.advanceTimersByTime(1_000)
    delete cache.large
    const before = controller.sizeBytes
    vi.advanceTimersByTime(2_000)
    expect(controller.sizeBytes).toBe(before)
  })

  it('keeps an explicit size that was set while the value was measured', () => {
    const { cache, controller } = sweeping()
    const large = rows(40_000)
    cache.large = large
    vi.advanceTimersByTime(1_000)
    controller.set('large', large, { sizeBytes: 80 })
    const charge = controller.sizeOf('large')
    vi.advanceTimersByTime(5_000)
    expect(controller.sizeOf('large')).toBe(charge)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('continues with the next value in the next slice', () => {
    const { cache, controller } = sweeping()
    for (let i = 0; i < 40_000; i++) cache[i] = []
    const last = cache[39_999] as unknown[]
    const charge = controller.sizeOf('39999')
    last.push(...rows(10))
    vi.advanceTimersByTime(1_000)
    expect(controller.sizeOf('39999')).toBe(charge)
    vi.advanceTimersByTime(500)
    expect(controller.sizeOf('39999')).toBeGreaterThan(charge + 300)
  })

  it('finds the growth of a value written to a place that it has passed', () => {
    const { cache, controller } = sweeping()
    for (let i = 0; i < 40_000; i++) cache[`k${i}`] = i
    cache.config = {}
    vi.advanceTimersByTime(1_000)
    delete cache.config
    const list: unknown[] = []
    cache.k5 = list
    const charge = controller.sizeOf('k5')
    vi.advanceTimersByTime(1_000)
    list.push(...rows(1_000))
    vi.advanceTimersByTime(2_000)
    expect(controller.sizeOf('k5')).toBeGreaterThan(charge + 30_000)
  })

  it('finds the growth of a value that deletes moved to a place that it has passed', () => {
    const { cache, controller } = sweeping()
    for (let i = 0; i < 40_000; i++) cache[`k${i}`] = i
    const list: unknown[] = []
    cache.list = list
    const charge = controller.sizeOf('list')
    vi.advanceTimersByTime(1_000)
    for (let i = 0; i < 35_000; i++) delete cache[`k${i}`]
    vi.advanceTimersByTime(1_000)
    list.push(...rows(1_000))
    vi.advanceTimersByTime(2_000)
    expect(controller.sizeOf('list')).toBeGreaterThan(charge + 30_000)
  })

  it('finishes measuring a value that moves between slices', () => {
    const { cache, controller } = sweeping()
    const large = rows(60_000)
    cache.large = large
    const before = controller.sizeOf('large')
    large.push(...rows(20_000))
    vi.advanceTimersByTime(1_000)
    for (let slice = 0; slice < 200; slice++) {
      for (let i = 0; i < 200; i++) cache[i] = i
      // Read in every second slice, the value is the newest or the oldest as the table is rebuilt.
      if (slice % 2 === 0) cache.large
      for (let i = 0; i < 200; i++) delete cache[i]
      vi.advanceTimersByTime(20)
    }
    expect(controller.sizeOf('large')).toBeGreaterThan(before * 1.2)
  })

  it('does not charge a pending promise after it has fulfilled', async () => {
    const { cache, controller } = sweeping({ now: () => 1 })
    const { promise, resolve } = deferred<string>()
    cache.text = promise
    // The time of a slice is over after one step.
    let time = 0
    const reading = vi.spyOn(performance, 'now').mockImplementation(() => ++time)
    vi.advanceTimersByTime(1_000)
    resolve('x'.repeat(10_000))
    await cache.text
    const charge = controller.sizeOf('text')
    expect(charge).toBeGreaterThan(10_000)
    vi.advanceTimersByTime(500)
    expect(controller.sizeOf('text')).toBe(charge)
    reading.mockRestore()
  })

  it('looks at one slot at a time, also where most entries were removed', () => {
    const { cache } = sweeping({ sweepInterval: '10m' })
    for (let at = 0; at < 1_000; at++) cache[at] = at === 0 ? {} : 'text'
    for (let at = 400; at < 1_000; at++) delete cache[at]
    // The time of a slice is over after one or two steps of the search.
    let time = 0
    const reading = vi.spyOn(performance, 'now').mockImplementation(() => (time += 0.35))
    const timers = vi.spyOn(globalThis, 'setTimeout')
    vi.advanceTimersByTime(600_000 + 20 * 900)
    reading.mockRestore()
    expect(timers.mock.calls.filter(([, delay]) => delay === 20).length).toBeGreaterThan(500)
    timers.mockRestore()
  })

  it('finds the growth of the value of a promise that was pending during a sweep', async () => {
    const { cache, controller } = sweeping()
    const list: unknown[] = []
    const { promise, resolve } = deferred<unknown[]>()
    cache.list = promise
    vi.advanceTimersByTime(5_000)
    resolve(list)
    await cache.list
    const charge = controller.sizeOf('list')
    list.push(...rows(1_000))
    vi.advanceTimersByTime(2_000)
    expect(controller.sizeOf('list')).toBeGreaterThan(charge + 30_000)
  })

  it('gives back bytes, evicts for growth, and keeps an explicit size', () => {
    const { cache, controller, removals } = sweeping({ maxSizeBytes: '64K' })
    const shrinks = rows(100)
    const grows = rows(1)
    const given = rows(1)
    Object.assign(cache, { shrinks, oldest: {}, grows })
    cache.shrinks
    controller.set('given', given, { sizeBytes: 40_000 })
    const charges = { given: controller.sizeOf('given'), shrinks: controller.sizeOf('shrinks') }
    shrinks.length = 1
    given.push(...rows(500))
    vi.advanceTimersByTime(1_000)
    expect(controller.sizeOf('shrinks')).toBeLessThan(charges.shrinks / 10)
    expect(controller.sizeOf('given')).toBe(charges.given)
    grows.push(...rows(450))
    vi.advanceTimersByTime(1_000)
    expect(removals()).toEqual(['oldest evicted', 'grows evicted'])
  })

  it('stops once no value can grow', () => {
    const { cache } = sweeping({ defaultTtl: null })
    cache.list = []
    cache.text = 'text'
    cache.nothing = null
    delete cache.list
    vi.advanceTimersByTime(3_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('skips any number of values that cannot grow in one slice', () => {
    const { cache } = sweeping({ defaultTtl: '1m' })
    for (let i = 0; i < 40_000; i++) cache[i] = i
    for (let sweep = 0; sweep < 2; sweep++) {
      const before = Date.now()
      vi.advanceTimersToNextTimer()
      expect(Date.now() - before).toBe(1_000)
    }
  })

  it('ends a slice when its time is up', () => {
    const { cache } = sweeping({ now: () => 1 })
    for (let i = 0; i < 40; i++) cache[i] = { i }
    let time = 0
    const reading = vi.spyOn(performance, 'now').mockImplementation(() => (time += 0.1))
    vi.advanceTimersByTime(1_000)
    const before = Date.now()
    vi.advanceTimersToNextTimer()
    expect(Date.now() - before).toBe(20)
    reading.mockRestore()
  })

  it('does not run for values with an explicit size', () => {
    const { cache, controller } = sweeping()
    controller.set('given', {}, { sizeBytes: 8 })
    expect(vi.getTimerCount()).toBe(0)
    cache.list = []
    delete cache.list
    vi.advanceTimersByTime(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reports a failing clock to onError and runs again', () => {
    let time: unknown = 1
    const errors: unknown[] = []
    const { cache, controller } = sweeping({
      defaultTtl: '10s',
      now: () => time as number,
      onError: (error, context) => errors.push([(error as Error).message, context]),
    })
    cache.a = 1
    time = 'noon'
    vi.advanceTimersByTime(1_000)
    expect(errors).toEqual([[expect.stringContaining('got noon'), { source: 'sweep' }]])
    time = 20_000
    vi.advanceTimersByTime(1_000)
    expect(controller.stats().expirations).toBe(1)
    expect(errors).toHaveLength(1)
  })
})

describe('an entry of more than 2 GiB', () => {
  it('is charged, replaced, moved and removed like any other', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: null })
    const empty = controller.sizeBytes
    controller.set('large', 1, { sizeBytes: 3e9 })
    const structure = controller.sizeOf('large') - 3e9
    expect(structure).toBeLessThan(200)
    controller.set('larger', 1, { sizeBytes: 2 ** 40 })
    expect(controller.sizeOf('larger')).toBe(2 ** 40 + structure)
    expect(controller.sizeBytes).toBeGreaterThan(2 ** 40 + 3e9)
    for (let i = 0; i < 1_000; i++) cache[`small-${i}`] = i
    for (let i = 0; i < 1_000; i++) delete cache[`small-${i}`]
    controller.resize({ maxSizeBytes: 2 ** 41 })
    expect([controller.sizeOf('large'), controller.sizeOf('larger')]).toEqual([
      3e9 + structure,
      2 ** 40 + structure,
    ])
    controller.set('large', 1, { sizeBytes: 10 })
    expect(controller.sizeOf('large')).toBe(10 + structure)
    controller.resize({ maxSizeBytes: 2 ** 40 })
    expect([...controller.keys()]).toEqual(['large'])
    controller.clear()
    expect(controller.sizeBytes).toBe(empty)
  })
})
