import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { expect, it } from 'vitest'

it('a copy of another version finds the controllers under the same registered symbol', () => {
  const cache = new FaaSCacheDict()
  const registry = Reflect.get(globalThis, Symbol.for('faas-cache-dict.registry.1'))
  expect(registry.get(cache)).toBe(controllerOf(cache))
})
