import { Keyv, type KeyvStoreAdapter } from 'keyv'
import type { FaaSCacheDict } from './cache-dict.ts'
import type { CacheController } from './controller.ts'
import { DataTooLargeError } from './errors.ts'
import { refuseUnknown } from './options/known.ts'
import { wrongKind } from './options/refusal.ts'
import { registered } from './registry.ts'

type Values = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: a dictionary of any schema
type Dictionary = FaaSCacheDict<any>

/** What Keyv wraps a value in: `expires` in epoch milliseconds. */
interface Envelope {
  value?: unknown
  expires?: number | undefined
}

interface SetEntry {
  key: string
  value: unknown
  /** Milliseconds, from Keyv 5. */
  ttl?: number
  /** Epoch milliseconds, from Keyv 6. */
  expires?: number
}

export interface CreateKeyvOptions {
  /** Kept before each key: `cache['ns:key']`. Default: none. */
  namespace?: string | undefined
}

/**
 * A Keyv over a dictionary, without serialisation and without a prefix of Keyv's own: what Keyv
 * stores is readable as `cache[key]` (with a namespace as `cache['ns:key']`), as itself and with its
 * expiry, and the other way round. Values are not copied. What is written without an expiry has the
 * `defaultTtl` of the dictionary.
 *
 * Throws a `TypeError` for what is no dictionary, or a namespace that is no string.
 */
export function createKeyv(cache: Dictionary, options?: CreateKeyvOptions): Keyv {
  const { namespace } = refuseUnknown('The options', options, ['namespace'])
  if (namespace !== undefined && typeof namespace !== 'string') {
    throw wrongKind('namespace', 'a string', namespace)
  }
  const store = new KeyvCacheDict(cache)
  const keyv = new Keyv({
    store,
    namespace,
    // The names of version 5, and that of version 6.
    useKeyPrefix: false,
    serialize: undefined,
    deserialize: undefined,
    serialization: false,
  } as object)
  store.takesBareKeys = true
  store.takesText = false
  return keyv
}

/**
 * A dictionary as a storage adapter for a Keyv of one's own, version 5 or 6. Takes what that Keyv
 * hands it: a value in Keyv's envelope is stored as itself, serialised text as text. A write that
 * the cache refuses for its size is answered with `false`. `disconnect` leaves the cache as it is.
 */
export class KeyvCacheDict implements KeyvStoreAdapter {
  // Keyv 5 gives an iterator to stores of dialects that it knows only.
  readonly opts = { dialect: 'redis', url: '' }
  namespace: string | undefined
  /** @internal Whether keys always come without the namespace. */
  takesBareKeys = false
  /** @internal Whether a text is what a Keyv serialised a value to. Known for sure once it writes. */
  takesText = true
  readonly #controller: CacheController<Values>
  #isKeyv6 = false

  /** Throws a `TypeError` for what is no dictionary. */
  constructor(cache: Dictionary) {
    const controller = registered(cache)
    if (controller === undefined) throw wrongKind('The cache', 'a FaaSCacheDict', cache)
    this.#controller = controller
  }

  /** Read by Keyv 6, which hands over absolute expiry once it is told that it may. */
  get capabilities(): { store: 'keyvStorage'; expires: true; methods: Record<string, unknown> } {
    this.#isKeyv6 = true
    const methods = Object.fromEntries(
      METHODS.map((name) => [name, { exists: true, methodType: 'async' }]),
    )
    return { store: 'keyvStorage', expires: true, methods }
  }

  // biome-ignore lint/suspicious/noExplicitAny: Keyv asks for whatever type its caller names
  async get<Value>(key: string): Promise<any> {
    return this.#read(this.#keyOf(key)) as Value
  }

