import { controllerOf, DataTooLargeError, FaaSCacheDict, KeyError } from 'faas-cache-dict'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { cacheWith, type Dictionary } from './support/cache.ts'
import { FakeClock } from './support/fake-clock.ts'
import { expectNoUnhandledRejection } from './support/promises.ts'

const SECONDS = 1000
const YEARS = 365 * 24 * 3600 * SECONDS

describe('an entry', () => {
  it('expires exactly when its TTL has passed', () => {
    const { cache, clock } = cacheWith({ defaultTtl: '10s' })
    cache['a'] = 1
    clock.advance(9999)
    expect(cache['a']).toBe(1)
    clock.advance(1)
    expect(cache['a']).toBeUndefined()
  })

  it.each([
    ['1 ms', '1ms', 1],
    ['0.25 s', 0.25, 250],
    ['90 s', 90, 90 * SECONDS],
    ['5 min', '5m', 300 * SECONDS],
    ['2 h', '2h', 7200 * SECONDS],
    ['100 years', '36500d', 100 * YEARS],
  ])('can have a TTL of %s', (_, defaultTtl, milliseconds) => {
    const { cache, clock } = cacheWith({ defaultTtl })
    cache['a'] = 1
    clock.advance(milliseconds - 0.5)
    expect('a' in cache).toBe(true)
    clock.advance(0.5)
    expect('a' in cache).toBe(false)
  })

  it.each([null, Number.POSITIVE_INFINITY, undefined])(
    'never expires with a TTL of %s',
    (defaultTtl) => {
      const { cache, clock, controller } = cacheWith({ defaultTtl })
      cache['a'] = 1
      clock.advance(1000 * YEARS)
      expect(cache['a']).toBe(1)
      expect(controller.ttl('a')).toBeNull()
    },
  )

  it('restarts its TTL when it is written, not when it is read', () => {
    const { cache, clock } = cacheWith({ defaultTtl: '10s' })
    cache['a'] = 1
    cache['b'] = 1
    clock.advance(6 * SECONDS)
    cache['a'] = 1
    expect(cache['b']).toBe(1)
    clock.advance(6 * SECONDS)
    expect(cache['a']).toBe(1)
    expect(cache['b']).toBeUndefined()
  })

  it('is absent from every read and enumeration once it has expired', () => {
    const { cache, clock, controller } = cacheWith({ defaultTtl: '10s' })
    cache['a'] = 1
    controller.set('b', 2, { ttl: '1m' })
    clock.advance(10 * SECONDS)
    expect({ ...cache }).toEqual({ b: 2 })
    expect(Object.keys(cache)).toEqual(['b'])
    expect(JSON.stringify(cache)).toBe('{"b":2}')
    expect('a' in cache).toBe(false)
    expect(Object.getOwnPropertyDescriptor(cache, 'a')).toBeUndefined()
    expect([...controller.keys()]).toEqual(['b'])
    expect([...controller.values()]).toEqual([2])
    expect([...controller.reversed()]).toEqual([['b', 2]])
    expect(controller.peek('a')).toBeUndefined()
    expect(controller.has('a')).toBe(false)
    expect(controller.size).toBe(1)
    expect(controller.pop('a')).toBeUndefined()
    expect(controller.delete('a')).toBe(false)
    expect(controller.setDefault('a', 3)).toBe(3)
  })

  it('is skipped if it expires during an iteration', () => {
    const { clock, controller } = cacheWith({ defaultTtl: '10s' })
    controller.update({ a: 1, b: 2 }).set('c', 3, { ttl: '1m' })
    const seen: string[] = []
    for (const key of controller.keys()) {
      seen.push(key)
      clock.advance(10 * SECONDS)
    }
    expect(seen).toEqual(['a', 'c'])
  })

  it('is removed once, with reason "expired", whichever call finds it', () => {
    const finders: Record<string, (key: string) => (cache: Dictionary) => unknown> = {
      read: (key) => (cache) => cache[key],
      write: (key) => (cache) => {
        cache[key] = 'new'
      },
      delete: (key) => (cache) => delete cache[key],
      pop: (key) => (cache) => controllerOf(cache).pop(key),
      clear: () => (cache) => controllerOf(cache).clear(),
      purge: () => (cache) => controllerOf(cache).purgeExpired(),
      size: () => (cache) => controllerOf(cache).size,
      evict: () => (cache) => controllerOf(cache).evictOldest(),
      refused: (key) => (cache) => controllerOf(cache).set(key, 'x', { sizeBytes: 1e9 }),
    }
    for (const [name, find] of Object.entries(finders)) {
      const { cache, clock, removed, controller } = cacheWith({
        defaultTtl: '10s',
        maxSizeBytes: '1M',
        onTooLarge: 'skip',
      })
      cache['a'] = 1
      clock.advance(10 * SECONDS)
      find('a')(cache)
      expect(removed(), name).toEqual([['a', 1, 'expired']])
      expect(controller.stats().expirations, name).toBe(1)
    }
  })
})

