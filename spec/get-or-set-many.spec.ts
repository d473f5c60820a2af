import { runInNewContext } from 'node:vm'
import { type CacheController, type CacheOptions, TimeoutError } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'
import { DOWN, down, fakeTimersForEach, loadingCache, pass, SECONDS } from './support/loading.ts'
import { deferred, expectNoUnhandledRejection } from './support/promises.ts'

fakeTimersForEach()

/** A cache with the stale entries `a` and `b`. */
const staleCache = async (options: CacheOptions = {}) => {
  const made = loadingCache({ staleIfError: '1m', ...options }, { a: 'old a', b: 'old b' })
  await pass(10 * SECONDS)
  return made
}

type Context = { readonly signal: AbortSignal }

/** A `loadMany` that gives `'new <key>'` for each key. */
const loader = () => vi.fn((keys: string[], _context: Context) => keys.map((key) => `new ${key}`))

/** A `loadMany` whose result the spec decides, with the signals that it was given. */
const origin = () => {
  const { promise, resolve, reject } = deferred<unknown[] | Record<string, unknown>>()
  const signals: AbortSignal[] = []
  const loadMany = vi.fn((_keys: string[], { signal }: Context) => {
    signals.push(signal)
    return promise
  })
  return { loadMany, resolve, reject, signals }
}

const keysOf = (loadMany: { mock: { calls: unknown[][] } }) =>
  loadMany.mock.calls.map(([keys]) => keys)

