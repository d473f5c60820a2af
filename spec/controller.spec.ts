import { inspect } from 'node:util'
import { CacheController, controllerOf, FaaSCacheDict, heapSize } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'

type Dictionary = Record<string, unknown>

const START = Date.UTC(2030, 0, 1)

const made = (entries: Dictionary = {}, options = {}) => {
  const clock = { time: START }
  const onDelete = vi.fn()
  const cache = new FaaSCacheDict<Dictionary>(
    { now: () => clock.time, onDelete, ...options },
    entries,
  )
  const controller = controllerOf(cache)
  const keys = () => [...controller.keys()]
  return { cache, controller, clock, onDelete, keys }
}

const reasons = (onDelete: ReturnType<typeof vi.fn>) =>
  onDelete.mock.calls.map(([key, , reason]) => `${key} ${reason}`)

const expired = (entries: Dictionary = { gone: 1 }) => {
  const inside = made(entries, { defaultTtl: '1s' })
  inside.clock.time += 1_000
  return inside
}

describe('a controller', () => {
  it('is made by its dictionary only', () => {
    expect(() => Reflect.construct(CacheController, [])).toThrow(/controllerOf/)
    expect(() => Reflect.construct(CacheController, [made().cache])).toThrow(TypeError)
  })

  it('is called CacheController', () => {
    const { controller } = made()
    expect(CacheController.name).toBe('CacheController')
    expect(inspect(controller, { customInspect: false })).toBe('CacheController {}')
    expect(inspect(CacheController)).toBe('[class CacheController]')
  })

  const { constructor, ...members } = Object.getOwnPropertyDescriptors(CacheController.prototype)
  const detached = Object.entries(members).map(([name, { value, get }]) => [name, value ?? get])

  it.each(detached)(
    'says how %s is to be called, if it is called without it',
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
  it('gives the one controller of a cache', () => {
    const { cache } = made()
    expect(controllerOf(cache)).toBe(controllerOf(cache))
    expect(controllerOf(cache)).toBeInstanceOf(CacheController)
    expect(controllerOf(made().cache)).not.toBe(controllerOf(cache))
  })

  it('of anything else throws a TypeError', () => {
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

  it('of a cache reserves no key of it', () => {
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
  it('shows a line, as of the cache, and nothing of the inside', () => {
    const { cache, controller } = made({ a: 1 }, { defaultTtl: '10s', maxItems: 3 })
    const line = String(cache).replace('FaaSCacheDict', 'CacheController')
    expect(inspect(controller)).toBe(line)
  })
})

describe('get', () => {
  it('is a use, as cache[key] is', () => {
    const { controller, keys } = made({ a: 1, b: 2 })
    expect(controller.get('a')).toBe(1)
    expect(keys()).toEqual(['b', 'a'])
    expect(controller.get('absent')).toBeUndefined()
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 1, hitRate: 0.5 })
  })

  it('of what has expired is a miss, and removes it', () => {
    const { controller, onDelete } = expired()
    expect(controller.get('gone')).toBeUndefined()
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 1, expirations: 1 })
    expect(reasons(onDelete)).toEqual(['gone expired'])
  })
})

describe('getOrThrow', () => {
  it('is a use, and throws where get gives undefined for a miss', () => {
    const { controller, keys } = made({ a: 1, nothing: undefined })
    expect(controller.getOrThrow('a')).toBe(1)
    expect(controller.getOrThrow('nothing')).toBeUndefined()
    expect(keys()).toEqual(['a', 'nothing'])
    expect(() => controller.getOrThrow('absent')).toThrow('"absent"')
    expect(controller.stats()).toMatchObject({ hits: 2, misses: 1 })
  })
})

describe('peek and has', () => {
  it('are no use', () => {
    const { controller, keys } = made({ a: 1, b: undefined })
    expect(controller.peek('a')).toBe(1)
    expect(controller.peek('absent')).toBeUndefined()
    expect(controller.has('a')).toBe(true)
    expect(controller.has('b')).toBe(true)
    expect(controller.has('absent')).toBe(false)
    expect(keys()).toEqual(['a', 'b'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, hitRate: 0 })
  })

  it('do not see what has expired', () => {
    const { controller } = expired()
    expect(controller.peek('gone')).toBeUndefined()
    expect(controller.has('gone')).toBe(false)
  })
})

describe('set', () => {
  it('stores as the newest, and gives the controller', () => {
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
  ])('with ttl %s keeps the entry for %s ms', (ttl, milliseconds) => {
    const { cache, controller, clock } = made({}, { defaultTtl: '1h' })
    controller.set('a', 1, { ttl })
    clock.time += milliseconds - 1
    expect('a' in cache).toBe(true)
    clock.time += 1
    expect('a' in cache).toBe(false)
  })

  it.each([null, Number.POSITIVE_INFINITY])('with ttl %s keeps it for ever', (ttl) => {
    const { cache, controller, clock } = made({}, { defaultTtl: '1s' })
    controller.set('a', 1, { ttl })
    clock.time += 1e12
    expect(cache.a).toBe(1)
  })

  it('with expiresAt keeps it until then, by Date or epoch milliseconds', () => {
    for (const when of [START + 5_000, new Date(START + 5_000)]) {
      const { cache, controller, clock } = made()
      controller.set('a', 1, { expiresAt: when })
      expect(controller.ttl('a')).toBe(5)
      clock.time += 4_999
      expect('a' in cache).toBe(true)
      clock.time += 1
      expect('a' in cache).toBe(false)
    }
  })

  it('with an expiresAt in the past is a write of what has expired', () => {
    const { cache, controller } = made({ a: 'old' })
    controller.set('a', 'new', { expiresAt: START - 1 })
    expect('a' in cache).toBe(false)
    expect(cache.a).toBeUndefined()
    expect(controller.size).toBe(0)
  })

  it('with sizeBytes does not ask sizeOf', () => {
    const sizeOf = vi.fn(() => 1)
    const { controller } = made({}, { sizeOf })
    controller.set('none', 'value', { sizeBytes: 0 })
    controller.set('some', 'value', { sizeBytes: 99.5 })
    expect(sizeOf).not.toHaveBeenCalled()
    expect(controller.sizeOf('some') - controller.sizeOf('none')).toBe(100)
  })

  it('with options that are undefined or empty is a plain write', () => {
    const { controller, clock } = made({}, { defaultTtl: '1s' })
    controller.set('a', 1, undefined)
    controller.set('b', 1, {})
    controller.set('c', 1, { ttl: undefined, expiresAt: undefined, sizeBytes: undefined })
    expect(controller.size).toBe(3)
    clock.time += 1_000
    expect(controller.size).toBe(0)
  })

  it('refuses options of the wrong kind or out of range, and changes nothing', () => {
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
  it('gives the live value, as a use, or stores', () => {
    const { controller, keys } = made({ a: 1, b: 2 })
    expect(controller.setDefault('a', 9)).toBe(1)
    expect(keys()).toEqual(['b', 'a'])
    expect(controller.setDefault('c', 3)).toBe(3)
    expect(keys()).toEqual(['b', 'a', 'c'])
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 1, writes: 3 })
  })

  it('keeps an undefined that was stored, and replaces what has expired', () => {
    const { controller } = made({ nothing: undefined })
    expect(controller.setDefault('nothing', 1)).toBeUndefined()
    const late = expired()
    expect(late.controller.setDefault('gone', 2)).toBe(2)
    expect(late.cache.gone).toBe(2)
  })

  it('gives what a hook has stored in place of the expired value', () => {
    const late = made(
      { gone: 1 },
      { defaultTtl: '1s', onDelete: () => (late.cache.gone ??= 'refilled') },
    )
    late.clock.time += 1_000
    expect(late.controller.setDefault('gone', 2)).toBe('refilled')
    expect(late.cache.gone).toBe('refilled')
    expect(late.controller.stats()).toMatchObject({ misses: 2, replacements: 0 })
  })
})

describe('a fallback', () => {
  it.each(['get', 'pop'] as const)('is what %s gives on a miss, and is not stored', (member) => {
    const { controller } = made({ a: undefined })
    expect(controller[member]('missing', 7)).toBe(7)
    expect(controller.has('missing')).toBe(false)
    expect(controller[member]('a', 7)).toBeUndefined()
    expect(expired().controller[member]('gone', 7)).toBe(7)
  })
})

describe('update', () => {
  it('takes an object or an iterable of pairs, as writes in order', () => {
    const { controller, cache, keys } = made({ a: 1, b: 2 })
    controller.update({ c: 3, a: 4 })
    controller.update(new Map<string, unknown>([['b', 5]]))
    controller.update([['d', 6]])
    controller.update(
      (function* () {
        yield ['e', 7] as [string, unknown]
      })(),
    )
    controller.update(new FaaSCacheDict<Dictionary>({}, { f: 8 }))
    expect(keys()).toEqual(['c', 'a', 'b', 'd', 'e', 'f'])
    expect({ ...cache }).toEqual({ c: 3, a: 4, b: 5, d: 6, e: 7, f: 8 })
  })

  it('refuses what is neither', () => {
    const { controller } = made({ a: 1 })
    for (const entries of [undefined, null, 1, 'ab', [1], ['ab'], [[Symbol('s'), 1]]]) {
      expect(() => controller.update(entries as never)).toThrow(TypeError)
    }
    expect(controller.size).toBe(1)
  })
})

describe('pop', () => {
  it('removes the entry and gives its value, and is no use', () => {
    const { controller, onDelete } = made({ a: 1, b: 2 })
    expect(controller.pop('a')).toBe(1)
    expect(controller.pop('a')).toBeUndefined()
    expect(reasons(onDelete)).toEqual(['a deleted'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, deletions: 1 })
  })

  it('of what has expired is undefined, and the entry has expired', () => {
    const { controller, onDelete } = expired()
    expect(controller.pop('gone')).toBeUndefined()
    controller.purgeExpired()
    expect(reasons(onDelete)).toEqual(['gone expired'])
    expect(controller.stats()).toMatchObject({ deletions: 0, expirations: 1 })
  })
})

describe('delete', () => {
  it('says, as that of a Map, whether the key was there', () => {
    const { controller, onDelete } = made({ a: 1 })
    expect(controller.delete('a')).toBe(true)
    expect(controller.delete('a')).toBe(false)
    expect(reasons(onDelete)).toEqual(['a deleted'])
    expect(expired().controller.delete('gone')).toBe(false)
  })
})

describe('what is no function or no limits', () => {
  it('is refused by name as a callback, of an empty cache too', () => {
    const { controller } = made({})
    expect(() => controller.forEach(5 as never)).toThrow(
      new TypeError('callback must be a function; got 5'),
    )
  })

  it('changes nothing where resize is given nothing', () => {
    const { controller } = made({ a: 1 })
    const { maxItems, maxSizeBytes } = controller
    controller.resize(undefined as never)
    expect(controller).toMatchObject({ maxItems, maxSizeBytes, size: 1 })
  })
})

describe('clear', () => {
  it('removes all, and tells of each in order', () => {
    const { cache, controller, onDelete } = made({ a: 1, b: 2, c: 3 })
    const empty = made().controller.sizeBytes
    expect(cache.a).toBe(1)
    controller.clear()
    expect(controller.size).toBe(0)
    expect(controller.sizeBytes).toBe(empty)
    expect(reasons(onDelete)).toEqual(['b cleared', 'c cleared', 'a cleared'])
    expect(controller.stats()).toMatchObject({ clears: 3, items: 0 })
  })

  it('of what has expired is an expiry', () => {
    const { controller } = expired()
    controller.clear()
    expect(controller.stats()).toMatchObject({ clears: 0, expirations: 1 })
  })
})

describe('popOldest and popNewest', () => {
  it('give the pair at either end and remove it', () => {
    const { cache, controller, onDelete } = made({ a: 1, b: 2, c: 3, d: 4 })
    expect(cache.a).toBe(1)
    expect(controller.popOldest()).toEqual(['b', 2])
    expect(controller.popNewest()).toEqual(['a', 1])
    expect(controller.popOldest()).toEqual(['c', 3])
    expect(controller.popNewest()).toEqual(['d', 4])
    expect(controller.popOldest()).toBeUndefined()
    expect(controller.popNewest()).toBeUndefined()
    expect(reasons(onDelete)).toEqual(['b deleted', 'a deleted', 'c deleted', 'd deleted'])
  })

  it('pass over what has expired', () => {
    const { controller } = expired({ a: 1, b: 2 })
    controller.set('c', 3)
    expect(controller.popOldest()).toEqual(['c', 3])
    expect(controller.popNewest()).toBeUndefined()
  })
})

describe('iteration', () => {
  it('gives live entries, the least recently used first, and is no use', () => {
    const { cache, controller, clock } = made()
    controller.set('brief', 0, { ttl: '1s' }).update([
      ['b', 1],
      ['10', 2],
      ['a', 3],
    ])
    expect(cache.b).toBe(1)
    clock.time += 1_000
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

  it('forEach gives value, key and controller, as that of a Map', () => {
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
    '%s is an iterable iterator, safe while the cache changes',
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

  it('passes over what leaves before its turn', () => {
    const { cache, controller } = made({ a: 1, b: 2, c: 3 })
    const seen: string[] = []
    for (const [key] of controller) {
      seen.push(key)
      delete cache.b
    }
    expect(seen).toEqual(['a', 'c'])
  })

  it('can be cleared meanwhile', () => {
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
  it('put an entry at an end, and are no use', () => {
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

  it('decide who is evicted next', () => {
    const { cache, controller } = made({ a: 1, b: 2, c: 3 }, { maxItems: 3 })
    controller.demote('c')
    cache.d = 4
    expect(Object.keys(cache)).toEqual(['a', 'b', 'd'])
  })

  it('do not start the life of an entry anew', () => {
    const { cache, controller, clock } = made({ a: 1 }, { defaultTtl: '2s' })
    clock.time += 1_000
    controller.promote('a')
    controller.demote('a')
    clock.time += 1_000
    expect('a' in cache).toBe(false)
  })
})

describe('getOrSet', () => {
  it('gives the live value, as a use, and asks no factory', async () => {
    const { controller, keys } = made({ a: 1, b: 2, nothing: undefined })
    const factory = vi.fn(() => 9)
    expect(await controller.getOrSet('a', factory)).toBe(1)
    expect(await controller.getOrSet('nothing', factory)).toBeUndefined()
    expect(factory).not.toHaveBeenCalled()
    expect(keys()).toEqual(['b', 'a', 'nothing'])
    expect(controller.stats()).toMatchObject({ hits: 2, misses: 0 })
  })

  it('stores what the factory gives, at once or in time, as a plain value', async () => {
    const { cache, controller } = made()
    expect(await controller.getOrSet('now', () => 1)).toBe(1)
    expect(await controller.getOrSet('later', async () => ({ id: 2 }))).toEqual({ id: 2 })
    expect(cache.now).toBe(1)
    expect(cache.later).toEqual({ id: 2 })
    expect(JSON.stringify(cache)).toBe('{"now":1,"later":{"id":2}}')
  })

  it('shares one call among concurrent callers', async () => {
    const { controller } = made()
    let finish = (_value: number) => {}
    const factory = vi.fn(
      () =>
        new Promise<number>((resolve) => {
          finish = resolve
        }),
    )
    const loads = [1, 2, 3].map(() => controller.getOrSet('a', factory))
    await Promise.resolve()
    finish(7)
    expect(await Promise.all(loads)).toEqual([7, 7, 7])
    expect(factory).toHaveBeenCalledOnce()
    expect(controller.peek('a')).toBe(7)
  })

  it('a failure reaches all of them and is not kept', async () => {
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

  it('takes a ttl, or a function of the value that gives one', async () => {
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

  it('a wrong ttl is refused before the factory is asked', async () => {
    const { cache, controller } = made()
    const factory = vi.fn(() => 1)
    const call = async (options: unknown) => controller.getOrSet('a', factory, options as never)
    await expect(call({ ttl: '10' })).rejects.toThrow(TypeError)
    await expect(call({ ttl: Number.NaN })).rejects.toThrow(RangeError)
    await expect(call({ tll: 1 })).rejects.toThrow('"tll"')
    expect(factory).not.toHaveBeenCalled()
    expect('a' in cache).toBe(false)
  })

  it('a factory that is none is refused', async () => {
    const { controller } = made()
    const call = async () => controller.getOrSet('a', 1 as never)
    await expect(call()).rejects.toThrow(TypeError)
  })

  it('a value that does not fit is returned all the same, and counted as refused', async () => {
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
  ])('%s under the key meanwhile wins over it', async (_name, act, left) => {
    const { cache, controller } = made()
    let finish = (_value: string) => {}
    const load = controller.getOrSet(
      'a',
      () =>
        new Promise<string>((resolve) => {
          finish = resolve
        }),
    )
    await Promise.resolve()
    act(cache)
    finish('loaded')
    expect(await load).toBe('loaded')
    expect(controller.peek('a')).toBe(left)
  })

  it('a pending load is joined no longer than pendingTtl', async () => {
    const { controller, clock } = made({}, { pendingTtl: '2s' })
    const factory = vi.fn(() => new Promise<number>(() => {}))
    void controller.getOrSet('a', factory)
    clock.time += 1_999
    void controller.getOrSet('a', factory)
    await Promise.resolve()
    expect(factory).toHaveBeenCalledTimes(1)
    clock.time += 1
    void controller.getOrSet('a', factory)
    await Promise.resolve()
    expect(factory).toHaveBeenCalledTimes(2)
  })
})

describe('time', () => {
  it('starts anew with each write, unless that is given what is left', () => {
    const { cache, controller, clock } = made({ anew: 0 }, { defaultTtl: '60s' })
    for (let second = 0; second < 61; second++) {
      cache.anew = (cache.anew as number) + 1
      const ttl = controller.has('window') ? controller.ttl('window') : '60s'
      controller.set('window', ((controller.get('window') as number) ?? 0) + 1, { ttl })
      clock.time += 1_000
    }
    expect(cache.anew).toBe(61)
    expect(cache.window).toBe(1)
  })

  it('of a pending promise is what pendingTtl leaves', async () => {
    const { cache, controller, clock } = made({}, { defaultTtl: '5m', pendingTtl: '30s' })
    let fulfil: (value: unknown) => void = () => {}
    cache.a = new Promise((resolve) => {
      fulfil = resolve
    })
    clock.time += 10_000
    expect(controller.ttl('a')).toBe(20)
    fulfil(1)
    await cache.a
    expect(controller.ttl('a')).toBe(300)
  })

  it('defaultTtl can be read in seconds and set for the writes to come', () => {
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

  it('ttl is the seconds that are left, or null', () => {
    const { controller, clock } = made({ a: 1 }, { defaultTtl: '10s' })
    controller.set('ever', 1, { ttl: null })
    expect(controller.ttl('a')).toBe(10)
    clock.time += 2_500
    expect(controller.ttl('a')).toBe(7.5)
    expect(controller.ttl('ever')).toBeNull()
  })

  it('setTtl starts the life anew', () => {
    const { cache, controller, clock } = made({ a: 1, b: 2 }, { defaultTtl: '2s' })
    clock.time += 1_500
    controller.setTtl('a', '2s')
    controller.setTtl('b', null)
    clock.time += 1_999
    expect('a' in cache).toBe(true)
    clock.time += 1
    expect('a' in cache).toBe(false)
    expect(controller.ttl('b')).toBeNull()
  })

  it('expireAt is absolute; in the past the entry expires now', () => {
    const { cache, controller, clock, onDelete } = made({ a: 1, b: 2, c: 3 })
    controller.expireAt('a', START + 3_000)
    controller.expireAt('b', new Date(START + 4_000))
    expect([controller.ttl('a'), controller.ttl('b')]).toEqual([3, 4])
    controller.expireAt('c', START)
    expect('c' in cache).toBe(false)
    clock.time += 3_000
    expect(Object.keys(cache)).toEqual(['b'])
    expect(reasons(onDelete)).toEqual(['c expired', 'a expired'])
  })

  it('isExpired is true, false, or undefined when the key is unknown', () => {
    const { controller, clock } = made({ a: 1 }, { defaultTtl: '1s' })
    expect(controller.isExpired('a')).toBe(false)
    expect(controller.isExpired('absent')).toBeUndefined()
    clock.time += 1_000
    expect(controller.isExpired('a')).toBe(true)
    controller.purgeExpired()
    expect(controller.isExpired('a')).toBeUndefined()
  })

  it('none of these promotes or counts', () => {
    const { controller, keys } = made({ a: 1, b: 2 }, { defaultTtl: '10s' })
    controller.ttl('a')
    controller.setTtl('a', '20s')
    controller.expireAt('a', START + 1_000)
    controller.isExpired('a')
    expect(keys()).toEqual(['a', 'b'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 2 })
  })
})

describe('removal by hand', () => {
  it('purgeExpired says how many went', () => {
    const { controller, clock, onDelete } = made({ a: 1, b: 2 }, { defaultTtl: '1s' })
    expect(controller.purgeExpired()).toBe(0)
    controller.set('c', 3, { ttl: '5s' })
    clock.time += 1_000
    expect(controller.purgeExpired()).toBe(2)
    expect(controller.purgeExpired()).toBe(0)
    expect(reasons(onDelete).toSorted()).toEqual(['a expired', 'b expired'])
  })

  it('evictOldest says whether one went', () => {
    const { cache, controller, onDelete } = made({ a: 1, b: 2 })
    expect(cache.a).toBe(1)
    expect(controller.evictOldest()).toBe(true)
    expect(controller.evictOldest()).toBe(true)
    expect(controller.evictOldest()).toBe(false)
    expect(reasons(onDelete)).toEqual(['b evicted', 'a evicted'])
  })
})

describe('limits', () => {
  it('are resolved numbers, or null', () => {
    const { controller } = made({}, { maxSizeBytes: '1M', maxItems: 5 })
    expect([controller.maxSizeBytes, controller.maxItems]).toEqual([1_048_576, 5])
    const without = made({}, { maxSizeBytes: null }).controller
    expect([without.maxSizeBytes, without.maxItems]).toEqual([null, null])
  })

  it('resize to fewer items evicts at once, the least recently used first', () => {
    const { cache, controller, onDelete, keys } = made({ a: 1, b: 2, c: 3 })
    expect(cache.a).toBe(1)
    controller.resize({ maxItems: 1 })
    expect(keys()).toEqual(['a'])
    expect(reasons(onDelete)).toEqual(['b evicted', 'c evicted'])
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

  it('resize leaves what it does not name, and what is undefined', () => {
    const { controller } = made({}, { maxSizeBytes: '1M', maxItems: 5 })
    controller.resize({})
    controller.resize({ maxSizeBytes: undefined, maxItems: undefined })
    expect([controller.maxSizeBytes, controller.maxItems]).toEqual([1_048_576, 5])
    controller.resize({ maxSizeBytes: null })
    expect([controller.maxSizeBytes, controller.maxItems]).toEqual([null, 5])
  })

  it('resize refuses what the options refuse, and changes nothing', () => {
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

describe('sizes', () => {
  it('size and sizeBytes are of live entries', () => {
    const { controller, clock } = made({ a: 'x'.repeat(1_000) }, { defaultTtl: '1s' })
    const { sizeBytes } = controller
    expect(controller.size).toBe(1)
    clock.time += 1_000
    expect(controller.size).toBe(0)
    expect(controller.sizeBytes).toBeLessThan(sizeBytes)
  })

  it('an empty cache takes 2,780 bytes', () => {
    expect(made().controller.sizeBytes).toBe(2_780)
  })

  it('sizeOf an entry is what sizeOf says of it and what the structure costs, so none is free', () => {
    const { controller } = made({ text: 'x'.repeat(1_000) })
    expect(controller.sizeOf('text')).toBeGreaterThan(heapSize('x'.repeat(1_000), 'text'))
    const free = made({ a: 1 }, { sizeOf: () => 0 }).controller
    expect(free.sizeOf('a')).toBeGreaterThan(0)
  })

  it('what is charged is what is given back, even if the value changed meanwhile', () => {
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

  it('remeasure finds what has grown in place, of one key or of all', () => {
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

  it('remeasure evicts if need be', () => {
    const { cache, controller, onDelete } = made({ old: 1 }, { maxSizeBytes: '64K' })
    const list: string[] = []
    cache.list = list
    list.push('x'.repeat(65_000))
    controller.remeasure()
    expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    expect(onDelete).toHaveBeenCalled()
    for (const [, , reason] of onDelete.mock.calls) expect(reason).toBe('evicted')
  })

  it('remeasure keeps a size that was given', () => {
    const { controller } = made()
    const list: string[] = []
    controller.set('list', list, { sizeBytes: 10 })
    const charge = controller.sizeOf('list')
    list.push('x'.repeat(1_000))
    controller.remeasure()
    expect(controller.sizeOf('list')).toBe(charge)
  })
})

describe('stats', () => {
  it('has these numbers, and no others', () => {
    expect(Object.keys(made().controller.stats()).toSorted()).toEqual(
      [
        ...['hits', 'misses', 'hitRate', 'writes', 'replacements', 'evictions', 'expirations'],
        ...['deletions', 'clears', 'rejections', 'refusals', 'items', 'sizeBytes'],
      ].toSorted(),
    )
  })

  it('adds up: items = items at the last reset + writes − every removal', () => {
    const { cache, controller, clock } = made({}, { maxItems: 5, defaultTtl: '3s' })
    let atReset = 0
    for (let round = 0; round < 500; round++) {
      cache[`key-${(round * 7) % 11}`] = round
      if (round % 3 === 0) delete cache[`key-${round % 11}`]
      if (round % 13 === 0) clock.time += 1_700
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

  it('storing the same value again is a write and a replacement, and no hook is told', () => {
    const { cache, controller, onDelete } = made({ a: 1 })
    cache.a = 1
    expect(controller.stats()).toMatchObject({ writes: 2, replacements: 1, items: 1 })
    expect(onDelete).not.toHaveBeenCalled()
  })

  it('resetStats forgets the counts and leaves the entries', () => {
    const { cache, controller } = made({ a: 1 })
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

  it('counts what becomes of a load by the way in which it was kept', async () => {
    const loads = {
      small: async () => 1,
      large: async () => 'x'.repeat(10_000),
      failed: async () => {
        throw new Error('no')
      },
    }
    const counted = async (load: () => Promise<unknown>, isStored: boolean) => {
      const { cache, controller } = made({}, { maxSizeBytes: '4K' })
      const ask = () => (isStored ? (cache.a ??= load()) : controller.getOrSet('a', load))
      await Promise.allSettled([ask(), ask(), ask()])
      const { hits, misses, evictions, rejections, refusals } = controller.stats()
      return { hits, misses, evictions, rejections, refusals }
    }
    const stored = { hits: 2, misses: 1, evictions: 0, rejections: 0, refusals: 0 }
    expect(await counted(loads.small, true)).toEqual(stored)
    expect(await counted(loads.large, true)).toEqual({ ...stored, evictions: 1 })
    expect(await counted(loads.failed, true)).toEqual({ ...stored, rejections: 1 })
    const loaded = { hits: 0, misses: 3, evictions: 0, rejections: 0, refusals: 0 }
    expect(await counted(loads.small, false)).toEqual(loaded)
    expect(await counted(loads.large, false)).toEqual({ ...loaded, refusals: 1 })
    expect(await counted(loads.failed, false)).toEqual(loaded)
  })

  it('is a copy', () => {
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
    clock.time += 4_000
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

  it('drop what has expired since, and merge as writes', () => {
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

  it('keep an explicit size, and measure the rest anew', () => {
    const { controller } = made()
    controller.set('given', 'x'.repeat(1_000), { sizeBytes: 5 }).set('measured', 'x'.repeat(1_000))
    const other = made({}, { sizeOf: () => 7 }).controller
    other.load(controller.dump())
    expect(other.sizeOf('measured') - other.sizeOf('given')).toBe(2)
  })

  it('dump leaves out pending promises, and is no use', () => {
    const { cache, controller, keys } = made({ a: 1, b: 2 })
    cache.pending = new Promise(() => {})
    const other = made()
    other.controller.load(structuredClone(controller.dump()))
    expect(other.keys()).toEqual(['a', 'b'])
    expect(keys()).toEqual(['a', 'b', 'pending'])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0 })
  })

  it('a value that cannot be cloned is a TypeError that names its key', () => {
    for (const value of [() => 1, { deep: [Symbol('s')] }, Symbol('s'), { f() {} }]) {
      const { controller } = made({ fine: 1, culprit: value })
      expect(() => controller.dump()).toThrow(TypeError)
      expect(() => controller.dump()).toThrow('culprit')
    }
  })

  it('what is no snapshot is a TypeError, and changes nothing', () => {
    const { controller, keys } = made({ a: 1 })
    for (const wrong of [undefined, null, 1, 'x', {}, [], [['b', 1]], { entries: [] }, new Map()]) {
      expect(() => controller.load(wrong as never)).toThrow(TypeError)
    }
    expect(keys()).toEqual(['a'])
  })
})

describe('close', () => {
  it('leaves the data readable and the cache usable, and can be called again', () => {
    const { cache, controller, clock } = made({ a: 1 }, { defaultTtl: '1s' })
    controller.close()
    controller.close()
    controller[Symbol.dispose]?.()
    expect(cache.a).toBe(1)
    cache.b = 2
    clock.time += 1_000
    expect(Object.keys(cache)).toEqual([])
  })
})
