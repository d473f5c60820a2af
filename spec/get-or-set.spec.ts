import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, test, vi } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'

function made(options: object = {}) {
  const clock = new FakeClock()
  const cache = new FaaSCacheDict<Record<string, unknown>>({ now: clock.now, ...options })
  return { cache, controller: controllerOf(cache), clock }
}

test('it gives the live value as a use, and else loads it once for all who ask', async () => {
  const { cache, controller } = made()
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

test('a stored undefined is a live value', async () => {
  const { cache, controller } = made()
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
  [
    'rejects',
    async () => {
      throw new Error('no')
    },
  ],
])('a factory that %s fails all who ask, and nothing is kept', async (_how, factory) => {
  const { controller } = made()
  const asked = [controller.getOrSet('a', factory), controller.getOrSet('a', factory)]
  for (const outcome of await Promise.allSettled(asked)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'no' } })
  }
  expect(controller.has('a')).toBe(false)
  expect(await controller.getOrSet('a', () => 2)).toBe(2)
})

test('a plain value is kept as one', async () => {
  const { cache, controller } = made()
  expect(await controller.getOrSet('a', () => 1)).toBe(1)
  expect(cache.a).toBe(1)
})

test('ttl holds for the entry, and may be a function of the value', async () => {
  const { controller } = made({ defaultTtl: '1m' })
  await controller.getOrSet('a', () => 1, { ttl: '5s' })
  await controller.getOrSet('b', () => ({ expires_in: 90 }), { ttl: (token) => token.expires_in })
  await controller.getOrSet('c', () => 1)
  expect([controller.ttl('a'), controller.ttl('b'), controller.ttl('c')]).toEqual([5, 90, 60])
})

test.each([0, -30])(
  'a value whose time is over by %i seconds is given and not kept',
  async (left) => {
    const { controller } = made()
    const load = () =>
      controller.getOrSet('token', () => ({ left }), { ttl: (token) => token.left })
    expect(await Promise.all([load(), load()])).toEqual([{ left }, { left }])
    expect(controller.has('token')).toBe(false)
    expect(controller.stats()).toMatchObject({ misses: 2, writes: 1, expirations: 1 })
  },
)

test('what a ttl function writes or removes under the key wins over the load', async () => {
  const { cache, controller } = made()
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
  '%s of the wrong kind rejects, and nothing is thrown',
  async (_, args, text) => {
    const { controller } = made()
    const promise = Reflect.apply(controller.getOrSet, controller, args)
    await expect(promise).rejects.toThrow(text)
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 0 })
  },
)

test('a clock that throws rejects, and nothing is thrown', async () => {
  let isBroken = false
  const now = () => {
    if (isBroken) throw new Error('no time')
    return 1
  }
  const { controller } = made({ now, defaultTtl: '1s' })
  controller.set('a', 1)
  isBroken = true
  await expect(controller.getOrSet('a', () => 2)).rejects.toThrow('no time')
  isBroken = false
  expect(await controller.getOrSet('a', () => 2)).toBe(1)
})

