import { inspect } from 'node:util'
import {
  type CacheController,
  type CacheOptions,
  controllerOf,
  FaaSCacheDict,
} from 'faas-cache-dict'
import { type Advisor, advise } from 'faas-cache-dict/advisor'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Weakly } from '../lib/engine.ts'
import type { Guarded } from '../lib/memory/guard.ts'
import { cacheWith } from './support/cache.ts'
import { EMPTY_BYTES } from './support/charges.ts'
import { inChild } from './support/child.ts'
import { ExactRuns, type Run, SHARES } from './support/exact-runs.ts'
import { expectInvariants } from './support/invariants.ts'
import { deferred, nextTurn } from './support/promises.ts'
import { installGuard } from './support/test-gauge.ts'

/** Bytes of a value, beside which the structure of a cache is small. */
const UNIT = 65_536

/** A cache with room for four values of one unit. A quarter of it has room for one. */
const BUDGET = 4.5 * UNIT

/** A cache on a fake clock with an advisor that watches every key. */
function advised(options: CacheOptions = {}, sample = 1) {
  const made = cacheWith({ maxSizeBytes: BUDGET, onTooLarge: 'skip', ...options })
  const { cache, controller, clock } = made
  const advisor = advise(cache, { sample })
  onTestFinished(() => advisor.close())
  /** Reads a key, and loads what the cache misses, in so many milliseconds. */
  const use = (key: string, ms = 0, sizeBytes = UNIT) => {
    if (controller.get(key) !== undefined) return
    clock.advance(ms)
    controller.set(key, 'loaded', { sizeBytes })
  }
  return { ...made, advisor, use }
}

const hitRates = (advisor: Advisor) =>
  advisor.report().points.map(({ hitRate }) => Number(hitRate.toFixed(9)))
const loadsSaved = (advisor: Advisor) => advisor.report().points.map(({ loadsSaved }) => loadsSaved)
const msSaved = (advisor: Advisor) => advisor.report().points.map(({ msSaved }) => msSaved)

/** The invariants are checked when a test ends, by the statistics since the cache was empty. */
const startAnew = (controller: CacheController) => {
  controller.clear()
  controller.resetStats()
}

const scan = (use: (key: string) => void, count: number) => {
  for (let i = 0; i < count; i++) use(`key-${i}`)
}

describe('advise', () => {
  it.each([undefined, null, {}, new Map(), 'cache', controllerOf(new FaaSCacheDict())])(
    'refuses what is not a dictionary: %s',
    (value) => {
      expect(() => advise(value as never)).toThrow(TypeError)
      expect(() => advise(value as never)).toThrow('The cache must be a FaaSCacheDict; got ')
    },
  )

  const accepted = 'sample must be a number above 0 and at most 1; got '

  it.each([
    ['1/32', '"1/32"'],
    [true, 'true'],
    [null, 'null'],
    [1n, '1n'],
  ])('refuses a sample of the wrong kind: %s', (sample, shown) => {
    const cache = new FaaSCacheDict()
    expect(() => advise(cache, { sample: sample as never })).toThrow(
      new TypeError(accepted + shown),
    )
    expect(advise(cache).report().uses).toBe(0)
  })

  it.each([0, -0, -1, 1.001, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a sample out of range: %s',
    (sample) => {
      expect(() => advise(new FaaSCacheDict(), { sample })).toThrow(
        new RangeError(accepted + String(sample)),
      )
    },
  )

  it.each([Number.MIN_VALUE, 1e-9, 0.5, 1, undefined])('accepts the sample %s', (sample) => {
    expect(advise(new FaaSCacheDict(), { sample }).report().uses).toBe(0)
  })

  it('names an unknown option, and refuses options that are not an object', () => {
    const cache = new FaaSCacheDict()
    expect(() => advise(cache, { samples: 1 } as never)).toThrow(
      new TypeError('Unknown option "samples"; the options are sample'),
    )
    expect(() => advise(cache, 1 as never)).toThrow(
      new TypeError('The options must be a plain object, not an iterable; got 1'),
    )
  })

  it('takes no option that was added to Object.prototype', () => {
    const prototype = Object.prototype as { sample?: unknown }
    prototype.sample = 'of everything'
    try {
      expect(advise(new FaaSCacheDict()).report().uses).toBe(0)
    } finally {
      delete prototype.sample
    }
  })

  it('refuses a cache without a byte budget, and says what is needed', () => {
    const cache = new FaaSCacheDict({ maxSizeBytes: null })
    expect(() => advise(cache)).toThrow(TypeError)
    expect(() => advise(cache)).toThrow('maxSizeBytes')
    controllerOf(cache).resize({ maxSizeBytes: '1M' })
    expect(advise(cache).report().recommended).toBe(2 ** 20)
  })

  it('refuses a second advisor while the first is open', () => {
    const cache = new FaaSCacheDict()
    const first = advise(cache)
    expect(() => advise(cache)).toThrow(TypeError)
    expect(() => advise(cache)).toThrow('advisor')
    first.close()
    const second = advise(cache)
    // The first one no longer has a say.
    first.close()
    expect(() => advise(cache)).toThrow(TypeError)
    second.close()
    advise(cache)
  })

  it('works on a cache that another copy of the package made, and the other way round', async () => {
    vi.resetModules()
    const other = await import('../lib/index.ts')
    const { advise: adviseOfOther } = await import('../lib/advisor.ts')
    expect(adviseOfOther).not.toBe(advise)
    const caches = [
      [new FaaSCacheDict<Record<string, number>>(), adviseOfOther, advise],
      [new other.FaaSCacheDict<Record<string, number>>(), advise, adviseOfOther],
    ] as const
    for (const [cache, begin, beginOther] of caches) {
      cache.a ??= 1
      const advisor = begin(cache, { sample: 1 })
      expect(() => beginOther(cache)).toThrow(TypeError)
      expect([cache.a, cache.b]).toEqual([1, undefined])
      expect(advisor.report()).toMatchObject({
        uses: 2,
        points: SHARES.map(() => ({ hitRate: 0.5 })),
      })
      advisor.close()
      beginOther(cache).close()
    }
  })

  it('works on a closed cache, whose data stays readable', () => {
    const { cache, controller } = cacheWith({}, { a: 1 })
    controller.close()
    const advisor = advise(cache, { sample: 1 })
    expect(cache.a).toBe(1)
    controller.close()
    expect(hitRates(advisor)).toEqual([1, 1, 1, 1, 1])
  })
})

describe('a report', () => {
  it('has a point for a quarter, half, one, two and four times the budget, in whole bytes', () => {
    const { advisor } = advised({ maxSizeBytes: 100_003 })
    const budgets = advisor.report().points.map(({ maxSizeBytes }) => maxSizeBytes)
    expect(budgets).toEqual([25_000, 50_001, 100_003, 200_006, 400_012])
  })

  it('is all zero and recommends the present budget before the first use', () => {
    const { advisor, controller } = advised()
    controller.set('a', 1)
    const { points, recommended, uses } = advisor.report()
    expect([uses, recommended]).toEqual([0, BUDGET])
    for (const { hitRate, loadsSaved, msSaved } of points) {
      expect([hitRate, loadsSaved, msSaved]).toEqual([0, 0, 0])
    }
  })

  it('says what each budget would have brought for a scan over eight keys', () => {
    const { advisor, use, controller } = advised()
    for (let round = 0; round < 3; round++) scan(use, 8)
    expect(controller.stats().hitRate).toBe(0)
    expect(advisor.report()).toEqual({
      points: SHARES.map((share) => ({
        maxSizeBytes: share * BUDGET,
        hitRate: expect.closeTo(share > 1 ? 16 / 24 : 0, 9),
        loadsSaved: share > 1 ? 16 : 0,
        msSaved: 0,
      })),
      recommended: 2 * BUDGET,
      uses: 24,
    })
  })

  it('says what a smaller budget would have cost', () => {
    const { advisor, use } = advised()
    for (let round = 0; round < 4; round++) scan(use, 2)
    expect(hitRates(advisor)).toEqual([0, 0.75, 0.75, 0.75, 0.75])
    expect(loadsSaved(advisor)).toEqual([-6, 0, 0, 0, 0])
    expect(advisor.report().recommended).toBe(BUDGET / 2)
  })

  it('recommends the smallest budget whose hit rate is within 0.01 of the best', () => {
    const { advisor, use } = advised()
    const scans = (count: number) => {
      for (let round = 0; round < count; round++) scan(use, 2)
    }
    use('key-0')
    for (let i = 0; i < 1_000; i++) use('key-0')
    scans(4)
    expect(advisor.report().recommended).toBe(BUDGET / 4)
    scans(4)
    const { points, recommended } = advisor.report()
    const best = Math.max(...points.map(({ hitRate }) => hitRate))
    expect(points[0]?.hitRate).toBeLessThan(best - 0.01)
    expect(points[0]?.hitRate).toBeGreaterThan(best - 0.016)
    expect(recommended).toBe(BUDGET / 2)
  })

  it('is an object of its own each time', () => {
    const { advisor } = advised()
    const report = advisor.report()
    report.points.length = 0
    report.uses = 99
    expect(advisor.report().points).toHaveLength(5)
    expect(advisor.report().uses).toBe(0)
    expect(structuredClone(advisor.report())).toEqual(JSON.parse(JSON.stringify(advisor.report())))
  })

  it('starts from the entries that the cache has', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: BUDGET })
    for (let i = 0; i < 6; i++) controller.set(`key-${i}`, 1, { sizeBytes: UNIT })
    const advisor = advise(cache, { sample: 1 })
    // The four that are left, the newest first.
    for (const i of [5, 4, 3, 2]) controller.get(`key-${i}`)
    expect(hitRates(advisor)).toEqual([0.25, 0.5, 1, 1, 1])
    advisor.close()
  })

  it('starts without the entries that have expired', () => {
    const { cache, controller, clock } = cacheWith({ defaultTtl: '10s', maxSizeBytes: BUDGET })
    cache.a = 1
    clock.advance(4_000)
    cache.b = 1
    clock.advance(6_000)
    const advisor = advise(cache, { sample: 1 })
    expect([cache.a, cache.b]).toEqual([undefined, 1])
    clock.advance(4_000)
    expect(cache.b).toBeUndefined()
    expect(hitRates(advisor).map((rate) => Math.round(100 * rate))).toEqual([33, 33, 33, 33, 33])
    expect(controller.size).toBe(0)
    advisor.close()
  })
})

