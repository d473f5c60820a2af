import { describe, expect, test, vi } from 'vitest'
import { cacheWith } from './support/cache.ts'
import { deferred, expectNoUnhandledRejection } from './support/promises.ts'

const fail = async () => {
  throw new Error('no')
}

test('getOrSet loads a missing value once for all callers, and uses a live one', async () => {
  const { cache, controller } = cacheWith()
  const factory = vi.fn(async () => 'loaded')
  const all = await Promise.all(
    Array.from({ length: 100 }, () => controller.getOrSet('a', factory)),
  )
  expect(new Set(all)).toEqual(new Set(['loaded']))
  expect(cache.a).toBe('loaded')
  expect(await controller.getOrSet('a', factory)).toBe('loaded')
  expect(factory).toHaveBeenCalledTimes(1)
  expect(controller.stats()).toMatchObject({ hits: 2, misses: 100, writes: 1 })
})

test('getOrSet returns a stored undefined without loading', async () => {
  const { cache, controller } = cacheWith()
  cache.a = undefined
  expect(await controller.getOrSet('a', () => 1)).toBeUndefined()
})

test.each([
  [
    'throws',
    () => {
      throw new Error('no')
    },
  ],
  ['rejects', fail],
])('a factory that %s rejects all callers, and nothing is stored', async (_how, factory) => {
  const { controller } = cacheWith()
  const loads = [controller.getOrSet('a', factory), controller.getOrSet('a', factory)]
  for (const outcome of await Promise.allSettled(loads)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'no' } })
  }
  expect(controller.has('a')).toBe(false)
  expect(await controller.getOrSet('a', () => 2)).toBe(2)
})

test('a factory can return a plain value', async () => {
  const { cache, controller } = cacheWith()
  expect(await controller.getOrSet('a', () => 1)).toBe(1)
  expect(cache.a).toBe(1)
})

test('ttl applies to the entry, and can be a function of the value', async () => {
  const { controller } = cacheWith({ defaultTtl: '1m' })
  await controller.getOrSet('a', () => 1, { ttl: '5s' })
  await controller.getOrSet('b', () => ({ expires_in: 90 }), { ttl: (token) => token.expires_in })
  await controller.getOrSet('c', () => 1)
  expect([controller.ttl('a'), controller.ttl('b'), controller.ttl('c')]).toEqual([5, 90, 60])
})

test.each([0, -30])('a value whose computed ttl is %i is returned and not stored', async (ttl) => {
  const { controller } = cacheWith()
  const load = () => controller.getOrSet('token', () => ({ ttl }), { ttl: (token) => token.ttl })
  expect(await Promise.all([load(), load()])).toEqual([{ ttl }, { ttl }])
  expect(controller.has('token')).toBe(false)
  expect(controller.stats()).toMatchObject({ misses: 2, writes: 1, expirations: 1 })
})

test('a write or removal by the ttl function wins over the load', async () => {
  const { cache, controller } = cacheWith()
  const load = (key: string, meanwhile: () => void) =>
    controller.getOrSet(key, () => 'loaded', {
      ttl: () => {
        meanwhile()
        return 5
      },
    })
  expect(await load('written', () => Object.assign(cache, { written: 'w' }))).toBe('loaded')
  expect(await load('deleted', () => delete cache.deleted)).toBe('loaded')
  expect(Object.entries(cache)).toEqual([['written', 'w']])
  expect(await load('cleared', () => controller.clear())).toBe('loaded')
  expect(Object.keys(cache)).toEqual([])
})

const BAD_CALLS: [string, unknown[], string][] = [
  ['a key', [null, () => 1], 'A key must be a string, a number or a bigint; got null'],
  ['a factory', ['a', 1], 'factory must be a function; got 1'],
  [
    'options',
    ['a', () => 1, []],
    'The options must be a plain object, not an iterable; got an object',
  ],
  ['an option', ['a', () => 1, { tll: 1 }], 'Unknown option "tll"; the options are ttl'],
  ['a ttl', ['a', () => 1, { ttl: '5 parsecs' }], 'ttl must be seconds'],
]

test.each(BAD_CALLS)(
  'given %s of the wrong kind, getOrSet rejects and does not throw',
  async (_, args, text) => {
    const { controller } = cacheWith()
    const promise = Reflect.apply(controller.getOrSet, controller, args)
    await expect(promise).rejects.toThrow(text)
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 0 })
  },
)

test('if the option now throws, getOrSet rejects and does not throw', async () => {
  let isBroken = false
  const now = () => {
    if (isBroken) throw new Error('no time')
    return 1
  }
  const { controller } = cacheWith({ now, defaultTtl: '1s' })
  controller.set('a', 1)
  isBroken = true
  await expect(controller.getOrSet('a', () => 2)).rejects.toThrow('no time')
  isBroken = false
  expect(await controller.getOrSet('a', () => 2)).toBe(1)
})

