import { inspect } from 'node:util'
import {
  CacheController,
  type CacheOptions,
  controllerOf,
  FaaSCacheDict,
  heapSize,
} from 'faas-cache-dict'
import { describe, expect, it, test, vi } from 'vitest'
import { cacheWith, type Dictionary, type Values } from './support/cache.ts'
import { FakeClock, START } from './support/fake-clock.ts'
import { deferred, expectNoUnhandledRejection } from './support/promises.ts'

/** Entries first, since most of these specs give no options. */
const made = (entries: Values = {}, options: CacheOptions = {}) => cacheWith(options, entries)

/** A cache whose entries have all expired. */
const expired = (entries: Values = { gone: 1 }) => {
  const late = cacheWith({ defaultTtl: '1s' }, entries)
  late.clock.advance(1_000)
  return late
}

describe('a controller', () => {
  it('cannot be constructed directly', () => {
    expect(() => Reflect.construct(CacheController, [])).toThrow(/controllerOf/)
    expect(() => Reflect.construct(CacheController, [made().cache])).toThrow(TypeError)
  })

  it('has a class named CacheController', () => {
    const { controller } = made()
    expect(CacheController.name).toBe('CacheController')
    expect(inspect(controller, { customInspect: false })).toBe('CacheController {}')
    expect(inspect(CacheController)).toBe('[class CacheController]')
  })

  const { constructor, ...members } = Object.getOwnPropertyDescriptors(CacheController.prototype)
  const callable = Object.entries(members).map(([name, { value, get }]) => [name, value ?? get])

  it.each(callable)(
    'throws a TypeError that names %s if it is called on another object',
    async (name, member) => {
      for (const receiver of [undefined, {}, made().cache]) {
        const call = async () => Reflect.apply(member as () => unknown, receiver, ['a', () => {}])
        await expect(call()).rejects.toThrow(TypeError)
        await expect(call()).rejects.toThrow(`${name} was called without its controller`)
      }
    },
  )
})

describe('controllerOf', () => {
  it('returns the same controller each time, and another for another cache', () => {
    const { cache } = made()
    expect(controllerOf(cache)).toBe(controllerOf(cache))
    expect(controllerOf(cache)).toBeInstanceOf(CacheController)
    expect(controllerOf(made().cache)).not.toBe(controllerOf(cache))
  })

  it('throws a TypeError for anything but a cache', () => {
    const { cache, controller } = made()
    const others = [{}, Object.create(null), Object.create(cache), controller, new Map(), () => 1]
    for (const other of [
      ...others,
      null,
      undefined,
      1,
      'cache',
      Symbol('s'),
      1n,
      new Proxy(cache, {}),
    ]) {
      expect(() => controllerOf(other as never)).toThrow(TypeError)
    }
  })

  it('leaves the names of its members free as keys of the cache', () => {
    const { cache, controller } = made()
    for (const name of Object.getOwnPropertyNames(CacheController.prototype)) {
      expect(name in cache).toBe(false)
      cache[name] = name
    }
    expect(controllerOf(cache)).toBe(controller)
    expect(controller.get('get')).toBe('get')
  })
})

describe('printing', () => {
  it('inspect shows one line with the options and sizes', () => {
    const { cache, controller } = made({ a: 1 }, { defaultTtl: '10s', maxItems: 3 })
    const line = String(cache).replace('FaaSCacheDict', 'CacheController')
    expect(inspect(controller)).toBe(line)
  })
})

describe('get', () => {
  it('is a use, like cache[key]', () => {
    const { controller, keys } = made({ a: 1, b: 2 })
    expect(controller.get('a')).toBe(1)
    expect(keys()).toEqual(['b', 'a'])
    expect(controller.get('absent')).toBeUndefined()
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 1, hitRate: 0.5 })
  })

  it('counts a miss for an expired entry and removes it', () => {
    const { controller, removals } = expired()
    expect(controller.get('gone')).toBeUndefined()
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 1, expirations: 1 })
    expect(removals()).toEqual(['gone expired'])
  })
})

describe('getOrThrow', () => {
  it('is a use, and throws on a miss', () => {
    const { controller, keys } = made({ a: 1, nothing: undefined })
    expect(controller.getOrThrow('a')).toBe(1)
    expect(controller.getOrThrow('nothing')).toBeUndefined()
    expect(keys()).toEqual(['a', 'nothing'])
    expect(() => controller.getOrThrow('absent')).toThrow('"absent"')
    expect(controller.stats()).toMatchObject({ hits: 2, misses: 1 })
  })
})

describe('peek and has', () => {
  it('are not uses', () => {
    const { controller, keys } = made({ a: 1, b: undefined })
    expect(controller.peek('a')).toBe(1)
    expect(controller.peek('absent')).toBeUndefined()
    expect(controller.has('a')).toBe(true)
    expect(controller.has('b')).toBe(true)
    expect(controller.has('absent')).toBe(false)
    expect(keys()).toEqual(['a', 'b'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, hitRate: 0 })
  })

  it('treat an expired entry as absent', () => {
    const { controller } = expired()
    expect(controller.peek('gone')).toBeUndefined()
    expect(controller.has('gone')).toBe(false)
  })
})

