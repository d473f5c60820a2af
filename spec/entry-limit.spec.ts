import {
  type ByteSize,
  type CacheController,
  type CacheOptions,
  DataTooLargeError,
  FaaSCacheDict,
} from 'faas-cache-dict'
import { describe, expect, it } from 'vitest'
import { cacheWith, type Values } from './support/cache.ts'
import { EMPTY_BYTES, ENTRY_BYTES } from './support/charges.ts'
import { deferred } from './support/promises.ts'

const LIMIT = 1_000

/** A cache whose values are the bytes that they and their keys take. */
const limitedCache = (options: CacheOptions = {}, entries: Values = {}) =>
  cacheWith(
    {
      maxEntrySizeBytes: LIMIT,
      maxSizeBytes: '64K',
      sizeOf: (value) => value as number,
      ...options,
    },
    entries,
  )

/** The largest value that fits a limit. */
const most = (limit = LIMIT) => limit - ENTRY_BYTES

const errorOf = (action: () => unknown): DataTooLargeError => {
  try {
    action()
  } catch (error) {
    return error as DataTooLargeError
  }
  throw new Error('nothing was thrown')
}

/** The limit in force, in bytes. */
const limitOf = (controller: CacheController) => {
  controller.set('probe', 0)
  const error = errorOf(() => controller.set('probe', 2 ** 52))
  return error.maxSizeBytes
}

describe('maxEntrySizeBytes', () => {
  it('is the most that controller.sizeOf may say of an entry, to the byte', () => {
    const { cache, controller } = limitedCache()
    cache.a = most()
    expect(controller.sizeOf('a')).toBe(LIMIT)
    expect(() => {
      cache.b = most() + 1
    }).toThrow(DataTooLargeError)
    expect(Object.keys(cache)).toEqual(['a'])
  })

  it('counts the key, and the bytes of heapSize', () => {
    const { cache, controller } = cacheWith({ maxEntrySizeBytes: LIMIT })
    cache.a = 'x'.repeat(800)
    expect(controller.sizeOf('a')).toBeLessThanOrEqual(LIMIT)
    expect(() => {
      cache['k'.repeat(800)] = 'x'.repeat(200)
    }).toThrow(DataTooLargeError)
    cache.b = 'x'.repeat(200)
    expect(Object.keys(cache)).toEqual(['a', 'b'])
  })

  it('applies to a size that a write states', () => {
    const { controller } = limitedCache()
    controller.set('a', 1, { sizeBytes: most() })
    expect(() => controller.set('b', 1, { sizeBytes: most() + 1 })).toThrow(DataTooLargeError)
    expect([...controller.keys()]).toEqual(['a'])
  })

  it.each<[ByteSize | undefined, ByteSize, number | null]>([
    [2_000, 65_536, 2_000],
    ['1K', '64K', 1_024],
    ['1.5k', '64K', 1_536],
    ['10%', '64K', 6_553],
    ['90%', '64K', 58_982],
    ['0.5%', '64K', 327],
    ['100%', '64K', null],
    [null, '64K', null],
    [Number.POSITIVE_INFINITY, '64K', null],
    [undefined, '64K', null],
  ])('of %s with a budget of %s is %s bytes', (maxEntrySizeBytes, maxSizeBytes, bytes) => {
    const { controller } = limitedCache({ maxEntrySizeBytes, maxSizeBytes })
    if (bytes !== null) expect(limitOf(controller)).toBe(bytes)
    const least = bytes ?? 65_536 - EMPTY_BYTES + ENTRY_BYTES
    controller.set('a', least - ENTRY_BYTES)
    expect(() => controller.set('b', least - ENTRY_BYTES + 1)).toThrow(DataTooLargeError)
  })

  it('as a percentage is no limit if there is no budget', () => {
    const { cache, controller } = limitedCache({ maxEntrySizeBytes: '1%', maxSizeBytes: null })
    cache.a = 2 ** 52
    expect(controller.sizeOf('a')).toBe(2 ** 52 + ENTRY_BYTES)
  })

  it('of bytes holds without a budget', () => {
    const { cache } = limitedCache({ maxSizeBytes: null })
    expect(() => {
      cache.a = LIMIT
    }).toThrow(DataTooLargeError)
  })

  it('below the bytes of any entry refuses all', () => {
    const { cache, controller } = limitedCache({ maxEntrySizeBytes: 1 })
    expect(() => {
      cache.a = 0
    }).toThrow(DataTooLargeError)
    expect(controller.stats()).toMatchObject({ refusals: 1, items: 0 })
  })
})

