import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, test, vi } from 'vitest'
import type { Values } from './support/cache.ts'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'
import { expectNoUnhandledRejection, nextTurn, Unsubscribable } from './support/promises.ts'

test('onDelete runs once for each removed value, with the bytes it was charged', () => {
  const removed: unknown[][] = []
  const cache = new FaaSCacheDict<Values>({ onDelete: (...args) => removed.push(args) })
  const controller = controllerOf(cache)
  cache.a = 1
  const charge = controller.sizeOf('a')
  cache.a = 2
  cache.a = 2
  delete cache.a
  cache.b = 3
  controller.clear()
  expect(removed).toEqual([
    ['a', 1, 'replaced', charge],
    ['a', 2, 'deleted', charge],
    ['b', 3, 'cleared', charge],
  ])
})

test('onDelete, onError and now are called with this undefined', () => {
  const seen: unknown[] = []
  const hook = function (this: unknown) {
    seen.push(this)
    throw new Error('hook')
  }
  const now = function (this: unknown) {
    seen.push(this)
    return 1
  }
  const cache = new FaaSCacheDict<Record<string, number>>({ onDelete: hook, onError: hook, now })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  cache['a'] = 1
  delete cache['a']
  warn.mockRestore()
  expect(seen.length).toBeGreaterThan(2)
  expect(new Set(seen)).toEqual(new Set([undefined]))
})

test('onDelete runs after the call has made all its changes', () => {
  const sizes: number[] = []
  const cache = new FaaSCacheDict<Values>(
    { onDelete: () => sizes.push(controllerOf(cache).size) },
    { a: 1, b: 2, c: 3 },
  )
  controllerOf(cache).resize({ maxItems: 1 })
  expect(sizes).toEqual([1, 1])
})

test('onDelete can write, evict and clear, and runs for those removals in order', () => {
  const removals: string[] = []
  const cache = new FaaSCacheDict<Values>({
    onDelete(key, value, reason) {
      removals.push(`${key}=${value} ${reason}`)
      const controller = controllerOf(cache)
      if (reason === 'deleted') {
        cache[key] = 'again'
        controller.evictOldest()
        expect(removals).toHaveLength(1)
      } else if (reason === 'evicted') controller.clear()
    },
  })
  Object.assign(cache, { a: 1, b: 2 })
  delete cache.b
  expect(removals).toEqual(['b=2 deleted', 'a=1 evicted', 'b=again cleared'])
  expectInvariants(controllerOf(cache))
})

