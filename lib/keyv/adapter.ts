import type { CacheController } from '../controller.ts'
import type { FaaSCacheDict } from '../dictionary.ts'
import { keyFrom, unpolluted, wrongKind } from '../options/check.ts'
import { isNativePromise } from '../promise.ts'
import { registered } from '../registry.ts'

/** A dictionary of any schema. */
// biome-ignore lint/suspicious/noExplicitAny: a dictionary of any schema
export type Dictionary = FaaSCacheDict<any>
// biome-ignore lint/suspicious/noExplicitAny: the versions of Keyv declare different types
type KeyvResult = any

/** The wrapper in which a Keyv without serialisation passes a value. */
interface Envelope {
  value: unknown
  /** Epoch milliseconds. */
  expires?: number | undefined
}

interface SetEntry {
  key: string
  value: unknown
  /** Milliseconds from now, in version 5. */
  ttl?: number
  /** Epoch milliseconds, in version 6. */
  expires?: number
}
const SET_ENTRY_FIELDS = ['key', 'value', 'ttl', 'expires']

/** How one version of Keyv calls a store. */
interface Convention {
  /** Whether keys always come without the namespace. If not, a key may start with its prefix. */
  readonly isKeyBare: boolean
  /** Milliseconds from now, of the expiry that a write passes. */
  ttlOf(expiry: number): number
  /** The answer of `deleteMany`, given whether each key had an entry. */
  deleteManyResult(wereDeleted: boolean[]): boolean | boolean[]
}

const KEYV_5: Convention = {
  isKeyBare: false,
  ttlOf: (ttl) => ttl,
  deleteManyResult: (wereDeleted) => wereDeleted.every(Boolean),
}

/** Version 5 as `createKeyv` sets it up: without key prefix and serialisation. @internal */
export const KEYV_5_PLAIN: Convention = { ...KEYV_5, isKeyBare: true }

const KEYV_6: Convention = {
  isKeyBare: true,
  ttlOf: (expires) => expires - Date.now(),
  deleteManyResult: (wereDeleted) => wereDeleted,
}

/**
 * A storage adapter that keeps the entries of your own Keyv, version 5 or 6, in a dictionary. It
 * stores what that Keyv passes: serialised text as text, and a value in an envelope of Keyv as
 * itself. The key is the one that Keyv makes; version 5 prefixes it with `keyv:` by default. To keep
 * the values themselves under their own keys, use `createKeyv`.
 *
 * `set` answers `false` if the cache refuses the value because it is too large. `disconnect` leaves
 * the cache as it is. Methods reject with a `TypeError` for a key that is not a string, a number or a
 * bigint.
 *
 * @example
 * const keyv = new Keyv({ store: new KeyvCacheDict(cache) })
 */
export class KeyvCacheDict {
  // Keyv 5 iterates only over stores of dialects that it knows.
  readonly opts = { dialect: 'redis' }
  /** Keyv sets it. */
  namespace: string | undefined
  readonly #controller: CacheController<Record<string, unknown>>
  #convention: Convention
  // A guess until Keyv writes the first value.
  #isTextSerialised: boolean

  /** Throws a `TypeError` if `cache` is not a `FaaSCacheDict`. */
  constructor(cache: Dictionary)
  /** @internal */
  constructor(cache: Dictionary, convention: Convention)
  constructor(cache: Dictionary, convention = KEYV_5) {
    const controller = registered(cache)
    if (controller === undefined) throw wrongKind('The cache', 'a FaaSCacheDict', cache)
    this.#controller = controller
    this.#convention = convention
    this.#isTextSerialised = convention === KEYV_5
  }

  /** Only Keyv 6 reads it, before it calls anything else. */
  get capabilities(): { expires: true } {
    this.#convention = KEYV_6
    return { expires: true }
  }

