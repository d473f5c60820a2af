import { runInNewContext } from 'node:vm'
import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheWith, type Dictionary, type Values } from './support/cache.ts'

/** A cache on the real clock, which these specs fake, whose entries live 10 seconds. */
const sweptCache = (options: CacheOptions = {}) =>
  cacheWith({ now: undefined, defaultTtl: '10s', ...options })

describe('the sweep', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('does not start at construction or at a read', () => {
    const { cache, controller } = sweptCache()
    cache['a']
    controller.purgeExpired()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('starts at the first write of an entry that can expire', () => {
    const { cache, controller } = sweptCache()
    controller.set('forever', 1, { ttl: null })
    expect(vi.getTimerCount()).toBe(0)
    cache['a'] = 1
    cache['b'] = 1
    expect(vi.getTimerCount()).toBe(1)
  })

  it('starts when setTtl gives an entry a TTL', () => {
    const { controller } = sweptCache({ defaultTtl: null })
    controller.set('a', 1)
    expect(vi.getTimerCount()).toBe(0)
    controller.setTtl('a', '10s')
    expect(vi.getTimerCount()).toBe(1)
  })

  it('removes expired entries without any call', () => {
    const { cache, removals } = sweptCache()
    cache['a'] = 1
    vi.advanceTimersByTime(15_000)
    expect(removals()).toEqual(['a expired'])
  })

  it('reports the key of a value that cannot be measured, and continues', () => {
    const sizes = { bad: 0, grown: 0 }
    const errors: unknown[] = []
    const { cache, removals } = sweptCache({
      maxSizeBytes: '64K',
      sizeOf(_value, key) {
        const size = sizes[key as keyof typeof sizes]
        if (size < 0) throw new Error('no size')
        return size
      },
      onError: (_error, context) => errors.push(context),
    })
    cache['bad'] = {}
    cache['grown'] = {}
    sizes.bad = -1
    sizes.grown = 100_000
    vi.advanceTimersByTime(6_000)
    expect(errors).toEqual([{ source: 'sweep', key: 'bad' }])
    expect(removals()).toEqual(['grown evicted'])
  })

  it('keeps the charge for the value of a promise of another realm', async () => {
    const { cache, controller } = sweptCache({ defaultTtl: null })
    cache['a'] = runInNewContext(`Promise.resolve('${'x'.repeat(10_000)}')`)
    await cache['a']
    const charge = controller.sizeOf('a')
    expect(charge).toBeGreaterThan(10_000)
    vi.advanceTimersByTime(6_000)
    expect(controller.sizeOf('a')).toBe(charge)
  })

  it('clears its timer when nothing is left to do, and restarts at the next write', () => {
    const { cache, removals } = sweptCache()
    cache['a'] = 1
    vi.advanceTimersByTime(60_000)
    expect(vi.getTimerCount()).toBe(0)
    cache['b'] = 1
    vi.advanceTimersByTime(15_000)
    expect(removals()).toEqual(['a expired', 'b expired'])
  })

  it('runs every sweepInterval', () => {
    const { cache, removals } = sweptCache({ defaultTtl: '1s', sweepInterval: '30s' })
    cache['a'] = 1
    vi.advanceTimersByTime(29_999)
    expect(removals()).toEqual([])
    vi.advanceTimersByTime(1)
    expect(removals()).toEqual(['a expired'])
  })

  it.each([null, Number.POSITIVE_INFINITY])('never runs if sweepInterval is %s', (never) => {
    const { cache } = sweptCache({ sweepInterval: never })
    cache['a'] = 1
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10_100)
    expect(cache['a']).toBeUndefined()
  })

  it('stops at close, and the cache can still be read and written', () => {
    const { cache, controller } = sweptCache()
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

  it('stops when the cache or its controller is disposed', () => {
    const { cache, controller } = sweptCache()
    cache['a'] = 1
    ;(cache as unknown as Disposable)[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
    const other = sweptCache()
    other.cache['a'] = 1
    other.controller[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
    expect(controller.size).toBe(1)
  })

  it('works in slices if the clock stands still during a slice', () => {
    const { cache } = sweptCache({ defaultTtl: null, maxSizeBytes: null })
    for (let i = 0; i < 40_000; i++) cache[i] = { i }
    const pauses: number[] = []
    for (let slice = 0; slice < 4; slice++) {
      const before = Date.now()
      vi.advanceTimersToNextTimer()
      pauses.push(Date.now() - before)
    }
    expect(pauses).toEqual([5000, 20, 20, 20])
  })

  it('works in slices through the value of a fulfilled promise, and finds its growth', async () => {
    const { cache, controller, removals } = sweptCache({ defaultTtl: null, maxSizeBytes: '64M' })
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
    expect(removals()).toEqual(['list evicted'])
  })

  it('reports an error of onDelete to onError and continues', () => {
    const onError = vi.fn()
    const { cache, controller } = sweptCache({
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

  it('does not run where timers are forbidden, and everything else works', () => {
    vi.stubGlobal('setTimeout', () => {
      throw new Error('Disallowed operation called within global scope')
    })
    const { cache, removals, controller } = sweptCache()
    cache['a'] = 1
    expect(cache['a']).toBe(1)
    vi.advanceTimersByTime(10_100)
    expect(cache['a']).toBeUndefined()
    expect(removals()).toEqual(['a expired'])
    controller.close()
  })

  it('is not needed for expiry if its timer ends with a request', () => {
    vi.stubGlobal('setTimeout', () => 7)
    const { cache } = sweptCache()
    cache['a'] = 1
    vi.advanceTimersByTime(10_100)
    cache['b'] = 1
    expect(Object.keys(cache)).toEqual(['b'])
  })

  it.each([
    ['stands still', () => 0],
    ['is far ahead', () => 4_000_000_000_000],
  ])('runs at a later write if its timer ended and the option now %s', async (_name, now) => {
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('clearTimeout', () => {})
    const { cache, removals } = sweptCache({ now, maxSizeBytes: '64K' })
    const list: string[] = []
    cache['list'] = list
    list.push('x'.repeat(100_000))
    cache['b'] = 1
    await null
    expect(removals()).toEqual([])
    vi.advanceTimersByTime(10_100)
    cache['b'] = 1
    await null
    expect(removals()).toEqual(['list evicted'])
  })

  it('runs at a later write if its timer ended with a request', async () => {
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('clearTimeout', () => {})
    const { cache, removals } = sweptCache()
    cache['a'] = 1
    vi.advanceTimersByTime(10_100)
    expect(removals()).toEqual([])
    cache['b'] = 1
    await null
    expect(removals()).toEqual(['a expired'])
  })
})

describe('the sweep of an unused cache', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const cacheOf = (options: CacheOptions = {}) => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: null, ...options })
    return { cache, controller: controllerOf(cache) }
  }
  /** A cache whose sweep rests, with a list that has grown since. */
  const resting = () => {
    const { cache, controller } = cacheOf()
    const list: string[] = []
    cache['list'] = list
    vi.runAllTimers()
    const charge = controller.sizeOf('list')
    list.push('x'.repeat(10_000))
    return { cache, controller, hasFoundGrowth: () => controller.sizeOf('list') > charge + 9_000 }
  }

  it('rests after a round that found no growth', () => {
    const { cache } = cacheOf()
    cache['list'] = []
    vi.advanceTimersByTime(10_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not find growth through a kept reference while it rests', () => {
    const { hasFoundGrowth } = resting()
    vi.advanceTimersByTime(3_600_000)
    expect(hasFoundGrowth()).toBe(false)
  })

  it.each<[string, (used: ReturnType<typeof resting>) => unknown]>([
    ['cache[key]', ({ cache }) => cache['list']],
    ['get', ({ controller }) => controller.get('list')],
    ['peek', ({ controller }) => controller.peek('list')],
    ['values', ({ controller }) => [...controller.values()]],
    ['forEach', ({ controller }) => controller.forEach(() => {})],
    ['getOrSet', ({ controller }) => controller.getOrSet('list', () => [])],
    ['a write of another key', ({ cache }) => (cache['other'] = 1)],
    ['setTtl', ({ controller }) => controller.setTtl('list', '1h')],
  ])('is woken by %s, and finds the growth', (_name, use) => {
    const used = resting()
    use(used)
    vi.advanceTimersByTime(5_000)
    expect(used.hasFoundGrowth()).toBe(true)
  })

  it('finds the growth of a value written while it waited for a deadline', () => {
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

  it('notices uses after resetStats', () => {
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

  it('is not woken by calls that return no value, but remeasure finds the growth', () => {
    const { cache, controller, hasFoundGrowth } = resting()
    const answers = ['list' in cache, cache['absent'], controller.size, controller.stats().items]
    expect(answers).toEqual([true, undefined, 1, 1])
    expect(vi.getTimerCount()).toBe(0)
    controller.remeasure()
    expect(hasFoundGrowth()).toBe(true)
  })

  it('keeps running as long as it finds growth', () => {
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

  it('is not woken by reads after close', () => {
    const { cache, controller } = cacheOf()
    cache['list'] = []
    vi.runAllTimers()
    controller.close()
    cache['list']
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([1, 10, 60, 600, 86_400, 10 * 86_400])(
    'removes an entry with a TTL of %i seconds within a quarter of the TTL and two intervals',
    (ttl) => {
      const keys: string[] = []
      const { cache } = cacheOf({ defaultTtl: ttl, onDelete: (key) => keys.push(key) })
      cache['list'] = []
      cache['text'] = 'text'
      vi.advanceTimersByTime(1_000 * (1.25 * ttl + 10))
      expect(keys).toEqual(expect.arrayContaining(['list', 'text']))
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('stops if the next deadline is further away than a timer can wait', () => {
    const { cache } = cacheOf({ defaultTtl: '365d' })
    cache['list'] = []
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    cache['list']
    expect(vi.getTimerCount()).toBe(1)
  })

  it('waits longer and longer for a deadline if the option now stands still', () => {
    const { cache } = cacheOf({ defaultTtl: '10s', now: () => 1 })
    cache['list'] = []
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits longer and longer if the option now fails', () => {
    let isFailing = false
    const errors: unknown[] = []
    const { cache } = cacheOf({
      defaultTtl: '10s',
      now: () => (isFailing ? Number.NaN : 1),
      onError: (error) => errors.push(error),
    })
    cache['list'] = []
    isFailing = true
    vi.runAllTimers()
    expect(errors.length).toBeLessThan(100)
  })

  it('returns to its interval at the next write', () => {
    const { cache, removals } = sweptCache({ defaultTtl: '1h' })
    cache['a'] = 'text'
    vi.advanceTimersByTime(60_000)
    controllerOf(cache).set('b', 'text', { ttl: '1s' })
    vi.advanceTimersByTime(5_000)
    expect(removals()).toEqual(['b expired'])
  })
})

describe('runAllTimers terminates', () => {
  beforeEach(() => {
    // The default of sinon. Vitest allows 10,000 timers and Jest 100,000.
    vi.useFakeTimers({ loopLimit: 1_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const many = <T>(make: (at: number) => T): T[] =>
    Array.from({ length: 1_000 }, (_, at) => make(at))

  it.each<[string, CacheOptions, (cache: Dictionary) => unknown]>([
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
      'with stale entries',
      { defaultTtl: '1s', staleIfError: '1d' },
      (cache) => many((at) => (cache[at] = {})),
    ],
    [
      'with stale entries that stay forever',
      { defaultTtl: '1s', staleIfError: null },
      (cache) => many((at) => (cache[at] = {})),
    ],
    [
      'with loads that never settle, and their timeouts',
      { defaultTtl: '1s', staleIfError: '1d', pendingTtl: null, timeout: '1h', onError() {} },
      (cache) => {
        const controller = controllerOf(cache)
        const load = (key: string) =>
          controller.getOrSet(key, () => new Promise(() => {}), { softTimeout: '1m' })
        cache['stale'] = 1
        setTimeout(() => load('stale'), 2_000)
        many((at) => at % 10 === 0 && load(`${at}`).catch(() => {}))
      },
    ],
    [
      'with a value that keeps growing for a while',
      {},
      (cache) => {
        const list: unknown[] = []
        cache['list'] = list
        many((at) => at % 50 === 0 && setTimeout(() => list.push({}), 1_000 * at))
      },
    ],
    [
      'with a value of a million objects',
      {},
      (cache) => (cache['a'] = many(() => many((at) => ({ at })))),
    ],
    [
      'with 40,000 entries that expire',
      { defaultTtl: '1m' },
      (cache) => {
        for (let at = 0; at < 40_000; at++) cache[at] = at
      },
    ],
  ])('%s', (_name, options, fill) => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: null, ...options })
    fill(cache)
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    // A read wakes the sweep, which ends again.
    for (const key of Object.keys(cache)) cache[key]
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('with caches whose onDelete writes to another cache', () => {
    const caches: Values[] = []
    for (let at = 0; at < 10; at++) {
      caches.push(
        new FaaSCacheDict<Values>({
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

  it('with a cache that was filled before the timers were faked', () => {
    vi.useRealTimers()
    const cache = new FaaSCacheDict<Values>({ defaultTtl: '1h' })
    cache['before'] = {}
    vi.useFakeTimers({ loopLimit: 1_000 })
    cache['after'] = {}
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    controllerOf(cache).close()
  })
})

describe('the removal of expired entries', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('happens in slices, and a call between two slices sees no expired entry', () => {
    const { cache, controller, removals } = sweptCache({ maxSizeBytes: null, sweepInterval: '30s' })
    for (let at = 0; at < 40_000; at++) cache[at] = 'text'
    vi.advanceTimersByTime(30_000)
    expect(removals().length).toBeGreaterThan(0)
    expect(removals().length).toBeLessThan(20_000)
    expect(cache['39999']).toBeUndefined()
    cache['new'] = 'text'
    const swept = removals().length
    vi.advanceTimersByTime(20)
    expect(removals().length).toBeGreaterThan(swept)
    expect(removals().length).toBeLessThan(40_000)
    expect(controller.size).toBe(1)
    expect([controller.stats().expirations, removals().length]).toEqual([40_000, 40_000])
    expect(new Set(removals()).size).toBe(40_000)
  })

  it('ends a slice early if onDelete is slow', () => {
    let time = 0
    const reading = vi.spyOn(performance, 'now').mockImplementation(() => time)
    const keys: string[] = []
    const { cache } = sweptCache({
      now: () => Date.now(),
      onDelete: (key) => {
        time += 1
        keys.push(key)
      },
    })
    for (let at = 0; at < 1_000; at++) cache[at] = 'text'
    vi.advanceTimersByTime(10_000)
    expect(keys.length).toBeGreaterThan(0)
    expect(keys.length).toBeLessThan(100)
    reading.mockRestore()
  })

  it('happens first if a write needs room during a sweep', () => {
    const { cache, removals, onDelete, controller } = sweptCache({
      maxItems: 40_000,
      maxSizeBytes: null,
    })
    controller.set('live', 1, { ttl: '1h' })
    for (let at = 1; at < 40_000; at++) cache[at] = 'text'
    vi.advanceTimersByTime(10_000)
    const swept = removals().length
    expect(swept).toBeLessThan(39_999)
    for (let at = 0; at < swept + 10; at++) controller.set(`new ${at}`, 1, { ttl: '1h' })
    expect(onDelete.mock.calls.slice(swept).map(([, , reason]) => reason)).toEqual(
      Array(10).fill('expired'),
    )
    expect(cache['live']).toBe(1)
  })
})