describe('getOrSetMany', () => {
  it('calls loadMany once with the missing keys, and gives all values in the order of the keys', async () => {
    const { controller } = loadingCache({}, { b: 'live' })
    const loadMany = loader()
    const values = await controller.getOrSetMany(['c', 'b', 'a'], loadMany)
    expect(values).toBeInstanceOf(Map)
    expect([...values]).toEqual([
      ['c', 'new c'],
      ['b', 'live'],
      ['a', 'new a'],
    ])
    expect(keysOf(loadMany)).toEqual([['c', 'a']])
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 2, loads: 1, writes: 3 })
  })

  it('keeps what it has loaded, with the TTL of the options', async () => {
    const { cache, controller } = loadingCache()
    await controller.getOrSetMany(['a', 'b'], loader(), { ttl: '5s' })
    expect({ ...cache }).toEqual({ a: 'new a', b: 'new b' })
    expect(controller.ttl('a')).toBe(5)
    expect(controller.ttl('b')).toBe(5)
  })

  it('takes a TTL for each value from a function', async () => {
    const { controller, onError } = loadingCache()
    await controller.getOrSetMany(['1', '2', 'x'], (keys) => keys.map(Number), {
      ttl: (value) => value as number,
    })
    expect([controller.ttl('1'), controller.ttl('2')]).toEqual([1, 2])
    expect(onError.mock.calls).toEqual([[expect.any(RangeError), { source: 'ttl', key: 'x' }]])
  })

  it('counts and loads a key that is given twice once', async () => {
    const { controller } = loadingCache({}, { live: 1 })
    const loadMany = loader()
    const values = await controller.getOrSetMany(['a', 'live', 'a', 'live'], loadMany)
    expect([...values.keys()]).toEqual(['a', 'live'])
    expect(keysOf(loadMany)).toEqual([['a']])
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 1 })
  })

  it.each<[string, () => Iterable<string>]>([
    ['a set', () => new Set(['a', 'b'])],
    ['a generator', () => ['a', 'b'].values()],
    ['the keys of a map', () => new Map(Object.entries({ a: 1, b: 2 })).keys()],
    ['an array of another realm', () => runInNewContext("['a', 'b']")],
  ])('takes keys from %s', async (_what, keys) => {
    const { controller } = loadingCache()
    const values = await controller.getOrSetMany(keys(), loader())
    expect([...values.keys()]).toEqual(['a', 'b'])
  })

  it('takes numbers and bigints as keys, and gives strings', async () => {
    const { controller } = loadingCache()
    const loadMany = loader()
    const values = await controller.getOrSetMany([1, 1n, '1', 1.5], loadMany)
    expect([...values.keys()]).toEqual(['1', '1.5'])
    expect(keysOf(loadMany)).toEqual([['1', '1.5']])
  })

  it('takes any string as a key', async () => {
    const { controller } = loadingCache()
    const keys = ['__proto__', 'constructor', '', 'toString']
    const values = await controller.getOrSetMany(keys, loader())
    expect([...values]).toEqual(keys.map((key) => [key, `new ${key}`]))
    expect([...controller.keys()]).toEqual(keys)
  })

  it('does not call loadMany if no key is missing', async () => {
    const { controller } = loadingCache({}, { a: 1 })
    const loadMany = loader()
    expect([...(await controller.getOrSetMany(['a'], loadMany))]).toEqual([['a', 1]])
    expect([...(await controller.getOrSetMany([] as string[], loadMany))]).toEqual([])
    expect(loadMany).not.toHaveBeenCalled()
    expect(controller.stats().loads).toBe(0)
  })

  it('gives a live value that its own batch evicts, and does not load it again', async () => {
    const { cache, controller } = loadingCache({ maxItems: 2 }, { a: 1 })
    const loadMany = loader()
    const values = await controller.getOrSetMany(['a', 'b', 'c'], loadMany)
    expect(Object.keys(cache)).toEqual(['b', 'c'])
    expect([...values]).toEqual([
      ['a', 1],
      ['b', 'new b'],
      ['c', 'new c'],
    ])
    expect(loadMany).toHaveBeenCalledTimes(1)
  })

  it('calls loadMany as a function, with the keys and a signal alone', async () => {
    const { controller } = await staleCache()
    const seen: unknown[] = []
    await controller.getOrSetMany(['a'], function (this: unknown, keys, context) {
      seen.push(this, keys, Reflect.ownKeys(context), context.signal.aborted)
      return keys
    })
    expect(seen.slice(0, 2)).toEqual([undefined, ['a']])
    expect(seen[2]).not.toContain('key')
    expect(seen[3]).toBe(false)
  })

  it('is not disturbed by a loadMany that changes its array of keys', async () => {
    const { controller } = loadingCache()
    const loadMany = (keys: string[]) => {
      const values = Object.fromEntries(keys.map((key) => [key, `new ${key}`]))
      keys.length = 0
      return values
    }
    const values = await controller.getOrSetMany(['a', 'b'], loadMany)
    expect([...values]).toEqual([
      ['a', 'new a'],
      ['b', 'new b'],
    ])
  })

  it('gives the values that stored promises fulfil with', async () => {
    const { cache, controller } = loadingCache()
    cache.a = Promise.resolve('stored')
    expect([...(await controller.getOrSetMany(['a', 'b'], loader()))]).toEqual([
      ['a', 'stored'],
      ['b', 'new b'],
    ])
  })

  it('gives values that do not fit, and counts each as refused', async () => {
    const { controller } = loadingCache({ maxSizeBytes: '8K' })
    const values = await controller.getOrSetMany(['a', 'b'], () => ['x'.repeat(10_000), 1])
    expect(values.get('a')).toHaveLength(10_000)
    expect(values.get('b')).toBe(1)
    expect(controller.stats()).toMatchObject({ refusals: 1, writes: 1 })
  })

  it('rejects for a value that cannot be measured, and keeps the others', async () => {
    const { cache, controller } = loadingCache({
      sizeOf: (value) => {
        if (value === 'bad') throw DOWN
        return 1
      },
    })
    const load = controller.getOrSetMany(['a', 'b', 'c'], () => [1, 'bad', 3])
    await expect(load).rejects.toThrow('sizeOf failed for "b"')
    expect({ ...cache }).toEqual({ a: 1, c: 3 })
  })

  it('a value that cannot be measured fails the callers of its key alone', async () => {
    const { controller, onError } = loadingCache({
      sizeOf: (value) => {
        if (value === 'bad') throw DOWN
        return 1
      },
    })
    const { loadMany, resolve } = origin()
    const many = controller.getOrSetMany(['a', 'b'], loadMany)
    const one = controller.getOrSet('a', () => 'own')
    const other = controller.getOrSet('b', () => 'own')
    resolve(['A', 'bad'])
    expect(await one).toBe('A')
    await expect(other).rejects.toThrow('sizeOf failed for "b"')
    await expect(many).rejects.toThrow('sizeOf failed for "b"')
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 0, writes: 1 })
  })

  it('a write or a removal during the load wins over it, key by key', async () => {
    const { cache, controller } = loadingCache()
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a', 'b', 'c'], loadMany)
    cache.a = 'written'
    delete cache.b
    resolve(['new a', 'new b', 'new c'])
    expect([...(await load).values()]).toEqual(['new a', 'new b', 'new c'])
    expect({ ...cache }).toEqual({ a: 'written', c: 'new c' })
  })

  it('keeps nothing of a load that took pendingTtl', async () => {
    const { controller } = loadingCache({ pendingTtl: '2s' })
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a'], loadMany)
    await pass(2 * SECONDS)
    resolve(['late'])
    expect([...(await load)]).toEqual([['a', 'late']])
    expect(controller.has('a')).toBe(false)
  })
})

