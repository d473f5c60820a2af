import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'
import { payloadSize } from 'faas-cache-dict/payload'

const cache = new FaaSCacheDict({ defaultTtl: '10s', maxItems: 2 }, { foo: 'first' })
cache.bar = 'second'
const sized = new FaaSCacheDict({ sizeOf: payloadSize }, { foo: 'first' })
const messageOf = (action) => {
  try {
    action()
  } catch (error) {
    // A browser says before it what failed to execute.
    return error.message.replace(/^Failed to execute .*: /, '')
  }
}
const seen = [
  cache.foo,
  'bar' in cache,
  controllerOf(cache).getOrThrow('bar'),
  cache instanceof FaaSCacheDict,
  sized.foo,
  typeof createKeyv,
  FaaSCacheDict.name,
  controllerOf(cache).constructor.name,
  messageOf(() => structuredClone(cache)),
]
globalThis.seen = JSON.stringify(seen)