describe('set', () => {
  it('makes the entry the newest and returns the controller', () => {
    const { cache, controller, keys } = made({ a: 1, b: 2 })
    expect(controller.set('a', 3).set('c', 4)).toBe(controller)
    expect(keys()).toEqual(['b', 'a', 'c'])
    expect(cache.a).toBe(3)
  })

  it.each([
    [2, 2_000],
    [0.5, 500],
    ['2s', 2_000],
    ['1m', 60_000],
  ])('keeps an entry with ttl %s for %s ms', (ttl, milliseconds) => {
    const { cache, controller, clock } = made({}, { defaultTtl: '1h' })
    controller.set('a', 1, { ttl })
    clock.advance(milliseconds - 1)
    expect('a' in cache).toBe(true)
    clock.advance(1)
    expect('a' in cache).toBe(false)
  })

  it.each([null, Number.POSITIVE_INFINITY])('keeps an entry with ttl %s forever', (ttl) => {
    const { cache, controller, clock } = made({}, { defaultTtl: '1s' })
    controller.set('a', 1, { ttl })
    clock.advance(1e12)
    expect(cache.a).toBe(1)
  })

  it('keeps an entry until expiresAt, a Date or epoch milliseconds', () => {
    for (const when of [START + 5_000, new Date(START + 5_000)]) {
      const { cache, controller, clock } = made()
      controller.set('a', 1, { expiresAt: when })
      expect(controller.ttl('a')).toBe(5)
      clock.advance(4_999)
      expect('a' in cache).toBe(true)
      clock.advance(1)
      expect('a' in cache).toBe(false)
    }
  })

  it('removes the old value and stores nothing if expiresAt is in the past', () => {
    const { cache, controller } = made({ a: 'old' })
    controller.set('a', 'new', { expiresAt: START - 1 })
    expect('a' in cache).toBe(false)
    expect(cache.a).toBeUndefined()
    expect(controller.size).toBe(0)
  })

  it('charges sizeBytes without calling sizeOf', () => {
    const sizeOf = vi.fn(() => 1)
    const { controller } = made({}, { sizeOf })
    controller.set('zero', 'value', { sizeBytes: 0 })
    controller.set('some', 'value', { sizeBytes: 99.5 })
    expect(sizeOf).not.toHaveBeenCalled()
    expect(controller.sizeOf('some') - controller.sizeOf('zero')).toBe(100)
  })

  it('uses the defaults for options that are undefined or missing', () => {
    const { controller, clock } = made({}, { defaultTtl: '1s' })
    controller.set('a', 1, undefined)
    controller.set('b', 1, {})
    controller.set('c', 1, { ttl: undefined, expiresAt: undefined, sizeBytes: undefined })
    expect(controller.size).toBe(3)
    clock.advance(1_000)
    expect(controller.size).toBe(0)
  })

  it('refuses options of the wrong type or out of range, and changes nothing', () => {
    const { controller, cache } = made({ a: 'old' })
    const refused: [unknown, typeof TypeError | typeof RangeError, string][] = [
      [{ ttl: '10' }, TypeError, 'ttl'],
      [{ ttl: true }, TypeError, 'ttl'],
      [{ ttl: Number.NaN }, RangeError, 'ttl'],
      [{ ttl: '-1 s' }, TypeError, 'ttl'],
      [{ expiresAt: '2030-01-01' }, TypeError, 'expiresAt'],
      [{ expiresAt: null }, TypeError, 'expiresAt'],
      [{ expiresAt: {} }, TypeError, 'expiresAt'],
      [{ expiresAt: Number.NaN }, RangeError, 'expiresAt'],
      [{ expiresAt: 1_700_000_000 }, RangeError, '1700000000'],
      [{ expiresAt: 1e11 - 1 }, RangeError, 'seconds'],
      [{ expiresAt: -START }, RangeError, 'epoch milliseconds'],
      [{ expiresAt: new Date(0) }, RangeError, '1973'],
      [{ expiresAt: new Date(Number.NaN) }, RangeError, 'expiresAt'],
      [{ sizeBytes: '10' }, TypeError, 'sizeBytes'],
      [{ sizeBytes: null }, TypeError, 'sizeBytes'],
      [{ sizeBytes: -1 }, RangeError, 'sizeBytes'],
      [{ sizeBytes: Number.NaN }, RangeError, 'sizeBytes'],
      [{ sizeBytes: Number.POSITIVE_INFINITY }, RangeError, 'sizeBytes'],
      [{ sizeBytes: 1e300 }, RangeError, 'sizeBytes'],
      [{ sizeBytes: 2 ** 53 + 2 }, RangeError, 'sizeBytes'],
      [{ tll: 1 }, TypeError, '"tll"'],
      [null, TypeError, 'options'],
      [10, TypeError, 'options'],
      ['10s', TypeError, 'options'],
    ]
    for (const [options, type, named] of refused) {
      const write = () => controller.set('a', 'new', options as never)
      expect(write).toThrow(type)
      expect(write).toThrow(named)
    }
    expect(cache.a).toBe('old')
    expect(controller.stats().writes).toBe(1)
  })
})

describe('setDefault', () => {
  it('uses and returns the live value, or stores the given one', () => {
    const { controller, keys } = made({ a: 1, b: 2 })
    expect(controller.setDefault('a', 9)).toBe(1)
    expect(keys()).toEqual(['b', 'a'])
    expect(controller.setDefault('c', 3)).toBe(3)
    expect(keys()).toEqual(['b', 'a', 'c'])
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 1, writes: 3 })
  })

  it('keeps a stored undefined, and replaces an expired value', () => {
    const { controller } = made({ nothing: undefined })
    expect(controller.setDefault('nothing', 1)).toBeUndefined()
    const late = expired()
    expect(late.controller.setDefault('gone', 2)).toBe(2)
    expect(late.cache.gone).toBe(2)
  })

  it('returns the value that onDelete stored in place of the expired one', () => {
    const late = made(
      { gone: 1 },
      {
        defaultTtl: '1s',
        onDelete: () => {
          late.cache.gone ??= 'refilled'
        },
      },
    )
    late.clock.advance(1_000)
    expect(late.controller.setDefault('gone', 2)).toBe('refilled')
    expect(late.cache.gone).toBe('refilled')
    expect(late.controller.stats()).toMatchObject({ misses: 2, replacements: 0 })
  })
})

describe('a fallback', () => {
  it.each(['get', 'pop'] as const)('is returned by %s on a miss and not stored', (member) => {
    const { controller } = made({ a: undefined })
    expect(controller[member]('missing', 7)).toBe(7)
    expect(controller.has('missing')).toBe(false)
    expect(controller[member]('a', 7)).toBeUndefined()
    expect(expired().controller[member]('gone', 7)).toBe(7)
  })
})

describe('update', () => {
  it('writes the entries of an object or an iterable of pairs in order', () => {
    const { controller, cache, keys } = made({ a: 1, b: 2 })
    controller.update({ c: 3, a: 4 })
    controller.update(new Map<string, unknown>([['b', 5]]))
    controller.update([['d', 6]])
    controller.update(
      (function* () {
        yield ['e', 7] as [string, unknown]
      })(),
    )
    controller.update(new FaaSCacheDict<Values>({}, { f: 8 }))
    expect(keys()).toEqual(['c', 'a', 'b', 'd', 'e', 'f'])
    expect({ ...cache }).toEqual({ c: 3, a: 4, b: 5, d: 6, e: 7, f: 8 })
  })

  it('throws a TypeError for anything else', () => {
    const { controller } = made({ a: 1 })
    for (const entries of [undefined, null, 1, 'ab', [1], ['ab'], [[Symbol('s'), 1]]]) {
      expect(() => controller.update(entries as never)).toThrow(TypeError)
    }
    expect(controller.size).toBe(1)
  })
})

describe('pop', () => {
  it('removes the entry and returns its value, without a use', () => {
    const { controller, removals } = made({ a: 1, b: 2 })
    expect(controller.pop('a')).toBe(1)
    expect(controller.pop('a')).toBeUndefined()
    expect(removals()).toEqual(['a deleted'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, deletions: 1 })
  })

  it('returns undefined for an expired entry, which counts as an expiration', () => {
    const { controller, removals } = expired()
    expect(controller.pop('gone')).toBeUndefined()
    controller.purgeExpired()
    expect(removals()).toEqual(['gone expired'])
    expect(controller.stats()).toMatchObject({ deletions: 0, expirations: 1 })
  })
})