describe('the result of loadMany', () => {
  it('is read by key if it is an array of as many pairs as keys', async () => {
    const { cache, controller } = loadingCache()
    const pairs = [
      [2, 'two'],
      ['1', 'one'],
    ]
    await controller.getOrSetMany([1, 2], () => pairs)
    expect({ ...cache }).toEqual({ 1: 'one', 2: 'two' })
  })

  it.each([
    [
      'pairs of other things',
      [
        ['x', 'A'],
        ['y', 'B'],
      ],
    ],
    [
      'longer lists',
      [
        ['a', 'A', 1],
        ['b', 'B', 2],
      ],
    ],
    ['one pair', [['a', 'A'], 'B']],
  ])('is read by position if it is an array of %s', async (_what, values) => {
    const { controller } = loadingCache()
    const loaded = await controller.getOrSetMany(['a', 'b'], () => values)
    expect([...loaded.values()]).toEqual(values)
  })

  it('may be an empty array, which gives no values', async () => {
    const { controller } = loadingCache()
    expect((await controller.getOrSetMany(['a', 'b'], () => [])).size).toBe(0)
  })

  it('may not be an async iterable, which would have to be awaited', async () => {
    const { controller } = loadingCache()
    const pairs = async function* () {
      yield ['a', 1]
    }
    await expect(controller.getOrSetMany(['a'], () => pairs() as never)).rejects.toThrow(
      /^The result of loadMany must be a Map/,
    )
  })

  it('is not asked for again if it is the same as a value beyond the window, and not kept', async () => {
    const { cache, controller } = loadingCache({ staleIfError: null })
    cache.a = null
    await pass(60 * SECONDS)
    const loadMany = vi.fn(() => new Map([['a', null]]))
    const terms = { staleIfError: 10, ttl: () => Number.NaN }
    expect([...(await controller.getOrSetMany(['a'], loadMany, terms))]).toEqual([['a', null]])
    expect(loadMany).toHaveBeenCalledOnce()
  })

  it('removes no value if it comes after pendingTtl', async () => {
    const { cache, controller } = loadingCache({ pendingTtl: '1s', defaultTtl: null }, { a: 'old' })
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a'], loadMany, { refresh: true })
    await pass(SECONDS)
    resolve({})
    expect((await load).size).toBe(0)
    expect(cache.a).toBe('old')
  })

  it('removes the value of a key that it does not give any more', async () => {
    const { cache, controller } = await staleCache({ staleWhileRevalidate: '1m' })
    cache.c = 'live'
    await controller.getOrSetMany(['a'], () => ({}))
    await controller.getOrSetMany(['c'], () => new Map(), { refresh: true })
    const factory = vi.fn(down())
    await expect(controller.getOrSet('a', factory)).rejects.toBe(DOWN)
    expect('c' in cache).toBe(false)
    expect(controller.stats()).toMatchObject({ deletions: 1, expirations: 2 })
  })

  const lists: [string, unknown][] = [
    ['an array', ['A', undefined, 'C']],
    ['an array of promises', [Promise.resolve('A'), undefined, Promise.resolve('C')]],
    ['a promise of an array', Promise.resolve(['A', undefined, 'C'])],
    ['an array of another realm', runInNewContext("['A', undefined, 'C']")],
    ['a Map', new Map(Object.entries({ c: 'C', a: 'A' }))],
    ['a Map of promises', new Map(Object.entries({ c: Promise.resolve('C'), a: 'A' }))],
    ['a Map of another realm', runInNewContext("new Map([['a', 'A'], ['c', 'C']])")],
    ['an object', { c: 'C', a: 'A' }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 'A', c: 'C' })],
    ['pairs', Object.entries({ c: 'C', a: 'A' }).values()],
    ['an array of pairs', Object.entries({ c: 'C', a: 'A' })],
    ['a set of pairs', new Set(Object.entries({ c: 'C', a: 'A' }))],
  ]

  it.each(lists)(
    'can be %s; a key that it does not give is absent and not kept',
    async (_what, result) => {
      const { cache, controller } = loadingCache()
      const values = await controller.getOrSetMany(['a', 'b', 'c'], () => result as never)
      expect([...values]).toEqual([
        ['a', 'A'],
        ['c', 'C'],
      ])
      expect({ ...cache }).toEqual({ a: 'A', c: 'C' })
      expect(controller.stats()).toMatchObject({ misses: 3, writes: 2, loadFailures: 0 })
    },
  )

  it('may have undefined as a value, except in an array', async () => {
    const { cache, controller } = loadingCache()
    const values = await controller.getOrSetMany(['a', 'b'], () => ({ a: undefined, b: null }))
    expect([...values]).toEqual([
      ['a', undefined],
      ['b', null],
    ])
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    expect([...(await controller.getOrSetMany(['c'], () => new Map([['c', undefined]])))]).toEqual([
      ['c', undefined],
    ])
    expect([...(await controller.getOrSetMany(['d'], () => [null]))]).toEqual([['d', null]])
  })

  it('may have numbers as keys, which are strings', async () => {
    const { controller } = loadingCache()
    const values = await controller.getOrSetMany([1, 2], () => new Map([[1, 'one']]))
    expect([...values]).toEqual([['1', 'one']])
  })

  it('may have a key that nobody asked for, which is ignored', async () => {
    const { cache, controller } = loadingCache({}, { live: 'old' })
    const values = await controller.getOrSetMany(['a', 'live'], () => ({ a: 1, live: 2, other: 3 }))
    expect([...values]).toEqual([
      ['a', 1],
      ['live', 'old'],
    ])
    expect({ ...cache }).toEqual({ live: 'old', a: 1 })
  })

  it('may not be longer or shorter than the keys, if it is an array by position', async () => {
    for (const array of [[1], [1, 2, 3]]) {
      const { cache, controller } = loadingCache()
      const load = controller.getOrSetMany(['a', 'b'], () => array)
      await expect(load).rejects.toThrow(
        new TypeError(
          `The array that loadMany returns must have a value for each of the 2 keys, undefined for none; got ${array.length} values`,
        ),
      )
      expect(Object.keys(cache)).toEqual([])
      expect(controller.stats().loadFailures).toBe(1)
    }
  })

  it.each([undefined, null, 1, 'ab', true, Symbol('s'), () => ({})])(
    'may not be %s, which is a TypeError',
    async (result) => {
      const { controller } = loadingCache()
      const load = controller.getOrSetMany(['a', 'b'], () => result as never)
      await expect(load).rejects.toThrow(TypeError)
      await expect(load).rejects.toThrow(/loadMany.*Map.*object.*pairs.*array/)
      expect(controller.size).toBe(0)
    },
  )

  it.each<[string, unknown]>([
    ['a set of keys', new Set(['a', 'b'])],
    ['pairs of one', [['a']].values()],
    ['a Map with a symbol as a key', new Map([[Symbol('s'), 1]])],
    ['a Map with an object as a key', new Map([[{}, 1]])],
  ])('may not be %s, which is a TypeError', async (_what, result) => {
    const { controller } = loadingCache()
    await expect(controller.getOrSetMany(['a', 'b'], () => result as never)).rejects.toThrow(
      TypeError,
    )
    expect(controller.size).toBe(0)
  })

  it('is read by its own iterator, not by an own `get` of a Map', async () => {
    const { controller } = loadingCache()
    const map = Object.assign(new Map([['a', 1]]), {
      get: () => 'wrong',
      has: () => true,
    })
    const values = await controller.getOrSetMany(['a', 'b'], () => map)
    expect([...values]).toEqual([['a', 1]])
  })

  it('that throws as it is read rejects the call', async () => {
    const { controller } = loadingCache()
    const broken = Object.defineProperty({}, 'a', {
      enumerable: true,
      get() {
        throw DOWN
      },
    })
    await expect(controller.getOrSetMany(['a'], () => broken)).rejects.toBe(DOWN)
    const unreadable = {
      [Symbol.iterator]() {
        throw DOWN
      },
    }
    await expect(controller.getOrSetMany(['a'], () => unreadable)).rejects.toBe(DOWN)
  })

  it('with a promise that rejects rejects the call, and keeps nothing', async () => {
    const { cache, controller } = loadingCache()
    const load = controller.getOrSetMany(['a', 'b'], () => [1, Promise.reject(DOWN)])
    await expect(load).rejects.toBe(DOWN)
    expect(Object.keys(cache)).toEqual([])
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 1 })
  })

  it('is not read for a key that nobody asked for, whose promise may reject', async () => {
    const { controller } = loadingCache()
    const other = Promise.reject(DOWN)
    other.catch(() => {})
    const values = await controller.getOrSetMany(['a'], () => ({ a: 1, other }))
    expect([...values]).toEqual([['a', 1]])
  })
})