describe('what is a use', () => {
  it('is what the statistics of the cache count', () => {
    const { advisor, cache, controller } = advised({}, 1)
    cache.a = 1
    cache.b = undefined
    const uses = () => {
      const { hits, misses } = controller.stats()
      expect(advisor.report().uses).toBe(hits + misses)
      return hits + misses
    }
    void [cache.a, cache.b, cache.absent, controller.get('a'), controller.get('absent', 1)]
    expect(uses()).toBe(5)
    expect(() => controller.getOrThrow('absent')).toThrow()
    controller.setDefault('a', 2)
    controller.getOrInsertComputed('c', () => 1)
    expect(uses()).toBe(8)
    void [JSON.stringify(cache), { ...cache }, Object.values(cache)]
    expect(uses()).toBe(17)
  })

  it('is none of the ways to look at a cache', () => {
    const { advisor, cache, controller } = advised()
    cache.a = 1
    controller.peek('a')
    controller.has('a')
    controller.pop('a')
    cache.a = 2
    controller.ttl('a')
    controller.sizeOf('a')
    void ['a' in cache, Object.keys(cache), inspect(cache), String(cache), [...controller]]
    void [controller.dump(), controller.isExpired('a'), Object.hasOwn(cache, 'a')]
    controller.promote('a')
    controller.demote('a')
    expect(advisor.report().uses).toBe(0)
  })

  it('is no read of an absent then or toJSON', async () => {
    const { advisor, cache } = advised()
    await cache
    JSON.stringify(cache)
    expect(advisor.report().uses).toBe(0)
    cache.then = 1
    void [cache.then, cache.toJSON]
    expect(advisor.report().uses).toBe(1)
    expect(hitRates(advisor)).toEqual([1, 1, 1, 1, 1])
  })

  it('is a miss at every budget with refresh', async () => {
    const { advisor, controller } = advised()
    controller.set('a', 1)
    await controller.getOrSet('a', () => 2, { refresh: true })
    expect(advisor.report().uses).toBe(1)
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
    controller.get('a')
    expect(hitRates(advisor)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
  })

  it('is a miss for a stale value, and for each caller who waits for a load', async () => {
    const { advisor, controller, clock } = advised({
      defaultTtl: '1s',
      staleWhileRevalidate: '1h',
    })
    controller.set('a', 1)
    clock.advance(2_000)
    expect(await controller.getOrSet('a', async () => 2)).toBe(1)
    await nextTurn()
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
    const load = async () => 3
    await Promise.all([controller.getOrSet('b', load), controller.getOrSet('b', load)])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 3, staleHits: 1 })
    expect(advisor.report().uses).toBe(3)
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
  })

  it('is a use of each key of getOrSetMany, once', async () => {
    const { advisor, controller } = advised()
    controller.set('a', 1)
    await controller.getOrSetMany(['a', 'b', 'b', 'c'], (missing) => missing)
    expect(advisor.report().uses).toBe(3)
    await controller.getOrSetMany(['a', 'b', 'c'], (missing) => missing)
    expect(hitRates(advisor).map((rate) => Math.round(6 * rate))).toEqual([4, 4, 4, 4, 4])
  })

  it('may be in a hook, during another use', () => {
    const seen: unknown[] = []
    const made = advised({
      defaultTtl: '1s',
      maxItems: 2,
      onDelete(key, _value, reason) {
        seen.push(`${key} ${reason}`, made.cache.kept, made.cache.absent)
        if (reason === 'expired') made.cache[key] = 'again'
        if (reason === 'evicted') delete made.cache.absent
      },
    })
    const { advisor, cache, controller, clock } = made
    controller.set('kept', 1, { ttl: '1h' })
    cache.a = 1
    clock.advance(1_000)
    expect(cache.a).toBeUndefined()
    expect(cache.a).toBe('again')
    cache.b = 1
    expect(seen).toEqual(['a expired', 1, undefined, 'kept evicted', undefined, undefined])
    const { hits, misses } = controller.stats()
    expect(advisor.report().uses).toBe(hits + misses)
    expect(hitRates(advisor)).toEqual(SHARES.map(() => expect.closeTo(hits / (hits + misses), 8)))
  })
})