  async get<Value>(key: string): Promise<KeyvResult> {
    return (await this.#read(key)) as Value
  }

  async getMany<Value>(keys: string[]): Promise<KeyvResult[]> {
    return (await Promise.all(keys.map((key) => this.#read(key)))) as Value[]
  }

  /** `expiry` is milliseconds from now in version 5, and epoch milliseconds in version 6. */
  async set(key: string, value: unknown, expiry?: number): Promise<boolean> {
    const cacheKey = this.#cacheKeyOf(key)
    const ttl = expiry === undefined ? undefined : this.#convention.ttlOf(expiry)
    if (ttl !== undefined && ttl <= 0) {
      this.#controller.delete(cacheKey)
      return true
    }
    const options = ttl === undefined ? undefined : { ttl: ttl / 1_000 }
    this.#isTextSerialised = typeof value === 'string'
    try {
      this.#controller.set(cacheKey, isEnvelope(value) ? value.value : value, options)
    } catch (error) {
      if (isTooLarge(error)) return false
      throw error
    }
    // With `onTooLarge: 'skip'` the cache refuses a value without an error.
    return this.#controller.has(cacheKey)
  }

  /** Answers for each entry whether the cache stored it. */
  async setMany(entries: SetEntry[]): Promise<KeyvResult> {
    return Promise.all(
      entries.map((entry) => {
        const given = unpolluted(entry, SET_ENTRY_FIELDS) as unknown as SetEntry
        return this.set(given.key, given.value, given.ttl ?? given.expires)
      }),
    )
  }

  async has(key: string): Promise<boolean> {
    return this.#controller.has(this.#cacheKeyOf(key))
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#controller.has(this.#cacheKeyOf(key)))
  }

  async delete(key: string): Promise<boolean> {
    return this.#controller.delete(this.#cacheKeyOf(key))
  }

  /** Answers version 5 whether all keys had an entry, and version 6 for each key. */
  async deleteMany(keys: string[]): Promise<KeyvResult> {
    return this.#convention.deleteManyResult(
      keys.map((key) => this.#controller.delete(this.#cacheKeyOf(key))),
    )
  }

  /**
   * Removes the entries of the namespace, or every entry of the dictionary if there is no namespace.
   * An entry belongs to the longest namespace in use that its key starts with: with `a` and `a:b` in
   * use, `a:b:c` belongs to `a:b`.
   */
  async clear(): Promise<void> {
    const prefix = this.#prefix
    if (prefix === '') this.#controller.clear()
    // With what `getOrSet` serves as stale, or is loading.
    else this.#controller.deleteWhere(isUnder(prefix, this.#controller))
  }

  /** Entries of the namespace at the start that are still live when their turn comes. Promotes none. */
  async *iterator(): AsyncGenerator<KeyvResult, void> {
    const prefix = this.#prefix
    const start = this.#convention.isKeyBare ? prefix.length : 0
    for (const [key, stored] of entriesUnder(prefix, this.#controller)) {
      const data = await this.#dataOf(key, stored)
      if (data !== undefined) yield [key.slice(start), data]
    }
  }

  async disconnect(): Promise<void> {}

  /** Emits no event. */
  on(): this {
    return this
  }

  get #prefix(): string {
    return this.namespace ? `${this.namespace}:` : ''
  }

  #cacheKeyOf(keyvKey: string): string {
    const key = keyFrom(keyvKey)
    const prefix = this.#prefix
    if (this.namespace) rememberNamespace(this.namespace, this.#controller)
    return this.#convention.isKeyBare || !key.startsWith(prefix) ? prefix + key : key
  }

  async #read(keyvKey: string): Promise<Envelope | string | undefined> {
    const key = this.#cacheKeyOf(keyvKey)
    const stored = this.#controller.get(key)
    if (stored === undefined && !this.#controller.has(key)) return undefined
    return this.#dataOf(key, stored)
  }

  /** What Keyv gets for a stored value: serialised text or an envelope. */
  async #dataOf(key: string, stored: unknown): Promise<Envelope | string | undefined> {
    if (this.#isTextSerialised && typeof stored === 'string') return stored
    if (!isNativePromise(stored)) return { value: stored, expires: this.#expiryOf(key) }
    try {
      const value = await stored
      return { value, expires: this.#expiryOf(key) }
    } catch {
      // The caller that stored the promise gets the error. For Keyv a failed load is a miss.
    }
    return undefined
  }

  /** Whole epoch milliseconds, as Keyv has them. `undefined` if the entry never expires. */
  #expiryOf(key: string): number | undefined {
    try {
      const ttl = this.#controller.ttl(key)
      return ttl === null ? undefined : Math.ceil(Date.now() + ttl * 1_000)
    } catch {
      // The cache has removed the entry since the read.
      return Date.now()
    }
  }
}

// By name, since another build of the package, which may have made the cache, has its own class.
function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && error.name === 'DataTooLargeError'
}

function isEnvelope(data: unknown): data is Envelope {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, 'value')
}

/** The namespaces in use over one dictionary that contain a colon, and so may lie inside another. */
interface NestedNamespaces {
  names: Set<string>
  /** At this number of names, those without an entry are forgotten. */
  maxNames: number
}

const MIN_NAMES = 64

const nestedNamespaces = /* @__PURE__ */ new WeakMap<CacheController, NestedNamespaces>()

function rememberNamespace(namespace: string, controller: CacheController): void {
  if (!namespace.includes(':')) return
  let nested = nestedNamespaces.get(controller)
  if (nested === undefined) {
    nested = { names: new Set(), maxNames: MIN_NAMES }
    nestedNamespaces.set(controller, nested)
  }
  if (nested.names.has(namespace)) return
  if (nested.names.size >= nested.maxNames) forgetEmpty(nested, controller)
  nested.names.add(namespace)
}

function forgetEmpty(nested: NestedNamespaces, controller: CacheController): void {
  const used = new Set<string>()
  for (const key of controller.keys()) {
    for (const namespace of namespacesOf(key, nested.names)) used.add(namespace)
  }
  nested.names = used
  nested.maxNames = Math.max(MIN_NAMES, 2 * used.size)
}

/** Entries whose keys start with the prefix, except those of a longer namespace in use. */
function* entriesUnder(
  prefix: string,
  controller: CacheController,
): IterableIterator<[string, unknown]> {
  const test = isUnder(prefix, controller)
  for (const entry of controller) if (test(entry[0])) yield entry
}

/** A test of keys that have this prefix, and belong to no namespace nested in it. */
function isUnder(prefix: string, controller: CacheController): (key: string) => boolean {
  const names = nestedNamespaces.get(controller)?.names
  return (key) => {
    if (!key.startsWith(prefix)) return false
    return names === undefined || namespacesOf(key, names, prefix.length).next().done === true
  }
}

/** The namespaces with at least `minLength` characters that the key belongs to. */
function* namespacesOf(key: string, names: Set<string>, minLength = 0): IterableIterator<string> {
  for (let end = key.indexOf(':', minLength); end !== -1; end = key.indexOf(':', end + 1)) {
    const namespace = key.slice(0, end)
    if (names.has(namespace)) yield namespace
  }
}