describe('a loadMany that fails', () => {
  it.each([
    [
      'throws at once',
      () => {
        throw DOWN
      },
    ],
    ['rejects', async () => Promise.reject(DOWN)],
  ])('%s: the call rejects, and nothing is kept', async (_how, loadMany) => {
    const { controller, onError } = loadingCache({}, { live: 1 })
    await expect(controller.getOrSetMany(['live', 'a', 'b'], loadMany)).rejects.toBe(DOWN)
    expect([...controller.keys()]).toEqual(['live'])
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 1 })
    expect((await controller.getOrSetMany(['a'], loader())).get('a')).toBe('new a')
  })

  it('can reject with undefined', async () => {
    const { controller } = loadingCache()
    const load = controller.getOrSetMany(['a'], () => Promise.reject(undefined))
    expect(await load.catch((error) => [error])).toEqual([undefined])
  })

  it('raises nothing if nobody awaits the call', async () => {
    vi.useRealTimers()
    const { controller } = loadingCache({ now: () => 1 })
    await expectNoUnhandledRejection(() => {
      controller.getOrSetMany(['a', 'b'], down())
      controller.getOrSetMany(['a', 'b', 'c'], down())
    })
    controller.close()
  })

  it('gives the stale values within staleIfError, if there is one for every key', async () => {
    const { controller, onError } = await staleCache()
    const values = await controller.getOrSetMany(['b', 'a'], down())
    expect([...values]).toEqual([
      ['b', 'old b'],
      ['a', 'old a'],
    ])
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'b' }]])
    expect(controller.stats()).toMatchObject({ staleHits: 2, loadFailures: 1, misses: 2 })
  })

  it('rejects the call if any key has no stale value, and onError is not told', async () => {
    const { controller, onError } = await staleCache()
    await expect(controller.getOrSetMany(['a', 'other'], down())).rejects.toBe(DOWN)
    expect(onError).not.toHaveBeenCalled()
  })

  it('leaves the origin of each key with a stale value alone for retryAfter', async () => {
    const { controller } = await staleCache({ retryAfter: '5s' })
    await controller.getOrSetMany(['a', 'b'], down())
    const loadMany = loader()
    const values = await controller.getOrSetMany(['a', 'b', 'c'], loadMany)
    expect([...values.values()]).toEqual(['old a', 'old b', 'new c'])
    expect(keysOf(loadMany)).toEqual([['c']])
    expect(await controller.getOrSet('a', down())).toBe('old a')
    await pass(5 * SECONDS)
    expect([...(await controller.getOrSetMany(['a', 'b'], loadMany)).values()]).toEqual([
      'new a',
      'new b',
    ])
  })
})