describe('the TTL of one entry', () => {
  it('is set by the write and does not change the default', () => {
    const { cache, clock, controller } = cacheWith({ defaultTtl: '10s' })
    controller.set('short', 1, { ttl: '1s' }).set('long', 1, { ttl: '1h' })
    controller.set('forever', 1, { ttl: null })
    cache['usual'] = 1
    clock.advance(1 * SECONDS)
    expect(Object.keys(cache)).toEqual(['long', 'forever', 'usual'])
    clock.advance(9 * SECONDS)
    expect(Object.keys(cache)).toEqual(['long', 'forever'])
    clock.advance(3600 * SECONDS)
    expect(Object.keys(cache)).toEqual(['forever'])
  })

  it('is the default again after a plain write', () => {
    const { cache, controller } = cacheWith({ defaultTtl: '10s' })
    controller.set('a', 1, { ttl: '1h' })
    cache['a'] = 1
    expect(controller.ttl('a')).toBe(10)
  })

  it('is read as the seconds left', () => {
    const { cache, clock, controller } = cacheWith({ defaultTtl: '10s' })
    cache['a'] = 1
    clock.advance(2500)
    expect(controller.ttl('a')).toBe(7.5)
  })

  it('is restarted by setTtl, shorter or longer', () => {
    const { cache, clock, controller } = cacheWith({ defaultTtl: '10s' })
    controller.update({ a: 1, b: 1, c: 1 })
    clock.advance(5 * SECONDS)
    controller.setTtl('a', '1s')
    controller.setTtl('b', '10s')
    controller.setTtl('c', null)
    clock.advance(1 * SECONDS)
    expect(Object.keys(cache)).toEqual(['b', 'c'])
    clock.advance(8999)
    expect(cache['b']).toBe(1)
    clock.advance(1)
    expect(cache['b']).toBeUndefined()
    expect(controller.ttl('c')).toBeNull()
  })

  it('throws a KeyError if the key is missing or expired', () => {
    const { cache, clock, controller } = cacheWith({ defaultTtl: '10s' })
    cache['expired'] = 1
    clock.advance(10 * SECONDS)
    for (const key of ['expired', 'missing']) {
      expect(() => controller.ttl(key)).toThrow(KeyError)
      expect(() => controller.setTtl(key, 1)).toThrow(KeyError)
      expect(() => controller.expireAt(key, Date.now())).toThrow(KeyError)
    }
  })

  it('can be read and set without a use', () => {
    const { cache, controller } = cacheWith({ defaultTtl: '10s' })
    controller.update({ a: 1, b: 1 })
    controller.ttl('a')
    controller.setTtl('a', '5s')
    controller.expireAt('a', 1_800_000_000_000)
    controller.isExpired('a')
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    expect(controller.stats().hits).toBe(0)
  })

  it.each(['5 parsecs', Number.NaN, true, '10', '', {}])('cannot be %o', (ttl) => {
    const { cache, controller } = cacheWith({ defaultTtl: '10s' })
    cache['a'] = 1
    const refused = ttl as number
    expect(() => controller.setTtl('a', refused)).toThrow(/ttl/)
    expect(() => controller.set('a', 2, { ttl: refused })).toThrow(/ttl/)
    expect(() => {
      controller.defaultTtl = refused
    }).toThrow(/defaultTtl/)
    expect([cache['a'], controller.ttl('a'), controller.defaultTtl]).toEqual([1, 10, 10])
  })

  describe.each([0, -0.5, -30, Number.NEGATIVE_INFINITY, '0s', '-5s', '0ms'])(
    'a TTL of %s, which has already passed,',
    (ttl) => {
      it('makes a write count as a write and an expiration, and store nothing', () => {
        const { cache, removed, controller } = cacheWith({ defaultTtl: '10s' })
        cache['old'] = 1
        controller.set('old', 2, { ttl }).set('new', 3, { ttl })
        expect(Object.keys(cache)).toEqual([])
        expect(removed()).toEqual([
          ['old', 1, 'replaced'],
          ['old', 2, 'expired'],
          ['new', 3, 'expired'],
        ])
        expect(controller.stats()).toMatchObject({ writes: 3, replacements: 1, expirations: 2 })
      })

      it('makes setTtl remove the entry', () => {
        const { cache, removed, controller } = cacheWith({ defaultTtl: '10s' })
        cache['a'] = 1
        controller.setTtl('a', ttl)
        expect(removed()).toEqual([['a', 1, 'expired']])
        expect(controller.isExpired('a')).toBeUndefined()
      })

      it('makes setTtl remove a pending promise', () => {
        const { cache, removed, controller } = cacheWith({ defaultTtl: '10s' })
        const pending = new Promise(() => {})
        cache['a'] = pending
        controller.setTtl('a', ttl)
        expect(removed()).toEqual([['a', pending, 'expired']])
      })

      it('makes getOrSet share one load and store nothing', async () => {
        const { controller } = cacheWith({ defaultTtl: '10s' })
        const factory = vi.fn(() => 1)
        const load = () => controller.getOrSet('a', factory, { ttl })
        expect(await Promise.all([load(), load()])).toEqual([1, 1])
        expect(await controller.getOrSet('a', factory, { ttl: () => ttl })).toBe(1)
        expect(factory).toHaveBeenCalledTimes(2)
        expect(controller.stats()).toMatchObject({ items: 0, writes: 2, expirations: 2 })
      })

      it('is refused as an option', () => {
        const { controller } = cacheWith()
        expect(() => {
          controller.defaultTtl = ttl
        }).toThrow(RangeError)
        for (const name of ['defaultTtl', 'pendingTtl', 'sweepInterval']) {
          expect(() => new FaaSCacheDict({ [name]: ttl })).toThrow(RangeError)
        }
      })
    },
  )

  it('starts when getOrSet stores the value', async () => {
    const { clock, controller } = cacheWith({ defaultTtl: '10s' })
    await controller.getOrSet('a', () => 1, { ttl: '2s' })
    await controller.getOrSet('b', () => 2, { ttl: (value) => `${Number(value) * 2}s` })
    await controller.getOrSet('c', () => {
      clock.advance(500)
      return 3
    })
    expect(['a', 'b', 'c'].map((key) => controller.ttl(key))).toEqual([1.5, 3.5, 10])
  })
})

