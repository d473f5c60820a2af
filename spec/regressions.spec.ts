import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, test } from 'vitest'
import { expectInvariants } from './support/invariants.ts'

test('a budget that the last entry no longer fits evicts that entry as well', () => {
  const cache = new FaaSCacheDict({}, { a: 'x'.repeat(4_000) })
  const controller = controllerOf(cache)
  controller.resize({ maxSizeBytes: 2_170 })
  expect(controller.size).toBe(0)
  expectInvariants(controller)
})

test('a budget of an empty cache can be had back, whatever the cache held before', () => {
  const cache = new FaaSCacheDict<Record<string, number>>()
  const controller = controllerOf(cache)
  for (let i = 0; i < 1_000; i++) cache[`key-${i}`] = i
  controller.resize({ maxSizeBytes: 1_100 })
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