describe('a factory that asks for its own key before its first await gets a rejection that names it', () => {
  const NAMED = /"a".*own key/

  test('when it asks by itself', async () => {
    const { controller } = made()
    const asked = controller.getOrSet('a', () => controller.getOrSet('a', () => 1))
    await expect(asked).rejects.toThrow(NAMED)
    expect(await controller.getOrSet('a', () => 2)).toBe(2)
  })

  test('when a chain of loads comes back to it', async () => {
    const { controller } = made()
    const b = vi.fn(() => controller.getOrSet('c', () => controller.getOrSet('a', () => 1)))
    await expect(controller.getOrSet('a', async () => controller.getOrSet('b', b))).rejects.toThrow(
      NAMED,
    )
    expect(b).toHaveBeenCalledTimes(1)
  })

  test('when the chain goes through another cache', async () => {
    const { controller } = made()
    const other = made().controller
    const asked = controller.getOrSet('a', () =>
      other.getOrSet('a', () => controller.getOrSet('a', () => 1)),
    )
    await expect(asked).rejects.toThrow(NAMED)
  })

  test.each(['delete', 'clear'] as const)('when it has removed the key by %s', async (how) => {
    const { controller } = made()
    const load = (): Promise<unknown> =>
      controller.getOrSet('a', () => {
        controller[how]('a')
        return load()
      })
    await expect(load()).rejects.toThrow(NAMED)
  })

  test('and may catch it and give another value, to concurrent callers too', async () => {
    const { cache, controller } = made()
    const load = () =>
      controller.getOrSet('a', async () => {
        const own = await controller.getOrSet('a', () => 'own').catch(() => 'caught')
        return `loaded, ${own}`
      })
    expect(await Promise.all([load(), load()])).toEqual(['loaded, caught', 'loaded, caught'])
    expect(cache.a).toBe('loaded, caught')
  })

  test('and raises nothing if it does not await it', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { controller } = made()
    await controller.getOrSet('a', () => {
      controller.getOrSet('a', () => 1)
      return 2
    })
    await new Promise((turn) => setImmediate(turn))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('but the value, if it has written one', async () => {
    const { cache, controller } = made()
    const asked = controller.getOrSet('a', () => {
      cache.a = 'written'
      return controller.getOrSet('a', () => 1)
    })
    expect(await asked).toBe('written')
  })
})

test('a factory may ask for other keys, and for its own once another load of it has begun', async () => {
  const { controller } = made()
  const other = () => controller.getOrSet('b', () => 1)
  expect(await controller.getOrSet('a', async () => [await other(), await other()])).toEqual([1, 1])
})

test('a factory that throws at the call leaves its key free to be asked for', async () => {
  const { controller } = made()
  const fail = () => {
    throw new Error('no')
  }
  await expect(controller.getOrSet('a', fail)).rejects.toThrow('no')
  expect(await controller.getOrSet('a', () => 1)).toBe(1)
})

test('a value that a hook stores in place of the expired one is given, and not loaded over', async () => {
  const { cache, controller, clock } = made({
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
  ['gives NaN', () => Number.NaN, 'RangeError'],
  ['gives no duration', () => 'soon', 'TypeError'],
  ['gives a number without a unit', () => '10', 'TypeError'],
  ['is async', async () => 5, 'TypeError'],
  ['is async, and rejects', async () => Promise.reject(new Error('no ttl')), 'TypeError'],
])(
  'a ttl function that %s fails no load: all callers get the value, and onError is told',
  async (_how, ttl, error) => {
    const onError = vi.fn()
    const { cache, controller } = made({ onError })
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

test.each(['set', 'delete', 'clear'])('a %s while it runs wins over it', async (how) => {
  const { cache, controller } = made()
  let finish = (_value: string) => {}
  const asked = controller.getOrSet(
    'a',
    () =>
      new Promise<string>((resolve) => {
        finish = resolve
      }),
  )
  await Promise.resolve()
  if (how === 'set') cache.a = 'written'
  else if (how === 'delete') delete cache.a
  else controller.clear()
  finish('loaded')
  expect(await asked).toBe('loaded')
  expect(controller.peek('a')).toBe(how === 'set' ? 'written' : undefined)
  expect(controller.has('a')).toBe(how === 'set')
})

test('a load that never settles is joined for pendingTtl only, and one that late is not kept', async () => {
  const { controller, clock } = made({ pendingTtl: '2s' })
  let finish = (_value: string) => {}
  const slow = controller.getOrSet(
    'a',
    () =>
      new Promise<string>((resolve) => {
        finish = resolve
      }),
  )
  await Promise.resolve()
  clock.advance(2_000)
  expect(await controller.getOrSet('a', () => 'second')).toBe('second')
  finish('late')
  expect(await slow).toBe('late')
  expect(controller.peek('a')).toBe('second')
})

test('a load that takes pendingTtl to the end is not kept, though nothing has overtaken it', async () => {
  const { controller, clock } = made({ pendingTtl: '2s' })
  const asked = controller.getOrSet('a', async () => {
    clock.advance(2_000)
    return 'late'
  })
  expect(await asked).toBe('late')
  expect(controller.has('a')).toBe(false)
})

test('who waits for a load of a cache that was collected is told how it ended', async () => {
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
  const { controller } = made()
  const loaded = controller.getOrSet('a', async () => 'loaded')
  const fail = async () => {
    throw new Error('no')
  }
  const failed = [controller.getOrSet('b', fail), controller.getOrSet('b', fail)]
  isCollected = true
  expect(await loaded).toBe('loaded')
  for (const outcome of failed) await expect(outcome).rejects.toThrow(/^no$/)
  isCollected = false
  expect([...controller.keys()]).toEqual([])
  vi.unstubAllGlobals()
})

test('a value that does not fit is given all the same, and counted as refused', async () => {
  const { controller } = made({ maxSizeBytes: '8K' })
  expect(await controller.getOrSet('a', () => 'x'.repeat(10_000))).toHaveLength(10_000)
  expect(controller.has('a')).toBe(false)
  expect(controller.stats()).toMatchObject({ refusals: 1, writes: 0 })
})

test('the factory may use the cache, and ask for another key', async () => {
  const { cache, controller } = made()
  const value = await controller.getOrSet('a', async () => {
    cache.side = 1
    return `${await controller.getOrSet('b', () => 'b')}a`
  })
  expect(value).toBe('ba')
  expect({ ...cache }).toEqual({ side: 1, b: 'b', a: 'ba' })
})

test('a failure that nobody awaits raises nothing, neither in who began it nor in who joined', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const { controller } = made()
  const fail = async () => {
    throw new Error('no')
  }
  controller.getOrSet('a', fail)
  controller.getOrSet('a', fail)
  await new Promise((turn) => setImmediate(turn))
  await new Promise((turn) => setImmediate(turn))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

test('a write that is refused for its kind does not win over it', async () => {
  const { cache, controller } = made()
  const asked = controller.getOrSet('then', () => 'loaded')
  expect(() => {
    cache.then = () => {}
  }).toThrow(TypeError)
  await asked
  expect(controller.peek('then')).toBe('loaded')
})

test('a load that rejects for those only who join it is begun again, as where a request has ended', async () => {
  const { controller } = made()
  controller.getOrSet('a', () => new Promise<string>(() => {}))
  const ended = vi.spyOn(Promise.prototype, 'catch').mockImplementationOnce((onRejected) => {
    ended.mockRestore()
    return Promise.reject(new Error('the request has ended')).catch(onRejected)
  })
  const factory = vi.fn(() => 'loaded again')
  const joined = controller.getOrSet('a', factory)
  expect(factory).not.toHaveBeenCalled()
  expect(await joined).toBe('loaded again')
  expect(controller.peek('a')).toBe('loaded again')
})

test('many loads that never settle are given up each in its time', async () => {
  const { controller, clock } = made({ pendingTtl: 1 })
  const never = () => new Promise<string>(() => {})
  const factory = vi.fn(() => 'anew')
  for (const key of ['a', 'b', 'c']) {
    controller.getOrSet(key, never)
    clock.advance(400)
  }
  // 'a' began 1,200 milliseconds ago, 'b' 800 and 'c' 400.
  for (const key of ['b', 'c']) controller.getOrSet(key, factory)
  expect(factory).not.toHaveBeenCalled()
  expect(await controller.getOrSet('a', factory)).toBe('anew')
  clock.advance(200)
  controller.getOrSet('c', factory)
  expect(await controller.getOrSet('b', factory)).toBe('anew')
  expect(factory).toHaveBeenCalledTimes(2)
})
