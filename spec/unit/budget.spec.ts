import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, it } from 'vitest'

const keysAfter = (options: object, sizes: readonly number[]) => {
  const cache = new FaaSCacheDict<Record<string, number>>({ onTooLarge: 'skip', ...options })
  const controller = controllerOf(cache)
  for (const [at, sizeBytes] of sizes.entries()) controller.set(at, at, { sizeBytes })
  const { sizeBytes, refusals } = controller.stats()
  return { keys: Object.keys(cache), sizeBytes, refusals }
}

it('entries that fill the budget to the byte stay; one byte less evicts the oldest', () => {
  const { keys, sizeBytes } = keysAfter({}, [100, 200])
  expect(keys).toEqual(['0', '1'])
  expect(keysAfter({ maxSizeBytes: sizeBytes }, [100, 200]).keys).toEqual(['0', '1'])
  expect(keysAfter({ maxSizeBytes: sizeBytes - 1 }, [100, 200]).keys).toEqual(['1'])
})

it('as many entries as the item limit stay; one more evicts the oldest', () => {
  expect(keysAfter({ maxItems: 2 }, [0, 0]).keys).toEqual(['0', '1'])
  expect(keysAfter({ maxItems: 2 }, [0, 0, 0]).keys).toEqual(['1', '2'])
})

it('an entry that fills an empty cache to the byte is stored; one byte more is refused', () => {
  const empty = keysAfter({}, []).sizeBytes
  const after = (sizeBytes: number) => keysAfter({ maxSizeBytes: empty + 100 }, [sizeBytes])
  expect(after(100)).toMatchObject({ keys: ['0'], refusals: 0 })
  expect(after(101)).toMatchObject({ keys: [], refusals: 1 })
})

it('the budget holds after each of many removals, while the keys move to another Map', () => {
  const cache = new FaaSCacheDict<Record<string, number>>({ maxSizeBytes: '20M' })
  const controller = controllerOf(cache)
  for (let id = 0; id < 140_000; id++) cache[`key-${id}`] = id
  for (let id = 0; id < 74_000; id++) delete cache[`key-${id}`]
  const limit = controller.maxSizeBytes as number
  const free = limit - controller.sizeBytes
  controller.set('key-139999', 1, { sizeBytes: free - 100 })
  let most = 0
  for (const key of Object.keys(cache)) {
    delete cache[key]
    most = Math.max(most, controller.sizeBytes)
  }
  expect(most).toBeLessThanOrEqual(limit)
})