describe('a write that has already expired', () => {
  const past = (clock: FakeClock) => ({ expiresAt: clock.time - 1 })

  it('evicts nothing at the item limit', () => {
    const { cache, clock, removed, controller } = cacheWith({ maxItems: 3 })
    controller.update({ a: 1, b: 2, c: 3 })
    controller.set('dead', 0, past(clock)).set('dead', 0, { ttl: 0 })
    expect(Object.keys(cache)).toEqual(['a', 'b', 'c'])
    expect(removed()).toEqual([
      ['dead', 0, 'expired'],
      ['dead', 0, 'expired'],
    ])
    expect(controller.stats()).toMatchObject({ writes: 5, expirations: 2, evictions: 0 })
  })

  it('evicts nothing at the byte limit, and does not grow the tables', () => {
    const { clock, controller } = cacheWith({ maxSizeBytes: '64K' })
    for (let at = 0; controller.stats().evictions === 0; at++) controller.set(`${at}`, 'x')
    const { items, sizeBytes, evictions } = controller.stats()
    controller.set('dead', 'x'.repeat(50_000), past(clock))
    for (let at = 0; at < 1000; at++) controller.set(`dead ${at}`, 'x', past(clock))
    expect(controller.stats()).toMatchObject({ items, sizeBytes, evictions, expirations: 1001 })
  })

  it('passes onDelete the bytes that the entry would have been charged', () => {
    const charges: number[] = []
    const cache = new FaaSCacheDict({
      onDelete: (_key, _value, _reason, bytes) => charges.push(bytes),
    })
    const controller = controllerOf(cache)
    controller.set('a', 'a text', { ttl: 0 }).set('a', 'a text')
    expect(charges).toEqual([controller.sizeOf('a')])
  })

  it('of the stored value itself removes the entry and calls onDelete once', () => {
    const { cache, removed, controller } = cacheWith()
    cache['a'] = 1
    controller.set('a', 1, { ttl: -1 })
    expect(removed()).toEqual([['a', 1, 'expired']])
    expect(controller.stats()).toMatchObject({ writes: 2, replacements: 1, expirations: 1 })
  })

  it('over an expired entry counts two expirations', () => {
    const { cache, clock, removed, controller } = cacheWith({ defaultTtl: '1s' })
    cache['a'] = 1
    clock.advance(1000)
    controller.set('a', 2, { ttl: 0 })
    expect(removed()).toEqual([
      ['a', 1, 'expired'],
      ['a', 2, 'expired'],
    ])
  })

  it('is refused if it does not fit an empty cache', () => {
    const { cache, removed, controller } = cacheWith({ maxSizeBytes: '64K' })
    cache['a'] = 1
    expect(() => controller.set('a', 'x'.repeat(100_000), { ttl: 0 })).toThrow(DataTooLargeError)
    expect(removed()).toEqual([['a', 1, 'replaced']])
    expect(controller.stats()).toMatchObject({ writes: 1, refusals: 1, expirations: 0 })
  })

  it('of a promise stores nothing, and handles its rejection', async () => {
    const { cache, clock, controller, removals } = cacheWith({ maxItems: 1 })
    cache['a'] = 1
    await expectNoUnhandledRejection(() => {
      controller.set('b', new Promise(() => {}), past(clock))
      controller.set('b', Promise.reject(new Error('unheard')), { ttl: 0 })
    })
    expect(Object.keys(cache)).toEqual(['a'])
    expect(removals()).toEqual(['b expired', 'b expired'])
  })

  it('wins over a load under way, as every write does', async () => {
    const { controller } = cacheWith()
    const load = controller.getOrSet('a', async () => 'loaded')
    controller.set('a', 'dead', { ttl: 0 })
    expect(await load).toBe('loaded')
    expect(controller.has('a')).toBe(false)
  })

  it('evicts nothing if defaultTtl is below a millisecond', () => {
    const { cache, controller } = cacheWith({ maxItems: 2, pendingTtl: 0.000_1 })
    controller.update({ a: 1, b: 2 })
    controller.defaultTtl = 0.000_1
    controller.setDefault('c', 3)
    cache['d'] = 4
    cache['e'] = new Promise(() => {})
    expect(Object.keys(cache)).toEqual(['a', 'b'])
  })
})

