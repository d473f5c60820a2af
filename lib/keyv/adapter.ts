import type { FaaSCacheDict } from '../cache-dict.ts'
import type { CacheController } from '../controller.ts'
import { isNativePromise } from '../native-promise.ts'
import { keyFrom, unpolluted, wrongKind } from '../options/check.ts'
import { registered } from '../registry.ts'

const FIELDS = ['key', 'value', 'ttl', 'expires']

type Values = Record<string, unknown>
/** A dictionary of any schema. */
// biome-ignore lint/suspicious/noExplicitAny: a dictionary of any schema
export type Dictionary = FaaSCacheDict<any>
// biome-ignore lint/suspicious/noExplicitAny: what Keyv's versions declare, and hand on as it is
type Handed = any

/** What a Keyv that does not serialise wraps a value in. */
interface Envelope {
  value: unknown
  /** Epoch milliseconds. */
  expires?: number | undefined
}

interface SetEntry {
  key: string
  value: unknown
  /** From version 5. */
  ttl?: number
  /** From version 6. */
  expires?: number
}

/**
 * A dictionary as a storage adapter for a Keyv of one's own, version 5 or 6. Takes what that Keyv
 * hands it: a value in Keyv's envelope is stored as itself, serialised text as text, under the key
 * that its namespace makes, which in version 5 is `keyv` by default. `createKeyv` sets all that so
 * that the dictionary holds the values themselves. A write that
 * the cache refuses for its size is answered with `false`. `disconnect` leaves the cache as it is.
 */
export class KeyvCacheDict {
  // Keyv 5 gives an iterator to stores of dialects that it knows only.
  readonly opts = { dialect: 'redis' }
  namespace: string | undefined
  readonly #controller: CacheController<Values>
  #convention: Convention
  // Whether a text is what Keyv serialised a value to. Known for sure once it has written.
  #isTextSerialised: boolean

  /** Throws a `TypeError` for what is no dictionary. */
  constructor(cache: Dictionary)
  /** @internal */
  constructor(cache: Dictionary, isPlain: boolean)
  constructor(cache: Dictionary, isPlain = false) {
    const controller = registered(cache)
    if (controller === undefined) throw wrongKind('The cache', 'a FaaSCacheDict', cache)
    this.#controller = controller
    this.#convention = isPlain ? KEYV_5_BARE : KEYV_5
    this.#isTextSerialised = !isPlain
  }

  /** Asked for by Keyv 6 before anything else, and by nobody else: so its calls are known by it. */
  get capabilities(): { expires: true } {
    this.#convention = KEYV_6
    return { expires: true }
  }

