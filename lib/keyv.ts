import { Keyv } from 'keyv'
import { type Dictionary, KeyvCacheDict } from './keyv/adapter.ts'
import { checkedOptions, wrongKind } from './options/check.ts'

export { type Dictionary, KeyvCacheDict }

export interface CreateKeyvOptions {
  /**
   * Put before each key: `cache['ns:key']`. `clear` removes the entries of the namespace only. With
   * namespaces `a` and `a:b` in use, the entry `a:b:c` belongs to `a:b`. Default: none.
   */
  namespace?: string | undefined
}

/**
 * A Keyv over a dictionary, without serialisation and without a prefix of Keyv's own: what Keyv
 * stores is readable as `cache[key]` (with a namespace as `cache['ns:key']`), as itself and with its
 * expiry, and the other way round. Values are not copied. What is written without an expiry has the
 * `defaultTtl` of the dictionary. Of a promise in the dictionary Keyv gives what it fulfils with,
 * and nothing if it rejects.
 *
 * Throws a `TypeError` for what is no dictionary, or a namespace that is no string.
 */
export function createKeyv(cache: Dictionary, options?: CreateKeyvOptions): Keyv {
  const { namespace } = checkedOptions('The options', options, ['namespace'])
  if (namespace !== undefined && typeof namespace !== 'string') {
    throw wrongKind('namespace', 'a string', namespace)
  }
  const ofVersion5 = { useKeyPrefix: false, serialize: undefined, deserialize: undefined }
  // Its check of expiry would make a use of every `has`, and the dictionary lets nothing expired out.
  const ofVersion6 = { serialization: false, checkExpired: false }
  const store = new KeyvCacheDict(cache, true)
  return new Keyv({ store, namespace, ...ofVersion5, ...ofVersion6 } as object)
}
