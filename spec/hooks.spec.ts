import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, test, vi } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'

type Values = Record<string, unknown>

test('onDelete runs once for each value that left, with what it was charged', () => {
  const left: unknown[][] = []
  const cache = new FaaSCacheDict<Values>({ onDelete: (...args) => left.push(args) })
  const controller = controllerOf(cache)
  cache.a = 1
  const charge = controller.sizeOf('a')
  cache.a = 2
  cache.a = 2
  delete cache.a
  cache.b = 3
  controller.clear()
  expect(left).toEqual([
    ['a', 1, 'replaced', charge],
    ['a', 2, 'deleted', charge],
    ['b', 3, 'cleared', charge],
  ])
})

test('hooks and now are given nothing of the cache as this', () => {
  const seen: unknown[] = []
  const note = function (this: unknown) {
    seen.push(this)
    throw new Error('told of')
  }
  const now = function (this: unknown) {
    seen.push(this)
    return 1
  }
  const cache = new FaaSCacheDict<Record<string, number>>({ onDelete: note, onError: note, now })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  cache['a'] = 1
  delete cache['a']
  warn.mockRestore()
  expect(seen.length).toBeGreaterThan(2)
  expect(new Set(seen)).toEqual(new Set([undefined]))
})

test('it runs after the cache has settled', () => {
  const sizes: number[] = []
  const cache = new FaaSCacheDict<Values>(
    { onDelete: () => sizes.push(controllerOf(cache).size) },
    { a: 1, b: 2, c: 3 },
  )
  controllerOf(cache).resize({ maxItems: 1 })
  expect(sizes).toEqual([1, 1])
})

test('it may write the same key, evict and clear, in the order in which values left', () => {
  const left: string[] = []
  const cache = new FaaSCacheDict<Values>({
    onDelete(key, value, reason) {
      left.push(`${key}=${value} ${reason}`)
      const controller = controllerOf(cache)
      if (reason === 'deleted') {
        cache[key] = 'again'
        controller.evictOldest()
        expect(left).toHaveLength(1)
      } else if (reason === 'evicted') controller.clear()
    },
  })
  Object.assign(cache, { a: 1, b: 2 })
  delete cache.b
  expect(left).toEqual(['b=2 deleted', 'a=1 evicted', 'b=again cleared'])
  expectInvariants(controllerOf(cache))
})

test('a hook that writes again and again does not deepen the stack', () => {
  let count = 0
  const cache = new FaaSCacheDict<Values>({
    maxItems: 1,
    onDelete(key) {
      if (++count < 50_000) cache[`${key}${count % 2}`.slice(-3)] = count
    },
  })
  cache.x = 1
  cache.y = 2
  expect(count).toBe(50_000)
})

test('what a hook throws reaches onError, and the removal stands', () => {
  const onError = vi.fn()
  const failure = new Error('hook')
  const cache = new FaaSCacheDict<Values>({
    onError,
    onDelete() {
      throw failure
    },
  })
  cache.a = 1
  cache.b = 1
  delete cache.a
  delete cache.b
  expect(Object.keys(cache)).toEqual([])
  expect(onError.mock.calls).toEqual([
    [failure, { source: 'onDelete', key: 'a' }],
    [failure, { source: 'onDelete', key: 'b' }],
  ])
})

test('an onError that throws, and a hook whose promise rejects, break nothing', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const cache = new FaaSCacheDict<Values>({
    onError() {
      throw new Error('onError')
    },
    async onDelete() {
      throw new Error('async')
    },
  })
  cache.a = 1
  delete cache.a
  await new Promise((turn) => setImmediate(turn))
  expect(warn).toHaveBeenCalledTimes(1)
  warn.mockRestore()
})

test('an onError whose promise rejects is warned of, and raises nothing', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const failure = new Error('onError')
  const cache = new FaaSCacheDict<Values>({
    async onError() {
      throw failure
    },
    onDelete() {
      throw new Error('hook')
    },
  })
  cache.a = 1
  delete cache.a
  await new Promise((turn) => setImmediate(turn))
  await new Promise((turn) => setImmediate(turn))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
  expect(warn.mock.calls).toEqual([['faas-cache-dict: onError failed', failure]])
  warn.mockRestore()
})

test.each([
  ['without onError', {}],
  [
    'with an onError that throws',
    {
      onError() {
        throw new Error('onError')
      },
    },
  ],
])('hooks go on where console.warn throws, %s', (_how, options) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation((message) => {
    throw new Error(`forbidden: ${message}`)
  })
  const left: string[] = []
  const cache = new FaaSCacheDict<Values>(
    {
      ...options,
      onDelete(key) {
        left.push(key)
        throw new Error('hook')
      },
    },
    { a: 1, b: 2, c: 3 },
  )
  controllerOf(cache).clear()
  cache.d = 4
  delete cache.d
  expect(left).toEqual(['a', 'b', 'c', 'd'])
  expect(warn).toHaveBeenCalledTimes(4)
  warn.mockRestore()
})

test('without onError there is one warning an error', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const failure = new Error('hook')
  const cache = new FaaSCacheDict<Values>({
    onDelete() {
      throw failure
    },
  })
  cache.a = 1
  delete cache.a
  expect(warn.mock.calls).toEqual([['faas-cache-dict: onDelete failed', failure]])
  warn.mockRestore()
})

test('onError is told of an async onDelete that rejects, and of which key', async () => {
  const onError = vi.fn()
  const failure = new Error('async')
  const cache = new FaaSCacheDict<Values>({
    onError,
    async onDelete() {
      throw failure
    },
  })
  cache.a = 1
  delete cache.a
  await new Promise((turn) => setImmediate(turn))
  expect(onError.mock.calls).toEqual([[failure, { source: 'onDelete', key: 'a' }]])
})