test('an onDelete that writes 50,000 times does not deepen the stack', () => {
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

test('an error thrown by onDelete reaches onError, and the removal stands', () => {
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

test('an async onDelete that rejects and an onError that throws cause one warning', async () => {
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
  await nextTurn()
  expect(warn).toHaveBeenCalledTimes(1)
  warn.mockRestore()
})

test('an async onError that rejects causes a warning, and its rejection is handled', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const failure = new Error('onError')
  const cache = new FaaSCacheDict<Values>({
    async onError() {
      throw failure
    },
    onDelete() {
      throw new Error('hook')
    },
  })
  await expectNoUnhandledRejection(() => {
    cache.a = 1
    delete cache.a
  })
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
])('onDelete runs for every removal even if console.warn throws, %s', (_how, options) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation((message) => {
    throw new Error(`forbidden: ${message}`)
  })
  const removals: string[] = []
  const cache = new FaaSCacheDict<Values>(
    {
      ...options,
      onDelete(key) {
        removals.push(key)
        throw new Error('hook')
      },
    },
    { a: 1, b: 2, c: 3 },
  )
  controllerOf(cache).clear()
  cache.d = 4
  delete cache.d
  expect(removals).toEqual(['a', 'b', 'c', 'd'])
  expect(warn).toHaveBeenCalledTimes(4)
  warn.mockRestore()
})

test('without onError each error causes one warning', () => {
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

test('onError gets the error and the key of an async onDelete that rejects', async () => {
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
  await nextTurn()
  expect(onError.mock.calls).toEqual([[failure, { source: 'onDelete', key: 'a' }]])
})

test('onError gets no key if the error concerns no entry', () => {
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

test('onError runs after the call has made all its changes, and can change the cache', async () => {
  const calls: unknown[][] = []
  const cache = new FaaSCacheDict<Values>({
    sizeOf(value) {
      if (value === 'bad') throw new Error('no size')
      return 1
    },
    onDelete: (key, _value, reason) => calls.push([key, reason]),
    onError(_error, { source, key = '' }) {
      calls.push([key, source, key in cache])
      delete cache[key]
      cache.next = 1
    },
  })
  cache.unsubscribable = new Unsubscribable(() => {})
  cache.late = Promise.resolve('bad')
  await cache.late
  expect(calls).toEqual([
    ['unsubscribable', 'rejected'],
    ['unsubscribable', 'promise', false],
    ['late', 'evicted'],
    ['late', 'sizeOf', false],
  ])
  expect(Object.keys(cache)).toEqual(['next'])
  expectInvariants(controllerOf(cache))
})

test('a remeasure that throws still calls onDelete for what it evicted', () => {
  const removals: string[] = []
  const sizes: Record<string, number> = { a: 0, b: 0, c: 0 }
  const cache = new FaaSCacheDict<Values>({
    maxSizeBytes: '64K',
    sizeOf(_value, key) {
      if (sizes[key] === -1) throw new Error('no size')
      return sizes[key] as number
    },
    onDelete: (key, _value, reason) => removals.push(`${key} ${reason}`),
  })
  Object.assign(cache, { a: 1, b: 2, c: 3 })
  sizes.b = 100_000
  sizes.c = -1
  expect(() => controllerOf(cache).remeasure()).toThrow(/"c"/)
  expect(removals).toEqual(['b evicted'])
})

test('the statistics add up if onDelete writes an entry that has already expired', () => {
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

test('100,000 calls of onDelete that write and evict run in order and are never nested', () => {
  const COUNT = 100_000
  let depth = 0
  let deepest = 0
  let calls = 0
  const order: string[] = []
  const cache = new FaaSCacheDict<Values>({
    maxSizeBytes: null,
    maxItems: COUNT,
    onDelete(key, _value, reason) {
      deepest = Math.max(deepest, ++depth)
      calls++
      if (reason === 'cleared') {
        cache[`again-${key}`] = key
        if (calls % 2 === 0) controllerOf(cache).evictOldest()
      } else order.push(key)
      depth--
    },
  })
  for (let i = 0; i < COUNT; i++) cache[i] = i
  controllerOf(cache).clear()
  expect(deepest).toBe(1)
  expect(calls).toBe(COUNT * 1.5)
  expect(order).toEqual(Array.from({ length: COUNT / 2 }, (_, i) => `again-${i}`))
  expectInvariants(controllerOf(cache))
})

test('onDelete can cause ten more removals for each of 110,000', () => {
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

test('an onDelete that removes endlessly is stopped and reported, and later calls run', () => {
  const onError = vi.fn()
  let calls = 0
  let isEndless = true
  const cache = new FaaSCacheDict<Values>({
    onError,
    onDelete() {
      calls++
      if (isEndless) cache.removals = calls
    },
  })
  cache.removals = 0
  cache.removals = 'reset'
  expect(calls).toBeGreaterThanOrEqual(1_000_000)
  expect(onError).toHaveBeenCalledOnce()
  const [error, context] = onError.mock.calls[0] as [Error, object]
  expect(error.message).toMatch(/more than 1000001 removals/)
  expect(context).toStrictEqual({ source: 'onDelete' })
  expect(cache.removals).toBe(calls)
  expectInvariants(controllerOf(cache))
  isEndless = false
  const before = calls
  delete cache.removals
  expect(calls).toBe(before + 1)
  expect(onError).toHaveBeenCalledOnce()
})
