import { runInNewContext } from 'node:vm'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'

type Promises = Record<string, Promise<unknown>>

const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})

afterEach(async () => {
  await new Promise((turn) => setImmediate(turn))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

function made(options: object = {}) {
  const clock = new FakeClock()
  const left: unknown[][] = []
  const cache = new FaaSCacheDict<Promises>({
    now: clock.now,
    onDelete: (key, _value, reason) => left.push([key, reason]),
    ...options,
  })
  return { cache, controller: controllerOf(cache), clock, left }
}

test('a stored promise stays a promise, and serves all who ask while it is pending', async () => {
  const { cache } = made()
  const load = deferred<number>()
  cache.a = load.promise
  expect(cache.a).toBe(load.promise)
  load.resolve(1)
  expect(await Promise.all([cache.a, cache.a])).toEqual([1, 1])
  expect(cache.a).toBe(load.promise)
})

test('a promise that rejects leaves, everyone who awaits it sees why, and nobody need', async () => {
  const { cache, controller, left } = made()
  const load = deferred<number>()
  cache.a = load.promise
  const awaiters = [cache.a, cache.a].map((promise) => promise?.catch((error) => error))
  cache.b = Promise.reject(new Error('unheard'))
  load.reject('no')
  expect(await Promise.all(awaiters)).toEqual(['no', 'no'])
  expect(controller.size).toBe(0)
  expect(left).toEqual([
    ['b', 'rejected'],
    ['a', 'rejected'],
  ])
  expect(controller.stats().rejections).toBe(2)
})

test('its TTL starts when it fulfils', async () => {
  const { cache, controller, clock } = made({ defaultTtl: '10s' })
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

test('a promise that does not settle is served for pendingTtl, and changes nothing later', async () => {
  const { cache, controller, clock, left } = made({ pendingTtl: '2s' })
  const load = deferred<number>()
  cache.a = load.promise
  clock.advance(2_000)
  expect(cache.a).toBeUndefined()
  expect(left).toEqual([['a', 'expired']])
  load.resolve(1)
  await load.promise
  expect(controller.size).toBe(0)
})

test('its size is measured when it fulfils, and the budget holds for who subscribed later', async () => {
  const { cache, controller, left } = made({ maxSizeBytes: '64K' })
  cache.old = Promise.resolve('x'.repeat(30_000))
  await cache.old
  const before = controller.sizeOf('old')
  expect(before).toBeGreaterThan(30_000)
  const load = deferred<string>()
  cache.a = load.promise
  expect(controller.sizeOf('a')).toBeLessThan(1_000)
  load.resolve('y'.repeat(40_000))
  await cache.a
  expect(left).toEqual([['old', 'evicted']])
  expect(controller.sizeOf('a')).toBeGreaterThan(40_000)
  expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
})

test('one that fulfils with what cannot fit leaves as evicted', async () => {
  const { cache, left } = made({ maxSizeBytes: '8K' })
  cache.a = Promise.resolve('y'.repeat(40_000))
  const promise = cache.a
  expect((await promise) as string).toHaveLength(40_000)
  expect(left).toEqual([['a', 'evicted']])
})

test.each(['replaced', 'deleted', 'cleared', 'evicted'])(
  'one that was %s changes nothing when it settles',
  async (how) => {
    const { cache, controller, left } = made()
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
    const seen = left.length
    load.resolve(1)
    failing.reject('no')
    await Promise.allSettled([load.promise, failing.promise])
    await Promise.resolve()
    expect(left).toHaveLength(seen)
    expect(controller.size).toBe(how === 'deleted' ? 0 : 2)
  },
)

test('a promise that is deleted and stored again is tracked once', async () => {
  const { cache, controller, left } = made()
  const load = deferred<number>()
  cache.a = load.promise
  delete cache.a
  cache.a = load.promise
  load.reject('no')
  await load.promise.catch(() => {})
  expect(left).toEqual([
    ['a', 'deleted'],
    ['a', 'rejected'],
  ])
  expect(controller.size).toBe(0)
})

test('promises of another realm and of a subclass are promises', async () => {
  class Task<T> extends Promise<T> {}
  const { cache, controller } = made()
  cache.foreign = runInNewContext('Promise.reject(1)')
  cache.task = Task.reject(2)
  await new Promise((turn) => setImmediate(turn))
  expect(controller.size).toBe(0)
})

/** Promises whose species runs `onSubscribe`, as every subscription asks for it. */
function meddling() {
  const hands: { onSubscribe: () => void } = { onSubscribe() {} }
  class Meddling extends Promise<unknown> {
    static override get [Symbol.species](): PromiseConstructor {
      hands.onSubscribe()
      return Promise
    }
  }
  return { hands, promise: new Meddling(() => {}) }
}

test.each(['deletes', 'replaces'])(
  'a promise that %s its entry and fails as it is subscribed to takes nothing else along',
  (how) => {
    const told: unknown[] = []
    const { cache, controller, left } = made({ onError: (...args: unknown[]) => told.push(args) })
    const empty = controller.sizeBytes
    const { hands, promise } = meddling()
    const error = new Error('no subscriber')
    hands.onSubscribe = () => {
      delete cache.p
      cache.other = Promise.resolve(1)
      if (how === 'replaces') cache.p = Promise.resolve(2)
      throw error
    }
    cache.p = promise
    expect(Object.keys(cache)).toEqual(how === 'replaces' ? ['other', 'p'] : ['other'])
    expect(left).toEqual([['p', 'deleted']])
    expect(told).toEqual([[error, { source: 'promise', key: 'p' }]])
    expectInvariants(controller)
    controller.clear()
    expect(controller.sizeBytes).toBe(empty)
  },
)

test('a promise that clears the cache and fails as it is subscribed to leaves it empty', () => {
  const { cache, controller, left } = made({ onError: () => {} })
  const { hands, promise } = meddling()
  hands.onSubscribe = () => {
    controller.clear()
    throw new Error('no subscriber')
  }
  cache.p = promise
  expect(left).toEqual([['p', 'cleared']])
  expectInvariants(controller)
})

test('a pending promise is subscribed to once, however often it is read or stored', () => {
  const { cache } = made()
  const { hands, promise } = meddling()
  let subscriptions = 0
  hands.onSubscribe = () => subscriptions++
  for (let uses = 0; uses < 10; uses++) {
    cache.p = promise
    expect(cache.p).toBe(promise)
  }
  cache.q = promise
  delete cache.p
  cache.p = promise
  controllerOf(cache).clear()
  cache.p = promise
  made().cache.p = promise
  expect(subscriptions).toBe(1)
})

test('all entries of one promise, in any cache, settle with it, and once', async () => {
  const one = made()
  const other = made()
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
  await new Promise((turn) => setImmediate(turn))
  expect(Object.keys(one.cache)).toEqual(['b', 'a'])
  expect(Object.keys(other.cache)).toEqual(['a', 'b'])
  expect(one.controller.sizeOf('a')).toBeGreaterThan(1000)
  expect(one.controller.stats()).toMatchObject({ rejections: 1, items: 2 })
  expect(other.controller.stats()).toMatchObject({ rejections: 1, items: 2 })
  for (const { controller } of [one, other]) expectInvariants(controller)
})

test('the then of any other thenable is never called', async () => {
  const { cache, controller } = made()
  let calls = 0
  // biome-ignore lint/suspicious/noExplicitAny: a query builder is no promise
  const query: any = { then: () => calls++ }
  cache.query = query
  expect(cache.query).toBe(query)
  JSON.stringify(cache)
  controller.remeasure()
  await null
  expect(calls).toBe(0)
})

test('a thousand concurrent loads by ??= are one', async () => {
  const { cache } = made()
  let loads = 0
  const load = async () => ++loads
  const results = await Promise.all(
    Array.from({ length: 1_000 }, async () => await (cache.id ??= load())),
  )
  expect(new Set(results)).toEqual(new Set([1]))
})

test('setTtl while it is pending holds from when it fulfils', async () => {
  const { cache, controller, clock } = made({ defaultTtl: '10s' })
  const load = deferred<number>()
  cache.a = load.promise
  controller.setTtl('a', '1m')
  clock.advance(5_000)
  load.resolve(1)
  await cache.a
  expect(controller.ttl('a')).toBe(60)
})

test.each(['set', 'expireAt'])(
  'what must be gone by a moment, by %s, is not served beyond it though it is pending',
  async (how) => {
    const { cache, controller, clock, left } = made({ pendingTtl: '30s' })
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
    expect(left).toEqual([['a', 'expired']])
  },
)

test('an absolute expiry after pendingTtl does not prolong what is pending', () => {
  const { cache, controller, clock } = made({ pendingTtl: '1s' })
  controller.set('a', new Promise(() => {}), { expiresAt: clock.time + 5_000 })
  clock.advance(1_000)
  expect(cache.a).toBeUndefined()
})

test('in JSON a promise is {}, settled or not', async () => {
  const { cache } = made()
  Object.assign(cache, { done: Promise.resolve(1), pending: new Promise(() => {}) })
  await cache.done
  expect(JSON.stringify(cache)).toBe('{"pending":{},"done":{}}')
})

test('a size that cannot be found once it fulfilled removes it, and not what took its place', async () => {
  const told: unknown[] = []
  let write: (() => void) | undefined
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    sizeOf(value) {
      if (value !== 'unweighable') return 1
      write?.()
      throw new Error('no size')
    },
    onError: (_error, context) => told.push(context),
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
  expect(told).toEqual([
    { source: 'sizeOf', key: 'a' },
    { source: 'sizeOf', key: 'a' },
  ])
  expect(controllerOf(cache).stats()).toMatchObject({ evictions: 1, replacements: 1, items: 1 })
})

test.each(['fulfils', 'rejects'])(
  'one that %s while the option now fails leaves, and onError is told of the promise',
  async (how) => {
    const told: unknown[] = []
    const { cache, controller, clock, left } = made({
      defaultTtl: '10s',
      onError: (error: unknown, context: object) => told.push(String(error), context),
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
    expect(left).toEqual([['a', how === 'fulfils' ? 'evicted' : 'rejected']])
    expect(told).toEqual([expect.stringMatching(/now.*NaN/), { source: 'promise', key: 'a' }])
    expect([controller.size, controller.sizeBytes]).toEqual([0, empty])
    expectInvariants(controller)
  },
)

test('a clock that fails once the life of what fulfilled has begun takes nothing away', async () => {
  const told: unknown[] = []
  let isFailing = false
  const { cache, controller } = made({
    defaultTtl: '10s',
    now: () => (isFailing ? Number.NaN : 1_700_000_000_000),
    sizeOf() {
      isFailing = true
      return 1
    },
    onError: (_error: unknown, context: object) => told.push(context),
  })
  const load = deferred<number>()
  controller.set('a', load.promise)
  load.resolve(1)
  await load.promise
  isFailing = false
  expect(told).toEqual([])
  expect(controller.ttl('a')).toBe(10)
  expect(Object.keys(cache)).toEqual(['a'])
})

test('one that is refused for its size raises nothing when it fails, though nobody awaits it', async () => {
  const { cache, controller } = made({ maxSizeBytes: '8K', onTooLarge: 'skip' })
  controller.set('a', Promise.reject(new Error('origin down')), { sizeBytes: 1_000_000 })
  expect(controller.size).toBe(0)
  expect(controller.stats().refusals).toBe(1)
  expect(cache.a).toBeUndefined()
})
