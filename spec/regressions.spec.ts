import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, test } from 'vitest'
import { expectInvariants } from './support/invariants.ts'

test('a budget that the last entry no longer fits evicts that entry as well', () => {
  const empty = controllerOf(new FaaSCacheDict()).sizeBytes
  const cache = new FaaSCacheDict({}, { a: 'x'.repeat(4_000) })
  const controller = controllerOf(cache)
  controller.resize({ maxSizeBytes: empty + 1_170 })
  expect(controller.size).toBe(0)
  expectInvariants(controller)
})

test('a budget of an empty cache can be had back, whatever the cache held before', () => {
  const cache = new FaaSCacheDict<Record<string, number>>()
  const controller = controllerOf(cache)
  for (let i = 0; i < 1_000; i++) cache[`key-${i}`] = i
  controller.resize({ maxSizeBytes: controllerOf(new FaaSCacheDict()).sizeBytes + 100 })
  expectInvariants(controller)
})

test('a promise that cannot be subscribed to is told of, and not kept', () => {
  class Odd<T> extends Promise<T> {
    static override get [Symbol.species](): PromiseConstructor {
      throw new Error('species')
    }
  }
  const told: unknown[] = []
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    onError: (error, context) => told.push([(error as Error).message, context]),
  })
  cache.a = 'old'
  cache.a = new Odd((resolve) => resolve(1))
  expect('a' in cache).toBe(false)
  expect(told).toEqual([['species', { source: 'promise', key: 'a' }]])
  expectInvariants(controllerOf(cache))
})

test('an entry that its sizeOf replaces while it is measured again is charged for what is there', () => {
  let write: (() => void) | undefined
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    sizeOf(value) {
      const once = write
      write = undefined
      once?.()
      return value === 'small' ? 10 : 1_000
    },
  })
  const controller = controllerOf(cache)
  cache.a = 'small'
  const small = controller.sizeOf('a')
  cache.a = 'large'
  write = () => {
    cache.a = 'small'
  }
  controller.remeasure('a')
  expect(cache.a).toBe('small')
  expect(controller.sizeOf('a')).toBe(small)
  expectInvariants(controller)
})

test('an entry that grows to all that there is room for stays, and leaves with a byte more', () => {
  let bytes = 1
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    maxSizeBytes: '64K',
    sizeOf: () => bytes,
  })
  const controller = controllerOf(cache)
  cache.a = 1
  const room = 65_536 - controller.sizeBytes + 1
  bytes = room
  controller.remeasure('a')
  expect(controller.sizeBytes).toBe(65_536)
  bytes = room + 1
  controller.remeasure('a')
  expect(controller.size).toBe(0)
})

test('resize leaves the limits as they were if the option now throws', () => {
  let time = 1
  const cache = new FaaSCacheDict<Record<string, unknown>>({ now: () => time, maxItems: 9 })
  const controller = controllerOf(cache)
  for (let i = 0; i < 9; i++) cache[i] = i
  time = Number.NaN
  expect(() => controller.resize({ maxItems: 2 })).toThrow('The option now')
  time = 2
  expect([controller.maxItems, controller.size]).toEqual([9, 9])
  controller.resize({ maxItems: 2 })
  expect(Object.keys(cache)).toEqual(['7', '8'])
})

test('resize reads each limit once', () => {
  const given = ['2K', '4K']
  const limits = {
    get maxSizeBytes() {
      return given.shift() as string
    },
  }
  expect(() => controllerOf(new FaaSCacheDict()).resize(limits)).toThrow('got "2K"')
})
