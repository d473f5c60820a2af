import { Cache } from './cache.ts'
import { CacheController, OVER } from './controller.ts'
import { namedClass, requireSupportedNode } from './engine.ts'
import { pairsFrom, wrongKind } from './options/check.ts'
import { type CacheOptions, settingsFrom } from './options/options.ts'
import { register, registered } from './registry.ts'
import type { EntriesOf, Named, StringKeyOf, TypedDictionary, ValueOf } from './schema.ts'
import { proxyOver } from './traps.ts'

/**
 * A dictionary of this schema. Any property may be `undefined`: absent, expired or evicted. TypeScript lets
 * a program assign `undefined` as well, except to a declared key under `exactOptionalPropertyTypes`.
 */
// Mapped here and not through another alias, so that editors show this name for inferred types. Not an
// intersection with a brand: `cache[key]` would lose its type for a key that is a type parameter.
export type FaaSCacheDict<Schema extends object = Record<string, unknown>> = {
  [Key in keyof Schema]?: Schema[Key]
}

export interface FaaSCacheDictConstructor {
  /**
   * A dictionary with an order of use, a TTL for each entry, an item limit and a byte budget. `entries` is
   * an object or an iterable of pairs, which are written in order.
   *
   * A `TypeError` for an option of the wrong kind or an unknown one, a `RangeError` for a value out of
   * range. Cannot be subclassed.
   *
   * @example
   * const cache = new FaaSCacheDict({ defaultTtl: '5m', maxSizeBytes: '64M' })
   * cache.user = await loadUser()
   */
  new <Schema extends object = Record<string, unknown>>(
    options?: CacheOptions<StringKeyOf<Schema>, ValueOf<Schema>>,
    entries?: NoInfer<EntriesOf<Schema>>,
  ): FaaSCacheDict<Schema>
  [Symbol.hasInstance](value: unknown): boolean
}

export const FaaSCacheDict = /* @__PURE__ */ namedClass({
  FaaSCacheDict: class {
    constructor(options?: CacheOptions, entries?: unknown) {
      if (new.target !== FaaSCacheDict) {
        throw new TypeError('FaaSCacheDict cannot be subclassed: an instance has no prototype')
      }
      requireSupportedNode()
      const settings = settingsFrom(options)
      const initial = entries === undefined ? [] : pairsFrom(entries)
      const cache = new Cache(settings)
      const proxy = proxyOver(cache)
      register(proxy, CacheController[OVER](cache))
      try {
        for (const [key, value] of initial) cache.write(key, value)
      } catch (error) {
        // Nobody will have this dictionary, nor hear of its sweep.
        cache.close()
        throw error
      }
      // biome-ignore lint/correctness/noConstructorReturn: the dictionary is the Proxy, not its class
      return proxy
    }

    static [Symbol.hasInstance](value: unknown): boolean {
      return registered(value) !== undefined
    }
  },
}) as unknown as FaaSCacheDictConstructor

/**
 * The controller of a dictionary, also if another build or copy of the package made it. A `TypeError` for
 * anything else. To TypeScript, a dictionary is what has the type `FaaSCacheDict`: declare it so.
 */
export function controllerOf<Schema extends object = never>(
  cache: FaaSCacheDict<Named<Schema>>,
): CacheController<Schema>
// For `any`, which has no schema. To all else the compiler says what is wrong.
export function controllerOf(cache: TypedDictionary): CacheController
export function controllerOf(cache: unknown): CacheController {
  const controller = registered(cache)
  if (controller === undefined) {
    throw wrongKind('The cache', 'a FaaSCacheDict', cache)
  }
  return controller
}