describe('loads that are shared', () => {
  it('a key that getOrSet is loading is waited for, and not loaded again', async () => {
    const { controller } = loadingCache()
    const { promise, resolve } = deferred<string>()
    const one = controller.getOrSet('a', () => promise)
    const loadMany = loader()
    const many = controller.getOrSetMany(['a', 'b'], loadMany)
    expect(keysOf(loadMany)).toEqual([['b']])
    resolve('one')
    expect(await one).toBe('one')
    expect([...(await many).values()]).toEqual(['one', 'new b'])
    expect(controller.stats()).toMatchObject({ loads: 2, loadsJoined: 1, misses: 3 })
  })

  it('getOrSet waits for a key that getOrSetMany is loading', async () => {
    const { controller } = loadingCache()
    const { loadMany, resolve } = origin()
    const many = controller.getOrSetMany(['a', 'b'], loadMany)
    const factory = vi.fn()
    const one = controller.getOrSet('b', factory)
    resolve(['A', 'B'])
    expect(await one).toBe('B')
    await many
    expect(factory).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadsJoined: 1 })
  })

  it('getOrSetMany waits for keys that other calls of it are loading, one loadsJoined for each', async () => {
    const { controller } = loadingCache()
    const [first, second] = [origin(), origin()]
    const calls = [
      controller.getOrSetMany(['a', 'b'], first.loadMany),
      controller.getOrSetMany(['b', 'c', 'a'], second.loadMany),
    ]
    expect(keysOf(second.loadMany)).toEqual([['c']])
    first.resolve({ a: 'A', b: 'B' })
    second.resolve(['C'])
    const [one, two] = await Promise.all(calls)
    expect([...(one ?? [])]).toEqual([
      ['a', 'A'],
      ['b', 'B'],
    ])
    expect([...(two ?? [])]).toEqual([
      ['b', 'B'],
      ['c', 'C'],
      ['a', 'A'],
    ])
    expect(controller.stats()).toMatchObject({ loads: 2, loadsJoined: 2 })
  })

  it('a getOrSet that joined a batch without its key calls its own factory', async () => {
    const { cache, controller } = loadingCache()
    const { loadMany, resolve } = origin()
    const many = controller.getOrSetMany(['a', 'b'], loadMany)
    const factory = vi.fn(() => 'own')
    const calls = [controller.getOrSet('b', factory), controller.getOrSet('b', factory)]
    resolve({ a: 'A' })
    expect(await Promise.all(calls)).toEqual(['own', 'own'])
    expect([...(await many)]).toEqual([['a', 'A']])
    expect(factory).toHaveBeenCalledTimes(1)
    expect(controller.stats()).toMatchObject({ loads: 2, misses: 4, hits: 0 })
    expect({ ...cache }).toEqual({ a: 'A', b: 'own' })
  })

  it('a getOrSet that joined a batch without its key gets a value that was written meanwhile', async () => {
    const { cache, controller } = loadingCache()
    const { loadMany, resolve } = origin()
    controller.getOrSetMany(['a', 'b'], loadMany)
    const factory = vi.fn()
    const one = controller.getOrSet('b', factory)
    cache.b = 'written'
    resolve({ a: 'A' })
    expect(await one).toBe('written')
    expect(factory).not.toHaveBeenCalled()
  })

  it('a getOrSetMany that joined a batch without its key has no value for it', async () => {
    const { controller } = loadingCache()
    const { loadMany, resolve } = origin()
    controller.getOrSetMany(['a'], loadMany)
    const joined = controller.getOrSetMany(['a', 'b'], loader())
    resolve([undefined])
    expect([...(await joined)]).toEqual([['b', 'new b']])
  })

  it('a factory that fails rejects a getOrSetMany that joined it', async () => {
    const { controller } = loadingCache()
    controller.getOrSet('a', async () => Promise.reject(DOWN))
    await expect(controller.getOrSetMany(['a', 'b'], loader())).rejects.toBe(DOWN)
  })

  it('a batch is joined for pendingTtl at most', async () => {
    const { controller } = loadingCache({ pendingTtl: '2s' })
    controller.getOrSetMany(['a', 'b'], origin().loadMany)
    await pass(2 * SECONDS)
    const loadMany = loader()
    await controller.getOrSetMany(['b', 'c'], loadMany)
    expect(keysOf(loadMany)).toEqual([['b', 'c']])
  })

  it('a loadMany that asks for one of its own keys before its first await gets a rejection', async () => {
    const { controller } = loadingCache()
    const inner: Promise<unknown>[] = []
    const values = await controller.getOrSetMany(['a', 'b'], (keys) => {
      inner.push(controller.getOrSet('b', () => 1))
      inner.push(controller.getOrSetMany(['c', 'b'], loader()))
      return keys
    })
    expect([...values.values()]).toEqual(['a', 'b'])
    for (const call of inner) await expect(call).rejects.toThrow(/"b".*own key/)
  })
})

