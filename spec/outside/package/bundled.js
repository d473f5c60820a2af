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
    // A browser puts what failed to execute in front of the message.
    return error.message.replace(/^Failed to execute .*: /, '')
  }
}
globalThis.seen = JSON.stringify({
  values: [cache.foo, controllerOf(cache).getOrThrow('bar'), sized.foo],
  isKept: 'bar' in cache,
  isInstance: cache instanceof FaaSCacheDict,
  createKeyv: typeof createKeyv,
  names: [FaaSCacheDict.name, controllerOf(cache).constructor.name],
  message: messageOf(() => structuredClone(cache)),
})