describe('an entry above maxEntrySizeBytes', () => {
  it('is refused with an error that has the limit and names the option', () => {
    const { cache } = limitedCache()
    const error = errorOf(() => {
      cache.large = 2_000
    })
    expect(error).toBeInstanceOf(DataTooLargeError)
    expect(error).toMatchObject({
      name: 'DataTooLargeError',
      key: 'large',
      sizeBytes: 2_000 + ENTRY_BYTES,
      maxSizeBytes: LIMIT,
    })
    expect(error.message).toContain('maxEntrySizeBytes')
  })

  it('names the budget if it exceeds that alone', () => {
    const { cache } = limitedCache({ maxEntrySizeBytes: '128K' })
    const error = errorOf(() => {
      cache.large = 100_000
    })
    expect(error.maxSizeBytes).toBe(65_536)
    expect(error.message).not.toContain('maxEntrySizeBytes')
  })

  it('evicts nothing, and counts as refused and nothing else', () => {
    const { cache, controller, removals } = limitedCache({}, { a: 1, b: 2 })
    expect(() => controller.set('c', LIMIT)).toThrow(DataTooLargeError)
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    expect(removals()).toEqual([])
    expect(controller.stats()).toMatchObject({ refusals: 1, writes: 2, evictions: 0 })
  })

  it("makes an older value under its key leave as 'replaced'", () => {
    const { cache, controller, removed } = limitedCache({}, { a: 1 })
    expect(() => {
      cache.a = LIMIT
    }).toThrow(DataTooLargeError)
    expect(removed()).toEqual([['a', 1, 'replaced']])
    expect(controller.stats()).toMatchObject({ refusals: 1, replacements: 1, items: 0 })
  })

  it("is refused without an error if onTooLarge is 'skip'", () => {
    const { cache, controller, removed } = limitedCache({ onTooLarge: 'skip' }, { a: 1 })
    cache.a = LIMIT
    controller.update({ b: LIMIT, c: 1 })
    expect(Object.keys(cache)).toEqual(['c'])
    expect(removed()).toEqual([['a', 1, 'replaced']])
    expect(controller.stats().refusals).toBe(2)
  })

  it('is refused as the cache is made', () => {
    const options = { maxEntrySizeBytes: LIMIT, sizeOf: (value: unknown) => value as number }
    expect(() => new FaaSCacheDict(options, { a: LIMIT })).toThrow(DataTooLargeError)
    const cache = new FaaSCacheDict({ ...options, onTooLarge: 'skip' }, { a: LIMIT, b: 1 })
    expect(Object.keys(cache)).toEqual(['b'])
  })

  it('is returned by getOrSet and getOrSetMany, and counted as refused', async () => {
    const { controller } = limitedCache()
    expect(await controller.getOrSet('a', () => LIMIT)).toBe(LIMIT)
    const values = await controller.getOrSetMany(['b', 'c'], () => [LIMIT, 1])
    expect([...values.values()]).toEqual([LIMIT, 1])
    expect([...controller.keys()]).toEqual(['c'])
    expect(controller.stats().refusals).toBe(2)
  })

  it('is left out as a snapshot is loaded', () => {
    const { controller } = cacheWith({ sizeOf: (value) => value as number }, { a: LIMIT, b: 1 })
    const other = limitedCache().controller.load(controller.dump())
    expect([...other.keys()]).toEqual(['b'])
    expect(other.stats().refusals).toBe(1)
  })

  it('leaves if it has grown in place, as remeasure finds out', () => {
    const sizes: Values = { a: 1, b: 1 }
    const { cache, controller, removals } = limitedCache({
      sizeOf: (_, key) => sizes[key] as number,
    })
    Object.assign(cache, { a: {}, b: {} })
    sizes.a = most()
    controller.remeasure()
    expect(removals()).toEqual([])
    sizes.a = most() + 1
    controller.remeasure('a')
    expect(removals()).toEqual(['a evicted'])
    expect(Object.keys(cache)).toEqual(['b'])
    expect(controller.stats()).toMatchObject({ evictions: 1, refusals: 0 })
  })

  it('leaves if a promise fulfils with it', async () => {
    const { cache, controller, removals } = limitedCache()
    const [small, large] = [deferred<number>(), deferred<number>()]
    cache.small = small.promise
    cache.large = large.promise
    small.resolve(most() - 200)
    large.resolve(most() + 1)
    await Promise.all([cache.small, cache.large])
    expect(removals()).toEqual(['large evicted'])
    expect(Object.keys(cache)).toEqual(['small'])
    expect(controller.stats()).toMatchObject({ evictions: 1, refusals: 0 })
  })

  it('does not keep a TTL of 0 from being refused', () => {
    const { controller } = limitedCache()
    expect(() => controller.set('a', LIMIT, { ttl: 0 })).toThrow(DataTooLargeError)
    expect(controller.stats()).toMatchObject({ refusals: 1, writes: 0, expirations: 0 })
  })
})