describe('delete', () => {
  it('returns true if it removed a live entry, like Map', () => {
    const { controller, removals } = made({ a: 1 })
    expect(controller.delete('a')).toBe(true)
    expect(controller.delete('a')).toBe(false)
    expect(removals()).toEqual(['a deleted'])
    expect(expired().controller.delete('gone')).toBe(false)
  })
})

describe('deleteWhere', () => {
  const isUser = (key: string) => key.startsWith('user:')
  const users = { 'user:1': 1, page: 2, 'user:2': 3, '': 4 }

  it("removes the entries whose key passes, the oldest first, with reason 'deleted'", () => {
    const { cache, controller, removed } = made(users)
    cache['user:1']
    expect(controller.deleteWhere(isUser)).toBe(2)
    expect(Object.keys(cache)).toEqual(['page', ''])
    expect(removed()).toEqual([
      ['user:2', 3, 'deleted'],
      ['user:1', 1, 'deleted'],
    ])
    expect(controller.stats()).toMatchObject({ deletions: 2, items: 2 })
    expect(controller.deleteWhere(isUser)).toBe(0)
  })

  it('calls the test as a function, once for each live key, the oldest first, without a use', () => {
    const { cache, controller } = made(users)
    const calls: unknown[] = []
    controller.deleteWhere(function (this: unknown, ...args: unknown[]) {
      calls.push(this, ...args)
      return false
    })
    expect(calls).toEqual(Object.keys(users).flatMap((key) => [undefined, key]))
    expect(Object.keys(cache)).toEqual(Object.keys(users))
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, deletions: 0 })
  })

  it.each([true, 1, 'yes', {}, []])('takes %j for true', (passed) => {
    expect(made(users).controller.deleteWhere(() => passed)).toBe(4)
  })

  it.each([false, 0, '', null, undefined, Number.NaN])('takes %j for false', (passed) => {
    expect(made(users).controller.deleteWhere(() => passed)).toBe(0)
  })

  it('tests all keys first: a test that throws changes nothing', () => {
    const { cache, controller, removals } = made(users)
    const test = (key: string) => {
      if (key === '') throw new Error('no')
      return true
    }
    expect(() => controller.deleteWhere(test)).toThrow('no')
    expect(Object.keys(cache)).toEqual(Object.keys(users))
    expect(removals()).toEqual([])
  })

  it.each([
    ['fulfils', async () => false],
    ['rejects', async () => Promise.reject(new Error('no'))],
  ])('throws a TypeError for a promise that %s, and changes nothing', async (_how, test) => {
    const { cache, controller } = made(users)
    await expectNoUnhandledRejection(() => {
      expect(() => controller.deleteWhere(test)).toThrow(
        new TypeError('The result of test must be true or false, not a promise; got an object'),
      )
    })
    expect(Object.keys(cache)).toEqual(Object.keys(users))
  })

  it.each([undefined, null, 'user:', /user/, {}])('throws a TypeError for %s', (test) => {
    const { controller } = made()
    expect(() => controller.deleteWhere(test as never)).toThrow(TypeError)
    expect(() => controller.deleteWhere(test as never)).toThrow(/^test must be a function; got/)
  })

  it('leaves what the test itself writes and removes', () => {
    const { cache, controller, removals } = made(users)
    const count = controller.deleteWhere((key) => {
      if (key === 'user:1') {
        delete cache['user:1']
        cache['user:3'] = 5
      }
      return isUser(key)
    })
    expect(count).toBe(1)
    expect(Object.keys(cache)).toEqual(['page', '', 'user:3'])
    expect(removals()).toEqual(['user:1 deleted', 'user:2 deleted'])
  })

  it('does not count or test entries that have expired', () => {
    const { controller, removals } = expired(users)
    const test = vi.fn(() => true)
    expect(controller.deleteWhere(test)).toBe(0)
    expect(test).not.toHaveBeenCalled()
    expect(removals().sort()).toEqual(
      Object.keys(users)
        .map((key) => `${key} expired`)
        .sort(),
    )
  })

  it('removes stale values of such keys, which are not counted', async () => {
    const { clock, controller, removals } = made(users, {
      defaultTtl: '1s',
      staleIfError: '1m',
      onError: () => {},
    })
    clock.advance(1_000)
    controller.set('user:9', 9)
    expect(controller.deleteWhere(isUser)).toBe(1)
    expect(removals().sort()).toEqual(['user:1 expired', 'user:2 expired', 'user:9 deleted'])
    expect(controller.stats()).toMatchObject({ deletions: 1, expirations: 4 })
    const fail = () => Promise.reject(new Error('no'))
    expect(await controller.getOrSet('page', fail)).toBe(2)
    await expect(controller.getOrSet('user:1', fail)).rejects.toThrow('no')
  })

  it('overtakes the loads under way of such keys', async () => {
    const { controller } = made()
    const { promise, resolve } = deferred<number>()
    const calls = ['user:1', 'page'].map((key) => controller.getOrSet(key, () => promise))
    const many = controller.getOrSetMany(['user:2', 'post'], async () => [await promise, 2])
    const keys: string[] = []
    const count = controller.deleteWhere((key) => {
      keys.push(key)
      return isUser(key)
    })
    expect(count).toBe(0)
    expect(keys.sort()).toEqual(['page', 'post', 'user:1', 'user:2'])
    const again = controller.getOrSet('user:1', () => 9)
    resolve(1)
    expect(await Promise.all(calls)).toEqual([1, 1])
    expect([...(await many).values()]).toEqual([1, 2])
    expect(await again).toBe(9)
    expect([...controller.keys()].sort()).toEqual(['page', 'post', 'user:1'])
    expect(controller.peek('user:1')).toBe(9)
  })

  it('forgets stored promises of such keys', async () => {
    const { cache, controller } = made()
    const { promise, resolve } = deferred<number>()
    cache['user:1'] = promise
    expect(controller.deleteWhere(isUser)).toBe(1)
    resolve(1)
    await promise
    expect(controller.size).toBe(0)
  })

  it('calls onDelete once all entries are gone', () => {
    const sizes: number[] = []
    const { controller } = made(users, { onDelete: () => sizes.push(controller.size) })
    controller.deleteWhere(() => true)
    expect(sizes).toEqual([0, 0, 0, 0])
  })
})

describe('wrong arguments', () => {
  it('forEach names a callback that is not a function, on an empty cache too', () => {
    const { controller } = made({})
    expect(() => controller.forEach(5 as never)).toThrow(
      new TypeError('callback must be a function; got 5'),
    )
  })

  it('resize without an argument changes nothing', () => {
    const { controller } = made({ a: 1 })
    const { maxItems, maxSizeBytes } = controller
    controller.resize(undefined as never)
    expect(controller).toMatchObject({ maxItems, maxSizeBytes, size: 1 })
  })
})

