import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

const cache = new FaaSCacheDict<Record<string, unknown>>({ sizeOf: () => 0 })

/** The bytes of an empty cache. */
export const EMPTY_BYTES = controllerOf(cache).sizeBytes

cache.a = 1

/** The bytes of an entry's share of the structure. */
export const ENTRY_BYTES = controllerOf(cache).sizeOf('a')

/** `sizeBytes` without any entry or room for one. An empty cache has room for four at most. */
export const BASE_BYTES = EMPTY_BYTES - 4 * ENTRY_BYTES