describe('a factory that calls getOrSet for its own key before its first await', () => {
  const NAMED = /"a".*own key/

  test('gets a rejection that names the key', async () => {
    const { controller } = cacheWith()
    const load = controller.getOrSet('a', () => controller.getOrSet('a', () => 1))
    await expect(load).rejects.toThrow(NAMED)
    expect(await controller.getOrSet('a', () => 2)).toBe(2)
  })

  test('gets the rejection through a chain of loads', async () => {
    const { controller } = cacheWith()
    const b = vi.fn(() => controller.getOrSet('c', () => controller.getOrSet('a', () => 1)))
    await expect(controller.getOrSet('a', async () => controller.getOrSet('b', b))).rejects.toThrow(
      NAMED,
    )
    expect(b).toHaveBeenCalledTimes(1)
  })

  test('gets the rejection through a load of another cache', async () => {
    const { controller } = cacheWith()
    const other = cacheWith().controller
    const load = controller.getOrSet('a', () =>
      other.getOrSet('a', () => controller.getOrSet('a', () => 1)),
    )
    await expect(load).rejects.toThrow(NAMED)
  })

  test.each(['delete', 'clear'] as const)('gets the rejection after a %s too', async (how) => {
    const { controller } = cacheWith()
    const load = (): Promise<unknown> =>
      controller.getOrSet('a', () => {
        controller[how]('a')
        return load()
      })
    await expect(load()).rejects.toThrow(NAMED)
  })

  test('can catch the rejection, and all callers get its value', async () => {
    const { cache, controller } = cacheWith()
    const load = () =>
      controller.getOrSet('a', async () => {
        const own = await controller.getOrSet('a', () => 'own').catch(() => 'caught')
        return `loaded, ${own}`
      })
    expect(await Promise.all([load(), load()])).toEqual(['loaded, caught', 'loaded, caught'])
    expect(cache.a).toBe('loaded, caught')
  })

  test('can ignore the rejection, which is handled', async () => {
    const { controller } = cacheWith()
    await expectNoUnhandledRejection(() =>
      controller.getOrSet('a', () => {
        controller.getOrSet('a', () => 1)
        return 2
      }),
    )
  })

  test('gets the value instead if it has written one', async () => {
    const { cache, controller } = cacheWith()
    const load = controller.getOrSet('a', () => {
      cache.a = 'written'
      return controller.getOrSet('a', () => 1)
    })
    expect(await load).toBe('written')
  })
})

test('a factory can load another key several times', async () => {
  const { controller } = cacheWith()
  const other = () => controller.getOrSet('b', () => 1)
  expect(await controller.getOrSet('a', async () => [await other(), await other()])).toEqual([1, 1])
})

test('a key can be loaded again after its factory threw', async () => {
  const { controller } = cacheWith()
  const throwAtOnce = () => {
    throw new Error('no')
  }
  await expect(controller.getOrSet('a', throwAtOnce)).rejects.toThrow('no')
  expect(await controller.getOrSet('a', () => 1)).toBe(1)
})

test('getOrSet returns the value that onDelete stored in place of the expired one', async () => {
  const { cache, controller, clock } = cacheWith({
    defaultTtl: '1s',
    onDelete: (key: string) => {
      cache[key] ??= 'refilled'
    },
  })
  cache.a = 1
  clock.advance(1_000)
  const factory = vi.fn(() => 'loaded')
  expect(await controller.getOrSet('a', factory)).toBe('refilled')
  expect(factory).not.toHaveBeenCalled()
})

test.each([
  ['throws', () => JSON.parse('no token'), 'SyntaxError'],
  ['returns NaN', () => Number.NaN, 'RangeError'],
  ['returns "soon"', () => 'soon', 'TypeError'],
  ['returns a string without a unit', () => '10', 'TypeError'],
  ['is async', async () => 5, 'TypeError'],
  ['is async and rejects', async () => Promise.reject(new Error('no ttl')), 'TypeError'],
])(
  'a ttl function that %s is reported to onError: callers get the value, which is not stored',
  async (_how, ttl, error) => {
    const onError = vi.fn()
    const { cache, controller } = cacheWith({ onError })
    const load = () => controller.getOrSet('a', () => 'loaded', { ttl: ttl as () => number })
    expect(await Promise.all([load(), load()])).toEqual(['loaded', 'loaded'])
    expect(onError.mock.calls).toEqual([
      [expect.objectContaining({ name: error }), { source: 'ttl', key: 'a' }],
    ])
    expect('a' in cache).toBe(false)
    expect(controller.stats()).toMatchObject({ misses: 2, writes: 0 })
    expect(await controller.getOrSet('a', () => 'again')).toBe('again')
  },
)

test.each(['set', 'delete', 'clear'])('a %s during the load wins over it', async (how) => {
  const { cache, controller } = cacheWith()
  const { promise, resolve } = deferred<string>()
  const load = controller.getOrSet('a', () => promise)
  await Promise.resolve()
  if (how === 'set') cache.a = 'written'
  else if (how === 'delete') delete cache.a
  else controller.clear()
  resolve('loaded')
  expect(await load).toBe('loaded')
  expect(controller.peek('a')).toBe(how === 'set' ? 'written' : undefined)
  expect(controller.has('a')).toBe(how === 'set')
})