describe('stale values', () => {
  const WHILE = { staleWhileRevalidate: '1m' }

  it('are given at once, while one call revalidates them in the background', async () => {
    const waitUntil = vi.fn()
    const { cache, controller } = await staleCache({ ...WHILE, waitUntil })
    const { loadMany, resolve } = origin()
    expect([...(await controller.getOrSetMany(['a', 'b'], loadMany))]).toEqual([
      ['a', 'old a'],
      ['b', 'old b'],
    ])
    expect(keysOf(loadMany)).toEqual([['a', 'b']])
    expect(waitUntil).toHaveBeenCalledTimes(1)
    resolve(['new a', 'new b'])
    expect(await waitUntil.mock.calls[0]?.[0]).toBeUndefined()
    expect({ ...cache }).toEqual({ a: 'new a', b: 'new b' })
    expect(controller.stats()).toMatchObject({ staleHits: 2, loads: 1 })
  })

  it('are revalidated by the call that loads the missing keys', async () => {
    const { controller } = await staleCache(WHILE)
    const loadMany = loader()
    const values = await controller.getOrSetMany(['a', 'c'], loadMany)
    expect(keysOf(loadMany)).toEqual([['a', 'c']])
    expect(values.get('c')).toBe('new c')
    expect(controller.peek('a')).toBe('new a')
  })

  it('make the load one in the background, even if the call waits for another key', async () => {
    const waitUntil = vi.fn()
    const { cache, controller } = await staleCache({ ...WHILE, waitUntil })
    const { loadMany, resolve, signals } = origin()
    const leaver = new AbortController()
    const { signal } = leaver
    const load = controller.getOrSetMany(['a', 'c'], loadMany, { signal }).catch(String)
    expect(waitUntil).toHaveBeenCalledTimes(1)
    leaver.abort('gone')
    expect(await load).toBe('gone')
    expect(signals[0]?.aborted).toBe(false)
    resolve(['new a', 'new c'])
    await pass(0)
    expect({ ...cache }).toEqual({ a: 'new a', c: 'new c' })
  })

  it('are not revalidated while another load is under way', async () => {
    const { controller } = await staleCache(WHILE)
    controller.getOrSet('a', () => new Promise(() => {}))
    const loadMany = loader()
    const values = await controller.getOrSetMany(['a', 'b'], loadMany)
    expect([...values.values()]).toEqual(['old a', 'old b'])
    expect(keysOf(loadMany)).toEqual([['b']])
  })

  it('that a caller gets while it waits for other keys are loaded again once their windows are over', async () => {
    const { controller } = await staleCache({ staleIfError: '20s' })
    const slow = origin()
    controller.getOrSet('a', () => new Promise((_, fail) => setTimeout(fail, 1_000)))
    const loadMany = vi.fn((keys: string[], context: Context) =>
      keys.includes('c') ? slow.loadMany(keys, context) : ['new a'],
    )
    const values = controller.getOrSetMany(['a', 'c'], loadMany)
    await pass(20 * SECONDS)
    slow.resolve(['new c'])
    expect([...(await values)]).toEqual([
      ['a', 'new a'],
      ['c', 'new c'],
    ])
  })

  it('and loaded ones that expire while their caller waits for other keys are loaded again', async () => {
    const { controller } = loadingCache()
    const slow = origin()
    controller.getOrSet('a', () => 'a')
    const loadMany = vi.fn((keys: string[], context: Context) =>
      keys.includes('c') ? slow.loadMany(keys, context) : ['new a'],
    )
    const values = controller.getOrSetMany(['a', 'c'], loadMany)
    await pass(10 * SECONDS)
    slow.resolve(['new c'])
    expect([...(await values)]).toEqual([
      ['a', 'new a'],
      ['c', 'new c'],
    ])
  })

  it('report a load that fails in the background to onError once', async () => {
    const { controller, onError } = await staleCache(WHILE)
    await controller.getOrSetMany(['a', 'b'], down())
    await pass(0)
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'a' }]])
  })

  it('report nothing if the call that waits for another key gets the error', async () => {
    const { controller, onError } = await staleCache(WHILE)
    await expect(controller.getOrSetMany(['a', 'c'], down())).rejects.toBe(DOWN)
    await pass(0)
    expect(onError).not.toHaveBeenCalled()
  })

  it('report a value that cannot be measured with its key, and keep the others', async () => {
    const { cache, controller, onError } = await staleCache({
      ...WHILE,
      sizeOf: (value) => {
        if (value === 'bad') throw DOWN
        return 1
      },
    })
    await controller.getOrSetMany(['a', 'b'], () => ['new a', 'bad'])
    await pass(0)
    expect(onError.mock.calls).toEqual([[expect.any(TypeError), { source: 'load', key: 'b' }]])
    expect({ ...cache }).toEqual({ a: 'new a' })
    await expect(controller.getOrSet('b', () => Promise.reject(DOWN))).rejects.toBe(DOWN)
  })
})