describe('clear', () => {
  it('removes all entries and calls onDelete for each, oldest first', () => {
    const { cache, controller, removals } = made({ a: 1, b: 2, c: 3 })
    const empty = made().controller.sizeBytes
    expect(cache.a).toBe(1)
    controller.clear()
    expect(controller.size).toBe(0)
    expect(controller.sizeBytes).toBe(empty)
    expect(removals()).toEqual(['b cleared', 'c cleared', 'a cleared'])
    expect(controller.stats()).toMatchObject({ clears: 3, items: 0 })
  })

  it('counts expired entries as expirations', () => {
    const { controller } = expired()
    controller.clear()
    expect(controller.stats()).toMatchObject({ clears: 0, expirations: 1 })
  })
})

describe('popOldest and popNewest', () => {
  it('remove and return the pair at either end', () => {
    const { cache, controller, removals } = made({ a: 1, b: 2, c: 3, d: 4 })
    expect(cache.a).toBe(1)
    expect(controller.popOldest()).toEqual(['b', 2])
    expect(controller.popNewest()).toEqual(['a', 1])
    expect(controller.popOldest()).toEqual(['c', 3])
    expect(controller.popNewest()).toEqual(['d', 4])
    expect(controller.popOldest()).toBeUndefined()
    expect(controller.popNewest()).toBeUndefined()
    expect(removals()).toEqual(['b deleted', 'a deleted', 'c deleted', 'd deleted'])
  })

  it('skip expired entries', () => {
    const { controller } = expired({ a: 1, b: 2 })
    controller.set('c', 3)
    expect(controller.popOldest()).toEqual(['c', 3])
    expect(controller.popNewest()).toBeUndefined()
  })
})

describe('iteration', () => {
  it('gives live entries, least recently used first, without a use', () => {
    const clock = new FakeClock()
    const cache = new FaaSCacheDict<Values>({ now: clock.now })
    const controller = controllerOf(cache)
    controller.set('brief', 0, { ttl: '1s' }).update([
      ['b', 1],
      ['10', 2],
      ['a', 3],
    ])
    expect(cache.b).toBe(1)
    clock.advance(1_000)
    controller.resetStats()
    const entries = [
      ['10', 2],
      ['a', 3],
      ['b', 1],
    ]
    expect([...controller.entries()]).toEqual(entries)
    expect([...controller]).toEqual(entries)
    expect([...controller.keys()]).toEqual(['10', 'a', 'b'])
    expect([...controller.values()]).toEqual([2, 3, 1])
    expect([...controller.reversed()]).toEqual(entries.toReversed())
    expect(new Map(controller)).toEqual(new Map(entries as [string, number][]))
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0 })
    expect([...controller.keys()]).toEqual(['10', 'a', 'b'])
  })

  it('forEach passes value, key and controller, like Map', () => {
    const { controller } = made({ a: 1, b: 2 })
    const seen: unknown[] = []
    const self = {}
    controller.forEach(function (this: unknown, ...given) {
      seen.push([this, ...given])
    }, self)
    expect(seen).toEqual([
      [self, 1, 'a', controller],
      [self, 2, 'b', controller],
    ])
    for (const call of seen as unknown[][]) expect(call[3]).toBe(controller)
  })

  it.each(['keys', 'values', 'entries', 'reversed'] as const)(
    '%s returns an iterator that survives changes to the cache',
    (member) => {
      const { cache, controller } = made({ a: 1, b: 2, c: 3, d: 4 })
      const iterator = controller[member]()
      expect(iterator[Symbol.iterator]()).toBe(iterator)
      let steps = 0
      for (const _step of iterator) {
        expect(++steps).toBeLessThan(100)
        delete cache.b
        delete cache.c
        cache[`new-${steps}`] = steps
        void cache.a
      }
      expect(steps).toBeGreaterThanOrEqual(2)
    },
  )

  it('skips an entry deleted before its turn', () => {
    const { cache, controller } = made({ a: 1, b: 2, c: 3 })
    const seen: string[] = []
    for (const [key] of controller) {
      seen.push(key)
      delete cache.b
    }
    expect(seen).toEqual(['a', 'c'])
  })

  it('ends if the cache is cleared', () => {
    const { controller } = made({ a: 1, b: 2 })
    const seen: string[] = []
    for (const [key] of controller) {
      seen.push(key)
      controller.clear()
    }
    expect(seen).toEqual(['a'])
  })
})

describe('promote and demote', () => {
  it('move an entry to an end without a use', () => {
    const { controller, keys } = made({ a: 1, b: 2, c: 3 })
    controller.promote('a')
    expect(keys()).toEqual(['b', 'c', 'a'])
    controller.demote('c')
    expect(keys()).toEqual(['c', 'b', 'a'])
    controller.demote('c')
    controller.promote('a')
    expect(keys()).toEqual(['c', 'b', 'a'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 3 })
  })

  it('decide which entry is evicted next', () => {
    const { cache, controller } = made({ a: 1, b: 2, c: 3 }, { maxItems: 3 })
    controller.demote('c')
    cache.d = 4
    expect(Object.keys(cache)).toEqual(['a', 'b', 'd'])
  })

  it('do not restart the TTL', () => {
    const { cache, controller, clock } = made({ a: 1 }, { defaultTtl: '2s' })
    clock.advance(1_000)
    controller.promote('a')
    controller.demote('a')
    clock.advance(1_000)
    expect('a' in cache).toBe(false)
  })
})