test('a load is joined for pendingTtl at most, and a later result is not stored', async () => {
  const { controller, clock } = cacheWith({ pendingTtl: '2s' })
  const { promise, resolve } = deferred<string>()
  const slow = controller.getOrSet('a', () => promise)
  await Promise.resolve()
  clock.advance(2_000)
  expect(await controller.getOrSet('a', () => 'second')).toBe('second')
  resolve('late')
  expect(await slow).toBe('late')
  expect(controller.peek('a')).toBe('second')
})

test('a load that takes as long as pendingTtl is not stored', async () => {
  const { controller, clock } = cacheWith({ pendingTtl: '2s' })
  const load = controller.getOrSet('a', async () => {
    clock.advance(2_000)
    return 'late'
  })
  expect(await load).toBe('late')
  expect(controller.has('a')).toBe(false)
})

test('callers get the result of a load whose cache was garbage-collected', async () => {
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
  const { controller } = cacheWith()
  const loaded = controller.getOrSet('a', async () => 'loaded')
  const failed = [controller.getOrSet('b', fail), controller.getOrSet('b', fail)]
  isCollected = true
  expect(await loaded).toBe('loaded')
  for (const outcome of failed) await expect(outcome).rejects.toThrow(/^no$/)
  isCollected = false
  expect([...controller.keys()]).toEqual([])
  vi.unstubAllGlobals()
})

test('a value that does not fit is returned and counts a refusal', async () => {
  const { controller } = cacheWith({ maxSizeBytes: '8K' })
  expect(await controller.getOrSet('a', () => 'x'.repeat(10_000))).toHaveLength(10_000)
  expect(controller.has('a')).toBe(false)
  expect(controller.stats()).toMatchObject({ refusals: 1, writes: 0 })
})

test('a factory can write to the cache and load another key', async () => {
  const { cache, controller } = cacheWith()
  const value = await controller.getOrSet('a', async () => {
    cache.side = 1
    return `${await controller.getOrSet('b', () => 'b')}a`
  })
  expect(value).toBe('ba')
  expect({ ...cache }).toEqual({ side: 1, b: 'b', a: 'ba' })
})

test('the rejection of a load that nobody awaits is handled, for every caller', async () => {
  const { controller } = cacheWith()
  await expectNoUnhandledRejection(() => {
    controller.getOrSet('a', fail)
    controller.getOrSet('a', fail)
  })
})

test('a write that throws a TypeError does not win over the load', async () => {
  const { cache, controller } = cacheWith()
  const load = controller.getOrSet('then', () => 'loaded')
  expect(() => {
    cache.then = () => {}
  }).toThrow(TypeError)
  await load
  expect(controller.peek('then')).toBe('loaded')
})

// When a request of a Worker has ended, its promises reject for later subscribers.
test('a caller starts a new load if joining the pending one fails', async () => {
  const { controller } = cacheWith()
  controller.getOrSet('a', () => new Promise<string>(() => {}))
  const ended = vi.spyOn(Promise.prototype, 'then').mockImplementationOnce((...handlers) => {
    ended.mockRestore()
    return Promise.reject(new Error('the request has ended')).then(...handlers)
  })
  const factory = vi.fn(() => 'loaded again')
  const joined = controller.getOrSet('a', factory)
  expect(factory).not.toHaveBeenCalled()
  expect(await joined).toBe('loaded again')
  expect(controller.peek('a')).toBe('loaded again')
})

test('a caller gets the error if joining fails and a write has overtaken the load', async () => {
  const { cache, controller } = cacheWith()
  controller.getOrSet('a', () => new Promise<string>(() => {}))
  const ended = vi.spyOn(Promise.prototype, 'then').mockImplementationOnce((...handlers) => {
    ended.mockRestore()
    return Promise.reject(new Error('the request has ended')).then(...handlers)
  })
  const joined = controller.getOrSet('a', () => 'loaded again')
  cache.a = 'written'
  await expect(joined).rejects.toThrow('the request has ended')
})

test('each of several pending loads is joined for its own pendingTtl', async () => {
  const { controller, clock } = cacheWith({ pendingTtl: 1 })
  const never = () => new Promise<string>(() => {})
  const factory = vi.fn(() => 'new')
  for (const key of ['a', 'b', 'c']) {
    controller.getOrSet(key, never)
    clock.advance(400)
  }
  // 'a' started 1,200 milliseconds ago, 'b' 800 and 'c' 400.
  for (const key of ['b', 'c']) controller.getOrSet(key, factory)
  expect(factory).not.toHaveBeenCalled()
  expect(await controller.getOrSet('a', factory)).toBe('new')
  clock.advance(200)
  controller.getOrSet('c', factory)
  expect(await controller.getOrSet('b', factory)).toBe('new')
  expect(factory).toHaveBeenCalledTimes(2)
})