describe('defaultTtl', () => {
  it('applies to writes after it was set', () => {
    const { cache, controller } = cacheWith({ defaultTtl: '10s' })
    cache['before'] = 1
    controller.defaultTtl = '1m'
    cache['after'] = 1
    expect([controller.defaultTtl, controller.ttl('before'), controller.ttl('after')]).toEqual([
      60, 10, 60,
    ])
    controller.defaultTtl = null
    cache['after'] = 1
    expect([controller.defaultTtl, controller.ttl('after')]).toEqual([null, null])
  })
})

describe('ttlJitter', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  })

  const TTL = 1_000
  const SOME = 1_000

  /** The seconds that entries of 1,000 seconds live, in order. */
  const livesOf = (
    ttlJitter: number | undefined,
    write = (cache: Dictionary, key: string) => {
      cache[key] = 1
    },
  ) => {
    const { cache, controller } = cacheWith({ defaultTtl: TTL, ttlJitter })
    for (let at = 0; at < SOME; at++) write(cache, `${at}`)
    return Object.keys(cache)
      .map((key) => controller.ttl(key) as number)
      .sort((a, b) => a - b)
  }

  /** Between the least and the most, and spread over all of it. */
  const expectSpread = (lives: number[], least: number) => {
    expect(lives).toHaveLength(SOME)
    const [first = 0] = lives
    const last = lives.at(-1) as number
    const room = TTL - least
    expect(first).toBeGreaterThanOrEqual(least)
    expect(first).toBeLessThan(least + room / 20)
    expect(last).toBeLessThanOrEqual(TTL)
    expect(last).toBeGreaterThan(TTL - room / 20)
    const middle = lives[SOME / 2] as number
    expect(Math.abs(middle - (least + room / 2))).toBeLessThan(room / 10)
    expect(new Set(lives).size).toBeGreaterThan(SOME / 2)
  }

  it.each([0.1, 0.5, 1])(
    'of %d shortens each TTL by up to so much of it, never lengthens it',
    (ttlJitter) => {
      expectSpread(livesOf(ttlJitter), TTL * (1 - ttlJitter))
    },
  )

  it.each([0, -0, undefined])('of %s changes no TTL', (ttlJitter) => {
    expect(new Set(livesOf(ttlJitter))).toEqual(new Set([TTL]))
  })

  it.each<[string, (cache: Dictionary, key: string) => unknown]>([
    ['the ttl of a write', (cache, key) => controllerOf(cache).set(key, 1, { ttl: TTL })],
    ['setTtl', (cache, key) => controllerOf(cache).set(key, 1, { ttl: null }).setTtl(key, TTL)],
    ['setDefault', (cache, key) => controllerOf(cache).setDefault(key, 1)],
  ])('applies to %s', (_what, write) => {
    expectSpread(livesOf(0.5, write), TTL / 2)
  })

  it('applies to the TTL of a load, given or computed, and to that of a promise', async () => {
    const { cache, controller } = cacheWith({ defaultTtl: TTL, ttlJitter: 0.5 })
    const lives: number[] = []
    for (let at = 0; at < SOME / 4; at++) {
      await controller.getOrSet('a', () => 1, { ttl: TTL, refresh: true })
      await controller.getOrSet('b', () => 1, { ttl: () => TTL, refresh: true })
      await controller.getOrSet('c', () => 1, { refresh: true })
      cache.d = Promise.resolve(at)
      await cache.d
      for (const key of 'abcd') lives.push(controller.ttl(key) as number)
    }
    expectSpread(
      lives.sort((a, b) => a - b),
      TTL / 2,
    )
  })

  it('keeps dates, entries without a TTL, and pendingTtl as they are', () => {
    const { cache, clock, controller } = cacheWith({ ttlJitter: 1, pendingTtl: '30s' })
    const date = clock.time + 60 * SECONDS
    controller.set('a', 1, { expiresAt: date }).set('b', 1).set('c', 1, { ttl: '1h' })
    controller.expireAt('c', date)
    cache['d'] = new Promise(() => {})
    expect(['a', 'b', 'c', 'd'].map((key) => controller.ttl(key))).toEqual([60, null, 60, 30])
  })

  it('keeps the dates of a snapshot', () => {
    const { controller, clock } = cacheWith({ defaultTtl: '1m' }, { a: 1, b: 2 })
    const other = cacheWith({ now: clock.now, ttlJitter: 1 }).controller
    other.load(controller.dump())
    expect([other.ttl('a'), other.ttl('b')]).toEqual([60, 60])
  })

  it('keeps a TTL of 0 or less one that has passed', () => {
    const { cache, controller } = cacheWith({ ttlJitter: 1 })
    controller.set('a', 1, { ttl: 0 }).set('b', 1, { ttl: -5 })
    expect(Object.keys(cache)).toEqual([])
  })

  it('of 1 never makes a write expire at once, whatever the chance', () => {
    vi.spyOn(performance, 'now').mockReturnValue(0)
    const random = vi.spyOn(Math, 'random')
    const { controller } = cacheWith({ defaultTtl: '10s', ttlJitter: 1 })
    for (const chance of [0, 0.5, 1 - 2 ** -53]) {
      random.mockReturnValue(chance)
      controller.set('a', 1)
      expect(controller.ttl('a')).toBeCloseTo(Math.max(10 * (1 - chance), 0.001), 2)
      expect(controller.ttl('a')).toBeGreaterThan(0)
    }
    controller.set('b', 1, { ttl: '2ms' }).set('c', 1, { ttl: '1ms' })
    expect(controller.ttl('b')).toBe(0.001)
    expect(controller.ttl('c')).toBe(0.001)
  })

  it('differs between processes that draw the same random numbers', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.25)
    const monotonic = vi.spyOn(performance, 'now')
    const lives = [0, 0.5, 1234.625].map((time) => {
      monotonic.mockReturnValue(time)
      return livesOf(1)[0]
    })
    expect(lives).toEqual([0.75, 0.25, 0.125].map((part) => part * TTL))
  })

  it('needs no monotonic clock', () => {
    vi.stubGlobal('performance', undefined)
    vi.spyOn(Math, 'random').mockReturnValue(0.25)
    expect(livesOf(1)[0]).toBe(0.75 * TTL)
  })

  it('moves the window of a stale value with its deadline', () => {
    vi.spyOn(performance, 'now').mockReturnValue(0)
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { clock, controller } = cacheWith({ defaultTtl: '10s', ttlJitter: 1, staleIfError: '1m' })
    controller.set('a', 1)
    clock.advance(5 * SECONDS)
    expect(controller.purgeExpired()).toBe(1)
    clock.advance(60 * SECONDS - 1)
    expect(controller.isExpired('a')).toBe(true)
    clock.advance(1)
    controller.purgeExpired()
    expect(controller.isExpired('a')).toBeUndefined()
  })
})