describe('getOrSet', () => {
  it('uses and returns the live value without calling the factory', async () => {
    const { controller, keys } = made({ a: 1, b: 2, nothing: undefined })
    const factory = vi.fn(() => 9)
    expect(await controller.getOrSet('a', factory)).toBe(1)
    expect(await controller.getOrSet('nothing', factory)).toBeUndefined()
    expect(factory).not.toHaveBeenCalled()
    expect(keys()).toEqual(['b', 'a', 'nothing'])
    expect(controller.stats()).toMatchObject({ hits: 2, misses: 0 })
  })

  it('stores the value of a synchronous or async factory, not its promise', async () => {
    const { cache, controller } = made()
    expect(await controller.getOrSet('now', () => 1)).toBe(1)
    expect(await controller.getOrSet('later', async () => ({ id: 2 }))).toEqual({ id: 2 })
    expect(cache.now).toBe(1)
    expect(cache.later).toEqual({ id: 2 })
    expect(JSON.stringify(cache)).toBe('{"now":1,"later":{"id":2}}')
  })

  it('calls the factory once for concurrent callers', async () => {
    const { controller } = made()
    const { promise, resolve } = deferred<number>()
    const factory = vi.fn(() => promise)
    const loads = [1, 2, 3].map(() => controller.getOrSet('a', factory))
    await Promise.resolve()
    resolve(7)
    expect(await Promise.all(loads)).toEqual([7, 7, 7])
    expect(factory).toHaveBeenCalledOnce()
    expect(controller.peek('a')).toBe(7)
  })

  it('rejects all concurrent callers if the factory fails, and stores nothing', async () => {
    const { cache, controller } = made()
    const failure = new Error('down')
    const failing = [
      vi.fn(() => Promise.reject(failure)),
      vi.fn(() => {
        throw failure
      }),
    ]
    for (const factory of failing) {
      const loads = [1, 2, 3].map(() => controller.getOrSet('a', factory))
      for (const outcome of await Promise.allSettled(loads)) {
        expect(outcome).toEqual({ status: 'rejected', reason: failure })
      }
      expect(factory).toHaveBeenCalledOnce()
      expect('a' in cache).toBe(false)
    }
    expect(await controller.getOrSet('a', () => 1)).toBe(1)
  })

  it('accepts a ttl, or a function that computes one from the value', async () => {
    const { controller } = made({}, { defaultTtl: '1h' })
    await controller.getOrSet('default', () => 1)
    await controller.getOrSet('fixed', () => 1, { ttl: '5s' })
    await controller.getOrSet('never', () => 1, { ttl: null })
    await controller.getOrSet('own', () => ({ expiresIn: 90 }), {
      ttl: (token) => (token as { expiresIn: number }).expiresIn,
    })
    expect(controller.ttl('default')).toBe(3_600)
    expect(controller.ttl('fixed')).toBe(5)
    expect(controller.ttl('never')).toBeNull()
    expect(controller.ttl('own')).toBe(90)
  })

  it('refuses wrong options before it calls the factory', async () => {
    const { cache, controller } = made()
    const factory = vi.fn(() => 1)
    const call = async (options: unknown) => controller.getOrSet('a', factory, options as never)
    await expect(call({ ttl: '10' })).rejects.toThrow(TypeError)
    await expect(call({ ttl: Number.NaN })).rejects.toThrow(RangeError)
    await expect(call({ tll: 1 })).rejects.toThrow('"tll"')
    expect(factory).not.toHaveBeenCalled()
    expect('a' in cache).toBe(false)
  })

  it('refuses a factory that is not a function', async () => {
    const { controller } = made()
    const call = async () => controller.getOrSet('a', 1 as never)
    await expect(call()).rejects.toThrow(TypeError)
  })

  it('returns a value that does not fit, and counts a refusal', async () => {
    const { cache, controller } = made({}, { maxSizeBytes: '64K' })
    const large = 'x'.repeat(100_000)
    expect(await controller.getOrSet('large', () => large)).toBe(large)
    expect('large' in cache).toBe(false)
    expect(controller.stats()).toMatchObject({ refusals: 1, writes: 0 })
  })

  it.each<[string, (cache: Dictionary) => void, unknown]>([
    ['a write', (cache) => Object.assign(cache, { a: 'mine' }), 'mine'],
    ['a delete', (cache) => delete cache.a, undefined],
    ['a clear', (cache) => controllerOf(cache).clear(), undefined],
    ['a pop', (cache) => controllerOf(cache).pop('a'), undefined],
  ])('%s during the load wins over the loaded value', async (_name, act, kept) => {
    const { cache, controller } = made()
    const { promise, resolve } = deferred<string>()
    const load = controller.getOrSet('a', () => promise)
    await Promise.resolve()
    act(cache)
    resolve('loaded')
    expect(await load).toBe('loaded')
    expect(controller.peek('a')).toBe(kept)
  })

  it('starts a new load once the pending one is older than pendingTtl', async () => {
    const { controller, clock } = made({}, { pendingTtl: '2s' })
    const factory = vi.fn(() => new Promise<number>(() => {}))
    void controller.getOrSet('a', factory)
    clock.advance(1_999)
    void controller.getOrSet('a', factory)
    await Promise.resolve()
    expect(factory).toHaveBeenCalledTimes(1)
    clock.advance(1)
    void controller.getOrSet('a', factory)
    await Promise.resolve()
    expect(factory).toHaveBeenCalledTimes(2)
  })
})

describe('the TTL', () => {
  it('restarts with each write, unless the write is given the rest of it', () => {
    const { cache, controller, clock } = made({ restarted: 0 }, { defaultTtl: '60s' })
    for (let second = 0; second < 61; second++) {
      cache.restarted = (cache.restarted as number) + 1
      const ttl = controller.has('window') ? controller.ttl('window') : '60s'
      controller.set('window', ((controller.get('window') as number) ?? 0) + 1, { ttl })
      clock.advance(1_000)
    }
    expect(cache.restarted).toBe(61)
    expect(cache.window).toBe(1)
  })

  it('of a pending promise is the rest of pendingTtl', async () => {
    const { cache, controller, clock } = made({}, { defaultTtl: '5m', pendingTtl: '30s' })
    const { promise, resolve } = deferred()
    cache.a = promise
    clock.advance(10_000)
    expect(controller.ttl('a')).toBe(20)
    resolve(1)
    await cache.a
    expect(controller.ttl('a')).toBe(300)
  })

  it('defaultTtl is read in seconds, and set for later writes', () => {
    const { controller, cache } = made({ before: 1 }, { defaultTtl: '10s' })
    expect(controller.defaultTtl).toBe(10)
    controller.defaultTtl = '1m'
    expect(controller.defaultTtl).toBe(60)
    cache.after = 1
    expect(controller.ttl('before')).toBe(10)
    expect(controller.ttl('after')).toBe(60)
    controller.defaultTtl = null
    expect(controller.defaultTtl).toBeNull()
    for (const wrong of [0, -1, Number.NaN]) {
      expect(() => {
        controller.defaultTtl = wrong
      }).toThrow(RangeError)
    }
    for (const wrong of ['10', undefined, true]) {
      expect(() => {
        controller.defaultTtl = wrong as never
      }).toThrow(TypeError)
    }
    expect(controller.defaultTtl).toBeNull()
  })

  it('ttl returns the seconds left, or null', () => {
    const { controller, clock } = made({ a: 1 }, { defaultTtl: '10s' })
    controller.set('ever', 1, { ttl: null })
    expect(controller.ttl('a')).toBe(10)
    clock.advance(2_500)
    expect(controller.ttl('a')).toBe(7.5)
    expect(controller.ttl('ever')).toBeNull()
  })

  it('setTtl restarts the TTL', () => {
    const { cache, controller, clock } = made({ a: 1, b: 2 }, { defaultTtl: '2s' })
    clock.advance(1_500)
    controller.setTtl('a', '2s')
    controller.setTtl('b', null)
    clock.advance(1_999)
    expect('a' in cache).toBe(true)
    clock.advance(1)
    expect('a' in cache).toBe(false)
    expect(controller.ttl('b')).toBeNull()
  })

  it('expireAt sets an absolute time, and a past one expires the entry at once', () => {
    const { cache, controller, clock, removals } = made({ a: 1, b: 2, c: 3 })
    controller.expireAt('a', START + 3_000)
    controller.expireAt('b', new Date(START + 4_000))
    expect([controller.ttl('a'), controller.ttl('b')]).toEqual([3, 4])
    controller.expireAt('c', START)
    expect('c' in cache).toBe(false)
    clock.advance(3_000)
    expect(Object.keys(cache)).toEqual(['b'])
    expect(removals()).toEqual(['c expired', 'a expired'])
  })

  it('isExpired returns true, false, or undefined for an unknown key', () => {
    const { controller, clock } = made({ a: 1 }, { defaultTtl: '1s' })
    expect(controller.isExpired('a')).toBe(false)
    expect(controller.isExpired('absent')).toBeUndefined()
    clock.advance(1_000)
    expect(controller.isExpired('a')).toBe(true)
    controller.purgeExpired()
    expect(controller.isExpired('a')).toBeUndefined()
  })

  it('ttl, setTtl, expireAt and isExpired are not uses', () => {
    const { controller, keys } = made({ a: 1, b: 2 }, { defaultTtl: '10s' })
    controller.ttl('a')
    controller.setTtl('a', '20s')
    controller.expireAt('a', START + 1_000)
    controller.isExpired('a')
    expect(keys()).toEqual(['a', 'b'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 2 })
  })
})

