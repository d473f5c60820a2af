import { runInNewContext } from 'node:vm'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cacheWith } from './support/cache.ts'
import { deferred, nextTurn } from './support/promises.ts'

const unhandled: unknown[] = []
const record = (error: unknown) => unhandled.push(error)

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', record)
})

afterEach(async () => {
  await nextTurn()
  process.off('unhandledRejection', record)
  expect(unhandled).toEqual([])
})

test('a stored promise is read as itself, pending and fulfilled', async () => {
  const { cache } = cacheWith()
  const load = deferred<number>()
  cache.a = load.promise
  expect(cache.a).toBe(load.promise)
  load.resolve(1)
  expect(await Promise.all([cache.a, cache.a])).toEqual([1, 1])
  expect(cache.a).toBe(load.promise)
})

test('a rejected promise is removed, and its rejection reaches callers but is handled', async () => {
  const { cache, controller, removals } = cacheWith()
  const load = deferred<number>()
  cache.a = load.promise
  const awaiters = [cache.a, cache.a].map((value) => Promise.resolve(value).catch(String))
  cache.b = Promise.reject(new Error('unheard'))
  load.reject('no')
  expect(await Promise.all(awaiters)).toEqual(['no', 'no'])
  expect(controller.size).toBe(0)
  expect(removals()).toEqual(['b rejected', 'a rejected'])
  expect(controller.stats().rejections).toBe(2)
})

test('the TTL of a promise starts when it fulfils', async () => {
  const { cache, controller, clock } = cacheWith({ defaultTtl: '10s' })
  const load = deferred<number>()
  cache.a = load.promise
  clock.advance(20_000)
  expect(controller.ttl('a')).toBe(10)
  load.resolve(1)
  await cache.a
  expect(controller.ttl('a')).toBe(10)
  clock.advance(9_999)
  expect(controller.has('a')).toBe(true)
  clock.advance(1)
  expect(controller.has('a')).toBe(false)
})

test('a pending promise expires after pendingTtl, and changes nothing when it settles', async () => {
  const { cache, controller, clock, removals } = cacheWith({ pendingTtl: '2s' })
  const load = deferred<number>()
  cache.a = load.promise
  clock.advance(2_000)
  expect(cache.a).toBeUndefined()
  expect(removals()).toEqual(['a expired'])
  load.resolve(1)
  await load.promise
  expect(controller.size).toBe(0)
})

test('a promise is measured when it fulfils, and callers then see the budget hold', async () => {
  const { cache, controller, removals } = cacheWith({ maxSizeBytes: '64K' })
  cache.old = Promise.resolve('x'.repeat(30_000))
  await cache.old
  const before = controller.sizeOf('old')
  expect(before).toBeGreaterThan(30_000)
  const load = deferred<string>()
  cache.a = load.promise
  expect(controller.sizeOf('a')).toBeLessThan(1_000)
  load.resolve('y'.repeat(40_000))
  await cache.a
  expect(removals()).toEqual(['old evicted'])
  expect(controller.sizeOf('a')).toBeGreaterThan(40_000)
  expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
})

test('a promise that fulfils with a value too large is evicted', async () => {
  const { cache, removals } = cacheWith({ maxSizeBytes: '8K' })
  cache.a = Promise.resolve('y'.repeat(40_000))
  const promise = cache.a
  expect((await promise) as string).toHaveLength(40_000)
  expect(removals()).toEqual(['a evicted'])
})

test.each(['replaced', 'deleted', 'cleared', 'evicted'])(
  'a promise that was %s changes nothing when it settles',
  async (how) => {
    const { cache, controller, removals } = cacheWith()
    const load = deferred<number>()
    const failing = deferred<number>()
    cache.a = load.promise
    cache.b = failing.promise
    if (how === 'cleared') controller.clear()
    if (how === 'evicted') controller.resize({ maxItems: 1 }).evictOldest()
    controller.resize({ maxItems: null })
    for (const key of ['a', 'b']) {
      if (how === 'deleted') delete cache[key]
      else cache[key] = Promise.resolve(key)
    }
    const seen = removals().length
    load.resolve(1)
    failing.reject('no')
    await Promise.allSettled([load.promise, failing.promise])
    await Promise.resolve()
    expect(removals()).toHaveLength(seen)
    expect(controller.size).toBe(how === 'deleted' ? 0 : 2)
  },
)