describe('an absolute expiry', () => {
  it('can be a Date or epoch milliseconds', () => {
    const { cache, clock, controller } = cacheWith()
    controller.set('a', 1, { expiresAt: clock.time + 5000 })
    controller.set('b', 1, { expiresAt: new Date(clock.time + 5000) })
    controller.update({ c: 1, d: 1 })
    controller.expireAt('c', clock.time + 5000)
    controller.expireAt('d', new Date(clock.time + 5000))
    clock.advance(4999)
    expect(Object.keys(cache)).toEqual(['a', 'b', 'c', 'd'])
    clock.advance(1)
    expect(Object.keys(cache)).toEqual([])
  })

  it('in the past removes the entry at once, with reason "expired"', () => {
    const { cache, clock, removed, controller } = cacheWith()
    cache['a'] = 1
    controller.expireAt('a', clock.time - 1)
    expect(removed()).toEqual([['a', 1, 'expired']])
    controller.set('b', 2, { expiresAt: new Date('1973-03-04') })
    expect('b' in cache).toBe(false)
    expect(removed()[1]).toEqual(['b', 2, 'expired'])
    expect(controller.purgeExpired()).toBe(0)
  })

  it('can be any time if fake timers start at 0', () => {
    vi.useFakeTimers({ now: 0 })
    const controller = controllerOf(new FaaSCacheDict<Record<string, number>>())
    controller.set('a', 1, { expiresAt: new Date(Date.now() + 1000) })
    expect(controller.ttl('a')).toBe(1)
    vi.advanceTimersByTime(1000)
    expect(controller.has('a')).toBe(false)
    vi.useRealTimers()
  })

  it.each([0, -1, 1_700_000_000, 1e11 - 1, -1_700_000_000_000, new Date(0), new Date(-1)])(
    'of %s is refused, since it looks like seconds',
    (when) => {
      const { cache, controller } = cacheWith()
      cache['a'] = 1
      expect(() => controller.set('a', 2, { expiresAt: when })).toThrow(RangeError)
      expect(() => controller.expireAt('a', when)).toThrow(`got ${Number(when)}`)
      expect(cache['a']).toBe(1)
    },
  )

  it('is not checked in a snapshot, since the clock of its cache may start at 0', () => {
    const { cache, clock, controller } = cacheWith({ defaultTtl: '10s' })
    clock.time = 5_000
    cache['a'] = 1
    const snapshot = controller.dump()
    controller.clear()
    expect(controller.load(snapshot).ttl('a')).toBe(10)
  })

  it.each([new Date(Number.NaN), Number.NaN, Number.POSITIVE_INFINITY, 'tomorrow', null])(
    'cannot be %s',
    (when) => {
      const { cache, controller } = cacheWith({ defaultTtl: '10s' })
      cache['a'] = 1
      expect(() => controller.expireAt('a', when as Date)).toThrow(/when/)
      expect(() => controller.set('a', 2, { expiresAt: when as Date })).toThrow(/expiresAt/)
      expect([cache['a'], controller.ttl('a')]).toEqual([1, 10])
    },
  )

  it('survives a dump and a load into a cache with another defaultTtl', () => {
    const { clock, controller } = cacheWith({ defaultTtl: '10s' })
    controller.update({ a: 1 }).set('b', 2, { ttl: null }).set('c', 3, { ttl: '1s' })
    clock.advance(500)
    const snapshot = structuredClone(controller.dump())
    const later = cacheWith({ defaultTtl: '1h' })
    later.clock.time = clock.time + 4500
    later.controller.load(snapshot)
    expect([...later.controller.keys()]).toEqual(['a', 'b'])
    expect(later.removed()).toEqual([])
    expect(later.controller.stats().writes).toBe(2)
    expect([later.controller.ttl('a'), later.controller.ttl('b')]).toEqual([5, null])
  })
})