describe('what is simulated', () => {
  it('is the load of a smaller budget, which starts a new TTL there', () => {
    const { advisor, cache, clock } = advised({ defaultTtl: '10s' })
    const text = 'x'.repeat(UNIT)
    const use = (key: string) => {
      cache[key] ??= text
    }
    use('a')
    clock.advance(6_000)
    use('b')
    // A quarter of the budget has room for one of them, so it loads the first again.
    use('a')
    clock.advance(6_000)
    use('a')
    // The quarter: 4 misses. The others: 'a' has expired.
    expect(cache.a).toBe(text)
    expect(hitRates(advisor).map((rate) => Math.round(5 * rate))).toEqual([2, 2, 2, 2, 2])
    expect(loadsSaved(advisor)).toEqual([0, 0, 0, 0, 0])
  })

  it('is the older copy of a larger budget, which expires earlier', () => {
    const { advisor, cache, clock, use } = advised({ defaultTtl: '10s' })
    use('a')
    clock.advance(6_000)
    scan(use, 4)
    use('a')
    expect(advisor.report()).toMatchObject({ uses: 6 })
    expect(hitRates(advisor).map((rate) => Math.round(6 * rate))).toEqual([0, 0, 0, 1, 1])
    clock.advance(6_000)
    expect(cache.a).toBe('loaded')
    expect(hitRates(advisor).map((rate) => Math.round(7 * rate))).toEqual([1, 1, 1, 1, 1])
  })

  it('is a write that is no load at every budget', () => {
    const { advisor, cache, clock, use } = advised({ defaultTtl: '10s' })
    use('a')
    clock.advance(6_000)
    scan(use, 4)
    cache.a = 'written'
    clock.advance(6_000)
    expect(cache.a).toBe('written')
    expect(hitRates(advisor).map((rate) => Math.round(6 * rate))).toEqual([1, 1, 1, 1, 1])
  })

  it('is a short TTL by a clock of epoch milliseconds, to the millisecond', () => {
    const { advisor, cache, clock } = advised({ defaultTtl: '1s' })
    cache.a = 1
    clock.advance(999)
    expect(cache.a).toBe(1)
    expect(hitRates(advisor)).toEqual([1, 1, 1, 1, 1])
    clock.advance(1)
    expect(cache.a).toBeUndefined()
    expect(hitRates(advisor)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
  })

  it('is a TTL after years', () => {
    const { advisor, cache, controller, clock } = advised()
    clock.advance(5 * 365 * 86_400_000)
    controller.set('a', 1, { ttl: 1 })
    clock.advance(999)
    void cache.a
    clock.advance(1)
    void cache.a
    expect(hitRates(advisor)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
  })

  it('is another deadline by setTtl and expireAt', () => {
    const { advisor, cache, controller, clock } = advised({ defaultTtl: '10s' })
    Object.assign(cache, { a: 1, b: 1, c: 1 })
    controller.setTtl('a', '1s')
    controller.setTtl('b', '1h')
    controller.expireAt('c', clock.time + 60_000)
    clock.advance(20_000)
    void [cache.a, cache.b, cache.c]
    expect(hitRates(advisor).map((rate) => Math.round(3 * rate))).toEqual([2, 2, 2, 2, 2])
  })

  it('is an entry that expires before any other is evicted', () => {
    const { advisor, controller, clock, use } = advised()
    use('a')
    controller.set('short', 1, { ttl: '1s', sizeBytes: UNIT })
    clock.advance(1_000)
    // Half of the budget has room for two: the one that has expired goes, though the first is older.
    use('b')
    use('a')
    expect(hitRates(advisor).map((rate) => Math.round(3 * rate))).toEqual([0, 1, 1, 1, 1])
  })

  it('is a removal by the program, of a key that the cache has evicted too', () => {
    const { advisor, cache, controller, use } = advised()
    scan(use, 8)
    delete cache['key-7']
    delete cache['key-0']
    controller.pop('key-6')
    controller.deleteWhere((key) => key === 'key-5')
    scan(use, 8)
    const { hits } = controller.stats()
    expect(hits).toBe(0)
    // Of the eight keys, four had to be loaded again at any budget.
    expect(hitRates(advisor).map((rate) => Math.round(16 * rate))).toEqual([0, 0, 0, 4, 4])
  })

  it('is the end of all entries by clear, at each budget', () => {
    const { advisor, controller, use } = advised()
    scan(use, 8)
    controller.clear()
    scan(use, 8)
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
    scan(use, 8)
    expect(loadsSaved(advisor)).toEqual([0, 0, 0, 8, 8])
  })

  it('is the limit of items, at each budget', () => {
    const { advisor, use } = advised({ maxItems: 3 })
    for (let round = 0; round < 3; round++) scan(use, 3)
    expect(hitRates(advisor).map((rate) => Math.round(9 * rate))).toEqual([0, 0, 6, 6, 6])
    for (let round = 0; round < 3; round++) scan(use, 4)
    expect(loadsSaved(advisor)).toEqual([-6 - 1, -6 - 1, 0, 0, 0].map(() => expect.any(Number)))
  })

  it('is a limit of items that resize sets', () => {
    const { advisor, use, controller } = advised({ maxItems: 3 })
    controller.resize({ maxItems: null })
    for (let round = 0; round < 3; round++) scan(use, 8)
    expect(loadsSaved(advisor)).toEqual([0, 0, 0, 16, 16])
  })

  it('is a write that a smaller budget refuses, and which takes no other entry with it', () => {
    const { advisor, use } = advised()
    use('a')
    use('large', 0, 3 * UNIT)
    use('a')
    use('a')
    expect(hitRates(advisor).map((rate) => Math.round(4 * rate))).toEqual([2, 2, 2, 2, 2])
  })

  it('is a value above maxEntrySizeBytes, of which a larger budget allows more', () => {
    const { controller, advisor, use } = advised({ maxEntrySizeBytes: '30%' })
    for (let uses = 0; uses < 4; uses++) use('large', 0, 2 * UNIT)
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0.75, 0.75])
    controller.resize({ maxEntrySizeBytes: '10%' })
    for (let uses = 0; uses < 4; uses++) use('large', 0, UNIT)
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0.75])
    startAnew(controller)
  })

  it('is a value that the cache refuses and a larger budget would keep', () => {
    const { advisor, use, controller } = advised()
    for (let i = 0; i < 4; i++) use('huge', 0, 6 * UNIT)
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 4, refusals: 4 })
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0.75, 0.75])
    expect(advisor.report().recommended).toBe(2 * BUDGET)
  })

  it('is the growth of a value that remeasure finds', () => {
    const { advisor, cache, controller } = advised()
    const values = { a: { text: '' }, b: { text: '' } }
    for (const [key, value] of Object.entries(values)) cache[key] ??= value
    void [cache.a, cache.b]
    expect(hitRates(advisor)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
    for (const value of Object.values(values)) value.text = 'x'.repeat(UNIT)
    controller.remeasure()
    // A quarter of the budget has room for one, and reads the other first.
    void [cache.a, cache.b]
    expect(hitRates(advisor).map((rate) => Math.round(6 * rate))).toEqual([2, 4, 4, 4, 4])
  })

  it('is growth, for which an entry that has expired leaves before any other', () => {
    const { advisor, cache, controller, clock } = advised()
    const value = { text: '' }
    controller.set('old', 1)
    controller.set('short', 1, { ttl: '1s', sizeBytes: UNIT })
    cache.growing = value
    clock.advance(1_000)
    value.text = 'x'.repeat(UNIT)
    controller.remeasure('growing')
    void cache.old
    expect(hitRates(advisor)).toEqual([1, 1, 1, 1, 1])
  })

  it('is the growth of a value that the background sweep finds', async () => {
    vi.useFakeTimers()
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const { advisor, cache } = advised({ now: undefined })
    const values = { a: { text: '' }, b: { text: '' } }
    for (const [key, value] of Object.entries(values)) cache[key] ??= value
    for (const value of Object.values(values)) value.text = 'x'.repeat(UNIT)
    await vi.advanceTimersByTimeAsync(20_000)
    void [cache.a, cache.b]
    expect(loadsSaved(advisor)).toEqual([-2, 0, 0, 0, 0])
  })

  it('is a stored promise: its size and TTL once it has fulfilled', async () => {
    const { advisor, cache, clock } = advised({ defaultTtl: '10s' })
    const text = 'x'.repeat(UNIT)
    const [one, two] = [deferred<string>(), deferred<string>()]
    cache.a ??= one.promise
    cache.b ??= two.promise
    clock.advance(6_000)
    // While they are pending, both are small.
    void [cache.a, cache.b]
    expect(hitRates(advisor)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
    one.resolve(text)
    two.resolve(text)
    await nextTurn()
    clock.advance(9_999)
    void cache.b
    expect(hitRates(advisor).map((rate) => Math.round(5 * rate))).toEqual([3, 3, 3, 3, 3])
    void cache.a
    expect(hitRates(advisor).map((rate) => Math.round(6 * rate))).toEqual([3, 4, 4, 4, 4])
    clock.advance(1)
    void cache.b
    expect(hitRates(advisor).map((rate) => Math.round(7 * rate))).toEqual([3, 4, 4, 4, 4])
  })

  it('is a stored promise that rejects: no entry, except an older one of a larger budget', async () => {
    const { advisor, cache, use } = advised()
    use('a')
    scan(use, 4)
    const failing = deferred()
    cache.a ??= failing.promise
    failing.reject(new Error('the origin is down'))
    await nextTurn()
    expect('a' in cache).toBe(false)
    void cache.a
    // Twice the budget still has the value that was loaded first.
    expect(hitRates(advisor).map((rate) => Math.round(7 * rate))).toEqual([0, 0, 0, 2, 2])
  })

  it('is a load that fails: no entry anywhere', async () => {
    const { advisor, controller } = advised()
    const down = () => Promise.reject(new Error('the origin is down'))
    for (let i = 0; i < 3; i++) await controller.getOrSet('a', down).catch(() => {})
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
  })

  it('has an entry again that the cache kept and the simulation did not', () => {
    const { advisor, use, controller } = advised()
    scan(use, 4)
    controller.promote('key-0')
    // The cache evicts another one than the simulation, which does not follow the promotion.
    use('new')
    for (let i = 0; i < 11; i++) use('key-0')
    expect(controller.stats().misses).toBe(5)
    expect(loadsSaved(advisor)[3]).toBeLessThanOrEqual(1)
  })

  it('does not have an entry that the cache alone kept', () => {
    const { advisor, use, controller } = advised()
    use('kept')
    for (let i = 0; i < 40; i++) {
      controller.promote('kept')
      use(`key-${i}`)
    }
    use('kept')
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 41 })
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
  })

  it('is a write long after a miss at every budget, since it is no load', () => {
    const { advisor, cache, controller, clock, use } = advised({ defaultTtl: '1h' })
    use('a')
    scan(use, 4)
    // A miss that no write follows, such as a load that fails.
    void cache.a
    clock.advance(1_800_000)
    cache.a = 'written'
    clock.advance(1_800_000)
    expect(cache.a).toBe('written')
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 6 })
    expect(hitRates(advisor).map((rate) => Math.round(7 * rate))).toEqual([1, 1, 1, 2, 2])
  })

  it('is an entry that was stored as it expired: none', () => {
    const { advisor, cache, controller } = advised()
    cache.a = 1
    controller.set('a', 2, { ttl: 0 })
    void cache.a
    expect(hitRates(advisor)).toEqual([0, 0, 0, 0, 0])
  })
})