test('a promise that was deleted and stored again is rejected once', async () => {
  const { cache, controller, removals } = cacheWith()
  const load = deferred<number>()
  cache.a = load.promise
  delete cache.a
  cache.a = load.promise
  load.reject('no')
  await load.promise.catch(() => {})
  expect(removals()).toEqual(['a deleted', 'a rejected'])
  expect(controller.size).toBe(0)
})

test('promises of another realm and of a subclass are tracked', async () => {
  class Task<T> extends Promise<T> {}
  const { cache, controller } = cacheWith()
  cache.foreign = runInNewContext('Promise.reject(1)')
  cache.task = Task.reject(2)
  await nextTurn()
  expect(controller.size).toBe(0)
})

/** A pending promise that runs `onSubscribe` each time it is subscribed to. */
function observed() {
  const observer = { onSubscribe: (): void => {} }
  class Observed extends Promise<unknown> {
    static override get [Symbol.species](): PromiseConstructor {
      observer.onSubscribe()
      return Promise
    }
  }
  return { observer, promise: new Observed(() => {}) }
}

test.each(['deletes', 'replaces'])(
  'a promise that %s its own entry and throws when subscribed to affects no other entry',
  (how) => {
    const errors: unknown[] = []
    const { cache, controller, removals } = cacheWith({
      onError: (...args: unknown[]) => errors.push(args),
    })
    const empty = controller.sizeBytes
    const { observer, promise } = observed()
    const error = new Error('no subscriber')
    observer.onSubscribe = () => {
      delete cache.p
      cache.other = Promise.resolve(1)
      if (how === 'replaces') cache.p = Promise.resolve(2)
      throw error
    }
    cache.p = promise
    expect(Object.keys(cache)).toEqual(how === 'replaces' ? ['other', 'p'] : ['other'])
    expect(removals()).toEqual(['p deleted'])
    expect(errors).toEqual([[error, { source: 'promise', key: 'p' }]])
    controller.clear()
    expect(controller.sizeBytes).toBe(empty)
  },
)

test('a promise that clears the cache and throws when subscribed to leaves it empty', () => {
  const { cache, controller, removals } = cacheWith({ onError: () => {} })
  const { observer, promise } = observed()
  observer.onSubscribe = () => {
    controller.clear()
    throw new Error('no subscriber')
  }
  cache.p = promise
  expect(removals()).toEqual(['p cleared'])
})

test('a pending promise is subscribed to once, however often it is read and stored', () => {
  const { cache } = cacheWith()
  const { observer, promise } = observed()
  let subscriptions = 0
  observer.onSubscribe = () => subscriptions++
  for (let uses = 0; uses < 10; uses++) {
    cache.p = promise
    expect(cache.p).toBe(promise)
  }
  cache.q = promise
  delete cache.p
  cache.p = promise
  controllerOf(cache).clear()
  cache.p = promise
  cacheWith().cache.p = promise
  expect(subscriptions).toBe(1)
})

test('all entries of one promise, in several caches, settle once', async () => {
  const one = cacheWith()
  const other = cacheWith()
  const { promise, resolve } = deferred<unknown>()
  const { promise: failing, reject } = deferred<unknown>()
  for (const { cache } of [one, other]) {
    for (const key of ['a', 'b', 'gone', 'a']) cache[key] = promise
    cache.failing = failing
    delete cache.gone
  }
  other.cache.b = Promise.resolve('another')
  resolve({ rows: 'x'.repeat(1000) })
  reject(new Error('no'))
  await nextTurn()
  expect(Object.keys(one.cache)).toEqual(['b', 'a'])
  expect(Object.keys(other.cache)).toEqual(['a', 'b'])
  expect(one.controller.sizeOf('a')).toBeGreaterThan(1000)
  expect(one.controller.stats()).toMatchObject({ rejections: 1, items: 2 })
  expect(other.controller.stats()).toMatchObject({ rejections: 1, items: 2 })
})

test('the then of a thenable that is not a promise is never called', async () => {
  const { cache, controller } = cacheWith()
  let calls = 0
  const query = { then: () => calls++ }
  cache.query = query
  expect(cache.query).toBe(query)
  JSON.stringify(cache)
  controller.remeasure()
  await null
  expect(calls).toBe(0)
})

test('1,000 concurrent callers of ??= share one load', async () => {
  const { cache } = cacheWith()
  let loads = 0
  const load = async () => ++loads
  const results = await Promise.all(
    Array.from({ length: 1_000 }, async () => await (cache.id ??= load())),
  )
  expect(new Set(results)).toEqual(new Set([1]))
})

