import { Keyv } from 'keyv'
import { type Dictionary, KEYV_5_PLAIN, KeyvCacheDict } from './keyv/adapter.ts'
import { checkedOptions, wrongKind } from './options/check.ts'

export { type Dictionary, KeyvCacheDict }

export interface CreateKeyvOptions {
  /**
   * A prefix for each key: with the namespace `ns` Keyv's `key` is `cache['ns:key']`. `clear` removes
   * only the entries of the namespace. An entry belongs to the longest namespace in use that its key
   * starts with: with `a` and `a:b` in use, `a:b:c` belongs to `a:b`.
   * @default none
   */
  namespace?: string | undefined
}

/**
 * A Keyv that keeps its entries in a dictionary, without serialisation and without a prefix of Keyv's
 * own. An entry that Keyv stores is readable as `cache[key]` (with a namespace as `cache['ns:key']`)
 * with the same expiry, and an entry of the dictionary is readable by Keyv. Values are not copied.
 *
 * Keyv's TTLs are milliseconds. Without one, the `defaultTtl` of the dictionary applies. For a promise
 * in the dictionary Keyv gets its value, or a miss if it rejects. `set` resolves to `false` if the
 * value is too large for the cache.
 *
 * Throws a `TypeError` if `cache` is not a `FaaSCacheDict`, `namespace` is not a string, or an option
 * is unknown. Works with Keyv 5 and 6.
 *
 * @example
 * const cache = new FaaSCacheDict({ maxSizeBytes: '32M' })
 * const keyv = createKeyv(cache)
 * await keyv.set('foo', { bar: 1 }, 10_000) // for ten seconds
 * cache.foo // { bar: 1 }, the same object
 */
export function createKeyv(cache: Dictionary, options?: CreateKeyvOptions): Keyv {
  const { namespace } = checkedOptions('The options', options, ['namespace'])
  if (namespace !== undefined && typeof namespace !== 'string') {
    throw wrongKind('namespace', 'a string', namespace)
  }
  const version5 = { useKeyPrefix: false, serialize: undefined, deserialize: undefined }
  // Keyv's own check of the expiry would count each `has` as a use. The dictionary checks it anyway.
  const version6 = { serialization: false, checkExpired: false }
  const store = new KeyvCacheDict(cache, KEYV_5_PLAIN)
  return new Keyv({ store, namespace, ...version5, ...version6 } as object)
}
