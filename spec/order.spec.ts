import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'

type Dictionary = Record<string, unknown>

const made = (options = {}) => {
  const clock = { time: 1_000_000 }
  const onDelete = vi.fn()
  const cache = new FaaSCacheDict<Dictionary>({ now: () => clock.time, onDelete, ...options })
  const controller = controllerOf(cache)
  const left = () => onDelete.mock.calls.map(([key, , reason]) => `${key} ${reason}`)
  return { cache, controller, clock, left, onDelete }
}

const fill = (cache: Dictionary, keys: string) => {
  for (const key of keys) cache[key] = key
}

describe('the most recently used', () => {
  it.each<[string, (cache: Dictionary) => unknown]>([
    ['reading it', (cache) => cache.a],
    ['writing it', (cache) => (cache.a = 'new')],
    ['writing the same value again', (cache) => (cache.a = 'a')],
    ['defining it', (cache) => Object.defineProperty(cache, 'a', { value: 1 })],
    ['get', (cache) => controllerOf(cache).get('a')],
    ['getOrThrow', (cache) => controllerOf(cache).getOrThrow('a')],
    ['set', (cache) => controllerOf(cache).set('a', 1)],
    ['setDefault', (cache) => controllerOf(cache).setDefault('a', 1)],
    ['getOrSet', (cache) => controllerOf(cache).getOrSet('a', () => 1)],
    ['update', (cache) => controllerOf(cache).update({ a: 1 })],
    ['promote', (cache) => controllerOf(cache).promote('a')],
  ])('is an entry after %s', async (_name, use) => {
    const { cache } = made({ maxItems: 3 })
    fill(cache, 'abc')
    await use(cache)
    expect(Object.keys(cache)).toEqual(['b', 'c', 'a'])
    cache.d = 1
    expect(Object.keys(cache)).toEqual(['c', 'a', 'd'])
  })

  it('is one of every size and each place, after each use', () => {
    for (let size = 1; size <= 6; size++) {
      for (let place = 0; place < size; place++) {
        const { cache } = made()
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
  it('takes the least recently used, in order', () => {
    const { cache, left } = made({ maxItems: 3 })
    fill(cache, 'abc')
    void cache.a
    fill(cache, 'de')
    expect(left()).toEqual(['b evicted', 'c evicted'])
    expect(Object.keys(cache)).toEqual(['a', 'd', 'e'])
  })

  it('takes what has expired first, whatever its place', () => {
    const { cache, controller, clock, left } = made({ maxItems: 3 })
    controller.set('old', 1).set('brief', 2, { ttl: '1s' }).set('recent', 3)
    void cache.brief
    clock.time += 1_000
    cache.fresh = 4
    expect(left()).toEqual(['brief expired'])
    expect(Object.keys(cache)).toEqual(['old', 'recent', 'fresh'])
  })

  it('by bytes takes what has expired first as well', () => {
    const { cache, controller, clock, left } = made({ maxSizeBytes: '64K' })
    const row = 'x'.repeat(15_000)
    controller.set('old', `${row}1`).set('brief', `${row}2`, { ttl: '1s' })
    controller.set('recent', `${row}3`).set('newest', `${row}4`)
    clock.time += 1_000
    cache.fresh = `${row}5`
    expect(left()).toEqual(['brief expired'])
    expect(Object.keys(cache)).toEqual(['old', 'recent', 'newest', 'fresh'])
  })

  it('never takes what is being written', () => {
    const { cache } = made({ maxItems: 1 })
    for (let i = 0; i < 100; i++) {
      cache[`key-${i}`] = i
      expect(Object.keys(cache)).toEqual([`key-${i}`])
    }
  })

  it('takes as many as it needs for a large entry, and no more', () => {
    const { cache, controller, left } = made({ maxSizeBytes: '64K' })
    for (let i = 0; i < 20; i++) cache[`row-${i}`] = 'x'.repeat(2_000 + i)
    expect(left()).toEqual([])
    cache.large = 'x'.repeat(40_000)
    const gone = left().length
    expect(left()).toEqual(Array.from({ length: gone }, (_, index) => `row-${index} evicted`))
    expect(controller.sizeBytes).toBeLessThanOrEqual(65_536)
    expect(controller.sizeBytes + 2_000).toBeGreaterThan(65_536 - 2_500)
  })

  it('does not happen for a write to a key that is there', () => {
    const { cache, left } = made({ maxItems: 2 })
    fill(cache, 'ab')
    cache.a = 'new'
    expect(left()).toEqual(['a replaced'])
    expect(Object.keys(cache)).toEqual(['b', 'a'])
  })

  it('evictOldest takes one that has expired before the least recently used', () => {
    const { controller, clock, left } = made()
    controller.set('old', 1).set('brief', 2, { ttl: '1s' })
    clock.time += 1_000
    expect(controller.evictOldest()).toBe(true)
    expect(controller.evictOldest()).toBe(true)
    expect(left()).toEqual(['brief expired', 'old evicted'])
  })
})

describe('onDelete', () => {
  it('runs after the cache has settled, in the order in which values left', () => {
    const seen: string[] = []
    const cache: Dictionary = new FaaSCacheDict<Dictionary>({
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

  it('may use the cache freely, and is told of what that removes once the first is done', () => {
    const seen: string[] = []
    let depth = 0
    const cache: Dictionary = new FaaSCacheDict<Dictionary>({
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

  it('that throws leaves the removal done, the others told and onError with the error', () => {
    const onError = vi.fn()
    const onDelete = vi.fn(() => {
      throw new Error('hook')
    })
    const { cache, controller } = made({ onDelete, onError })
    fill(cache, 'abc')
    controller.clear()
    expect(controller.size).toBe(0)
    expect(onDelete).toHaveBeenCalledTimes(3)
    expect(onError).toHaveBeenCalledTimes(3)
    fill(cache, 'd')
    expect(delete cache.d).toBe(true)
  })

  it('is told once of each value, and not of the same one written again', () => {
    const { cache, left } = made()
    const value = {}
    cache.a = value
    cache.a = value
    cache.nan = Number.NaN
    cache.nan = Number.NaN
    expect(left()).toEqual([])
    cache.a = {}
    delete cache.a
    delete cache.a
    expect(left()).toEqual(['a replaced', 'a deleted'])
  })
})