describe('the time that loads take', () => {
  it('is the mean from a miss to the write that follows', () => {
    const { advisor, use } = advised()
    for (let round = 0; round < 3; round++) {
      scan((key) => use(key, key === 'key-0' ? 240 : 80), 8)
    }
    expect(loadsSaved(advisor)).toEqual([0, 0, 0, 16, 16])
    expect(msSaved(advisor)).toEqual([0, 0, 0, 1_600, 1_600])
  })

  it('is negative for a smaller budget, and 0 while no load was seen', () => {
    const { advisor, use, cache } = advised()
    void cache.absent
    expect(msSaved(advisor)).toEqual([0, 0, 0, 0, 0])
    for (let round = 0; round < 4; round++) scan((key) => use(key, 100), 2)
    expect(msSaved(advisor)).toEqual([-600, 0, 0, 0, 0])
  })

  it('is the time of a factory, and of a stored promise until it has fulfilled', async () => {
    const { advisor, cache, controller, clock } = advised()
    const load = deferred()
    const call = controller.getOrSet('a', () => load.promise)
    clock.advance(100)
    load.resolve('x'.repeat(UNIT))
    await call
    const stored = deferred()
    cache.b ??= stored.promise
    clock.advance(300)
    stored.resolve('x'.repeat(UNIT))
    await nextTurn()
    // A quarter of the budget has lost the first.
    void cache.a
    expect(loadsSaved(advisor)).toEqual([-1, 0, 0, 0, 0])
    expect(msSaved(advisor)).toEqual([-200, 0, 0, 0, 0])
  })

  it('begins with the first miss of those that wait for one load', async () => {
    const { advisor, cache, controller, clock, use } = advised()
    const load = deferred()
    const first = controller.getOrSet('a', () => load.promise)
    clock.advance(60)
    const second = controller.getOrSet('a', () => load.promise)
    clock.advance(40)
    load.resolve('x'.repeat(UNIT))
    await Promise.all([first, second])
    use('b', 100)
    // A quarter of the budget has lost the first.
    void cache.a
    expect(msSaved(advisor)).toEqual([-100, 0, 0, 0, 0])
  })

  it('leaves out what took longer than pendingTtl', () => {
    const { advisor, use } = advised({ pendingTtl: '1s' })
    for (let round = 0; round < 2; round++) {
      scan((key) => use(key, key === 'key-0' ? 1_001 : 1_000), 8)
    }
    expect(msSaved(advisor)).toEqual([0, 0, 0, 8_000, 8_000])
  })

  it('is not measured for a key whose miss many others have followed', () => {
    const { advisor, cache, clock, use } = advised()
    void cache['key-0']
    for (let i = 0; i < 1_000; i++) void cache[`absent-${i}`]
    clock.advance(5_000)
    cache['key-0'] = 'written'
    for (let round = 0; round < 2; round++) scan((key) => use(key, 10), 8)
    expect(loadsSaved(advisor)[3]).toBe(8)
    expect(msSaved(advisor)[3]).toBe(80)
  })

  it('counts nothing for a write without a miss', () => {
    const { advisor, cache, clock, controller, use } = advised()
    cache.a = 1
    void cache.a
    clock.advance(500)
    cache.a = 2
    void cache.b
    delete cache.b
    clock.advance(500)
    cache.b = 1
    void cache.c
    controller.clear()
    clock.advance(500)
    cache.c = 1
    scan(use, 8)
    scan(use, 8)
    expect(loadsSaved(advisor)[3]).toBe(8)
    expect(msSaved(advisor)[3]).toBe(0)
  })
})