describe('a key that loadMany does not give any more', () => {
  it('has no value from then on: its stale value leaves', async () => {
    const { controller, removals } = await staleCache()
    const values = await controller.getOrSetMany(['a', 'b'], () => ({ a: 'new a' }))
    expect([...values]).toEqual([['a', 'new a']])
    expect(removals()).toEqual(['a expired', 'b expired'])
    await expect(controller.getOrSet('b', () => Promise.reject(DOWN))).rejects.toBe(DOWN)
  })

  it("has no value after a refresh: its live value leaves, with reason 'deleted'", async () => {
    const { cache, controller, removed } = loadingCache({}, { a: 1, b: 2 })
    await controller.getOrSetMany(['a', 'b'], () => [undefined, 3], { refresh: true })
    expect({ ...cache }).toEqual({ b: 3 })
    expect(removed()).toEqual([
      ['a', 1, 'deleted'],
      ['b', 2, 'replaced'],
    ])
    expect(controller.stats()).toMatchObject({ deletions: 1, replacements: 1 })
  })

  it('keeps a value that was written during the load', async () => {
    const { cache, controller } = await staleCache()
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a', 'b'], loadMany)
    cache.a = 'written'
    resolve({})
    await load
    expect({ ...cache }).toEqual({ a: 'written' })
  })
})

describe('a value at hand whose time is over before the other keys are loaded', () => {
  it('is loaded too, since it is never given after its TTL', async () => {
    const { cache, controller } = loadingCache({}, { a: 'old a' })
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a', 'b'], loadMany)
    await pass(10 * SECONDS)
    loadMany.mockImplementation(async (keys) => keys.map((key) => `new ${key}`))
    resolve(['new b'])
    expect([...(await load)]).toEqual([
      ['a', 'new a'],
      ['b', 'new b'],
    ])
    expect(keysOf(loadMany)).toEqual([['b'], ['a']])
    expect(cache.a).toBe('new a')
  })

  it('is absent if loadMany does not give it any more', async () => {
    const { controller } = loadingCache({}, { a: 'old a' })
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a', 'b'], loadMany)
    await pass(10 * SECONDS)
    loadMany.mockImplementation(async () => ({}))
    resolve(['new b'])
    expect([...(await load)]).toEqual([['b', 'new b']])
  })

  it('is loaded too if it was a stale one, whose window is over', async () => {
    const { controller } = await staleCache({ staleWhileRevalidate: '5s', staleIfError: '5s' })
    const { loadMany, resolve } = origin()
    controller.getOrSet('a', () => new Promise(() => {}))
    const load = controller.getOrSetMany(['a', 'c'], loadMany)
    await pass(30 * SECONDS)
    loadMany.mockImplementation(async (keys) => keys.map((key) => `new ${key}`))
    resolve(['new c'])
    expect([...(await load)]).toEqual([
      ['a', 'new a'],
      ['c', 'new c'],
    ])
  })
})

describe('a cache that was garbage-collected', () => {
  it('does not keep getOrSetMany from its values', async () => {
    let isCollected = false
    class Ref<T extends object> {
      readonly #target: T
      constructor(target: T) {
        this.#target = target
      }
      deref(): T | undefined {
        return isCollected ? undefined : this.#target
      }
    }
    vi.stubGlobal('WeakRef', Ref)
    const { controller } = loadingCache({}, { a: 'live' })
    const { loadMany, resolve } = origin()
    const load = controller.getOrSetMany(['a', 'b'], loadMany)
    isCollected = true
    resolve(['new b'])
    expect([...(await load).values()]).toEqual(['live', 'new b'])
    isCollected = false
    vi.unstubAllGlobals()
  })
})

