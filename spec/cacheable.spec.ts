import { Cacheable } from 'cacheable'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'
import { Keyv } from 'keyv'
import { describe, expect, test, vi } from 'vitest'

describe('a dictionary as the first tier of Cacheable', () => {
  const twoTiers = (nonBlocking: boolean, options = {}) => {
    const cache = new FaaSCacheDict({ defaultTtl: '1h', ...options })
    const secondary = new Keyv()
    const tiers = new Cacheable({ primary: createKeyv(cache), secondary, nonBlocking })
    const errors: unknown[] = []
    tiers.on('error', (error: unknown) => errors.push(error))
    return { cache, secondary, tiers, errors }
  }

  test.each([[true], [false]])(
    'is filled from the second tier (nonBlocking: %s)',
    async (nonBlocking) => {
      const { cache, secondary, tiers, errors } = twoTiers(nonBlocking)
      await secondary.set('a', { b: 1 }, 60_000)
      expect(await tiers.get('a')).toEqual({ b: 1 })
      await vi.waitFor(() => expect(Object.keys(cache)).toEqual(['a']))
      expect(controllerOf(cache).ttl('a')).toBeLessThanOrEqual(60)
      expect(controllerOf(cache).stats()).toMatchObject({ hits: 0, misses: 1, writes: 1 })
      expect(await tiers.get('a')).toBe(cache.a)
      expect(errors).toEqual([])
    },
  )

  test.each([[true], [false]])(
    'counts a read as one use (nonBlocking: %s)',
    async (nonBlocking) => {
      const { cache, tiers } = twoTiers(nonBlocking)
      cache.a = Promise.resolve(1)
      cache.b = 2
      expect(await tiers.get('a')).toBe(1)
      expect(await tiers.getMany(['a', 'b'])).toEqual([1, 2])
      expect(await tiers.has('a')).toBe(true)
      expect(controllerOf(cache).stats()).toMatchObject({ hits: 3, misses: 0 })
    },
  )

  test.each([[true], [false]])(
    'passes writes on, so a value that it refuses is in the second tier (nonBlocking: %s)',
    async (nonBlocking) => {
      const { cache, secondary, tiers, errors } = twoTiers(nonBlocking, { maxSizeBytes: '4K' })
      const big = 'x'.repeat(10_000)
      await tiers.set('small', 1)
      await tiers.set('big', big)
      await vi.waitFor(async () => expect(await secondary.get('big')).toBe(big))
      expect(cache).toEqual({ small: 1 })
      expect(await tiers.get('big')).toBe(big)
      await tiers.delete('small')
      expect(cache).toEqual({})
      expect(errors).toEqual([])
    },
  )
})