describe('resetStats and resize', () => {
  it('resetStats starts the counts anew, and not what is simulated', () => {
    const { advisor, use, controller } = advised()
    scan((key) => use(key, 100), 8)
    controller.resetStats()
    expect(advisor.report()).toMatchObject({ uses: 0, recommended: BUDGET })
    expect(msSaved(advisor)).toEqual([0, 0, 0, 0, 0])
    scan((key) => use(key, 50), 8)
    expect(advisor.report().uses).toBe(8)
    expect(hitRates(advisor)).toEqual([0, 0, 0, 1, 1])
    expect(msSaved(advisor)).toEqual([0, 0, 0, 400, 400])
    startAnew(controller)
  })

  it('resize sets the budgets anew and starts the counts anew', () => {
    const { advisor, use, controller } = advised()
    scan(use, 8)
    controller.resize({ maxSizeBytes: 2 * BUDGET })
    const { points, recommended, uses } = advisor.report()
    expect(points.map(({ maxSizeBytes }) => maxSizeBytes)).toEqual(
      SHARES.map((share) => 2 * share * BUDGET),
    )
    expect([recommended, uses]).toEqual([2 * BUDGET, 0])
    for (let round = 0; round < 2; round++) scan(use, 8)
    expect(loadsSaved(advisor)[1]).toBe(-controller.stats().hits)
  })

  it('a resize that changes no budget starts the counts anew', () => {
    const { advisor, cache, controller } = advised()
    void cache.a
    controller.resize({ maxItems: 100 })
    expect(advisor.report()).toMatchObject({ uses: 0, recommended: BUDGET })
  })

  it('resized to no budget, the last one stays', () => {
    const { advisor, use, controller } = advised()
    controller.resize({ maxSizeBytes: null })
    for (let round = 0; round < 3; round++) scan(use, 8)
    const { points, uses } = advisor.report()
    expect(points.map(({ maxSizeBytes }) => maxSizeBytes)).toEqual(
      SHARES.map((share) => share * BUDGET),
    )
    expect(uses).toBe(24)
    expect(loadsSaved(advisor)).toEqual([0, 0, 0, 16, 16])
    controller.resize({ maxSizeBytes: 2 * BUDGET })
    expect(advisor.report().points[2]?.maxSizeBytes).toBe(2 * BUDGET)
  })
})