  async get<Value>(key: string): Promise<Handed> {
    return (await this.#read(key)) as Value
  }

  async getMany<Value>(keys: string[]): Promise<Handed[]> {
    return (await Promise.all(keys.map((key) => this.#read(key)))) as Value[]
  }

  /** `limit`: milliseconds from version 5, epoch milliseconds from version 6. */
  async set(key: string, value: unknown, limit?: number): Promise<boolean> {
    const name = this.#nameOf(key)
    const ttl = limit === undefined ? undefined : this.#convention.ttlOf(limit)
    if (ttl !== undefined && ttl <= 0) {
      this.#controller.delete(name)
      return true
    }
    const terms = ttl === undefined ? undefined : { ttl: ttl / 1_000 }
    this.#isTextSerialised = typeof value === 'string'
    try {
      this.#controller.set(name, isEnvelope(value) ? value.value : value, terms)
    } catch (error) {
      if (isTooLarge(error)) return false
      throw error
    }
    // With `onTooLarge: 'skip'` a refusal is silent.
    return this.#controller.has(name)
  }

  /** Whether each was stored. */
  async setMany(entries: SetEntry[]): Promise<Handed> {
    return Promise.all(
      entries.map((entry) => {
        const { key, value, ttl, expires } = unpolluted(entry, FIELDS) as unknown as SetEntry
        return this.set(key, value, ttl ?? expires)
      }),
    )
  }

  async has(key: string): Promise<boolean> {
    return this.#controller.has(this.#nameOf(key))
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#controller.has(this.#nameOf(key)))
  }

  async delete(key: string): Promise<boolean> {
    return this.#controller.delete(this.#nameOf(key))
  }

  /** Whether all were there for version 5, whether each was for version 6. */
  async deleteMany(keys: string[]): Promise<Handed> {
    return this.#convention.removed(keys.map((key) => this.#controller.delete(this.#nameOf(key))))
  }

  /**
   * Removes the entries of the namespace; without a namespace, every entry of the dictionary. An
   * entry belongs to the longest namespace that an adapter has used: `a:b:c` to `a:b`, if in use.
   */
  async clear(): Promise<void> {
    const prefix = this.#prefix
    if (prefix === '') this.#controller.clear()
    else for (const [name] of entriesIn(this.#controller, prefix)) this.#controller.delete(name)
  }

  /** What leaves before its turn is passed over, and what comes is not seen. No use. */
  async *iterator(): AsyncGenerator<Handed, void> {
    const prefix = this.#prefix
    const start = this.#convention.isKeyBare ? prefix.length : 0
    for (const [name, stored] of entriesIn(this.#controller, prefix)) {
      const data = await this.#handOver(name, stored)
      if (data !== undefined) yield [name.slice(start), data]
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

  /** The key in the dictionary. */
  #nameOf(key: string): string {
    const name = keyFrom(key)
    const prefix = this.#prefix
    if (this.namespace) rememberNamespace(this.#controller, this.namespace)
    return this.#convention.isKeyBare || !name.startsWith(prefix) ? prefix + name : name
  }

  async #read(key: string): Promise<Envelope | string | undefined> {
    const name = this.#nameOf(key)
    const stored = this.#controller.get(name)
    if (stored === undefined && !this.#controller.has(name)) return undefined
    return this.#handOver(name, stored)
  }

  async #handOver(name: string, stored: unknown): Promise<Envelope | string | undefined> {
    if (this.#isTextSerialised && typeof stored === 'string') return stored
    if (!isNativePromise(stored)) return { value: stored, expires: this.#expiryOf(name) }
    try {
      const value = await stored
      return { value, expires: this.#expiryOf(name) }
    } catch {
      // Who loads it is told. To others a failed load is no value, and the cache has dropped it.
    }
    return undefined
  }

  /** Whole epoch milliseconds, as Keyv has them; `undefined` if the entry never expires. */
  #expiryOf(name: string): number | undefined {
    try {
      const ttl = this.#controller.ttl(name)
      return ttl === null ? undefined : Math.ceil(Date.now() + ttl * 1_000)
    } catch {
      // It has left since it was read.
      return Date.now()
    }
  }
}

// By name, since the cache may be of another build, with a class of its own.
function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && error.name === 'DataTooLargeError'
}

function isEnvelope(data: unknown): data is Envelope {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, 'value')
}

/** What a version of Keyv hands to a store, and expects of it, in a way of its own. */
export interface Convention {
  /** Whether keys always come without the namespace, which the store then puts before them. */
  readonly isKeyBare: boolean
  /** Milliseconds from now, of what a write says of its entry's life. */
  ttlOf(limit: number): number
  /** What `deleteMany` answers, of whether each key was there. */
  removed(each: boolean[]): boolean | boolean[]
}

export const KEYV_5: Convention = {
  isKeyBare: false,
  ttlOf: (ttl) => ttl,
  removed: (each) => each.every(Boolean),
}

/** Version 5 with `useKeyPrefix: false`. */
export const KEYV_5_BARE: Convention = { ...KEYV_5, isKeyBare: true }

export const KEYV_6: Convention = {
  isKeyBare: true,
  ttlOf: (expires) => expires - Date.now(),
  removed: (each) => each,
}

const FEWEST = 64

interface Nested {
  names: Set<string>
  /** At this many names, those without an entry are forgotten. */
  most: number
}

/** By dictionary, the namespaces in use that contain a colon: they may lie within another one. */
const nested = /* @__PURE__ */ new WeakMap<CacheController, Nested>()

export function rememberNamespace(controller: CacheController, namespace: string): void {
  if (!namespace.includes(':')) return
  let known = nested.get(controller)
  if (known === undefined) {
    known = { names: new Set(), most: FEWEST }
    nested.set(controller, known)
  }
  if (known.names.has(namespace)) return
  if (known.names.size >= known.most) forgetEmpty(controller, known)
  known.names.add(namespace)
}

/** Entries with this prefix, except those of a longer namespace in use. */
export function* entriesIn(
  controller: CacheController,
  prefix: string,
): IterableIterator<[string, unknown]> {
  const names = nested.get(controller)?.names
  for (const entry of controller) {
    const [key] = entry
    if (!key.startsWith(prefix)) continue
    if (names === undefined || namesOf(key, names, prefix.length).next().done) yield entry
  }
}

function forgetEmpty(controller: CacheController, known: Nested): void {
  const used = new Set<string>()
  for (const key of controller.keys()) for (const name of namesOf(key, known.names)) used.add(name)
  known.names = used
  known.most = Math.max(FEWEST, 2 * used.size)
}

/** The namespaces that the key lies in, if their names have at least `from` characters. */
function* namesOf(key: string, names: Set<string>, from = 0): IterableIterator<string> {
  for (let end = key.indexOf(':', from); end !== -1; end = key.indexOf(':', end + 1)) {
    const name = key.slice(0, end)
    if (names.has(name)) yield name
  }
}