  // biome-ignore lint/suspicious/noExplicitAny: as for get
  async getMany<Value>(keys: string[]): Promise<any[]> {
    return keys.map((key) => this.#read(this.#keyOf(key)) as Value)
  }

  /** `limit`: milliseconds from Keyv 5, epoch milliseconds from Keyv 6. */
  async set(key: string, value: unknown, limit?: number): Promise<boolean> {
    const name = this.#keyOf(key)
    const isWrapped = isEnvelope(value)
    this.takesText = !isWrapped
    const ttl = this.#isKeyv6 && limit !== undefined ? limit - Date.now() : limit
    if (ttl !== undefined && ttl <= 0) {
      this.#controller.delete(name)
      return true
    }
    const terms = ttl === undefined ? undefined : { ttl: ttl / 1_000 }
    try {
      this.#controller.set(name, isWrapped ? value.value : value, terms)
    } catch (error) {
      if (error instanceof DataTooLargeError) return false
      throw error
    }
    // With `onTooLarge: 'skip'` a refusal is silent.
    return this.#controller.has(name)
  }

  // biome-ignore lint/suspicious/noExplicitAny: Keyv 5 declares that nothing is answered, and returns it
  async setMany(entries: SetEntry[]): Promise<any> {
    const results: boolean[] = []
    for (const { key, value, ttl, expires } of entries) {
      results.push(await this.set(key, value, this.#isKeyv6 ? expires : ttl))
    }
    return results
  }

  async has(key: string): Promise<boolean> {
    return this.#controller.has(this.#keyOf(key))
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#controller.has(this.#keyOf(key)))
  }

  async delete(key: string): Promise<boolean> {
    return this.#controller.delete(this.#keyOf(key))
  }

  /** One answer for all from Keyv 5, one a key from Keyv 6. */
  // biome-ignore lint/suspicious/noExplicitAny: the two versions expect different answers
  async deleteMany(keys: string[]): Promise<any> {
    const results = keys.map((key) => this.#controller.delete(this.#keyOf(key)))
    return this.#isKeyv6 ? results : results.every(Boolean)
  }

  /** The namespace only, where there is one. */
  async clear(): Promise<void> {
    if (this.#prefix === '') this.#controller.clear()
    else for (const key of this.#ownKeys()) this.#controller.delete(key)
  }

  // biome-ignore lint/suspicious/noExplicitAny: as for get
  async *iterator(): AsyncGenerator<any, void> {
    const isBare = this.takesBareKeys || this.#isKeyv6
    const start = isBare ? this.#prefix.length : 0
    for (const key of this.#ownKeys()) {
      if (this.#controller.has(key)) yield [key.slice(start), this.#peek(key)]
    }
  }

  async disconnect(): Promise<void> {}

  /** Nothing is ever emitted. */
  on(): this {
    return this
  }

  get #prefix(): string {
    return this.namespace ? `${this.namespace}:` : ''
  }

  // Keyv 5 puts the namespace before the key itself unless told not to; Keyv 6 leaves that to the store.
  #keyOf(key: string): string {
    const prefix = this.#prefix
    const isBare = this.takesBareKeys || this.#isKeyv6
    return isBare || !key.startsWith(prefix) ? prefix + key : key
  }

  #ownKeys(): string[] {
    return [...this.#controller.keys()].filter((key) => key.startsWith(this.#prefix))
  }

  #read(key: string): unknown {
    if (!this.#controller.has(key)) {
      this.#controller.get(key)
      return undefined
    }
    const envelope = this.#peek(key)
    this.#controller.get(key)
    return envelope
  }

  #peek(key: string): unknown {
    const value = this.#controller.peek(key)
    if (this.takesText && typeof value === 'string') return value
    const ttl = this.#controller.ttl(key)
    return { value, expires: ttl === null ? undefined : Date.now() + ttl * 1_000 }
  }
}

function isEnvelope(data: unknown): data is Envelope {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'value')) return false
  return Object.keys(data).every((key) => key === 'value' || key === 'expires')
}

const METHODS = [
  'get',
  'set',
  'delete',
  'clear',
  'has',
  'getMany',
  'setMany',
  'hasMany',
  'deleteMany',
  'iterator',
  'disconnect',
]