describe('an advisor as text', () => {
  it('is a chart, for String and for console.log', () => {
    const { advisor, use } = advised()
    for (let round = 0; round < 300; round++) scan((key) => use(key, 10), 8)
    expect(String(advisor)).toMatchInlineSnapshot(`
      "       maxSizeBytes                            hit rate  loads saved  time saved
                      72K                               0.0 %            0        0 ms
                     144K                               0.0 %            0        0 ms
      now →          288K                               0.0 %            0        0 ms
                     576K  ███████████████████████▉    99.7 %        2,392      23.9 s
                     1.1M  ███████████████████████▉    99.7 %        2,392      23.9 s
      Recommended: maxSizeBytes: '576K': 99.7 % of 2,400 uses would be hits, now 0.0 %."
    `)
    expect(inspect(advisor)).toBe(String(advisor))
    expect(`${advisor}`).toBe(String(advisor))
  })

  it('recommends the present budget if a larger one brings nothing', () => {
    const { advisor, use } = advised()
    for (let round = 0; round < 300; round++) scan(use, 4)
    expect(String(advisor).split('\n').at(-1)).toMatchInlineSnapshot(
      `"Recommended: keep maxSizeBytes at 288K: 99.7 % of 1,200 uses are hits."`,
    )
  })

  it('says so before the first use', () => {
    const { advisor } = advised({ maxSizeBytes: '1.5M' })
    expect(String(advisor)).toMatchInlineSnapshot(`
      "       maxSizeBytes    hit rate  loads saved  time saved
                     384K       0.0 %            0        0 ms
                     768K       0.0 %            0        0 ms
      now →          1.5M       0.0 %            0        0 ms
                       3M       0.0 %            0        0 ms
                       6M       0.0 %            0        0 ms
      No uses yet."
    `)
  })

  it.each([
    [10, '160 ms'],
    [1_000, '16.0 s'],
    [60_000, '16.0 min'],
    [3_600_000, '16.0 h'],
  ])('says how long loads of %d ms take in a suitable unit', (ms, text) => {
    const { advisor, use } = advised({ pendingTtl: null })
    for (let round = 0; round < 3; round++) scan((key) => use(key, ms), 8)
    expect(String(advisor).split('\n')[4]).toMatch(new RegExp(` ${text}$`))
  })

  it('says that there were few uses', () => {
    const { advisor, use } = advised()
    scan(use, 999)
    expect(String(advisor)).toContain('few uses')
    use('one more')
    expect(String(advisor)).not.toContain('few uses')
  })

  it('has a minus sign where a budget would lose time', () => {
    const { advisor, use } = advised()
    for (let round = 0; round < 4; round++) scan((key) => use(key, 100), 2)
    expect(String(advisor).split('\n')[1]).toMatch(/ 0\.0 % +-6 +-600 ms$/)
    expect(String(advisor).split('\n')[2]).toMatch(/ 75\.0 % +0 +0 ms$/)
  })

  it('has budgets in the form of the option maxSizeBytes', () => {
    for (const maxSizeBytes of ['64K', '1.5M', '128M', '2G', '1T', 100_003, 4_000_000]) {
      const advisor = advise(new FaaSCacheDict({ maxSizeBytes }))
      for (const line of String(advisor).split('\n').slice(1, 6)) {
        const [text] = /\d\S*/.exec(line) ?? []
        const given = /^\d+$/.test(text ?? '') ? Number(text) : text
        expect(() => new FaaSCacheDict({ maxSizeBytes: given as string })).not.toThrow()
      }
    }
  })

  it('has a line for each budget within an object that is printed', () => {
    const { advisor } = advised()
    expect(inspect({ advisor }).split('\n').length).toBeGreaterThanOrEqual(7)
  })
})

describe('close', () => {
  it('leaves the last report, and counts no further use', () => {
    const { advisor, cache, use } = advised()
    for (let round = 0; round < 3; round++) scan(use, 8)
    const before = [advisor.report(), String(advisor), inspect(advisor)]
    advisor.close()
    scan(use, 8)
    void cache.a
    expect([advisor.report(), String(advisor), inspect(advisor)]).toEqual(before)
    advisor.close()
    advisor[Symbol.dispose]()
    expect([advisor.report(), String(advisor), inspect(advisor)]).toEqual(before)
  })

  it('leaves a report that nobody can change', () => {
    const { advisor, use } = advised()
    scan(use, 2)
    advisor.close()
    advisor.report().points.length = 0
    expect(advisor.report().points).toHaveLength(5)
  })

  it('keeps the last report through resetStats, resize and clear', () => {
    const { advisor, controller, use } = advised()
    scan(use, 8)
    const before = advisor.report()
    advisor.close()
    controller.clear()
    controller.resetStats()
    controller.resize({ maxSizeBytes: 2 * BUDGET })
    expect(advisor.report()).toEqual(before)
  })

  it('happens at the end of a using block', () => {
    const { cache } = cacheWith()
    {
      using advisor = advise(cache)
      expect(() => advise(cache)).toThrow(TypeError)
      expect(advisor.report().uses).toBe(0)
    }
    advise(cache).close()
  })

  it('works as a function of its own', () => {
    const { cache } = cacheWith()
    const advisor = advise(cache)
    const { close } = advisor
    try {
      close.call(advisor)
    } finally {
      advisor.close()
    }
    advise(cache).close()
  })
})

