import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

const cache = new FaaSCacheDict<Record<string, unknown>>({ sizeOf: () => 0 })

/** What an empty cache takes. */
export const EMPTY = controllerOf(cache).sizeBytes

cache.a = 1

/** What the structure costs for one entry. */
export const ENTRY = controllerOf(cache).sizeOf('a')

/** The structure and the keys, which the model knows nothing of. */
const MOST_OVERHEAD = 2_048

export const isCharge = (real: number, bytes: number): boolean =>
  real > bytes && real < bytes + MOST_OVERHEAD
