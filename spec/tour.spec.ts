import { controllerOf, DataTooLargeError, FaaSCacheDict, KeyError } from 'faas-cache-dict'
import { expect, test } from 'vitest'

test('an entry reads as undefined once its TTL has passed on the given clock', () => {
  let now = 0
  const cache = new FaaSCacheDict({ defaultTtl: '10s', now: () => now }, { foo: 'first' })
  cache.foo = 'bar'
  now = 9_999
  expect(cache.foo).toBe('bar')
  now = 10_000
  expect('foo' in cache).toBe(false)
  expect(cache.foo).toBeUndefined()
  expect(controllerOf(cache).stats()).toMatchObject({
    hits: 1,
    misses: 1,
    writes: 2,
    expirations: 1,
  })
})

test('the least recently used entry is evicted first', () => {
  const cache = new FaaSCacheDict({ maxItems: 2 }, { a: 1, b: 2 })
  expect(cache.a).toBe(1)
  cache.c = 3
  expect({ ...cache }).toEqual({ a: 1, c: 3 })
  expect(JSON.stringify(cache)).toBe('{"a":1,"c":3}')
})

test('the cache is within its budget after every write', () => {
  const cache = new FaaSCacheDict<Record<string, string>>({ maxSizeBytes: '64K' })
  const controller = controllerOf(cache)
  for (let i = 0; i < 10_000; i++) {
    cache[`key-${i}`] = 'x'.repeat(i % 100)
    expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
  }
  expect(controller.size).toBeGreaterThan(200)
  expect(() => {
    cache.big = 'x'.repeat(70_000)
  }).toThrow(DataTooLargeError)
  expect(() => controller.getOrThrow('big')).toThrow(KeyError)
})

test('a thousand concurrent callers share one load', async () => {
  const cache = new FaaSCacheDict<Record<string, Promise<number>>>()
  let loads = 0
  const load = async () => ++loads
  await Promise.all(Array.from({ length: 1000 }, () => (cache.id ??= load())))
  expect(loads).toBe(1)
  const controller = controllerOf(new FaaSCacheDict<Record<string, number>>())
  await Promise.all(Array.from({ length: 1000 }, () => controller.getOrSet('id', load)))
  expect(loads).toBe(2)
  expect(controller.peek('id')).toBe(2)
})

test('a snapshot restores the entries', () => {
  const cache = new FaaSCacheDict({}, { a: [1], b: { c: 1 } })
  const copy = new FaaSCacheDict()
  controllerOf(copy).load(structuredClone(controllerOf(cache).dump()))
  expect({ ...copy }).toEqual({ a: [1], b: { c: 1 } })
})