describe('the bytes of an advisor', () => {
  it('are a part of sizeBytes and of no entry, and are given back by close', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '1M' })
    for (let i = 0; i < 100; i++) cache[`key-${i}`] = 'x'.repeat(100)
    const before = controller.sizeBytes
    const charges = Object.keys(cache).map((key) => controller.sizeOf(key))
    const advisor = advise(cache, { sample: 1 })
    const added = controller.sizeBytes - before
    expect(added).toBeGreaterThan(100 * 16)
    expect(controller.stats().sizeBytes).toBe(controller.sizeBytes)
    expect(Object.keys(cache).map((key) => controller.sizeOf(key))).toEqual(charges)
    advisor.close()
    expect(controller.sizeBytes).toBe(before)
    advisor.close()
    expect(controller.sizeBytes).toBe(before)
  })

  it('are given back in full whatever has happened meanwhile', () => {
    const pair = [0, 1].map(() => cacheWith({ maxSizeBytes: '10M', maxItems: 300 }))
    const [{ cache, controller }, plain] = pair as [(typeof pair)[0], (typeof pair)[0]]
    const advisor = advise(cache, { sample: 0.5 })
    for (const { cache, controller } of pair) {
      for (let i = 0; i < 2_000; i++) cache[`key-${(i * 7) % 500}`] ??= i
      controller.resize({ maxSizeBytes: '2M' })
      for (let i = 0; i < 100; i++) delete cache[`key-${i}`]
      controller.clear()
      for (let i = 0; i < 2_000; i++) cache[`key-${(i * 7) % 500}`] ??= i
    }
    expect(controller.sizeBytes).toBeGreaterThan(plain.controller.sizeBytes)
    advisor.close()
    expect(controller.sizeBytes).toBe(plain.controller.sizeBytes)
  })

  it.each([
    [undefined, 1 / 100],
    [1 / 8, 1 / 100],
    [1, 1 / 16],
  ])('of the sample %s are at most %f of the budget, with many small entries', (sample, part) => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '16M', onDelete: undefined })
    const advisor = advise(cache, { sample })
    for (let i = 0; i < 150_000; i++) cache[`key-${i}`] = i
    const withAdvisor = controller.sizeBytes
    advisor.close()
    expect(withAdvisor - controller.sizeBytes).toBeGreaterThan(0)
    expect(withAdvisor - controller.sizeBytes).toBeLessThanOrEqual(part * 16 * 2 ** 20)
  })

  it('do not grow beyond what is enough for a good estimate', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '1G', onDelete: undefined })
    const advisor = advise(cache)
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 100_000; i++) cache[`key-${i}`] ??= i
    }
    // A hundredth of the budget would be ten times as much.
    const withAdvisor = controller.sizeBytes
    for (const hitRate of hitRates(advisor)) expect(hitRate).toBeCloseTo(0.5, 3)
    advisor.close()
    expect(withAdvisor - controller.sizeBytes).toBeLessThan(2 ** 20)
  })

  it('never make the cache exceed its budget as it is read', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '256K', onTooLarge: 'skip' })
    const advisor = advise(cache, { sample: 1 })
    for (let i = 0; i < 2_000; i++) controller.set(`key-${i}`, i, { sizeBytes: 0 })
    // A quarter and a half of the budget keep only this one.
    controller.set('large', 1, { sizeBytes: 62_000 })
    const before = controller.sizeBytes
    for (const key of controller.keys()) void cache[key]
    expect(controller.sizeBytes).toBeLessThanOrEqual(256 * 1_024)
    expect(controller.sizeBytes).toBeGreaterThanOrEqual(before)
    advisor.close()
  })

  it('never make the cache exceed its budget, however small', () => {
    for (const more of [0, 1, 100, 1_000, 3_000, 6_000, 10_000, 30_000, 100_000]) {
      for (const sample of [1, 1 / 32]) {
        const maxSizeBytes = EMPTY_BYTES + more
        const { cache, controller } = cacheWith({ maxSizeBytes, onTooLarge: 'skip' })
        for (let i = 0; i < 50; i++) controller.set(`key-${i}`, i, { sizeBytes: 10 * i })
        let advisor: Advisor | undefined
        try {
          advisor = advise(cache, { sample })
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
        expectInvariants(controller)
        for (let i = 0; i < 2_000; i++) {
          cache[`key-${i % 300}`] ??= i
          expect(controller.sizeBytes).toBeLessThanOrEqual(maxSizeBytes)
        }
        expectInvariants(controller)
        expect(advisor?.report().uses).toBe(advisor && 2_000)
        advisor?.close()
      }
    }
  })

  it('never make the cache exceed a smaller budget that resize sets', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '256K' })
    const advisor = advise(cache, { sample: 1 })
    for (let i = 0; i < 2_000; i++) cache[`key-${i}`] = i
    for (const maxSizeBytes of [64_000, 16_000, 12_000, 8_000, 5_000, EMPTY_BYTES + 500]) {
      try {
        controller.resize({ maxSizeBytes })
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
      expectInvariants(controller)
      for (let i = 0; i < 100; i++) cache[`key-${i}`] ??= i
      expectInvariants(controller)
    }
    advisor.close()
  })

  it('evict the least recently used entries of a full cache, and tell the hooks', () => {
    const { controller, removals, keys, cache } = cacheWith({ maxSizeBytes: '64K' })
    for (let i = 0; i < 1_000; i++) controller.set(`key-${i}`, i, { sizeBytes: 500 })
    const before = keys()
    const told = removals().length
    const advisor = advise(cache, { sample: 1 })
    const gone = removals().slice(told)
    expect(gone.length).toBeGreaterThan(0)
    expect(gone).toEqual(before.slice(0, gone.length).map((key) => `${key} evicted`))
    expect(keys()).toEqual(before.slice(gone.length))
    advisor.close()
    expect(keys()).toEqual(before.slice(gone.length))
  })

  it('leave an entry that fits in the budget alone where it was, or evict it', () => {
    const maxSizeBytes = 100_000
    const largest = maxSizeBytes - EMPTY_BYTES
    for (const less of [0, 1, 100, 1_000, 5_000, 20_000]) {
      const { cache, controller } = cacheWith({ maxSizeBytes })
      controller.set('large', 1, { sizeBytes: largest - less })
      const advisor = advise(cache, { sample: 1 })
      expectInvariants(controller)
      void cache.large
      expect(advisor.report().uses).toBe(1)
      advisor.close()
      controller.set('large', 1, { sizeBytes: largest })
      expect(controller.size).toBe(1)
    }
  })

  const isNode = !('Bun' in globalThis) && !('Deno' in globalThis)
  it.runIf(isNode)('are what the process uses for it, or more', async () => {
    const grown = await inChild(
      `
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      import { advise } from 'faas-cache-dict/advisor'
      const used = () => {
        for (let i = 0; i < 4; i++) gc()
        const { heapUsed, arrayBuffers } = process.memoryUsage()
        return heapUsed + arrayBuffers
      }
      const use = (caches) => {
        for (const cache of caches) {
          for (let i = 0; i < 20_000; i++) cache['key-' + (i % 400)] ??= i
          // No write follows these.
          for (let i = 0; i < 2_000; i++) cache['absent-' + i]
          cache.last = 1
        }
      }
      const make = () => Array.from({ length: 50 }, () => new FaaSCacheDict({ maxSizeBytes: '16M' }))
      const warm = make()
      for (const cache of warm) advise(cache, { sample: 1 })
      use(warm)
      const caches = make()
      use(caches)
      const before = used()
      const charged = () => caches.reduce((sum, cache) => sum + controllerOf(cache).sizeBytes, 0)
      const chargedBefore = charged()
      const advisors = caches.map((cache) => advise(cache, { sample: 1 }))
      use(caches)
      const measured = used() - before
      console.log(JSON.stringify({ measured, charged: charged() - chargedBefore, advisors: advisors.length }))`,
      '--expose-gc',
    )
    const { measured, charged } = grown as { measured: number; charged: number }
    expect(measured).toBeLessThanOrEqual(1.05 * charged)
    expect(measured).toBeGreaterThanOrEqual(0.5 * charged)
  })
})

describe('memory pressure', () => {
  // With a sample below 1, the misses of the cache correct those of the sample.
  it.each([1, 0.999_999])('is not simulated, with sample %f', (sample) => {
    let guarded: Weakly<Guarded> | undefined
    const guard = {
      join(cache: Weakly<Guarded>) {
        guarded = cache
      },
      count: () => 2 ** 30,
      look() {},
    }
    onTestFinished(installGuard(guard))
    const { advisor, use, controller } = advised({}, sample)
    scan(use, 4)
    guarded?.deref()?.keepOnly(0, 1)
    guarded?.deref()?.evict(() => false)
    expect(controller.size).toBe(0)
    scan(use, 4)
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 8 })
    expect(hitRates(advisor).map((rate) => Math.round(8 * rate))).toEqual([0, 0, 4, 4, 4])
    // The cache still has less than its budget.
    controller.resetStats()
    scan(use, 4)
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 4 })
    expect(hitRates(advisor).map(Math.round)).toEqual([0, 0, 1, 1, 1])
    startAnew(controller)
  })
})