test('a TTL set while a promise is pending starts when it fulfils', async () => {
  const { cache, controller, clock } = cacheWith({ defaultTtl: '10s' })
  const load = deferred<number>()
  cache.a = load.promise
  controller.setTtl('a', '1m')
  clock.advance(5_000)
  load.resolve(1)
  await cache.a
  expect(controller.ttl('a')).toBe(60)
})

test.each(['set', 'expireAt'])(
  'a pending promise is not served past the absolute time given to %s',
  async (how) => {
    const { cache, controller, clock, removals } = cacheWith({ pendingTtl: '30s' })
    const load = deferred<number>()
    const when = clock.time + 2_000
    if (how === 'set') controller.set('a', load.promise, { expiresAt: when })
    else {
      cache.a = load.promise
      controller.expireAt('a', when)
    }
    clock.advance(1_999)
    expect(cache.a).toBe(load.promise)
    clock.advance(1)
    expect(cache.a).toBeUndefined()
    load.resolve(1)
    await load.promise
    expect(removals()).toEqual(['a expired'])
  },
)

test('an absolute expiry later than pendingTtl does not prolong a pending promise', () => {
  const { cache, controller, clock } = cacheWith({ pendingTtl: '1s' })
  controller.set('a', new Promise(() => {}), { expiresAt: clock.time + 5_000 })
  clock.advance(1_000)
  expect(cache.a).toBeUndefined()
})

test('JSON.stringify writes a promise as {}, fulfilled or pending', async () => {
  const { cache } = cacheWith()
  Object.assign(cache, { done: Promise.resolve(1), pending: new Promise(() => {}) })
  await cache.done
  expect(JSON.stringify(cache)).toBe('{"pending":{},"done":{}}')
})

test('a promise whose value cannot be measured is removed, but not its replacement', async () => {
  const errors: unknown[] = []
  let write: (() => void) | undefined
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    sizeOf(value) {
      if (value !== 'unweighable') return 1
      write?.()
      throw new Error('no size')
    },
    onError: (_error, context) => errors.push(context),
  })
  cache.a = Promise.resolve('unweighable')
  await cache.a
  expect('a' in cache).toBe(false)
  write = () => {
    cache.a = 'written meanwhile'
  }
  cache.a = Promise.resolve('unweighable')
  await cache.a
  expect(cache.a).toBe('written meanwhile')
  expect(errors).toEqual([
    { source: 'sizeOf', key: 'a' },
    { source: 'sizeOf', key: 'a' },
  ])
  expect(controllerOf(cache).stats()).toMatchObject({ evictions: 1, replacements: 1, items: 1 })
})

test.each(['fulfils', 'rejects'])(
  'a promise that %s while the option now fails is removed and reported to onError',
  async (how) => {
    const errors: unknown[] = []
    const { cache, controller, clock, removals } = cacheWith({
      defaultTtl: '10s',
      onError: (error: unknown, context: object) => errors.push(String(error), context),
    })
    const empty = controller.sizeBytes
    const load = deferred<number>()
    cache.a = load.promise
    const { time } = clock
    clock.time = Number.NaN
    if (how === 'fulfils') load.resolve(1)
    else load.reject('no')
    await load.promise.catch(() => {})
    clock.time = time
    expect(removals()).toEqual([how === 'fulfils' ? 'a evicted' : 'a rejected'])
    expect(errors).toEqual([expect.stringMatching(/now.*NaN/), { source: 'promise', key: 'a' }])
    expect([controller.size, controller.sizeBytes]).toEqual([0, empty])
  },
)

test('a clock that fails after the TTL of a promise has started removes nothing', async () => {
  const errors: unknown[] = []
  let isFailing = false
  const { cache, controller } = cacheWith({
    defaultTtl: '10s',
    now: () => (isFailing ? Number.NaN : 1_700_000_000_000),
    sizeOf() {
      isFailing = true
      return 1
    },
    onError: (_error: unknown, context: object) => errors.push(context),
  })
  const load = deferred<number>()
  controller.set('a', load.promise)
  load.resolve(1)
  await load.promise
  isFailing = false
  expect(errors).toEqual([])
  expect(controller.ttl('a')).toBe(10)
  expect(Object.keys(cache)).toEqual(['a'])
})

test('the rejection of a promise that was refused for its size is handled', async () => {
  const { cache, controller } = cacheWith({ maxSizeBytes: '8K', onTooLarge: 'skip' })
  controller.set('a', Promise.reject(new Error('origin down')), { sizeBytes: 1_000_000 })
  expect(controller.size).toBe(0)
  expect(controller.stats().refusals).toBe(1)
  expect(cache.a).toBeUndefined()
})
