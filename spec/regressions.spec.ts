import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, test } from 'vitest'
import { cacheWith } from './support/cache.ts'
import { EMPTY_BYTES } from './support/charges.ts'
import { START } from './support/fake-clock.ts'
import { Unsubscribable } from './support/promises.ts'

test('resize evicts the last entry if it does not fit the new budget', () => {
  const { controller } = cacheWith({}, { a: 'x'.repeat(4_000) })
  controller.resize({ maxSizeBytes: EMPTY_BYTES + 1_170 })
  expect(controller.size).toBe(0)
})

test('resize can go down to just above an empty cache, however large the cache was', () => {
  const { cache, controller } = cacheWith()
  for (let i = 0; i < 1_000; i++) cache[`key-${i}`] = i
  controller.resize({ maxSizeBytes: EMPTY_BYTES + 100 })
  expect(controller.sizeBytes).toBeLessThanOrEqual(EMPTY_BYTES + 100)
})

test('a promise that cannot be subscribed to is reported to onError and not kept', () => {
  const errors: unknown[] = []
  const { cache } = cacheWith({
    onError: (error, context) => errors.push([(error as Error).message, context]),
  })
  cache.a = 'old'
  cache.a = new Unsubscribable((resolve) => resolve(1))
  expect('a' in cache).toBe(false)
  expect(errors).toEqual([['no subscriber', { source: 'promise', key: 'a' }]])
})

test('if sizeOf replaces the value it measures, the entry is charged for the new value', () => {
  let write: (() => void) | undefined
  const { cache, controller } = cacheWith({
    sizeOf(value) {
      const act = write
      write = undefined
      act?.()
      return value === 'small' ? 10 : 1_000
    },
  })
  cache.a = 'small'
  const small = controller.sizeOf('a')
  cache.a = 'large'
  write = () => {
    cache.a = 'small'
  }
  controller.remeasure('a')
  expect(cache.a).toBe('small')
  expect(controller.sizeOf('a')).toBe(small)
})

test('remeasure keeps an entry that fills the budget, and evicts one a byte larger', () => {
  let bytes = 1
  const { cache, controller } = cacheWith({
    maxSizeBytes: '64K',
    sizeOf: () => bytes,
  })
  cache.a = 1
  const largest = 65_536 - controller.sizeBytes + 1
  bytes = largest
  controller.remeasure('a')
  expect(controller.sizeBytes).toBe(65_536)
  bytes = largest + 1
  controller.remeasure('a')
  expect(controller.size).toBe(0)
})

test('resize changes no limit if the option now throws', () => {
  const { cache, controller, clock } = cacheWith({ maxItems: 9 })
  for (let i = 0; i < 9; i++) cache[i] = i
  clock.time = Number.NaN
  expect(() => controller.resize({ maxItems: 2 })).toThrow('The result of now')
  clock.time = START
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
