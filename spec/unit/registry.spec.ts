import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, it, vi } from 'vitest'
import { inChild } from '../support/child.ts'

// First, since nothing has been defined before the first cache of this process is made.
it('a cache works if globalThis takes no property', () => {
  const define = vi.spyOn(Reflect, 'defineProperty').mockReturnValue(false)
  const cache = new FaaSCacheDict({}, { a: 1 })
  expect(controllerOf(cache).get('a')).toBe(1)
  define.mockRestore()
})

it('a copy of another version finds the controllers under the same registered symbol', () => {
  const cache = new FaaSCacheDict()
  const registry = Reflect.get(globalThis, Symbol.for('faas-cache-dict.registry.1'))
  expect(registry.get(cache)).toBe(controllerOf(cache))
})

it('a cache works if globalThis is frozen', async () => {
  const seen = await inChild(`
    Object.freeze(globalThis)
    const { controllerOf, FaaSCacheDict } = await import('faas-cache-dict')
    const cache = new FaaSCacheDict({}, { a: 1 })
    console.log(JSON.stringify([controllerOf(cache).get('a'), cache instanceof FaaSCacheDict]))
  `)
  expect(seen).toEqual([1, true])
})