describe('explicit removal', () => {
  it('purgeExpired returns the number of entries removed', () => {
    const { controller, clock, removals } = made({ a: 1, b: 2 }, { defaultTtl: '1s' })
    expect(controller.purgeExpired()).toBe(0)
    controller.set('c', 3, { ttl: '5s' })
    clock.advance(1_000)
    expect(controller.purgeExpired()).toBe(2)
    expect(controller.purgeExpired()).toBe(0)
    expect(removals().toSorted()).toEqual(['a expired', 'b expired'])
  })

  it('evictOldest returns true if it removed an entry', () => {
    const { cache, controller, removals } = made({ a: 1, b: 2 })
    expect(cache.a).toBe(1)
    expect(controller.evictOldest()).toBe(true)
    expect(controller.evictOldest()).toBe(true)
    expect(controller.evictOldest()).toBe(false)
    expect(removals()).toEqual(['b evicted', 'a evicted'])
  })
})

describe('limits', () => {
  it('are read as numbers, or null', () => {
    const { controller } = made({}, { maxSizeBytes: '1M', maxItems: 5 })
    expect([controller.maxSizeBytes, controller.maxItems]).toEqual([1_048_576, 5])
    const without = made({}, { maxSizeBytes: null }).controller
    expect([without.maxSizeBytes, without.maxItems]).toEqual([null, null])
  })

  it('of bytes are in force as they were set, unless memory is short', () => {
    const { controller } = made({}, { maxSizeBytes: '1M' })
    expect(controller.effectiveMaxSizeBytes).toBe(1_048_576)
    controller.resize({ maxSizeBytes: '64K' })
    expect(controller.effectiveMaxSizeBytes).toBe(65_536)
    controller.resize({ maxSizeBytes: '2M' })
    expect(controller.effectiveMaxSizeBytes).toBe(2_097_152)
    controller.resize({ maxSizeBytes: null })
    expect(controller.effectiveMaxSizeBytes).toBeNull()
  })

  it('resize to fewer items evicts at once, least recently used first', () => {
    const { cache, controller, removals, keys } = made({ a: 1, b: 2, c: 3 })
    expect(cache.a).toBe(1)
    controller.resize({ maxItems: 1 })
    expect(keys()).toEqual(['a'])
    expect(removals()).toEqual(['b evicted', 'c evicted'])
    controller.resize({ maxItems: null })
    expect(controller.maxItems).toBeNull()
  })

  it('resize to fewer bytes evicts at once', () => {
    const { cache, controller } = made({}, { maxSizeBytes: '1M' })
    for (let i = 0; i < 1_000; i++) cache[`key-${i}`] = 'x'.repeat(200)
    controller.resize({ maxSizeBytes: '64K' })
    expect(controller.maxSizeBytes).toBe(65_536)
    expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    expect('key-999' in cache).toBe(true)
    expect('key-0' in cache).toBe(false)
    expect(controller.maxItems).toBeNull()
  })

  it('resize keeps a limit that is missing or undefined', () => {
    const { controller } = made({}, { maxSizeBytes: '1M', maxItems: 5 })
    controller.resize({})
    controller.resize({ maxSizeBytes: undefined, maxItems: undefined })
    expect([controller.maxSizeBytes, controller.maxItems]).toEqual([1_048_576, 5])
    controller.resize({ maxSizeBytes: null })
    expect([controller.maxSizeBytes, controller.maxItems]).toEqual([null, 5])
  })

  it('resize refuses the values that the options refuse, and changes nothing', () => {
    const { controller } = made({ a: 1, b: 2 }, { maxSizeBytes: '1M', maxItems: 5 })
    const refused: [unknown, typeof TypeError | typeof RangeError][] = [
      [{ maxItems: 0 }, RangeError],
      [{ maxItems: 1.5 }, RangeError],
      [{ maxItems: '1' }, TypeError],
      [{ maxSizeBytes: 0 }, RangeError],
      [{ maxSizeBytes: '128' }, TypeError],
      [{ maxSizeBytes: 1 }, RangeError],
      [{ maxSizeBytes: '64K', maxItems: 0 }, RangeError],
      [{ maxItems: 1, maxSizeBytes: 1 }, RangeError],
      [{ maxsize: 1 }, TypeError],
      [null, TypeError],
      [1, TypeError],
    ]
    for (const [limits, type] of refused) {
      expect(() => controller.resize(limits as never)).toThrow(type)
    }
    expect([controller.maxSizeBytes, controller.maxItems, controller.size]).toEqual([
      1_048_576, 5, 2,
    ])
  })
})

test('stats counts at one instant, even if the time passes at each reading', () => {
  let time = 0
  const cache = new FaaSCacheDict<Record<string, number>>({
    now: () => time++,
    sweepInterval: null,
  })
  const controller = controllerOf(cache)
  for (const ttl of ['1ms', '2ms', '3ms', '4ms', '5ms'] as const) {
    controller.set('a', 1, { ttl })
    const { items, writes, replacements, expirations } = controller.stats()
    expect(items).toBe(writes - replacements - expirations)
  }
})