describe('the error of the estimate', () => {
  const generator = (seed: number) => {
    let state = seed
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }

  /** Ranks of which the first is used most. */
  const zipf = (count: number, exponent: number, random: () => number) => {
    const sums = [0]
    for (let rank = 1; rank <= count; rank++) {
      sums.push((sums.at(-1) as number) + 1 / rank ** exponent)
    }
    return () => {
      const at = random() * (sums.at(-1) as number)
      let low = 1
      for (let high = count; low < high; ) {
        const middle = (low + high) >> 1
        if ((sums[middle] as number) < at) low = middle + 1
        else high = middle
      }
      return low
    }
  }

  /** Uses 10,000 rows of 700 bytes, all as often. */
  const useRows = (cache: Record<string, unknown>, uses: number, random: () => number) => {
    const controller = controllerOf(cache as FaaSCacheDict)
    for (let i = 0; i < uses; i++) {
      const key = String(Math.floor(random() * 10_000))
      if (cache[key] === undefined) controller.set(key, i, { sizeBytes: 700 })
    }
  }

  it('is small in a cache that is warm and hardly misses', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '9M' })
    const random = generator(5)
    useRows(cache, 120_000, random)
    startAnew(controller)
    useRows(cache, 120_000, random)
    controller.resetStats()
    const advisor = advise(cache)
    useRows(cache, 50_000, random)
    expect(controller.stats().hitRate).toBeGreaterThan(0.999)
    const [quarter, half] = hitRates(advisor) as [number, number]
    // A quarter of the rows fits, or half of them.
    expect(quarter).toBeGreaterThan(0.2)
    expect(quarter).toBeLessThan(0.35)
    expect(half).toBeGreaterThan(0.5)
    expect(half).toBeLessThan(0.68)
    expect(advisor.report().recommended).toBe(9 * 2 ** 20)
    advisor.close()
    startAnew(controller)
  })

  it('after a resize up is that of caches that fill up as the resized one does', () => {
    const { cache, controller } = cacheWith({ maxSizeBytes: '5M' })
    const random = generator(6)
    const advisor = advise(cache)
    useRows(cache, 60_000, random)
    controller.resize({ maxSizeBytes: '10M' })
    useRows(cache, 60_000, random)
    expect(advisor.report().recommended).toBe(10 * 2 ** 20)
    advisor.close()
    startAnew(controller)
  })

  const text = 'x'.repeat(13_000)

  it.each([
    [1, 0.01],
    [undefined, 0.03],
    [1 / 4, 0.03],
  ])('with sample %s is at most %f for a dictionary of texts', (sample, most) => {
    const runs = new ExactRuns(2 ** 24, { defaultTtl: '10m' }, { sample })
    const next = zipf(40_000, 0.8, generator(7))
    for (let i = 0; i < 80_000; i++) {
      const rank = next()
      const key = `key-${rank}`
      for (const { cache, clock } of runs.all) {
        cache[key] ??= text.slice(0, (rank * 37) % 8_000)
        if (i % 50 === 0) cache[key] = text.slice(0, (rank * 31) % 8_000)
        if (i % 97 === 0) delete cache[key]
        clock.advance(10)
      }
    }
    expect(runs.error).toBeLessThanOrEqual(most)
    const [least, , , , highest] = runs.hitRates as [number, number, number, number, number]
    expect(highest - least).toBeGreaterThan(0.2)
  })

  it.each([
    [1, 0.01],
    [undefined, 0.03],
  ])('with sample %s is at most %f for a handler that does everything', async (sample, most) => {
    const runs = new ExactRuns(2 ** 22, { defaultTtl: '10m', onError() {} }, { sample })
    const random = generator(11)
    const next = zipf(4_000, 0.9, random)
    const textOf = (rank: number) => text.slice(0, 400 + ((rank * 37) % 12_000))
    const valueOf = (rank: number) => (rank % 8 === 6 ? { items: [textOf(rank)] } : textOf(rank))
    const use = async ({ cache, controller, clock }: Run, rank: number, isDown: boolean) => {
      const key = `key-${rank}`
      const value = textOf(rank)
      const later = async () => {
        clock.advance(20)
        if (isDown) throw new Error('the origin is down')
        return value
      }
      switch (rank % 8) {
        case 0:
          cache[key] ??= value
          break
        case 1:
          await controller.getOrSet(key, () => value, { ttl: '1m' })
          break
        case 2:
          await controller.getOrSet(key, later, { ttl: '5m' }).catch(() => {})
          break
        case 3:
          await Promise.resolve((cache[key] ??= later())).catch(() => {})
          break
        case 4:
          if (controller.get(key) === undefined) {
            controller.set(key, value, { sizeBytes: value.length, ttl: '1m' })
          }
          break
        case 5:
          // A session, whose TTL starts with each use.
          if (controller.get(key) === undefined) controller.set(key, value, { ttl: '30s' })
          else controller.setTtl(key, '30s')
          break
        case 6: {
          const list = (cache[key] ??= valueOf(rank)) as { items: string[] }
          if (list.items.length < 4) list.items.push(value)
          controller.remeasure(key)
          break
        }
        case 7:
          if (controller.get(key) === undefined) {
            const expiresAt = Math.ceil((clock.time + 1) / 60_000) * 60_000
            controller.set(key, value, { expiresAt })
          }
      }
    }
    for (let i = 0; i < 20_000; i++) {
      const rank = next()
      const chance = random()
      const others = [next(), next()]
      await runs.each(async (run) => {
        const { controller, clock } = run
        clock.advance(20)
        if (chance < 0.01) controller.set(`key-${rank}`, valueOf(rank))
        else if (chance < 0.015) controller.delete(`key-${rank}`)
        else if (chance < 0.02) {
          await controller.getOrSet(`key-${rank}`, () => valueOf(rank), { refresh: true })
        } else if (chance < 0.05) {
          // Three at a time, of which each stands for a list.
          const keys = [rank, ...others].map((each) => `many-${each % 500}`)
          await controller.getOrSetMany(keys, (missing) => missing.map(() => text.slice(0, 4_000)))
        } else if (chance < 0.1) {
          await Promise.all([rank, rank, ...others].map((each) => use(run, each, false)))
        } else await use(run, rank, chance > 0.98)
      })
    }
    expect(runs.error).toBeLessThanOrEqual(most)
    const [least, , , , highest] = runs.hitRates as [number, number, number, number, number]
    expect(highest - least).toBeGreaterThan(0.1)
  })
})

describe('a cache that is gone', () => {
  it('leaves its advisor with the last report', async () => {
    const seen = await inChild(
      `
      import { FaaSCacheDict } from 'faas-cache-dict'
      import { advise } from 'faas-cache-dict/advisor'
      const use = () => {
        const cache = new FaaSCacheDict({ maxSizeBytes: '1M' })
        const advisor = advise(cache, { sample: 1 })
        for (let i = 0; i < 100; i++) cache['key-' + (i % 10)] ??= i
        return { advisor, cache: new WeakRef(cache) }
      }
      const { advisor, cache } = use()
      for (let i = 0; i < 20 && cache.deref() !== undefined; i++) {
        await new Promise((turn) => setTimeout(turn, 10))
        gc()
      }
      const isGone = cache.deref() === undefined
      const { uses, points } = advisor.report()
      const text = String(advisor)
      advisor.close()
      console.log(JSON.stringify({ isGone, uses, rate: points[2].hitRate, isSame: text === String(advisor) }))`,
      '--expose-gc',
    )
    expect(seen).toEqual({ isGone: true, uses: 100, rate: 0.9, isSame: true })
  })
})
