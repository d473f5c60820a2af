import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'
import { cacheWith, type Dictionary, type Values } from './support/cache.ts'

/** Writes an entry for each letter. */
const fill = (cache: Values, keys: string) => {
  for (const key of keys) cache[key] = key
}

describe('the most recently used entry', () => {
  it.each<[string, (cache: Dictionary) => unknown]>([
    ['a read', (cache) => cache.a],
    ['a write', (cache) => (cache.a = 'new')],
    ['a write of the same value', (cache) => (cache.a = 'a')],
    ['Object.defineProperty', (cache) => Object.defineProperty(cache, 'a', { value: 1 })],
    ['get', (cache) => controllerOf(cache).get('a')],
    ['getOrThrow', (cache) => controllerOf(cache).getOrThrow('a')],
    ['set', (cache) => controllerOf(cache).set('a', 1)],
    ['setDefault', (cache) => controllerOf(cache).setDefault('a', 1)],
    ['getOrSet', (cache) => controllerOf(cache).getOrSet('a', () => 1)],
    ['update', (cache) => controllerOf(cache).update({ a: 1 })],
    ['promote', (cache) => controllerOf(cache).promote('a')],
  ])('is the one after %s', async (_name, use) => {
    const { cache } = cacheWith({ maxItems: 3 })
    fill(cache, 'abc')
    await use(cache)
    expect(Object.keys(cache)).toEqual(['b', 'c', 'a'])
    cache.d = 1
    expect(Object.keys(cache)).toEqual(['c', 'a', 'd'])
  })

  it('is the one that was read, for every cache size and position', () => {
    for (let size = 1; size <= 6; size++) {
      for (let place = 0; place < size; place++) {
        const { cache } = cacheWith()
        const keys = Array.from({ length: size }, (_, index) => `k${index}`)
        for (const key of keys) cache[key] = key
        void cache[`k${place}`]
        const expected = [...keys.filter((key) => key !== `k${place}`), `k${place}`]
        expect(Object.keys(cache)).toEqual(expected)
        expect([...controllerOf(cache).reversed()].map(([key]) => key)).toEqual(
          expected.toReversed(),
        )
      }
    }
  })
})

describe('eviction', () => {
  it('removes the least recently used entries in order', () => {
    const { cache, removals } = cacheWith({ maxItems: 3 })
    fill(cache, 'abc')
    void cache.a
    fill(cache, 'de')
    expect(removals()).toEqual(['b evicted', 'c evicted'])
    expect(Object.keys(cache)).toEqual(['a', 'd', 'e'])
  })

  it('removes an expired entry first, wherever it is in the order', () => {
    const { cache, controller, clock, removals } = cacheWith({ maxItems: 3 })
    controller.set('old', 1).set('brief', 2, { ttl: '1s' }).set('recent', 3)
    void cache.brief
    clock.advance(1_000)
    cache.fresh = 4
    expect(removals()).toEqual(['brief expired'])
    expect(Object.keys(cache)).toEqual(['old', 'recent', 'fresh'])
  })

  it('removes an expired entry first at the byte limit too', () => {
    const { cache, controller, clock, removals } = cacheWith({ maxSizeBytes: '64K' })
    const row = 'x'.repeat(15_000)
    controller.set('old', `${row}1`).set('brief', `${row}2`, { ttl: '1s' })
    controller.set('recent', `${row}3`).set('newest', `${row}4`)
    clock.advance(1_000)
    cache.fresh = `${row}5`
    expect(removals()).toEqual(['brief expired'])
    expect(Object.keys(cache)).toEqual(['old', 'recent', 'newest', 'fresh'])
  })

  it('never removes the entry being written', () => {
    const { cache } = cacheWith({ maxItems: 1 })
    for (let i = 0; i < 100; i++) {
      cache[`key-${i}`] = i
      expect(Object.keys(cache)).toEqual([`key-${i}`])
    }
  })

  it('removes only as many entries as a large one needs', () => {
    const { cache, controller, removals } = cacheWith({ maxSizeBytes: '64K' })
    for (let i = 0; i < 20; i++) cache[`row-${i}`] = 'x'.repeat(2_000 + i)
    expect(removals()).toEqual([])
    cache.large = 'x'.repeat(40_000)
    const count = removals().length
    expect(removals()).toEqual(Array.from({ length: count }, (_, index) => `row-${index} evicted`))
    expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    expect(controller.sizeBytes + 2_000).toBeGreaterThan(65_536 - 2_500)
  })

  it('removes nothing for a write to an existing key', () => {
    const { cache, removals } = cacheWith({ maxItems: 2 })
    fill(cache, 'ab')
    cache.a = 'new'
    expect(removals()).toEqual(['a replaced'])
    expect(Object.keys(cache)).toEqual(['b', 'a'])
  })

  it('evictOldest removes an expired entry before the least recently used one', () => {
    const { controller, clock, removals } = cacheWith()
    controller.set('old', 1).set('brief', 2, { ttl: '1s' })
    clock.advance(1_000)
    expect(controller.evictOldest()).toBe(true)
    expect(controller.evictOldest()).toBe(true)
    expect(removals()).toEqual(['brief expired', 'old evicted'])
  })
})

describe('onDelete', () => {
  it('runs after the write is complete, once for each removal and in order', () => {
    const seen: string[] = []
    const cache: Dictionary = new FaaSCacheDict<Values>({
      maxItems: 2,
      onDelete: (key, _value, reason) => {
        seen.push(`${key} ${reason}: ${Object.keys(cache).join('')}`)
      },
    })
    fill(cache, 'abcd')
    cache.c = 'new'
    controllerOf(cache).clear()
    expect(seen).toEqual([
      'a evicted: bc',
      'b evicted: cd',
      'c replaced: dc',
      'd cleared: ',
      'c cleared: ',
    ])
  })

  it('can change the cache, and runs for those removals after it has returned', () => {
    const seen: string[] = []
    let depth = 0
    const cache: Dictionary = new FaaSCacheDict<Values>({
      maxItems: 3,
      onDelete: (key, _value, reason) => {
        expect(++depth).toBe(1)
        seen.push(`${key} ${reason}`)
        if (key === 'a') delete cache.b
        if (key === 'b') cache.again = 1
        depth--
      },
    })
    fill(cache, 'abcd')
    expect(seen).toEqual(['a evicted', 'b deleted'])
    expect(Object.keys(cache)).toEqual(['c', 'd', 'again'])
  })

  it('passes each error it throws to onError, and every removal stands', () => {
    const onError = vi.fn()
    const onDelete = vi.fn(() => {
      throw new Error('hook')
    })
    const { cache, controller } = cacheWith({ onDelete, onError })
    fill(cache, 'abc')
    controller.clear()
    expect(controller.size).toBe(0)
    expect(onDelete).toHaveBeenCalledTimes(3)
    expect(onError).toHaveBeenCalledTimes(3)
    fill(cache, 'd')
    expect(delete cache.d).toBe(true)
  })

  it('runs once for each value, and not when the same value is written again', () => {
    const { cache, removals } = cacheWith()
    const value = {}
    cache.a = value
    cache.a = value
    cache.nan = Number.NaN
    cache.nan = Number.NaN
    expect(removals()).toEqual([])
    cache.a = {}
    delete cache.a
    delete cache.a
    expect(removals()).toEqual(['a replaced', 'a deleted'])
  })
})
