import { runInNewContext } from 'node:vm'
import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const cacheWith = (options: CacheOptions = {}) => {
  const left: [string, string][] = []
  const cache = new FaaSCacheDict({
    defaultTtl: '10s',
    onDelete: (key, _, reason) => left.push([key, reason]),
    ...options,
  })
  return { cache, left, controller: controllerOf(cache) }
}

describe('the sweep', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('does not start at construction, nor at a read', () => {
    const { cache, controller } = cacheWith()
    cache['a']
    controller.purgeExpired()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is started by the first write that can expire', () => {
    const { cache, controller } = cacheWith()
    controller.set('forever', 1, { ttl: null })
    expect(vi.getTimerCount()).toBe(0)
    cache['a'] = 1
    cache['b'] = 1
    expect(vi.getTimerCount()).toBe(1)
  })

  it('is started by a TTL that is set later', () => {
    const { controller } = cacheWith({ defaultTtl: null })
    controller.set('a', 1)
    expect(vi.getTimerCount()).toBe(0)
    controller.setTtl('a', '10s')
    expect(vi.getTimerCount()).toBe(1)
  })

  it('removes what has expired without being asked', () => {
    const { cache, left } = cacheWith()
    cache['a'] = 1
    vi.advanceTimersByTime(15_000)
    expect(left).toEqual([['a', 'expired']])
  })

  it('goes on past a value that cannot be measured, and names its key', () => {
    const sizes = { bad: 0, grown: 0 }
    const failures: unknown[] = []
    const { cache, left } = cacheWith({
      maxSizeBytes: '64K',
      sizeOf(_value, key) {
        const size = sizes[key as keyof typeof sizes]
        if (size < 0) throw new Error('no size')
        return size
      },
      onError: (_error, context) => failures.push(context),
    })
    cache['bad'] = {}
    cache['grown'] = {}
    sizes.bad = -1
    sizes.grown = 100_000
    vi.advanceTimersByTime(6_000)
    expect(failures).toEqual([{ source: 'sweep', key: 'bad' }])
    expect(left).toEqual([['grown', 'evicted']])
  })

  it('keeps the charge of what a promise of another realm fulfilled with', async () => {
    const { cache, controller } = cacheWith({ defaultTtl: null })
    cache['a'] = runInNewContext(`Promise.resolve('${'x'.repeat(10_000)}')`)
    await cache['a']
    const charge = controller.sizeOf('a')
    expect(charge).toBeGreaterThan(10_000)
    vi.advanceTimersByTime(6_000)
    expect(controller.sizeOf('a')).toBe(charge)
  })

  it('has no timer once there is nothing to do, and comes back with the next write', () => {
    const { cache, left } = cacheWith()
    cache['a'] = 1
    vi.advanceTimersByTime(60_000)
    expect(vi.getTimerCount()).toBe(0)
    cache['b'] = 1
    vi.advanceTimersByTime(15_000)
    expect(left.map(([key]) => key)).toEqual(['a', 'b'])
  })

  it('comes as often as sweepInterval says', () => {
    const { cache, left } = cacheWith({ defaultTtl: '1s', sweepInterval: '30s' })
    cache['a'] = 1
    vi.advanceTimersByTime(29_999)
    expect(left).toEqual([])
    vi.advanceTimersByTime(1)
    expect(left).toEqual([['a', 'expired']])
  })

  it.each([null, Number.POSITIVE_INFINITY])('never comes with sweepInterval %s', (never) => {
    const { cache } = cacheWith({ sweepInterval: never })
    cache['a'] = 1
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10_100)
    expect(cache['a']).toBeUndefined()
  })

  it('ends at close, and the data stays readable and writable', () => {
    const { cache, controller } = cacheWith()
    cache['a'] = 1
    controller.close()
    expect(vi.getTimerCount()).toBe(0)
    cache['b'] = 2
    expect(vi.getTimerCount()).toBe(0)
    expect({ ...cache }).toEqual({ a: 1, b: 2 })
    vi.advanceTimersByTime(10_100)
    expect(Object.keys(cache)).toEqual([])
    controller.close()
  })

  it('ends where a using declaration of the cache or its controller ends', () => {
    const { cache, controller } = cacheWith()
    cache['a'] = 1
    ;(cache as unknown as Disposable)[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
    const other = cacheWith()
    other.cache['a'] = 1
    other.controller[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
    expect(controller.size).toBe(1)
  })

  it('walks in slices where the clock stands still while it runs', () => {
    const { cache } = cacheWith({ defaultTtl: null, maxSizeBytes: null })
    for (let i = 0; i < 40_000; i++) cache[i] = { i }
    const pauses: number[] = []
    for (let slice = 0; slice < 4; slice++) {
      const before = Date.now()
      vi.advanceTimersToNextTimer()
      pauses.push(Date.now() - before)
    }
    expect(pauses).toEqual([5000, 20, 20, 20])
  })

  it('walks in slices through what a promise has fulfilled with, and finds its growth', async () => {
    const { cache, controller, left } = cacheWith({ defaultTtl: null, maxSizeBytes: '64M' })
    const list = Array.from({ length: 40_000 }, (_, at) => ({ at }))
    cache['list'] = Promise.resolve(list)
    await null
    const charge = controller.sizeOf('list')
    for (let at = 0; at < 40_000; at++) list.push({ at })
    vi.advanceTimersByTime(5_000)
    expect(controller.sizeOf('list')).toBe(charge)
    vi.advanceTimersByTime(5_000)
    expect(controller.sizeOf('list')).toBeGreaterThan(charge * 1.8)
    list.push(...Array.from({ length: 8 }, () => ({ at: 0, text: 'x'.repeat(10_000_000) })))
    vi.advanceTimersByTime(10_000)
    expect(left).toEqual([['list', 'evicted']])
  })

  it('that finds a hook failing tells onError and goes on', () => {
    const onError = vi.fn()
    const { cache, controller } = cacheWith({
      onDelete: () => {
        throw new Error('hook')
      },
      onError,
    })
    cache['a'] = 1
    vi.advanceTimersByTime(15_000)
    cache['b'] = 1
    vi.advanceTimersByTime(15_000)
    expect(onError).toHaveBeenCalledTimes(2)
    expect(controller.size).toBe(0)
  })

  it('is absent where timers are forbidden, and all else works', () => {
    vi.stubGlobal('setTimeout', () => {
      throw new Error('Disallowed operation called within global scope')
    })
    const { cache, left, controller } = cacheWith()
    cache['a'] = 1
    expect(cache['a']).toBe(1)
    vi.advanceTimersByTime(10_100)
    expect(cache['a']).toBeUndefined()
    expect(left).toEqual([['a', 'expired']])
    controller.close()
  })

  it('that is pending when its timers die with a request leaves expiry right', () => {
    vi.stubGlobal('setTimeout', () => 7)
    const { cache } = cacheWith()
    cache['a'] = 1
    vi.advanceTimersByTime(10_100)
    cache['b'] = 1
    expect(Object.keys(cache)).toEqual(['b'])
  })

  it.each([
    ['stands still', () => 0],
    ['is far ahead', () => 4_000_000_000_000],
  ])('whose timer died is made up for where the option now %s', async (_name, now) => {
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('clearTimeout', () => {})
    const { cache, left } = cacheWith({ now, maxSizeBytes: '64K' })
    const list: string[] = []
    cache['list'] = list
    list.push('x'.repeat(100_000))
    cache['b'] = 1
    await null
    expect(left).toEqual([])
    vi.advanceTimersByTime(10_100)
    cache['b'] = 1
    await null
    expect(left).toEqual([['list', 'evicted']])
  })

  it('whose timer died with a request is made up for by a later write', async () => {
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('clearTimeout', () => {})
    const { cache, left } = cacheWith()
    cache['a'] = 1
    vi.advanceTimersByTime(10_100)
    expect(left).toEqual([])
    cache['b'] = 1
    await null
    expect(left).toEqual([['a', 'expired']])
  })
})