describe('the options', () => {
  it('softTimeout gives the stale values, and the load goes on', async () => {
    const waitUntil = vi.fn()
    const { cache, controller } = await staleCache()
    const { loadMany, resolve } = origin()
    const options = { softTimeout: '1s', waitUntil }
    const load = controller.getOrSetMany(['a', 'b'], loadMany, options)
    await pass(1 * SECONDS)
    expect([...(await load).values()]).toEqual(['old a', 'old b'])
    expect(waitUntil).toHaveBeenCalled()
    resolve(['new a', 'new b'])
    await pass(0)
    expect({ ...cache }).toEqual({ a: 'new a', b: 'new b' })
  })

  it('timeout rejects with a TimeoutError that names the first key, and aborts the signal', async () => {
    const { controller } = loadingCache()
    const { loadMany, signals, resolve } = origin()
    const load = controller.getOrSetMany(['b', 'a'], loadMany, { timeout: '2s' })
    const error = load.catch((error) => error)
    await pass(2 * SECONDS)
    expect(await error).toBeInstanceOf(TimeoutError)
    expect(await error).toMatchObject({ key: 'b', timeout: 2_000 })
    expect(signals[0]?.reason).toBe(await error)
    resolve(['late', 'late'])
    await pass(0)
    expect(controller.size).toBe(0)
    expect(controller.stats()).toMatchObject({ loadFailures: 1, loadMs: 2_000 })
  })

  it('timeout of a call that joined is its own', async () => {
    const { controller } = loadingCache()
    const { loadMany, resolve, signals } = origin()
    const load = controller.getOrSetMany(['a', 'b'], loadMany)
    const joined = controller.getOrSetMany(['a', 'b'], loader(), { timeout: '2s' })
    const error = joined.catch((error) => error)
    await pass(2 * SECONDS)
    expect(await error).toMatchObject({ name: 'TimeoutError', timeout: 2_000 })
    expect(signals[0]?.aborted).toBe(false)
    resolve(['A', 'B'])
    expect([...(await load).values()]).toEqual(['A', 'B'])
  })

  it('signal that is aborted already rejects, and nothing is counted', async () => {
    const { controller } = loadingCache({}, { live: 1 })
    const loadMany = loader()
    const signal = AbortSignal.abort('gone')
    const load = controller.getOrSetMany(['live', 'a'], loadMany, { signal })
    expect(await load.catch((reason) => reason)).toBe('gone')
    expect(loadMany).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, loads: 0 })
  })

  it('signal aborts the load once all callers of all its keys have gone', async () => {
    const { controller, onError } = loadingCache()
    const { loadMany, signals, resolve } = origin()
    const [first, second] = [new AbortController(), new AbortController()]
    const calls = [
      controller.getOrSetMany(['a', 'b'], loadMany, { signal: first.signal }),
      controller.getOrSet('b', () => 1, { signal: second.signal }),
    ].map((call) => call.catch((reason) => reason))
    first.abort('first')
    expect(signals[0]?.aborted).toBe(false)
    second.abort('second')
    expect(signals[0]?.reason).toBe('second')
    expect(await Promise.all(calls)).toEqual(['first', 'second'])
    resolve(['late', 'late'])
    await pass(0)
    expect(controller.size).toBe(0)
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 0 })
    const again = loader()
    await controller.getOrSetMany(['a', 'b'], again)
    expect(keysOf(again)).toEqual([['a', 'b']])
  })

  it('refresh loads all keys, live ones too', async () => {
    const { cache, controller } = loadingCache({}, { a: 'old a' })
    const loadMany = loader()
    const values = await controller.getOrSetMany(['a', 'b'], loadMany, { refresh: true })
    expect(keysOf(loadMany)).toEqual([['a', 'b']])
    expect([...values.values()]).toEqual(['new a', 'new b'])
    expect(cache.a).toBe('new a')
    expect(controller.stats()).toMatchObject({ misses: 2, loads: 1 })
  })

  it('refresh that fails gives the live values within staleIfError', async () => {
    const { controller } = loadingCache({ staleIfError: '1m' }, { a: 1, b: 2 })
    const values = await controller.getOrSetMany(['a', 'b'], down(), { refresh: true })
    expect([...values.values()]).toEqual([1, 2])
    expect(controller.stats().staleHits).toBe(0)
  })

  it('windows are those of the entries that the load stores', async () => {
    const { controller } = loadingCache({ retryAfter: 0 })
    await controller.getOrSetMany(['a', 'b'], loader(), { ttl: '5s', staleIfError: '5s' })
    const values = () => controller.getOrSetMany(['a', 'b'], down(), { staleIfError: '1h' })
    await pass(10 * SECONDS - 1)
    expect([...(await values()).values()]).toEqual(['new a', 'new b'])
    await pass(1)
    await expect(values()).rejects.toBe(DOWN)
  })
})

describe('a bad argument', () => {
  const BAD: [string, unknown[], string][] = [
    ...[undefined, null, 'ab', 1, true, {}, () => [], Symbol('s')].map(
      (keys): [string, unknown[], string] => [
        `keys ${String(typeof keys === 'object' ? JSON.stringify(keys) : keys)}`,
        [keys, () => []],
        'The keys must be an iterable of keys, not a string; got ',
      ],
    ),
    ...[undefined, null, Symbol('s'), {}, ['a'], true].map((key): [string, unknown[], string] => [
      `a key ${String(typeof key === 'object' ? JSON.stringify(key) : key)}`,
      [['a', key], () => []],
      'A key must be a string, a number or a bigint; got ',
    ]),
    ...[undefined, null, {}, 'f', []].map((loadMany): [string, unknown[], string] => [
      `loadMany ${JSON.stringify(loadMany)}`,
      [['a'], loadMany],
      'loadMany must be a function; got ',
    ]),
    ['options null', [['a'], () => [], null], 'The options must be a plain object'],
    [
      'an unknown option',
      [['a'], () => [], { tll: 1 }],
      'Unknown option "tll"; the options are ttl',
    ],
  ]

  it.each(BAD)('(%s) rejects with a TypeError, and nothing happens', async (_what, args, text) => {
    const { controller } = loadingCache()
    const load = Reflect.apply(controller.getOrSetMany, controller, args) as Promise<unknown>
    await expect(load).rejects.toThrow(TypeError)
    await expect(load).rejects.toThrow(text)
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, loads: 0 })
  })

  it('(keys whose iterator throws) rejects with that error', async () => {
    const { controller } = loadingCache()
    const keys = {
      [Symbol.iterator](): Iterator<string> {
        throw DOWN
      },
    }
    await expect(controller.getOrSetMany(keys, loader())).rejects.toBe(DOWN)
  })

  it('(another object as this) rejects', async () => {
    const { controller } = loadingCache()
    const load = (controller.getOrSetMany as CacheController['getOrSetMany']).call(
      {} as CacheController,
      ['a'],
      loader(),
    )
    await expect(load).rejects.toThrow(TypeError)
  })
})
