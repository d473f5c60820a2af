import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, test, vi } from 'vitest'
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

test('without onError there is one warning an error', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const cache = new FaaSCacheDict<Values>({
    onDelete() {
      throw new Error('hook')
    },
  })
  cache.a = 1
  delete cache.a
  expect(warn).toHaveBeenCalledTimes(1)
  warn.mockRestore()
})