test('reading an absent then or toJSON never takes back a miss that was not counted', () => {
  let time = 0
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    now: () => time++,
    onDelete: () => controllerOf(cache).resetStats(),
    sweepInterval: null,
  })
  for (const ttl of ['1ms', '2ms', '3ms', '4ms', '5ms'] as const) {
    for (const key of ['then', 'toJSON']) {
      controllerOf(cache).set(key, undefined, { ttl })
      expect(cache[key]).toBeUndefined()
      expect(controllerOf(cache).stats().misses).toBe(0)
    }
  }
})

describe('sizes', () => {
  it('size and sizeBytes count live entries only', () => {
    const { controller, clock } = made({ a: 'x'.repeat(1_000) }, { defaultTtl: '1s' })
    const { sizeBytes } = controller
    expect(controller.size).toBe(1)
    clock.advance(1_000)
    expect(controller.size).toBe(0)
    expect(controller.sizeBytes).toBeLessThan(sizeBytes)
  })

  it('an empty cache is charged 3,060 bytes', () => {
    expect(made().controller.sizeBytes).toBe(3_060)
  })

  it('an entry is charged its size and its share of the structure, so none is free', () => {
    const { controller } = made({ text: 'x'.repeat(1_000) })
    expect(controller.sizeOf('text')).toBeGreaterThan(heapSize('x'.repeat(1_000), 'text'))
    const free = made({ a: 1 }, { sizeOf: () => 0 }).controller
    expect(free.sizeOf('a')).toBeGreaterThan(0)
  })

  it('a removal gives back the bytes charged, even if the value has changed', () => {
    const { cache, controller, onDelete } = made()
    const list: number[] = []
    const empty = controller.sizeBytes
    cache.list = list
    const charge = controller.sizeOf('list')
    for (let i = 0; i < 10_000; i++) list.push(i)
    expect(controller.sizeOf('list')).toBe(charge)
    delete cache.list
    expect(onDelete).toHaveBeenCalledWith('list', list, 'deleted', charge)
    expect(controller.sizeBytes).toBe(empty)
  })

  it('remeasure finds growth in place, for one key or for all', () => {
    const { cache, controller } = made()
    const lists = { a: [] as string[], b: [] as string[] }
    Object.assign(cache, lists)
    const before = controller.sizeOf('a')
    for (const list of Object.values(lists)) list.push('x'.repeat(10_000))
    controller.remeasure('a')
    expect(controller.sizeOf('a')).toBeGreaterThan(before + 9_000)
    expect(controller.sizeOf('b')).toBe(before)
    controller.remeasure()
    expect(controller.sizeOf('b')).toBe(controller.sizeOf('a'))
    controller.remeasure('absent')
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 2 })
  })

  it('remeasure evicts entries that no longer fit', () => {
    const { cache, controller, onDelete } = made({ old: 1 }, { maxSizeBytes: '64K' })
    const list: string[] = []
    cache.list = list
    list.push('x'.repeat(65_000))
    controller.remeasure()
    expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    expect(onDelete).toHaveBeenCalled()
    for (const [, , reason] of onDelete.mock.calls) expect(reason).toBe('evicted')
  })

  it('remeasure keeps an explicit size', () => {
    const { controller } = made()
    const list: string[] = []
    controller.set('list', list, { sizeBytes: 10 })
    const charge = controller.sizeOf('list')
    list.push('x'.repeat(1_000))
    controller.remeasure()
    expect(controller.sizeOf('list')).toBe(charge)
  })
})

describe('getOrInsert and getOrInsertComputed', () => {
  it('give the live value, as a use', () => {
    const { controller } = made({ a: 1 })
    const compute = vi.fn(() => 3)
    expect(controller.getOrInsert('a', 2)).toBe(1)
    expect(controller.getOrInsertComputed('a', compute)).toBe(1)
    expect(compute).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ hits: 2, misses: 0, writes: 1 })
  })

  it('store the value that is given, or computed from the key, on a miss', () => {
    const { cache, controller } = made()
    expect(controller.getOrInsert('a', 1)).toBe(1)
    expect(controller.getOrInsertComputed(42, (key) => `of ${key}`)).toBe('of 42')
    expect({ ...cache }).toEqual({ a: 1, 42: 'of 42' })
    expect(controller.stats()).toMatchObject({ hits: 2, misses: 2, writes: 2 })
  })

  it('store nothing if compute throws or is no function', () => {
    const { controller } = made()
    const error = new Error('no value')
    const fail = () => {
      throw error
    }
    expect(() => controller.getOrInsertComputed('a', fail)).toThrow(error)
    expect(() => controller.getOrInsertComputed('a', 1 as never)).toThrow(
      new TypeError('compute must be a function; got 1'),
    )
    expect(controller.size).toBe(0)
  })
})

