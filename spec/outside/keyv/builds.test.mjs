import { createRequire } from 'node:module'
import * as esm from 'faas-cache-dict'
import * as esmKeyv from 'faas-cache-dict/keyv'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)
const mains = { import: esm, require: require('faas-cache-dict') }
const keyvs = { import: esmKeyv, require: require('faas-cache-dict/keyv') }

const pairs = Object.keys(mains).flatMap((main) => Object.keys(keyvs).map((keyv) => [main, keyv]))

test.each(pairs)('a cache made by %s is known to the keyv of %s', async (main, keyv) => {
  const cache = new mains[main].FaaSCacheDict({ maxSizeBytes: '4K' })
  const made = keyvs[keyv].createKeyv(cache)
  expect(await made.set('foo', 'bar')).toBe(true)
  expect(cache.foo).toBe('bar')
  expect(await made.set('foo', 'x'.repeat(10_000))).toBe(false)
  expect(() => keyvs[keyv].createKeyv({})).toThrow('must be a FaaSCacheDict')
})
