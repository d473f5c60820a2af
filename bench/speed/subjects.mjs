import { LRUCache } from 'lru-cache'
import sizeof from 'object-sizeof'
import { createMemoryStorage } from 'ocache'
import QuickLRU from 'quick-lru'
import { lru } from 'tiny-lru'
import { controllerOf, FaaSCacheDict } from '../../dist/index.js'

const hour = 3_600_000
const ample = 2 ** 50

/** `bytes` is the byte limit at which one entry leaves for each that comes. */
const dictionary = ({ items = null, bytes = ample }) =>
  new FaaSCacheDict({ defaultTtl: '1h', maxItems: items, maxSizeBytes: bytes })

const called = { get: 'cache.get(key)', set: 'cache.set(key, value)', delete: 'cache.delete(key)' }
const indexed = { get: 'cache[key]', set: 'cache[key] = value', delete: 'delete cache[key]' }

/** What is measured: how it is made, with which settings, and how each operation is written. */
export const subjects = {
  controller: {
    settings: 'controllerOf(cache): TTL 1 h, byte budget, heapSize, statistics',
    make: (limits) => controllerOf(dictionary(limits)),
    bytesOf: (cache) => cache.sizeBytes,
    each: 'for (const [key] of cache) out = key',
    ...called,
  },
  'cache[key]': {
    settings: 'FaaSCacheDict: the same, by property',
    make: dictionary,
    bytesOf: (cache) => controllerOf(cache).sizeBytes,
    each: 'for (const key in cache) out = key',
    ...indexed,
  },
  'cache.name': {
    settings: 'FaaSCacheDict: the same, by one constant name, its only entry',
    make: dictionary,
    get: 'cache.name',
    set: 'cache.name = value',
  },
  'lru-cache': {
    settings: 'max, ttl 1 h, maxSize; a size of 1 an entry, object-sizeof for rows',
    make: ({ count, items, isWeighed }) =>
      new LRUCache({
        max: items ?? count,
        ttl: hour,
        maxSize: isWeighed ? ample : (items ?? count),
        sizeCalculation: isWeighed ? (value, key) => sizeof(value) + sizeof(key) : () => 1,
      }),
    each: 'for (const [key] of cache.entries()) out = key',
    ...called,
  },
  'quick-lru': {
    settings: 'maxSize, maxAge 1 h; no bytes',
    make: ({ count }) => new QuickLRU({ maxSize: count, maxAge: hour }),
    each: 'for (const [key] of cache) out = key',
    ...called,
  },
  'tiny-lru': {
    settings: 'max, ttl 1 h; no bytes',
    make: ({ count }) => lru(count, hour),
    each: 'for (const key of cache.keys()) out = key',
    ...called,
  },
  ocache: {
    settings: 'createMemoryStorage: maxSize, maxBytes, ttl 1 h a write; not at a million entries',
    make: ({ count }) => createMemoryStorage({ maxSize: count, maxBytes: ample }),
    get: 'cache.get(key)',
    set: 'cache.set(key, value, hour)',
    delete: 'cache.set(key, null)',
  },
  Map: {
    settings: 'a floor: no limit, no order, no expiry',
    make: () => new Map(),
    each: 'for (const [key] of cache) out = key',
    ...called,
    isUnlimited: true,
  },
  'Proxy of Map': {
    settings: 'a floor: what a dictionary costs in the engine by itself',
    make: () => {
      const map = new Map()
      return new Proxy(Object.create(null), {
        get: (_, key) => map.get(key),
        set: (_, key, value) => {
          map.set(key, value)
          return true
        },
        deleteProperty: (_, key) => {
          map.delete(key)
          return true
        },
      })
    },
    ...indexed,
    isUnlimited: true,
  },
}
