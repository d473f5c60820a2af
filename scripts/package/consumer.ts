import { type CacheController, controllerOf, FaaSCacheDict, KeyError } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'
import { payloadSize } from 'faas-cache-dict/payload'

const cache = new FaaSCacheDict<{ foo: string; [id: string]: unknown }>(
  { defaultTtl: '10s', maxSizeBytes: '128M', maxItems: 10, sizeOf: payloadSize },
  { foo: 'first' },
)
const foo: string | undefined = cache.foo
const seconds: number | null = controllerOf(cache).ttl('foo')
const size: number = controllerOf(cache).sizeBytes
export type Controller = CacheController<{ foo: string }>
export { createKeyv, foo, KeyError, seconds, size }
