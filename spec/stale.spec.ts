import { inspect } from 'node:util'
import {
  type CacheController,
  type CacheOptions,
  controllerOf,
  FaaSCacheDict,
  KeyError,
} from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheWith, type Values } from './support/cache.ts'
import { EMPTY_BYTES, ENTRY_BYTES } from './support/charges.ts'
import { libraryOnClocks } from './support/clocks.ts'
import type { FakeClock } from './support/fake-clock.ts'
import { deferred, nextTurn } from './support/promises.ts'
import { simulatedProcess } from './support/test-gauge.ts'

const SECONDS = 1_000

/** A cache whose entries live 10 seconds and may be served for a minute more if the load fails. */
const staleCache = (options: CacheOptions = {}, entries: Values = {}) =>
  cacheWith(
    { defaultTtl: '10s', staleIfError: '1m', retryAfter: 0, onError: () => {}, ...options },
    entries,
  )

const GONE = 'no value'

/** What `getOrSet` serves while the origin is down, or `GONE`. */
const served = (controller: CacheController, key: string, options?: object) =>
  controller
    .getOrSet(
      key,
      async () => {
        throw GONE
      },
      options,
    )
    .catch(String)

describe('a window', () => {
  it.each(['staleWhileRevalidate', 'staleIfError'])(
    'of %s begins at the deadline and ends to the millisecond',
    async (name) => {
      const { cache, controller, clock } = cacheWith({
        defaultTtl: '10s',
        [name]: '1m',
        onError: () => {},
      })
      controller.update({ a: 1, b: 2 })
      clock.advance(70 * SECONDS - 1)
      expect(cache.a).toBeUndefined()
      expect(await served(controller, 'a')).toBe(1)
      clock.advance(1)
      expect(await served(controller, 'b')).toBe(GONE)
    },
  )

  it.each([null, Number.POSITIVE_INFINITY])('of %s has no end', async (staleIfError) => {
    const { controller, clock } = staleCache({ staleIfError }, { a: 1 })
    clock.advance(1e15)
    expect(await served(controller, 'a')).toBe(1)
  })

  it('without end leaves that of a call exact', async () => {
    const { controller, clock } = staleCache({ staleIfError: null }, { a: 1 })
    clock.advance(15 * SECONDS - 1)
    expect(await served(controller, 'a', { staleIfError: '5s' })).toBe(1)
    clock.advance(1)
    expect(await served(controller, 'a', { staleIfError: '5s' })).toBe(GONE)
  })

  it('is rounded down to a millisecond', async () => {
    const { controller, clock } = staleCache({ staleIfError: '1.9ms' }, { a: 1, b: 2 })
    controller.set('c', 3)
    clock.advance(10 * SECONDS)
    expect(await served(controller, 'a')).toBe(1)
    clock.advance(1)
    expect(await served(controller, 'b')).toBe(GONE)
  })

  it('below a millisecond is none', async () => {
    const { clock, controller, removals } = staleCache({ staleIfError: '0.9ms' }, { a: 1 })
    clock.advance(10 * SECONDS)
    expect(await served(controller, 'a')).toBe(GONE)
    expect(removals()).toEqual(['a expired'])
  })

  it.each([
    ['1m', '5s'],
    ['5s', '1m'],
  ])(
    'of an entry is the larger of staleWhileRevalidate %s and staleIfError %s',
    async (staleWhileRevalidate, staleIfError) => {
      const { controller, clock } = cacheWith({ staleWhileRevalidate, staleIfError })
      await controller.getOrSet('loaded', () => 1, { ttl: '10s' })
      controller.set('written', 2, { ttl: '10s' })
      clock.advance(70 * SECONDS - 1)
      expect(controller.isExpired('loaded')).toBe(true)
      expect(controller.isExpired('written')).toBe(true)
      clock.advance(1)
      expect(controller.size).toBe(0)
      expect(controller.isExpired('loaded')).toBeUndefined()
      expect(controller.isExpired('written')).toBeUndefined()
    },
  )

  it('of a loaded entry is that of the load that stored it', async () => {
    const { controller, clock } = cacheWith({ defaultTtl: '10s', retryAfter: 0, onError() {} })
    await controller.getOrSet('a', () => 1, { staleIfError: '5s' })
    await controller.getOrSet('b', () => 2)
    clock.advance(10 * SECONDS)
    expect(await served(controller, 'a', { staleIfError: '1h' })).toBe(1)
    expect(await served(controller, 'b', { staleIfError: '1h' })).toBe(GONE)
    clock.advance(5 * SECONDS)
    expect(await served(controller, 'a', { staleIfError: '1h' })).toBe(GONE)
  })

  it('of a load with options replaces that of the cache, even by none', async () => {
    const { controller, clock } = staleCache()
    await controller.getOrSet('a', () => 1, { staleIfError: 0 })
    await controller.getOrSet('b', () => 1, { staleWhileRevalidate: '1s' })
    clock.advance(10 * SECONDS)
    expect(await served(controller, 'a')).toBe(GONE)
    clock.advance(60 * SECONDS - 1)
    expect(await served(controller, 'b')).toBe(1)
  })

  it('of a call is the most that this call is served', async () => {
    const { controller, clock } = staleCache({}, { a: 1 })
    clock.advance(15 * SECONDS - 1)
    expect(await served(controller, 'a', { staleIfError: '5s' })).toBe(1)
    clock.advance(1)
    expect(await served(controller, 'a', { staleIfError: '5s' })).toBe(GONE)
    expect(await served(controller, 'a')).toBe(1)
  })

  it.each<[string, (controller: CacheController, clock: FakeClock) => unknown]>([
    ['set', (controller) => controller.set('a', 1)],
    ['set with a TTL', (controller) => controller.set('a', 1, { ttl: '10s' })],
    ['update', (controller) => controller.update({ a: 1 })],
    ['setDefault', (controller) => controller.setDefault('a', 1)],
    [
      'load',
      (controller, { now }) => {
        const other = new FaaSCacheDict({ now, defaultTtl: '10s' }, { a: 1 })
        controller.load(controllerOf(other).dump())
      },
    ],
  ])('of an entry written by %s is that of the cache', async (_how, write) => {
    const { controller, clock } = staleCache()
    write(controller, clock)
    clock.advance(70 * SECONDS - 1)
    expect(await served(controller, 'a')).toBe(1)
    clock.advance(1)
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('is kept by setTtl and expireAt, and begins at the new deadline', async () => {
    const { cache, controller, clock } = cacheWith({ retryAfter: 0, onError() {} })
    const options = { ttl: '10s', staleIfError: '1m' }
    for (const key of ['a', 'b']) await controller.getOrSet(key, () => key, options)
    controller.setTtl('a', '30s')
    controller.expireAt('b', clock.time + 30 * SECONDS)
    clock.advance(30 * SECONDS - 1)
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    clock.advance(60 * SECONDS)
    for (const key of ['a', 'b']) expect(await served(controller, key, options)).toBe(key)
    clock.advance(1)
    for (const key of ['a', 'b']) expect(await served(controller, key, options)).toBe(GONE)
  })

  it('begins at the date of expireAt, also if that has passed', async () => {
    const { clock, controller } = staleCache({}, { a: 1 })
    controller.expireAt('a', clock.time - 20 * SECONDS)
    expect(controller.size).toBe(0)
    clock.advance(40 * SECONDS - 1)
    expect(await served(controller, 'a')).toBe(1)
    clock.advance(1)
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('is that of the cache again after a plain write', async () => {
    const { cache, controller, clock } = cacheWith({ defaultTtl: '10s' })
    await controller.getOrSet('a', () => 1, { staleIfError: '1m' })
    cache.a = 2
    clock.advance(10 * SECONDS)
    expect(await served(controller, 'a', { staleIfError: '1m' })).toBe(GONE)
  })

  it('does not begin for an entry without a TTL', async () => {
    const { cache, clock } = staleCache({ defaultTtl: null }, { a: 1 })
    clock.advance(1e15)
    expect(cache.a).toBe(1)
  })
})

describe('a stale entry', () => {
  /** A cache with a stale entry `stale` and a live one. */
  const withStale = (options: CacheOptions = {}) => {
    const made = staleCache(options, { stale: 'old' })
    made.controller.set('live', 'new', { ttl: null })
    made.clock.advance(10 * SECONDS)
    return made
  }

  it.each<[string, (cache: Values, controller: CacheController) => unknown, unknown]>([
    ['a read', (cache) => cache.stale, undefined],
    ['in', (cache) => 'stale' in cache, false],
    ['Object.keys', (cache) => Object.keys(cache), ['live']],
    ['Object.hasOwn', (cache) => Object.hasOwn(cache, 'stale'), false],
    ['a descriptor', (cache) => Object.getOwnPropertyDescriptor(cache, 'stale'), undefined],
    ['a spread', (cache) => ({ ...cache }), { live: 'new' }],
    ['JSON.stringify', (cache) => JSON.stringify(cache), '{"live":"new"}'],
    ['inspect', (cache) => /old|stale/.test(inspect(cache)), false],
    ['String', (cache) => /items=1>$/.test(String(cache)), true],
    ['get', (_, controller) => controller.get('stale', 'fallback'), 'fallback'],
    ['peek', (_, controller) => controller.peek('stale'), undefined],
    ['has', (_, controller) => controller.has('stale'), false],
    ['size', (_, controller) => controller.size, 1],
    ['items', (_, controller) => controller.stats().items, 1],
    ['keys', (_, controller) => [...controller.keys()], ['live']],
    ['values', (_, controller) => [...controller.values()], ['new']],
    ['entries', (_, controller) => [...controller.entries()], [['live', 'new']]],
    ['the iterator', (_, controller) => [...controller], [['live', 'new']]],
    ['reversed', (_, controller) => [...controller.reversed()], [['live', 'new']]],
    [
      'forEach',
      (_, controller) => {
        const seen: unknown[] = []
        controller.forEach((value) => {
          seen.push(value)
        })
        return seen
      },
      ['new'],
    ],
    ['dump', (_, controller) => controller.dump().entries.map(({ key }) => key), ['live']],
    ['isExpired', (_, controller) => controller.isExpired('stale'), true],
    ['remeasure', (_, controller) => controller.remeasure('stale'), undefined],
    [
      'purgeExpired',
      (_, controller) => [controller.purgeExpired(), controller.purgeExpired()],
      [1, 0],
    ],
  ])('is not seen by %s, and stays', async (_how, look, expected) => {
    const { cache, controller, removals } = withStale()
    expect(look(cache, controller)).toEqual(expected)
    // Again, now that it is known to have expired.
    if (_how !== 'purgeExpired') expect(look(cache, controller)).toEqual(expected)
    expect(removals()).toEqual([])
    expect(await served(controller, 'stale')).toBe('old')
  })

  it.each<[string, (controller: CacheController) => unknown]>([
    ['getOrThrow', (controller) => controller.getOrThrow('stale')],
    ['ttl', (controller) => controller.ttl('stale')],
    ['setTtl', (controller) => controller.setTtl('stale', '1h')],
    ['expireAt', (controller) => controller.expireAt('stale', 1_800_000_000_000)],
    ['promote', (controller) => controller.promote('stale')],
    ['demote', (controller) => controller.demote('stale')],
    ['sizeOf', (controller) => controller.sizeOf('stale')],
  ])('is a KeyError for %s, and stays', async (_how, call) => {
    const { controller } = withStale()
    expect(() => call(controller)).toThrow(KeyError)
    expect(() => call(controller)).toThrow(KeyError)
    expect(await served(controller, 'stale')).toBe('old')
  })

  it('is not what popOldest and popNewest remove', async () => {
    const { controller } = withStale()
    controller.set('newest', 'newest')
    expect(controller.popOldest()).toEqual(['live', 'new'])
    expect(controller.popNewest()).toEqual(['newest', 'newest'])
    expect(controller.popOldest()).toBeUndefined()
    expect(await served(controller, 'stale')).toBe('old')
  })

  it.each<[string, (cache: Values, controller: CacheController) => unknown]>([
    ['setDefault', (_, controller) => controller.setDefault('stale', 'fresh')],
    ['??=', (cache) => (cache.stale ??= 'fresh')],
  ])('makes way for the value of %s', (_how, write) => {
    const { cache, controller, removed } = withStale()
    expect(write(cache, controller)).toBe('fresh')
    expect(cache.stale).toBe('fresh')
    expect(removed()).toEqual([['stale', 'old', 'expired']])
  })

  it('is a miss for every read, and a staleHit when getOrSet serves it', async () => {
    const { cache, controller } = withStale()
    cache.stale
    controller.get('stale')
    expect(await served(controller, 'stale')).toBe('old')
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 3, staleHits: 1 })
  })

  it('counts as expired once, when its TTL has passed', () => {
    const { controller, clock } = withStale()
    const expired = { writes: 2, expirations: 1, items: 1 }
    expect(controller.stats()).toMatchObject(expired)
    clock.advance(60 * SECONDS)
    expect(controller.stats()).toMatchObject(expired)
  })

  it('is counted before resetStats, and not again after it', () => {
    const { controller, clock } = withStale()
    controller.resetStats()
    clock.advance(60 * SECONDS)
    expect(controller.stats()).toMatchObject({ items: 1, expirations: 0, writes: 0 })
    controller.delete('live')
    controller.resetStats()
  })

  it('stays charged, until it leaves', () => {
    const { controller, clock } = staleCache({}, { a: 'x'.repeat(1_000) })
    const before = controller.sizeBytes
    const charge = controller.sizeOf('a')
    clock.advance(10 * SECONDS)
    expect(controller.sizeBytes).toBeGreaterThan(before)
    expect(controller.sizeBytes - EMPTY_BYTES).toBeGreaterThanOrEqual(charge)
    clock.advance(60 * SECONDS)
    expect(controller.sizeBytes).toBeLessThanOrEqual(EMPTY_BYTES + 4 * ENTRY_BYTES)
  })

  it('costs a table of its own, about half of what a dictionary costs', () => {
    const { controller, clock } = staleCache({}, { a: 1 })
    const before = controller.sizeBytes
    clock.advance(10 * SECONDS)
    const cost = controller.sizeBytes - before
    expect(cost).toBeGreaterThan(EMPTY_BYTES / 3)
    expect(cost).toBeLessThan((2 * EMPTY_BYTES) / 3)
  })

  it('is charged for the time at which its origin may be asked again', async () => {
    const { controller, clock } = staleCache({ retryAfter: '5s' }, { a: 1, b: 2 })
    clock.advance(10 * SECONDS)
    const before = controller.sizeBytes
    await served(controller, 'a')
    const withOne = controller.sizeBytes
    await served(controller, 'b')
    await served(controller, 'b')
    expect(withOne).toBeGreaterThan(before)
    expect(controller.sizeBytes - withOne).toBe(withOne - before)
  })

  it('can be written anew and become stale again', async () => {
    const { cache, controller, clock, removed } = withStale()
    cache.stale = 'second'
    clock.advance(10 * SECONDS)
    expect(cache.stale).toBeUndefined()
    expect(await served(controller, 'stale')).toBe('second')
    expect(removed()).toEqual([['stale', 'old', 'expired']])
    expect(controller.stats().expirations).toBe(2)
  })

  it('keeps undefined and null as values', async () => {
    const { controller, clock } = staleCache({}, { none: undefined, empty: null })
    clock.advance(10 * SECONDS)
    expect(await served(controller, 'none')).toBeUndefined()
    expect(await served(controller, 'empty')).toBeNull()
  })

  it.each<[string, string]>([
    ['__proto__', 'a'],
    ['', 'b'],
    ['0', 'c'],
    ['constructor', 'd'],
  ])('can have the key %j', async (key, value) => {
    const { controller, clock } = staleCache()
    controller.set(key, value)
    clock.advance(10 * SECONDS)
    expect(controller.has(key)).toBe(false)
    expect(await served(controller, key)).toBe(value)
  })
})

describe('onDelete', () => {
  const ROOM = 1_000
  const leaving: [string, (cache: Values, controller: CacheController) => unknown, unknown][] = [
    ['clear', (_, controller) => controller.clear(), undefined],
    ['delete', (_, controller) => controller.delete('a'), false],
    ['the delete operator', (cache) => delete cache.a, true],
    ['pop', (_, controller) => controller.pop('a', 'fallback'), 'fallback'],
    ['deleteWhere', (_, controller) => controller.deleteWhere((key) => key === 'a'), 0],
    ['evictOldest', (_, controller) => controller.evictOldest(), true],
    [
      'a smaller limit',
      (_, controller) => controller.resize({ maxSizeBytes: ROOM * 3 }),
      undefined,
    ],
    ['a new value', (cache) => (cache.a = 'new'), 'new'],
    ['a load', (_, controller) => controller.getOrSet('a', () => 'new'), 'new'],
    ['a new value that has expired', (_, c) => c.set('a', 'old', { ttl: 0 }).has('a'), false],
  ]

  describe.each([
    ['has been noticed', true],
    ['has not been noticed', false],
  ])('of an entry whose expiry %s', (_noticed, isNoticed) => {
    /** A stale entry `a`, of which the cache knows or not. */
    const withStale = (options: CacheOptions = {}) => {
      const made = staleCache({ maxSizeBytes: '64K', ...options }, { a: 'old' })
      const charge = made.controller.sizeOf('a')
      made.clock.advance(10 * SECONDS)
      if (isNoticed) expect(made.controller.size).toBe(0)
      expect(made.removals()).toEqual([])
      return { ...made, charge }
    }

    it.each(leaving.slice(0, -4))('hears "expired" once, at %s', async (_how, act, result) => {
      const { cache, controller, onDelete, charge } = withStale()
      expect(await act(cache, controller)).toBe(result)
      expect(onDelete.mock.calls).toEqual([['a', 'old', 'expired', charge]])
      expect(controller.stats()).toMatchObject({
        expirations: 1,
        deletions: 0,
        clears: 0,
        evictions: 0,
        evictedBytes: 0,
      })
      expect(await served(controller, 'a')).toBe(GONE)
    })

    it('hears "expired" once, at a new value', () => {
      const { cache, controller, onDelete, charge } = withStale()
      cache.a = 'new'
      expect(onDelete.mock.calls).toEqual([['a', 'old', 'expired', charge]])
      expect(controller.stats()).toMatchObject({ expirations: 1, replacements: 0, writes: 2 })
    })

    it('hears "expired" once, at a load that gives a new value', async () => {
      const { controller, onDelete, charge } = withStale()
      expect(await controller.getOrSet('a', () => 'new')).toBe('new')
      expect(onDelete.mock.calls).toEqual([['a', 'old', 'expired', charge]])
    })

    it('hears nothing if the same value comes again, written or loaded', async () => {
      const written = withStale()
      written.cache.a = 'old'
      expect(written.removals()).toEqual([])
      expect(written.controller.stats()).toMatchObject({ expirations: 1, writes: 2, items: 1 })
      const loaded = withStale()
      expect(await loaded.controller.getOrSet('a', (_key, { stale }) => stale)).toBe('old')
      expect(loaded.removals()).toEqual([])
    })

    it('hears "expired" if the same value comes once the window is over', () => {
      const { cache, clock, onDelete, charge } = withStale()
      clock.advance(60 * SECONDS)
      cache.a = 'old'
      expect(onDelete.mock.calls).toEqual([['a', 'old', 'expired', charge]])
    })

    it('hears "expired" for the new value alone if the same value comes with a TTL of 0', () => {
      const { controller, removals } = withStale()
      controller.set('a', 'old', { ttl: 0 })
      expect(removals()).toEqual(['a expired'])
      expect(controller.stats()).toMatchObject({ expirations: 2, writes: 2, items: 0 })
    })

    it('hears "expired" of a value that a refused write puts out of date', async () => {
      const { controller, removals } = withStale({ onTooLarge: 'skip' })
      controller.set('a', 'x'.repeat(100_000))
      expect(removals()).toEqual(['a expired'])
      expect(controller.stats()).toMatchObject({ expirations: 1, replacements: 0, refusals: 1 })
      expect(await served(controller, 'a')).toBe(GONE)
    })

    it('hears "expired" of a value whose successor cannot be measured', () => {
      const { cache, removals } = withStale({
        sizeOf(value) {
          if (value === 'bad') throw new Error('no size')
          return 1
        },
      })
      expect(() => {
        cache.a = 'bad'
      }).toThrow('sizeOf failed')
      expect(removals()).toEqual(['a expired'])
    })

    it('hears "expired" when the window is over', () => {
      const { controller, clock, onDelete, charge } = withStale()
      clock.advance(60 * SECONDS - 1)
      expect(controller.size).toBe(0)
      expect(onDelete).not.toHaveBeenCalled()
      clock.advance(1)
      expect(controller.size).toBe(0)
      expect(onDelete.mock.calls).toEqual([['a', 'old', 'expired', charge]])
    })
  })

  it('hears of stale entries at clear, after the live ones, in the order in which they went stale', () => {
    const { controller, clock, removals } = staleCache({}, { a: 1 })
    clock.advance(1)
    controller.set('b', 2).set('live', 3, { ttl: null })
    clock.advance(10 * SECONDS - 1)
    expect(controller.size).toBe(2)
    clock.advance(1)
    expect(controller.size).toBe(1)
    controller.clear()
    expect(removals()).toEqual(['live cleared', 'a expired', 'b expired'])
    expect(controller.stats()).toMatchObject({ clears: 1, expirations: 2 })
  })

  it('can write the key again when a stale entry leaves', async () => {
    const { cache, controller, clock } = staleCache({
      onDelete: (key) => {
        if (key === 'a') cache.b = 'from the hook'
      },
    })
    cache.a = 1
    clock.advance(70 * SECONDS)
    expect(await controller.getOrSet('a', () => 'loaded')).toBe('loaded')
    expect({ ...cache }).toEqual({ b: 'from the hook', a: 'loaded' })
  })
})

describe('when room is needed', () => {
  /**
   * `over` is past its window, `second` went stale before `first`, and `live` and `used` are live, the
   * latter used last.
   */
  const crowded = async (options: CacheOptions = {}) => {
    const made = cacheWith({ maxItems: 5, ...options })
    const { cache, controller, clock } = made
    controller.set('live', 1).set('used', 1)
    await controller.getOrSet('over', () => 1, { ttl: '1s' })
    await controller.getOrSet('first', () => 1, { ttl: '20s', staleIfError: '1h' })
    await controller.getOrSet('second', () => 1, { ttl: '10s', staleIfError: '1h' })
    clock.advance(10 * SECONDS)
    controller.isExpired('second')
    controller.getOrSet('second', () => new Promise(() => {}))
    clock.advance(10 * SECONDS)
    cache.used
    return made
  }
  const ORDER = ['over expired', 'second expired', 'first expired', 'live evicted', 'used evicted']

  it('for entries, those past both deadlines leave, then the stale ones, then the oldest', async () => {
    const { cache, removals } = await crowded()
    for (let at = 0; at < 5; at++) cache[`new ${at}`] = at
    expect(removals()).toEqual(ORDER)
  })

  it('evictOldest removes them in the same order, and returns true for each', async () => {
    const { controller, removals } = await crowded()
    for (const { length } of ORDER)
      expect([controller.evictOldest(), length > 0]).toEqual([true, true])
    expect(controller.evictOldest()).toBe(false)
    expect(removals()).toEqual(ORDER)
  })

  it('resize makes them leave in the same order', async () => {
    const { controller, removals } = await crowded()
    controller.resize({ maxItems: 3 }).resize({ maxItems: 2 }).resize({ maxItems: 1 })
    expect(removals()).toEqual(ORDER.slice(0, 4))
  })

  it('for bytes, every stale entry leaves before a live one', () => {
    const { cache, controller, clock, removals } = staleCache({ maxSizeBytes: '64K' })
    for (let at = 0; at < 10; at++) controller.set(`stale ${at}`, 'x'.repeat(1_000))
    clock.advance(10 * SECONDS)
    let written = 0
    while (!removals().some((removal) => removal.endsWith('evicted'))) {
      cache[`live ${written++}`] = 'x'.repeat(1_000)
      expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    }
    expect(removals().slice(0, 10).sort()).toEqual(
      Array.from({ length: 10 }, (_, at) => `stale ${at} expired`),
    )
    expect(removals().slice(10)).toEqual(['live 0 evicted'])
  })

  it('a write of a key that is stale takes the place of its stale value', () => {
    const { cache, controller, clock, removals } = staleCache({ maxItems: 2 }, { a: 1 })
    controller.set('live', 1, { ttl: null })
    clock.advance(10 * SECONDS)
    expect(controller.size).toBe(1)
    cache.a = 2
    expect(removals()).toEqual(['a expired'])
    expect({ ...cache }).toEqual({ live: 1, a: 2 })
  })

  it('the budget holds while entries go stale', () => {
    const { controller, clock } = staleCache({ maxSizeBytes: '64K', staleIfError: null })
    for (let at = 0; at < 5_000; at++) {
      controller.set(`${at}`, 'x'.repeat(at % 100), { ttl: (1 + (at % 7)) / 10 })
      clock.advance(37)
      controller.purgeExpired()
      expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    }
    expect(controller.stats().writes).toBe(5_000)
  })

  it('for memory, stale entries are given back first, and not counted as evicted', () => {
    vi.useFakeTimers()
    try {
      const MIB = 2 ** 20
      const gauge = simulatedProcess()
      const { cache, controller, removals } = staleCache({
        now: undefined,
        maxSizeBytes: '24M',
        sizeOf: () => 16_384,
      })
      for (let at = 0; at < 200; at++) cache[`stale ${at}`] = at
      vi.advanceTimersByTime(10 * SECONDS)
      controller.defaultTtl = null
      for (let at = 0; at < 1_200; at++) cache[`live ${at}`] = at
      gauge.live = 36 * MIB
      gauge.garbage = 6 * MIB
      for (let at = 0; at < 100 && removals().length === 0; at++)
        vi.advanceTimersByTime(5 * SECONDS)
      const counts = (reason: string) => removals().filter((each) => each.endsWith(reason)).length
      expect(counts('expired')).toBe(200)
      expect(
        removals()
          .slice(0, 200)
          .every((each) => each.endsWith('expired')),
      ).toBe(true)
      expect(controller.stats()).toMatchObject({
        evictions: counts('evicted'),
        pressureEvictions: counts('evicted'),
        expirations: 200,
      })
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a TTL of 0 or less', () => {
  it.each([0, -30])(
    'of %i keeps nothing of a write or a load, whatever the window',
    async (ttl) => {
      const { controller } = staleCache()
      controller.set('written', 1, { ttl })
      await controller.getOrSet('loaded', () => 1, { ttl, staleIfError: '1h' })
      await controller.getOrSet('computed', () => 1, { ttl: () => ttl, staleWhileRevalidate: '1h' })
      for (const key of ['written', 'loaded', 'computed']) {
        expect(controller.isExpired(key)).toBeUndefined()
        expect(await served(controller, key)).toBe(GONE)
      }
    },
  )

  it.each([0, -30])('of %i by setTtl keeps nothing', async (ttl) => {
    const { controller, removals } = staleCache({}, { a: 1 })
    controller.setTtl('a', ttl)
    expect(removals()).toEqual(['a expired'])
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('as a date that has passed keeps nothing of a write or a snapshot either', async () => {
    const { clock, controller } = staleCache()
    const { controller: other } = cacheWith({ now: clock.now, defaultTtl: '10s' }, { loaded: 1 })
    const snapshot = other.dump()
    clock.advance(10 * SECONDS)
    controller.load(snapshot).set('written', 1, { expiresAt: clock.time })
    for (const key of ['loaded', 'written']) expect(await served(controller, key)).toBe(GONE)
  })

  it('makes an older value under the key leave, live or stale', async () => {
    const { controller, clock, removed } = staleCache({}, { stale: 1 })
    clock.advance(10 * SECONDS)
    controller.set('live', 2).set('live', 3, { ttl: 0 }).set('stale', 4, { ttl: 0 })
    expect(removed()).toEqual([
      ['live', 2, 'replaced'],
      ['live', 3, 'expired'],
      ['stale', 1, 'expired'],
      ['stale', 4, 'expired'],
    ])
    expect(await served(controller, 'stale')).toBe(GONE)
    expect(await served(controller, 'live')).toBe(GONE)
  })
})

describe('a stored promise', () => {
  it('that is pending does not become stale', async () => {
    const { cache, controller, clock, removals } = staleCache({ pendingTtl: '2s' })
    cache.a = new Promise(() => {})
    clock.advance(2 * SECONDS)
    expect(cache.a).toBeUndefined()
    expect(removals()).toEqual(['a expired'])
    expect(controller.isExpired('a')).toBeUndefined()
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('that has fulfilled becomes stale, and getOrSet gives its value', async () => {
    const { cache, controller, clock } = staleCache()
    const { promise, resolve } = deferred<string>()
    cache.a = promise
    clock.advance(5 * SECONDS)
    resolve('value')
    await cache.a
    clock.advance(69 * SECONDS)
    expect(cache.a).toBeUndefined()
    const seen = vi.fn(async () => Promise.reject(new Error('no')))
    expect(await controller.getOrSet('a', seen)).toBe('value')
    expect(seen).toHaveBeenCalledWith('a', expect.objectContaining({ stale: 'value' }))
    clock.advance(1 * SECONDS)
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('that is written over a stale value makes it leave', () => {
    const { cache, controller, clock, removals } = staleCache({}, { a: 1 })
    clock.advance(10 * SECONDS)
    expect(controller.size).toBe(0)
    cache.a = new Promise(() => {})
    expect(removals()).toEqual(['a expired'])
  })

  it('that rejects leaves nothing stale', async () => {
    const { cache, controller } = staleCache()
    cache.a = Promise.reject(new Error('no'))
    await nextTurn()
    expect(await served(controller, 'a')).toBe(GONE)
  })
})

describe('the sweep', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('removes a stale entry once its window is over, without any call', () => {
    const { cache, removals } = staleCache({ now: undefined })
    cache.a = 1
    vi.advanceTimersByTime(69 * SECONDS)
    expect(removals()).toEqual([])
    vi.advanceTimersByTime(100 * SECONDS)
    expect(removals()).toEqual(['a expired'])
  })

  it('ends when the last stale entry has gone, so runAllTimers ends too', () => {
    const { cache, removals } = staleCache({ now: undefined })
    for (let at = 0; at < 1_000; at++) cache[at] = at
    vi.runAllTimers()
    expect(removals()).toHaveLength(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps an entry that is stale without end', async () => {
    const { cache, controller, removals } = staleCache({ now: undefined, staleIfError: null })
    cache.a = 1
    vi.advanceTimersByTime(1e9)
    expect(removals()).toEqual([])
    expect(await served(controller, 'a')).toBe(1)
  })
})

describe('by the wall clock and by the monotonic clock', () => {
  const native = { now: Date.now, monotonic: performance.now }
  afterEach(() => {
    vi.restoreAllMocks()
    Date.now = native.now
    performance.now = native.monotonic
  })

  const withStale = async () => {
    const { clocks, library } = await libraryOnClocks(1_700_000_000_000, 1_234.5)
    const options = { defaultTtl: '10s', staleIfError: '1m', retryAfter: 0, onError() {} }
    const cache = new library.FaaSCacheDict<Values>(options, { a: 1 })
    const controller = library.controllerOf(cache)
    const pass = async (wall: number, monotonic = wall) => {
      await nextTurn()
      clocks.wall += wall
      clocks.monotonic += monotonic
    }
    return { controller, pass }
  }

  it.each([
    ['the wall clock alone', 3_600_000, 0],
    ['both clocks', 3_600_000, 3_600_000],
    ['the monotonic clock alone', -3_600_000, 3_600_000],
  ])('an entry leaves the window after a freeze seen by %s', async (_which, wall, monotonic) => {
    const { controller, pass } = await withStale()
    await pass(15_000)
    expect(await served(controller, 'a')).toBe(1)
    await pass(wall, monotonic)
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('an entry stays its whole window, and no longer, after the wall clock was set back', async () => {
    const { controller, pass } = await withStale()
    await pass(15_000)
    expect(controller.has('a')).toBe(false)
    await pass(-3_600_000, 0)
    expect(await served(controller, 'a')).toBe(1)
    await pass(54_960)
    expect(await served(controller, 'a')).toBe(1)
    await pass(80)
    expect(await served(controller, 'a')).toBe(GONE)
  })

  it('a process that is frozen during a load serves nothing past the window', async () => {
    const { controller, pass } = await withStale()
    await pass(15_000)
    const { promise, reject } = deferred<number>()
    const load = controller.getOrSet('a', () => promise).catch(String)
    const waiting = controller.getOrSet('a', () => 2, { softTimeout: 0 }).catch(String)
    await pass(60_000, 0)
    reject(GONE)
    expect(await Promise.all([load, waiting])).toEqual([GONE, GONE])
  })

  it('a process that is frozen during a revalidation serves nothing past the window', async () => {
    const { controller, pass } = await withStale()
    await pass(15_000)
    const { promise, resolve } = deferred<number>()
    const options = { staleWhileRevalidate: '1m' }
    const revalidated = controller.getOrSet('a', () => promise, options)
    expect(await revalidated).toBe(1)
    await pass(20_000, 0)
    expect(await controller.getOrSet('a', () => 3, options)).toBe(1)
    await pass(40_000, 0)
    const later = controller.getOrSet('a', () => 3, options)
    resolve(2)
    // The load is older than `pendingTtl`, so this call starts its own.
    expect(await later).toBe(3)
  })
})

describe('many stale entries', () => {
  it('keep their values, windows and charges while others come and go', async () => {
    const { controller, clock, removed } = cacheWith({
      maxSizeBytes: null,
      retryAfter: 0,
      onError() {},
    })
    const SOME = 3_000
    const windowOf = (at: number) => 1 + (at % 90)
    for (let at = 0; at < SOME; at++) {
      const sizeBytes = at % 10 === 0 ? 2 ** 32 + at : at
      controller.set(`${at}`, at, { sizeBytes, ttl: '10s' })
      await controller.getOrSet(`loaded ${at}`, () => at, {
        ttl: '10s',
        staleIfError: windowOf(at),
      })
    }
    clock.advance(10 * SECONDS)
    expect(controller.size).toBe(0)
    expect(removed()).toHaveLength(SOME)
    clock.advance(45 * SECONDS)
    expect(controller.size).toBe(0)
    for (let at = 0; at < SOME; at += 100) {
      const isKept = windowOf(at) > 45
      const expected = isKept ? at : GONE
      expect(await served(controller, `loaded ${at}`, { staleIfError: null })).toBe(expected)
    }
    clock.advance(45 * SECONDS)
    expect(controller.size).toBe(0)
    expect(removed()).toHaveLength(2 * SOME)
    expect(controller.sizeBytes).toBeLessThan(EMPTY_BYTES + 100 * ENTRY_BYTES)
  })

  it('of a given size are charged and told what they were given', () => {
    const { controller, clock, onDelete } = staleCache({ maxSizeBytes: null })
    const sizes = [0, 1, 1_000, 2 ** 31, 2 ** 40]
    for (const sizeBytes of sizes) controller.set(`${sizeBytes}`, 1, { sizeBytes })
    const before = controller.sizeBytes
    clock.advance(10 * SECONDS)
    expect(controller.size).toBe(0)
    expect(controller.sizeBytes).toBeGreaterThanOrEqual(before)
    controller.clear()
    const told = onDelete.mock.calls.map(([key, , , bytes]) => [Number(key), bytes])
    expect(new Map(told as [number, number][])).toEqual(
      new Map(sizes.map((sizeBytes) => [sizeBytes, sizeBytes + ENTRY_BYTES])),
    )
    expect(controller.sizeBytes).toBe(EMPTY_BYTES)
  })

  it('live in a table that moves its entries, with the windows that were theirs', async () => {
    const { controller, clock, removals } = cacheWith({ retryAfter: 0, onError() {} })
    for (let at = 0; at < 1_000; at++) {
      await controller.getOrSet(`${at}`, () => at, {
        ttl: '10s',
        staleIfError: at === 999 ? '1h' : '1s',
      })
    }
    for (let at = 0; at < 990; at++) controller.delete(`${at}`)
    clock.advance(12 * SECONDS)
    expect(controller.size).toBe(0)
    expect(removals().filter((each) => each.endsWith('expired'))).toHaveLength(9)
    expect(await served(controller, '999', { staleIfError: '1h' })).toBe(999)
  })
})
