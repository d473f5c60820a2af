import { LRUCache } from 'lru-cache'
import sizeof from 'object-sizeof'
import { createMemoryStorage } from 'ocache'
import QuickLRU from 'quick-lru'
import { lru } from 'tiny-lru'
import * as built from '../../dist/index.js'

const HOUR = 3_600_000
/** A byte limit that nothing reaches. */
const AMPLE = 2 ** 50

/** `cache[key]`, `cache.name` and the rest, as source text: each loop is compiled by itself. */
const byCall = {
  get: 'cache.get(key)',
  set: 'cache.set(key, value)',
  delete: 'cache.delete(key)',
  getName: "cache.get('name')",
  setName: "cache.set('name', value)",
}
const byProperty = {
  get: 'cache[key]',
  set: 'cache[key] = value',
  delete: 'delete cache[key]',
  getName: 'cache.name',
  setName: 'cache.name = value',
}

function oursOf({ controllerOf, FaaSCacheDict }) {
  const make = ({ items = null, bytes = AMPLE }) =>
    new FaaSCacheDict({ defaultTtl: '1h', maxItems: items, maxSizeBytes: bytes })
  return {
    controller: {
      settings: 'controllerOf(cache): TTL 1 h, byte budget, heapSize, statistics',
      make: (limits) => controllerOf(make(limits)),
      bytesOf: (cache) => cache.sizeBytes,
      each: 'for (const [key] of cache) out = key',
      copy: 'out = [...cache.entries()]',
      ...byCall,
      hasItemLimit: true,
      hasByteLimit: true,
      weighs: true,
    },
    'cache[key]': {
      settings: 'FaaSCacheDict: the same, by property',
      make,
      bytesOf: (cache) => controllerOf(cache).sizeBytes,
      each: 'for (const key in cache) out = key',
      copy: 'out = Object.entries(cache)',
      ...byProperty,
      hasItemLimit: true,
      hasByteLimit: true,
      weighs: true,
    },
  }
}

/**
 * What benchmarks compare: how a cache is made and with which settings, and how each operation is
 * written. `make` takes `count`, the number of entries; `items` and `bytes`, the limits at which an
 * entry is evicted for each new one; and `isWeighed` if values are to be measured.
 */
export const peers = {
  ...oursOf(built),
  'lru-cache': {
    settings: 'max, ttl 1 h, maxSize; a size of 1 an entry, object-sizeof for JSON rows',
    make: ({ count, items, isWeighed }) =>
      new LRUCache({
        max: items ?? count,
        ttl: HOUR,
        maxSize: isWeighed ? AMPLE : (items ?? count),
        sizeCalculation: isWeighed ? (value, key) => sizeof(value) + sizeof(key) : () => 1,
      }),
    each: 'for (const [key] of cache.entries()) out = key',
    copy: 'out = [...cache.entries()]',
    ...byCall,
    hasItemLimit: true,
    hasByteLimit: true,
    weighs: true,
  },
  'quick-lru': {
    settings: 'maxSize, maxAge 1 h; no bytes',
    make: ({ count }) => new QuickLRU({ maxSize: count, maxAge: HOUR }),
    each: 'for (const [key] of cache) out = key',
    copy: 'out = [...cache]',
    ...byCall,
    hasItemLimit: true,
  },
  'tiny-lru': {
    settings: 'max, ttl 1 h; no bytes',
    make: ({ count }) => lru(count, HOUR),
    each: 'for (const key of cache.keys()) out = key',
    copy: 'out = [...cache.entries()]',
    ...byCall,
    hasItemLimit: true,
  },
  ocache: {
    settings: 'createMemoryStorage: maxSize, maxBytes, ttl 1 h a write; at most 100,000 entries',
    make: ({ count }) => createMemoryStorage({ maxSize: count, maxBytes: AMPLE }),
    get: 'cache.get(key)',
    set: 'cache.set(key, value, hour)',
    delete: 'cache.set(key, null)',
    getName: "cache.get('name')",
    setName: "cache.set('name', value, hour)",
    hasItemLimit: true,
    weighs: true,
    // It looks through all entries for each that it evicts.
    most: 100_000,
  },
  Map: {
    settings: 'a floor: no limit, no order, no expiry',
    make: () => new Map(),
    each: 'for (const [key] of cache) out = key',
    copy: 'out = [...cache]',
    ...byCall,
  },
  'Proxy of Map': {
    settings: 'a floor: what the engine takes for a Proxy',
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
    ...byProperty,
  },
}

if (process.env.BENCH_AGAINST) {
  const other = oursOf(await import(`${process.env.BENCH_AGAINST}/index.js`))
  for (const [name, peer] of Object.entries(other)) peers[`${name} before`] = peer
}

/** Compiles a function of its own for a peer: a shared one would be slow for all of them. */
export function compiled(parameters, body) {
  return new Function(parameters, `const hour = { ttl: 3600 }; let out; ${body}; return out`)
}

/** Writes these values under these keys, one after the other and the first again after the last. */
export function filling(peer) {
  return compiled(
    'cache, keys, values, count = keys.length',
    `for (let i = 0; i < count; i++) {
      const key = keys[i]; const value = values[i % values.length]; ${peer.set} }`,
  )
}