describe('isExpired', () => {
  it('returns true, false, or undefined for an unknown key', () => {
    const { cache, clock, controller, removed } = cacheWith({ defaultTtl: '10s' })
    cache['a'] = 1
    expect([controller.isExpired('a'), controller.isExpired('b')]).toEqual([false, undefined])
    clock.advance(10 * SECONDS)
    expect(controller.isExpired('a')).toBe(true)
    expect(removed()).toEqual([])
    controller.purgeExpired()
    expect(controller.isExpired('a')).toBeUndefined()
  })
})

describe('an expired entry', () => {
  it('makes room before any live entry, wherever it is in the order', () => {
    const { cache, clock, removed, controller } = cacheWith({ maxItems: 3 })
    controller.set('old', 1).set('middle', 1).set('brief', 1, { ttl: '1s' })
    clock.advance(1 * SECONDS)
    cache['new'] = 1
    expect(Object.keys(cache)).toEqual(['old', 'middle', 'new'])
    expect(removed()).toEqual([['brief', 1, 'expired']])
  })

  it('makes room at the byte limit too', () => {
    const { cache, clock, removed, controller } = cacheWith({ maxSizeBytes: 22_000 })
    controller.set('old', 1, { sizeBytes: 6000 })
    controller.set('brief', 1, { ttl: '1s', sizeBytes: 6000 })
    clock.advance(1 * SECONDS)
    controller.set('new', 1, { sizeBytes: 12_000 })
    expect(Object.keys(cache)).toEqual(['old', 'new'])
    expect(removed()).toEqual([['brief', 1, 'expired']])
  })

  it('is the first that evictOldest removes', () => {
    const { cache, clock, controller } = cacheWith()
    controller.set('old', 1).set('brief', 1, { ttl: '1s' })
    clock.advance(1 * SECONDS)
    expect(controller.evictOldest()).toBe(true)
    expect(Object.keys(cache)).toEqual(['old'])
    expect([controller.evictOldest(), controller.evictOldest()]).toEqual([true, false])
    expect(controller.stats()).toMatchObject({ expirations: 1, evictions: 1 })
  })

  it('is counted and removed by purgeExpired', () => {
    const { clock, removals, controller } = cacheWith({ defaultTtl: '10s' })
    controller.update({ a: 1, b: 2 }).set('c', 3, { ttl: '1m' })
    expect(controller.purgeExpired()).toBe(0)
    clock.advance(10 * SECONDS)
    expect(controller.purgeExpired()).toBe(2)
    expect(controller.purgeExpired()).toBe(0)
    expect(removals().sort()).toEqual(['a expired', 'b expired'])
  })

  it('gives back its bytes', () => {
    const { clock, controller } = cacheWith({ defaultTtl: '10s' })
    const empty = controller.sizeBytes
    controller.set('a', 'x'.repeat(5000))
    clock.advance(10 * SECONDS)
    expect(controller.sizeBytes).toBe(empty)
  })

  it('is found by purgeExpired after any sequence of writes, renewals and deletes', () => {
    const step = fc.record({
      kind: fc.constantFrom('write', 'write', 'renew', 'renew', 'remove', 'wait', 'wait'),
      key: fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`),
      ttl: fc.option(fc.integer({ min: 1, max: 400 })),
    })
    const steps = fc.array(step, { minLength: 100, maxLength: 600, size: 'max' })
    fc.assert(
      fc.property(steps, (sequence) => {
        const { clock, controller } = cacheWith()
        const deadlines = new Map<string, number>()
        for (const { kind, key, ttl } of sequence) {
          const deadline = ttl === null ? Number.POSITIVE_INFINITY : clock.time + ttl
          const options = { ttl: ttl === null ? null : (`${ttl}ms` as const) }
          if (kind === 'write') {
            controller.set(key, kind, options)
            deadlines.set(key, deadline)
          } else if (kind === 'renew' && deadlines.has(key)) {
            controller.setTtl(key, options.ttl)
            deadlines.set(key, deadline)
          } else if (kind === 'remove') {
            controller.delete(key)
            deadlines.delete(key)
          } else if (kind === 'wait') {
            clock.advance(ttl ?? 0)
            let due = 0
            for (const [name, at] of deadlines) {
              if (at <= clock.time) due += Number(deadlines.delete(name))
            }
            expect(controller.purgeExpired()).toBe(due)
            expect(new Set(controller.keys())).toEqual(new Set(deadlines.keys()))
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('onDelete', () => {
  it('can write an expired key again', () => {
    const clock = new FakeClock()
    const onDelete = vi.fn((key: string) => {
      cache[key] = 'again'
    })
    const cache = new FaaSCacheDict({ now: clock.now, defaultTtl: '10s', onDelete })
    cache['a'] = 1
    clock.advance(10 * SECONDS)
    expect(cache['a']).toBeUndefined()
    expect(cache['a']).toBe('again')
    expect(onDelete).toHaveBeenCalledTimes(1)
  })
})