describe('resize', () => {
  it.each([
    ['has been noticed', (controller: CacheController) => controller.purgeExpired()],
    ['has not been noticed', () => {}],
  ])('also removes a stale entry that is too large, whose expiry %s', async (_when, notice) => {
    const { controller, clock } = limitedCache({ defaultTtl: '1s', staleIfError: '1m' }, { a: 500 })
    clock.advance(1_000)
    notice(controller)
    controller.resize({ maxEntrySizeBytes: 500 })
    const down = async () => Promise.reject(new Error('down'))
    await expect(controller.getOrSet('a', down)).rejects.toThrow('down')
  })

  it('to a smaller maxEntrySizeBytes evicts larger entries at once, the oldest first', () => {
    const { cache, controller, removals } = limitedCache({}, { a: 800, b: 100, c: 900, d: 200 })
    controller.resize({ maxEntrySizeBytes: 200 + ENTRY_BYTES })
    expect(Object.keys(cache)).toEqual(['b', 'd'])
    expect(removals()).toEqual(['a evicted', 'c evicted'])
    expect(controller.stats()).toMatchObject({
      evictions: 2,
      evictedBytes: 1_700 + 2 * ENTRY_BYTES,
    })
  })

  it('to a smaller maxEntrySizeBytes counts entries that have expired as such', () => {
    const { clock, controller, removals } = limitedCache({ defaultTtl: '1s' }, { a: 800 })
    controller.set('b', 800, { ttl: null })
    clock.advance(1_000)
    controller.resize({ maxEntrySizeBytes: 500 }).purgeExpired()
    expect(removals().sort()).toEqual(['a expired', 'b evicted'])
  })

  it('keeps a maxEntrySizeBytes that is missing or undefined', () => {
    const { controller } = limitedCache()
    controller.resize({ maxItems: 5 }).resize({ maxEntrySizeBytes: undefined })
    controller.resize({ maxSizeBytes: '128K' })
    expect(limitOf(controller)).toBe(LIMIT)
  })

  it('to null ends the limit', () => {
    const { controller } = limitedCache()
    controller.resize({ maxEntrySizeBytes: null }).set('a', 50_000)
    expect(controller.has('a')).toBe(true)
  })

  it('to a larger maxEntrySizeBytes lets larger entries in', () => {
    const { controller } = limitedCache({}, { a: 1 })
    controller.resize({ maxEntrySizeBytes: '2K' }).set('b', 2_048 - ENTRY_BYTES)
    expect([...controller.keys()]).toEqual(['a', 'b'])
    expect(limitOf(controller)).toBe(2_048)
  })

  it('of the budget moves a percentage, and evicts what is larger than it', () => {
    const { controller, removals } = limitedCache({ maxEntrySizeBytes: '10%' }, { a: 6_000, b: 1 })
    controller.resize({ maxSizeBytes: '128K' })
    expect(limitOf(controller)).toBe(13_107)
    controller.resize({ maxSizeBytes: '32K' })
    expect(limitOf(controller)).toBe(3_276)
    expect(removals().filter((each) => !each.startsWith('probe'))).toEqual(['a evicted'])
    controller.resize({ maxSizeBytes: null }).set('c', 2 ** 40)
    expect(controller.has('c')).toBe(true)
  })

  it('takes a percentage of the new budget, and of the present one', () => {
    const { controller } = limitedCache()
    controller.resize({ maxSizeBytes: '32K', maxEntrySizeBytes: '50%' })
    expect(limitOf(controller)).toBe(16_384)
    controller.resize({ maxEntrySizeBytes: '25%' })
    expect(limitOf(controller)).toBe(8_192)
    controller.resize({ maxSizeBytes: '64K' })
    expect(limitOf(controller)).toBe(16_384)
  })

  it('with a bad value for one limit changes none', () => {
    const { controller } = limitedCache({ maxItems: 9 }, { a: 500 })
    const bad: [ByteSize, typeof TypeError | typeof RangeError][] = [
      ...[0, -1, 1.5, Number.NaN, '0%', '101%', '-1M'].map(
        (value): [ByteSize, typeof RangeError] => [value, RangeError],
      ),
      ...['10', '5MB', '', true as never, {} as never].map(
        (value): [ByteSize, typeof TypeError] => [value, TypeError],
      ),
    ]
    for (const [maxEntrySizeBytes, error] of bad) {
      const resize = () =>
        controller.resize({ maxItems: 1, maxSizeBytes: '32K', maxEntrySizeBytes })
      expect(resize).toThrow(error)
      expect(resize).toThrow(/^maxEntrySizeBytes must be/)
    }
    expect(() => controller.resize({ maxEntrySizeBytes: 100, maxSizeBytes: 1 })).toThrow(RangeError)
    expect([controller.maxItems, controller.maxSizeBytes]).toEqual([9, 65_536])
    expect(controller.has('a')).toBe(true)
    expect(limitOf(controller)).toBe(LIMIT)
  })

  it('evicts nothing of a stale value within the limit, and serves it on', async () => {
    const { clock, controller } = limitedCache(
      { defaultTtl: '10s', staleIfError: '1m', onError() {} },
      { a: 500 },
    )
    clock.advance(10_000)
    controller.resize({ maxEntrySizeBytes: 500 + ENTRY_BYTES })
    const fail = () => Promise.reject(new Error('down'))
    expect(await controller.getOrSet('a', fail)).toBe(500)
  })
})
