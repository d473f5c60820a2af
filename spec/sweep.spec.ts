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

describe('the sweep of a cache that nobody uses', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const cacheOf = (options: CacheOptions = {}) => {
    const cache = new FaaSCacheDict<Record<string, unknown>>({ maxSizeBytes: null, ...options })
    return { cache, controller: controllerOf(cache) }
  }
  /** A cache whose sweep has gone to rest, and a list in it. */
  const rested = () => {
    const { cache, controller } = cacheOf()
    const list: string[] = []
    cache['list'] = list
    vi.runAllTimers()
    const charge = controller.sizeOf('list')
    list.push('x'.repeat(10_000))
    return { cache, controller, hasFound: () => controller.sizeOf('list') > charge + 9_000 }
  }

  it('rests once a round has found no growth', () => {
    const { cache } = cacheOf()
    cache['list'] = []
    vi.advanceTimersByTime(10_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('misses growth through a kept reference while it rests', () => {
    const { hasFound } = rested()
    vi.advanceTimersByTime(3_600_000)
    expect(hasFound()).toBe(false)
  })

  it.each<[string, (used: ReturnType<typeof rested>) => unknown]>([
    ['cache[key]', ({ cache }) => cache['list']],
    ['get', ({ controller }) => controller.get('list')],
    ['peek', ({ controller }) => controller.peek('list')],
    ['values', ({ controller }) => [...controller.values()]],
    ['forEach', ({ controller }) => controller.forEach(() => {})],
    ['getOrSet', ({ controller }) => controller.getOrSet('list', () => [])],
    ['a write of another key', ({ cache }) => (cache['other'] = 1)],
    ['setTtl', ({ controller }) => controller.setTtl('list', '1h')],
  ])('is woken by %s, and finds the growth', (_name, use) => {
    const found = rested()
    use(found)
    vi.advanceTimersByTime(5_000)
    expect(found.hasFound()).toBe(true)
  })

  it('finds what grew in a value that was written while a deadline kept its timer running', () => {
    const { cache, controller } = cacheOf({ sweepInterval: '1s' })
    cache['old'] = {}
    controller.set('text', 'text', { ttl: 2.5 })
    vi.advanceTimersByTime(2_100)
    const list: string[] = []
    cache['list'] = list
    const charge = controller.sizeOf('list')
    list.push('x'.repeat(10_000))
    vi.advanceTimersByTime(1_000)
    expect(controller.sizeOf('list')).toBeGreaterThan(charge + 9_000)
  })

  it('notices uses across resetStats', () => {
    const { cache, controller } = cacheOf({ sweepInterval: '1s' })
    const list: string[] = []
    cache['list'] = list
    controller.set('text', 'text', { ttl: 2.5 })
    vi.advanceTimersByTime(2_100)
    const charge = controller.sizeOf('list')
    controller.resetStats()
    cache['list'] = list
    cache['other'] = 1
    list.push('x'.repeat(10_000))
    vi.advanceTimersByTime(1_000)
    expect(controller.sizeOf('list')).toBeGreaterThan(charge + 9_000)
  })

  it('is not woken by calls that give no value, and remeasure finds the growth', () => {
    const { cache, controller, hasFound } = rested()
    const asked = ['list' in cache, cache['absent'], controller.size, controller.stats().items]
    expect(asked).toEqual([true, undefined, 1, 1])
    expect(vi.getTimerCount()).toBe(0)
    controller.remeasure()
    expect(hasFound()).toBe(true)
  })

  it('goes round as long as it finds growth', () => {
    const { cache, controller } = cacheOf()
    const list: string[] = []
    cache['list'] = list
    const charges = [controller.sizeOf('list')]
    for (let round = 0; round < 10; round++) {
      list.push('x'.repeat(10_000))
      vi.advanceTimersByTime(5_020)
      charges.push(controller.sizeOf('list'))
    }
    for (let round = 0; round < 10; round++) {
      expect(charges[round + 1]).toBeGreaterThan((charges[round] as number) + 9_000)
    }
  })

  it('stays away after close, whatever is read', () => {
    const { cache, controller } = cacheOf()
    cache['list'] = []
    vi.runAllTimers()
    controller.close()
    cache['list']
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([1, 10, 60, 600, 86_400, 10 * 86_400])(
    'gives back what expires after %i seconds, at most a quarter and two intervals later',
    (ttl) => {
      const left: string[] = []
      const { cache } = cacheOf({ defaultTtl: ttl, onDelete: (key) => left.push(key) })
      cache['list'] = []
      cache['text'] = 'text'
      vi.advanceTimersByTime(1_000 * (1.25 * ttl + 10))
      expect(left).toEqual(expect.arrayContaining(['list', 'text']))
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('gives up on a deadline once it would wait longer than a timer can', () => {
    const { cache } = cacheOf({ defaultTtl: '365d' })
    cache['list'] = []
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    cache['list']
    expect(vi.getTimerCount()).toBe(1)
  })

  it('looks for a deadline less and less often if the option now stands still', () => {
    const { cache } = cacheOf({ defaultTtl: '10s', now: () => 1 })
    cache['list'] = []
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reads a clock that fails less and less often', () => {
    let fails = false
    const errors: unknown[] = []
    const { cache } = cacheOf({
      defaultTtl: '10s',
      now: () => (fails ? Number.NaN : 1),
      onError: (error) => errors.push(error),
    })
    cache['list'] = []
    fails = true
    vi.runAllTimers()
    expect(errors.length).toBeLessThan(100)
  })

  it('starts again with the next write, at its interval', () => {
    const { cache, left } = cacheWith({ defaultTtl: '1h' })
    cache['a'] = 'text'
    vi.advanceTimersByTime(60_000)
    controllerOf(cache).set('b', 'text', { ttl: '1s' })
    vi.advanceTimersByTime(5_000)
    expect(left).toEqual([['b', 'expired']])
  })
})

describe('runAllTimers ends', () => {
  beforeEach(() => {
    // Of sinon; Vitest allows 10,000 and Jest 100,000.
    vi.useFakeTimers({ loopLimit: 1_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const many = <T>(make: (at: number) => T): T[] =>
    Array.from({ length: 1_000 }, (_, at) => make(at))

  it.each<[string, CacheOptions, (cache: Record<string, unknown>) => unknown]>([
    ['with an object without a TTL', {}, (cache) => (cache['a'] = {})],
    ['with a TTL of years', { defaultTtl: '3650d' }, (cache) => (cache['a'] = {})],
    [
      'with a date in the distant future',
      {},
      (cache) => controllerOf(cache).set('a', {}, { expiresAt: new Date('9999-12-31') }),
    ],
    [
      'with a thousand TTLs over a day',
      {},
      (cache) => many((at) => controllerOf(cache).set(`${at}`, {}, { ttl: 86.4 * (at + 1) })),
    ],
    [
      'with a short interval',
      { sweepInterval: '1ms', defaultTtl: '1d' },
      (cache) => (cache['a'] = {}),
    ],
    [
      'with promises',
      { defaultTtl: '1h' },
      (cache) => many((at) => (cache[at] = Promise.resolve({}))),
    ],
    ['with promises that never settle', {}, (cache) => (cache['a'] = new Promise(() => {}))],
    [
      'with a value that the program lets grow for a while',
      {},
      (cache) => {
        const list: unknown[] = []
        cache['list'] = list
        many((at) => at % 50 === 0 && setTimeout(() => list.push({}), 1_000 * at))
      },
    ],
    ['with a million parts', {}, (cache) => (cache['a'] = many(() => many((at) => ({ at }))))],
    [
      'with 40,000 that expire',
      { defaultTtl: '1m' },
      (cache) => {
        for (let at = 0; at < 40_000; at++) cache[at] = at
      },
    ],
  ])('%s', (_name, options, fill) => {
    const cache = new FaaSCacheDict<Record<string, unknown>>({ maxSizeBytes: null, ...options })
    fill(cache)
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    // Read, it is swept again; and that comes to an end as well.
    for (const key of Object.keys(cache)) cache[key]
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('with several caches, of which hooks write into others', () => {
    const caches: Record<string, unknown>[] = []
    for (let at = 0; at < 10; at++) {
      caches.push(
        new FaaSCacheDict<Record<string, unknown>>({
          defaultTtl: '1h',
          onDelete: (key) => {
            const next = caches[at + 1]
            if (next) next[key] = {}
          },
        }),
      )
    }
    for (const cache of caches) for (let i = 0; i < 10; i++) cache[i] = {}
    vi.runAllTimers()
    expect(caches.map((cache) => Object.keys(cache).length)).toEqual(Array(10).fill(0))
  })

  it('with a cache that was made, and filled, before the timers were faked', () => {
    vi.useRealTimers()
    const cache = new FaaSCacheDict<Record<string, unknown>>({ defaultTtl: '1h' })
    cache['before'] = {}
    vi.useFakeTimers({ loopLimit: 1_000 })
    cache['after'] = {}
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    controllerOf(cache).close()
  })
})

describe('removing what has expired', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is done in slices, each followed by its hooks, and is exact for a caller between them', () => {
    const { cache, controller, left } = cacheWith({ maxSizeBytes: null, sweepInterval: '30s' })
    for (let at = 0; at < 40_000; at++) cache[at] = 'text'
    vi.advanceTimersByTime(30_000)
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(20_000)
    expect(cache['39999']).toBeUndefined()
    cache['new'] = 'text'
    const swept = left.length
    vi.advanceTimersByTime(20)
    expect(left.length).toBeGreaterThan(swept)
    expect(left.length).toBeLessThan(40_000)
    expect(controller.size).toBe(1)
    expect([controller.stats().expirations, left.length]).toEqual([40_000, 40_000])
    expect(new Set(left.map(([key]) => key)).size).toBe(40_000)
  })

  it('ends a slice when hooks have taken its time', () => {
    let time = 0
    const reading = vi.spyOn(performance, 'now').mockImplementation(() => time)
    const told: string[] = []
    const { cache } = cacheWith({
      now: () => Date.now(),
      onDelete: (key) => {
        time += 1
        told.push(key)
      },
    })
    for (let at = 0; at < 1_000; at++) cache[at] = 'text'
    vi.advanceTimersByTime(10_000)
    expect(told.length).toBeGreaterThan(0)
    expect(told.length).toBeLessThan(100)
    reading.mockRestore()
  })

  it('is done first if a write needs room, even during a sweep', () => {
    const { cache, left, controller } = cacheWith({ maxItems: 40_000, maxSizeBytes: null })
    controller.set('live', 1, { ttl: '1h' })
    for (let at = 1; at < 40_000; at++) cache[at] = 'text'
    vi.advanceTimersByTime(10_000)
    const swept = left.length
    expect(swept).toBeLessThan(39_999)
    for (let at = 0; at < swept + 10; at++) controller.set(`new ${at}`, 1, { ttl: '1h' })
    expect(left.slice(swept).map(([, reason]) => reason)).toEqual(Array(10).fill('expired'))
    expect(cache['live']).toBe(1)
  })
})