describe('stats', () => {
  it('contains exactly these numbers', () => {
    expect(Object.keys(made().controller.stats()).toSorted()).toEqual(
      [
        ...['hits', 'misses', 'hitRate', 'writes', 'replacements', 'evictions', 'expirations'],
        ...[
          'deletions',
          'clears',
          'rejections',
          'refusals',
          'items',
          'sizeBytes',
          'pressureEvictions',
          'evictedBytes',
        ],
        ...['loads', 'loadFailures', 'loadsJoined', 'loadMs', 'staleHits'],
      ].toSorted(),
    )
  })

  it('adds up: items = items at the last reset + writes − removals', () => {
    const clock = new FakeClock()
    const cache = new FaaSCacheDict<Values>({ now: clock.now, maxItems: 5, defaultTtl: '3s' })
    const controller = controllerOf(cache)
    let atReset = 0
    for (let round = 0; round < 500; round++) {
      cache[`key-${(round * 7) % 11}`] = round
      if (round % 3 === 0) delete cache[`key-${round % 11}`]
      if (round % 13 === 0) clock.advance(1_700)
      if (round % 101 === 0) controller.clear()
      if (round % 150 === 0) {
        controller.resetStats()
        atReset = controller.size
      }
      const stats = controller.stats()
      expect(
        atReset +
          stats.writes -
          stats.replacements -
          stats.evictions -
          stats.expirations -
          stats.deletions -
          stats.clears -
          stats.rejections,
      ).toBe(stats.items)
      expect(stats.items).toBe(controller.size)
      expect(stats.sizeBytes).toBe(controller.sizeBytes)
    }
  })

  it('evictedBytes are what the entries among the evictions were charged', () => {
    const sizes: Values = { grown: 1 }
    const { cache, controller, onDelete } = made(
      {},
      { maxItems: 3, maxSizeBytes: '64K', sizeOf: (_, key) => (sizes[key] as number) ?? 100 },
    )
    const told = () => {
      const evicted = onDelete.mock.calls.filter(([, , reason]) => reason === 'evicted')
      return evicted.reduce((sum, [, , , bytes]) => sum + bytes, 0)
    }
    controller.update({ a: 1, b: 2, c: 3, d: 4 })
    const { evictedBytes } = controller.stats()
    expect(evictedBytes).toBe(controller.sizeOf('b'))
    controller.evictOldest()
    controller.resize({ maxItems: 1 })
    cache.grown = {}
    sizes.grown = 100_000
    controller.remeasure()
    controller.set('x', 1).delete('x')
    controller.set('y', 1, { ttl: 0 }).set('z', 1).set('z', 2).clear()
    expect(controller.stats()).toMatchObject({ evictions: 5, evictedBytes: told() })
    expect(told()).toBeGreaterThan(4 * evictedBytes)
    controller.resetStats()
    expect(controller.stats().evictedBytes).toBe(0)
  })

  it('storing the same value again counts a write and a replacement, without onDelete', () => {
    const { cache, controller, onDelete } = made({ a: 1 })
    cache.a = 1
    expect(controller.stats()).toMatchObject({ writes: 2, replacements: 1, items: 1 })
    expect(onDelete).not.toHaveBeenCalled()
  })

  it('resetStats sets the counts to 0 and keeps the entries', () => {
    const cache = new FaaSCacheDict<Values>({}, { a: 1 })
    const controller = controllerOf(cache)
    void cache.a
    void cache.absent
    controller.resetStats()
    expect(controller.stats()).toMatchObject({
      hits: 0,
      misses: 0,
      hitRate: 0,
      writes: 0,
      items: 1,
    })
  })

  it('counts a stored promise by its outcome, and a getOrSet by its misses and refusals', async () => {
    const loads = {
      small: async () => 1,
      large: async () => 'x'.repeat(10_000),
      failed: async () => {
        throw new Error('no')
      },
    }
    const countsOf = async (load: () => Promise<unknown>, isStored: boolean) => {
      const { cache, controller } = made({}, { maxSizeBytes: '4K' })
      const read = () => (isStored ? (cache.a ??= load()) : controller.getOrSet('a', load))
      await Promise.allSettled([read(), read(), read()])
      const { hits, misses, evictions, rejections, refusals } = controller.stats()
      return { hits, misses, evictions, rejections, refusals }
    }
    const stored = { hits: 2, misses: 1, evictions: 0, rejections: 0, refusals: 0 }
    expect(await countsOf(loads.small, true)).toEqual(stored)
    expect(await countsOf(loads.large, true)).toEqual({ ...stored, evictions: 1 })
    expect(await countsOf(loads.failed, true)).toEqual({ ...stored, rejections: 1 })
    const loaded = { hits: 0, misses: 3, evictions: 0, rejections: 0, refusals: 0 }
    expect(await countsOf(loads.small, false)).toEqual(loaded)
    expect(await countsOf(loads.large, false)).toEqual({ ...loaded, refusals: 1 })
    expect(await countsOf(loads.failed, false)).toEqual(loaded)
  })

  it('does not change after it was returned', () => {
    const { cache, controller } = made()
    const before = controller.stats()
    void cache.absent
    expect(before.misses).toBe(0)
  })
})

describe('dump and load', () => {
  it('carry entries, order and expiry to another cache', () => {
    const { controller, clock } = made(
      { a: { n: [1] }, b: undefined, c: null },
      { defaultTtl: '10s' },
    )
    controller.set('ever', 1, { ttl: null })
    controller.get('a')
    const snapshot = structuredClone(controller.dump())
    clock.advance(4_000)
    const other = made()
    other.clock.time = clock.time
    other.controller.load(snapshot)
    expect([...other.controller]).toEqual([
      ['b', undefined],
      ['c', null],
      ['ever', 1],
      ['a', { n: [1] }],
    ])
    expect(other.controller.ttl('a')).toBe(6)
    expect(other.controller.ttl('ever')).toBeNull()
  })

  it('drop entries that expired in between, and merge as writes', () => {
    const { controller, clock } = made({ brief: 1 }, { defaultTtl: '1s' })
    controller.set('long', 2, { ttl: '1h' })
    const snapshot = controller.dump()
    const other = made({ long: 'older', own: 3 })
    other.clock.time = clock.time + 1_000
    other.controller.load(snapshot)
    expect([...other.controller]).toEqual([
      ['own', 3],
      ['long', 2],
    ])
    expect(other.controller.stats()).toMatchObject({ writes: 3, replacements: 1 })
  })

  it('obey the limits of the cache that loads', () => {
    const { controller } = made({ a: 1, b: 2, c: 3 })
    const other = made({}, { maxItems: 2 })
    other.controller.load(controller.dump())
    expect(other.keys()).toEqual(['b', 'c'])
  })

  it('keep an explicit size, and measure the other values again', () => {
    const { controller } = made()
    controller.set('given', 'x'.repeat(1_000), { sizeBytes: 5 }).set('measured', 'x'.repeat(1_000))
    const other = made({}, { sizeOf: () => 7 }).controller
    other.load(controller.dump())
    expect(other.sizeOf('measured') - other.sizeOf('given')).toBe(2)
  })

  it('dump omits pending promises, without a use', () => {
    const { cache, controller, keys } = made({ a: 1, b: 2 })
    cache.pending = new Promise(() => {})
    const other = made()
    other.controller.load(structuredClone(controller.dump()))
    expect(other.keys()).toEqual(['a', 'b'])
    expect(keys()).toEqual(['a', 'b', 'pending'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0 })
  })

  it('dump throws a TypeError that names the key of a value that cannot be cloned', () => {
    for (const value of [() => 1, { deep: [Symbol('s')] }, Symbol('s'), { f() {} }]) {
      const { controller } = made({ fine: 1, culprit: value })
      expect(() => controller.dump()).toThrow(TypeError)
      expect(() => controller.dump()).toThrow('culprit')
    }
  })

  it('load throws a TypeError for anything but a snapshot, and changes nothing', () => {
    const { controller, keys } = made({ a: 1 })
    for (const wrong of [undefined, null, 1, 'x', {}, [], [['b', 1]], { entries: [] }, new Map()]) {
      expect(() => controller.load(wrong as never)).toThrow(TypeError)
    }
    expect(keys()).toEqual(['a'])
  })
})

describe('close', () => {
  it('can be called twice, and leaves the cache readable and writable', () => {
    const { cache, controller, clock } = made({ a: 1 }, { defaultTtl: '1s' })
    controller.close()
    controller.close()
    controller[Symbol.dispose]?.()
    expect(cache.a).toBe(1)
    cache.b = 2
    clock.advance(1_000)
    expect(Object.keys(cache)).toEqual([])
  })
})