test('onError is given no key where the failure is of none', () => {
  vi.useFakeTimers()
  const onError = vi.fn()
  let time: unknown = 1
  const cache = new FaaSCacheDict<Values>({ now: () => time as number, onError, defaultTtl: 1 })
  cache.a = 1
  time = 'noon'
  vi.advanceTimersByTime(5_000)
  expect(onError.mock.calls).toStrictEqual([[expect.any(TypeError), { source: 'sweep' }]])
  controllerOf(cache).close()
  vi.useRealTimers()
})

test('onError is told when the cache has settled, and may use it', async () => {
  class Hostile<T> extends Promise<T> {
    static override get [Symbol.species](): PromiseConstructor {
      throw new Error('no subscriber')
    }
  }
  const told: unknown[][] = []
  const cache = new FaaSCacheDict<Values>({
    sizeOf(value) {
      if (value === 'bad') throw new Error('no size')
      return 1
    },
    onDelete: (key, _value, reason) => told.push([key, reason]),
    onError(_error, { source, key = '' }) {
      told.push([key, source, key in cache])
      delete cache[key]
      cache.next = 1
    },
  })
  cache.hostile = new Hostile(() => {})
  cache.late = Promise.resolve('bad')
  await cache.late
  expect(told).toEqual([
    ['hostile', 'rejected'],
    ['hostile', 'promise', false],
    ['late', 'evicted'],
    ['late', 'sizeOf', false],
  ])
  expect(Object.keys(cache)).toEqual(['next'])
  expectInvariants(controllerOf(cache))
})

test('a measurement that throws leaves no hook waiting', () => {
  const left: string[] = []
  const sizes: Record<string, number> = { a: 0, b: 0, c: 0 }
  const cache = new FaaSCacheDict<Values>({
    maxSizeBytes: '64K',
    sizeOf(_value, key) {
      if (sizes[key] === -1) throw new Error('no size')
      return sizes[key] as number
    },
    onDelete: (key, _value, reason) => left.push(`${key} ${reason}`),
  })
  Object.assign(cache, { a: 1, b: 2, c: 3 })
  sizes.b = 100_000
  sizes.c = -1
  expect(() => controllerOf(cache).remeasure()).toThrow(/"c"/)
  expect(left).toEqual(['b evicted'])
})

test('counters add up even where a hook writes what has expired already', () => {
  const clock = new FakeClock()
  let writes = 1
  const cache = new FaaSCacheDict<Values>({
    now: clock.now,
    onDelete() {
      if (writes-- > 0) controllerOf(cache).set('b', 2, { expiresAt: clock.time - 1 })
    },
  })
  controllerOf(cache).set('a', 1, { ttl: 1 })
  clock.advance(1_000)
  const stats = controllerOf(cache).stats()
  expect(stats.items).toBe(stats.writes - stats.expirations)
})

test('100,000 removals whose hooks write and evict further are told in order, and never nested', () => {
  const COUNT = 100_000
  let depth = 0
  let deepest = 0
  let told = 0
  const order: string[] = []
  const cache = new FaaSCacheDict<Values>({
    maxSizeBytes: null,
    maxItems: COUNT,
    onDelete(key, _value, reason) {
      deepest = Math.max(deepest, ++depth)
      told++
      if (reason === 'cleared') {
        cache[`again-${key}`] = key
        if (told % 2 === 0) controllerOf(cache).evictOldest()
      } else order.push(key)
      depth--
    },
  })
  for (let i = 0; i < COUNT; i++) cache[i] = i
  controllerOf(cache).clear()
  expect(deepest).toBe(1)
  expect(told).toBe(COUNT * 1.5)
  expect(order).toEqual(Array.from({ length: COUNT / 2 }, (_, i) => `again-${i}`))
  expectInvariants(controllerOf(cache))
})

test('a hook may answer each of very many removals by ten more', () => {
  const COUNT = 110_000
  const onError = vi.fn()
  let replaced = 0
  const cache = new FaaSCacheDict<Values>({
    maxSizeBytes: null,
    onError,
    onDelete(_key, _value, reason) {
      if (reason === 'replaced') replaced++
      else for (let i = 0; i < 10; i++) cache.last = replaced + i
    },
  })
  for (let i = 0; i < COUNT; i++) cache[i] = i
  controllerOf(cache).clear()
  expect(onError).not.toHaveBeenCalled()
  expect(replaced).toBe(10 * COUNT - 1)
})

test('a hook that removes without end is stopped, onError is told, and hooks go on', () => {
  const onError = vi.fn()
  let told = 0
  let isEndless = true
  const cache = new FaaSCacheDict<Values>({
    onError,
    onDelete() {
      told++
      if (isEndless) cache.removals = told
    },
  })
  cache.removals = 0
  cache.removals = 'reset'
  expect(told).toBeGreaterThanOrEqual(1_000_000)
  expect(onError).toHaveBeenCalledOnce()
  const [error, context] = onError.mock.calls[0] as [Error, object]
  expect(error.message).toMatch(/more than 1000000 values/)
  expect(context).toStrictEqual({ source: 'onDelete' })
  expect(cache.removals).toBe(told)
  expectInvariants(controllerOf(cache))
  isEndless = false
  const before = told
  delete cache.removals
  expect(told).toBe(before + 1)
  expect(onError).toHaveBeenCalledOnce()
})
