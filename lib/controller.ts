import type { Cache, LoadTtl } from './cache.ts'
import { MISSING } from './entries.ts'
import { KeyError } from './errors.ts'
import { checkedOptions, keyFrom, pairsFrom, wrongKind } from './options/check.ts'
import {
  instantFrom,
  type Limits,
  limitsFrom,
  type WriteOptions,
  type WriteTerms,
  writeTermsFrom,
} from './options/terms.ts'
import { type Duration, millisecondsFrom, ttlFrom } from './options/units.ts'
import { describe, INSPECT } from './printing.ts'
import type { EntriesOf, EntryOf, KeyOf, Loaded, StringKeyOf, ValueAt, ValueOf } from './schema.ts'
import type { Snapshot } from './snapshot.ts'
import type { Stats } from './statistics.ts'

/** Without it no controller is constructed. */
const LEAVE = /* @__PURE__ */ Symbol('controllerOf')
const ACCESSOR: unique symbol = /* @__PURE__ */ Symbol('accessor')
/** Under which only the library makes a controller. */
export const OVER: unique symbol = /* @__PURE__ */ Symbol('over')

/**
 * What stands behind a dictionary, `Map`-like where a `Map` has the same thing. Obtained by
 * `controllerOf(cache)`; there is one a dictionary.
 *
 * A key is a string. A number or a bigint is the string that `cache[42]` makes of it. Any other key
 * is a `TypeError`.
 */
// biome-ignore lint/suspicious/noExplicitAny: a controller of any schema is a controller
export class CacheController<Schema extends object = any> {
  readonly #cache: Cache

  // A minifier renames the class, but not what this returns.
  static get name(): string {
    return 'CacheController'
  }

  private constructor(cache: Cache, leave: symbol) {
    if (leave !== LEAVE) {
      throw new TypeError('CacheController has no public constructor: call controllerOf(cache)')
    }
    this.#cache = cache
  }

  /** For the dictionary of this cache. @internal */
  static [OVER](cache: Cache): CacheController {
    // By its own name, a bundler would give the class another one.
    return new this(cache, LEAVE)
  }

  /** For the members. A detached one throws an error that says what to do. @internal */
  static [ACCESSOR](): (controller: CacheController, member: string) => Cache {
    return (controller, member) => {
      try {
        return controller.#cache
      } catch {
        throw new TypeError(
          `${member} was called without its controller: call controller.${member}(…), or bind it`,
        )
      }
    }
  }

  /**
   * The live value, or `fallback` on a miss; `fallback` is not stored. A use: it promotes the entry,
   * and counts as a hit or a miss.
   */
  get<Key extends KeyOf<Schema>, Fallback = undefined>(
    key: Key,
    fallback?: Fallback,
  ): ValueAt<Schema, Key> | Fallback {
    const cache = cacheOf(this, 'get')
    const value = cache.read(typeof key === 'string' ? key : keyFrom(key), fallback)
    return value as ValueAt<Schema, Key> | Fallback
  }

  /** As `get`; a `KeyError` where the key is missing or has expired. */
  getOrThrow<Key extends KeyOf<Schema>>(key: Key): ValueAt<Schema, Key> {
    const cache = cacheOf(this, 'getOrThrow')
    const name = keyFrom(key)
    const value = cache.read(name, MISSING)
    if (value === MISSING) throw new KeyError(name)
    return value as ValueAt<Schema, Key>
  }

  /** The live value, or `undefined`. No use. */
  peek<Key extends KeyOf<Schema>>(key: Key): ValueAt<Schema, Key> | undefined {
    const value = cacheOf(this, 'peek').peek(keyFrom(key))
    return value === MISSING ? undefined : (value as ValueAt<Schema, Key>)
  }

  /** Whether the key has a live entry. No use. */
  has(key: KeyOf<Schema>): boolean {
    return cacheOf(this, 'has').has(keyFrom(key))
  }

  /**
   * Stores the value as the most recently used entry. Throws a `DataTooLargeError` if it could not
   * fit an empty cache, unless `onTooLarge` is `'skip'`.
   */
  set<Key extends KeyOf<Schema>>(
    key: Key,
    value: ValueAt<Schema, Key>,
    options?: WriteOptions,
  ): this {
    const cache = cacheOf(this, 'set')
    const name = typeof key === 'string' ? key : keyFrom(key)
    if (options === undefined) cache.write(name, value)
    else cache.write(name, value, writeTermsFrom(options))
    return this
  }

  /** The live value, as a use. On a miss it stores `value` and returns it. */
  setDefault<Key extends KeyOf<Schema>>(
    key: Key,
    value: ValueAt<Schema, Key>,
  ): ValueAt<Schema, Key> {
    const cache = cacheOf(this, 'setDefault')
    const name = keyFrom(key)
    const present = cache.readLatest(name)
    if (present !== MISSING) return present as ValueAt<Schema, Key>
    cache.write(name, value)
    return value
  }

  /** Writes in order. All keys are checked before the first is written. */
  update(entries: EntriesOf<Schema>): this {
    const cache = cacheOf(this, 'update')
    for (const [key, value] of pairsFrom(entries)) cache.write(key, value)
    return this
  }

  /** Removes the entry and returns its live value, or `fallback` on a miss. No use. */
  pop<Key extends KeyOf<Schema>, Fallback = undefined>(
    key: Key,
    fallback?: Fallback,
  ): ValueAt<Schema, Key> | Fallback {
    const value = cacheOf(this, 'pop').pop(keyFrom(key))
    return (value === MISSING ? fallback : value) as ValueAt<Schema, Key> | Fallback
  }

  /** Whether there was a live entry to remove. */
  delete(key: KeyOf<Schema>): boolean {
    return cacheOf(this, 'delete').delete(keyFrom(key))
  }

  /** Removes every entry, each for the reason `'cleared'`, and forgets the loads of `getOrSet`. */
  clear(): void {
    cacheOf(this, 'clear').clear()
  }

  /** Removes the least recently used entry and gives it. */
  popOldest(): EntryOf<Schema> | undefined {
    return cacheOf(this, 'popOldest').popEnd('oldest') as EntryOf<Schema> | undefined
  }

  /** Removes the most recently used entry and gives it. */
  popNewest(): EntryOf<Schema> | undefined {
    return cacheOf(this, 'popNewest').popEnd('newest') as EntryOf<Schema> | undefined
  }

  /** Live keys, the least recently used first. No use; safe while the cache changes. */
  keys(): IterableIterator<StringKeyOf<Schema>> {
    return partOf(cacheOf(this, 'keys').entries(), 0) as IterableIterator<StringKeyOf<Schema>>
  }

  /** Live values, the least recently used first. No use; safe while the cache changes. */
  values(): IterableIterator<ValueOf<Schema>> {
    return partOf(cacheOf(this, 'values').entries(), 1) as IterableIterator<ValueOf<Schema>>
  }

  /**
   * Live entries, the least recently used first. No use; safe while the cache changes: what leaves
   * before its turn is passed over, and what comes is not seen.
   */
  entries(): IterableIterator<EntryOf<Schema>> {
    return cacheOf(this, 'entries').entries() as IterableIterator<EntryOf<Schema>>
  }

  [Symbol.iterator](): IterableIterator<EntryOf<Schema>> {
    return cacheOf(this, 'entries').entries() as IterableIterator<EntryOf<Schema>>
  }

  /** Calls back for each live entry, as `entries` gives them. */
  forEach(
    callback: (value: ValueOf<Schema>, key: StringKeyOf<Schema>, controller: this) => void,
    thisArg?: unknown,
  ): void {
    const entries = cacheOf(this, 'forEach').entries() as IterableIterator<EntryOf<Schema>>
    if (typeof callback !== 'function') throw wrongKind('callback', 'a function', callback)
    for (const [key, value] of entries) callback.call(thisArg, value, key, this)
  }

  /** Live entries, the most recently used first. */
  reversed(): IterableIterator<EntryOf<Schema>> {
    return cacheOf(this, 'reversed').entries('newest') as IterableIterator<EntryOf<Schema>>
  }

  /** Makes it the most recently used entry. No hit. A `KeyError` if it is missing or has expired. */
  promote(key: KeyOf<Schema>): void {
    const name = keyFrom(key)
    if (!cacheOf(this, 'promote').place(name, 'newest')) throw new KeyError(name)
  }

  /** Makes it the least recently used entry. A `KeyError` if it is missing or has expired. */
  demote(key: KeyOf<Schema>): void {
    const name = keyFrom(key)
    if (!cacheOf(this, 'demote').place(name, 'oldest')) throw new KeyError(name)
  }

  /**
   * The live value, as a use, or what the factory gives, stored under the key. Concurrent callers
   * share one call. A failure reaches all of them and is not kept. A write or a removal of the key
   * meanwhile wins: the loaded value goes to its callers and is not kept. The same holds for a load
   * that takes longer than `pendingTtl`; the next caller starts a new one.
   *
   * If `ttl` is 0 or less, the value has expired already: its callers get it, and the cache does not
   * keep it. If a `ttl` function throws or gives no TTL (`NaN`), the value is not kept either, and
   * `onError` is told, with source `'ttl'`.
   *
   * A bad argument rejects. A factory that asks for its own key before its first `await` gets a
   * rejection that names the key.
   *
   * What is kept is a plain value: where the schema says `Promise<User>`, write `User`, or
   * `User | Promise<User>` if promises are stored as well. A live value that is a promise is awaited.
   */
  getOrSet<Key extends KeyOf<Schema>, Value extends Awaited<ValueAt<Schema, Key>>>(
    key: Key,
    factory: () => Value | PromiseLike<Value>,
    options?: { ttl?: LoadTtl<Value> },
  ): Promise<Loaded<ValueAt<Schema, Key>, Value>>
  // Of a type parameter nobody knows what awaiting it gives.
  getOrSet<Key extends KeyOf<Schema>>(
    key: Key,
    factory: () => ValueAt<Schema, Key> | PromiseLike<ValueAt<Schema, Key>>,
    options?: { ttl?: LoadTtl<ValueAt<Schema, Key>> },
  ): Promise<ValueAt<Schema, Key>>
  getOrSet(
    key: KeyOf<Schema>,
    factory: () => unknown,
    options?: { ttl?: LoadTtl<never> },
  ): Promise<unknown> {
    try {
      const cache = cacheOf(this, 'getOrSet')
      const name = keyFrom(key)
      if (typeof factory !== 'function') throw wrongKind('factory', 'a function', factory)
      const { ttl } = checkedOptions('The options', options, ['ttl'])
      if (ttl !== undefined && typeof ttl !== 'function') ttlFrom('ttl', ttl)
      return cache.getOrLoad(name, factory, ttl as LoadTtl<unknown>)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Seconds, or `null` for never. Assign it as the option; it holds for later writes. */
  get defaultTtl(): number | null {
    return secondsOf(cacheOf(this, 'defaultTtl').settings.defaultTtl)
  }

  set defaultTtl(ttl: Duration) {
    cacheOf(this, 'defaultTtl').settings.defaultTtl = millisecondsFrom('defaultTtl', ttl)
  }

  /**
   * Seconds left, or `null` if the entry never expires. Of a pending promise: the seconds for which it
   * is still served if it does not settle. A `KeyError` if the key is missing or has expired. No use.
   */
  ttl(key: KeyOf<Schema>): number | null {
    const cache = cacheOf(this, 'ttl')
    const name = keyFrom(key)
    const left = cache.timeLeft(name)
    if (left === undefined) throw new KeyError(name)
    return secondsOf(left)
  }

  /**
   * Starts the entry's life anew. If `ttl` is 0 or less, the entry expires now. A `KeyError` if the key
   * is missing or has expired. No use.
   */
  setTtl(key: KeyOf<Schema>, ttl: Duration): void {
    renew(cacheOf(this, 'setTtl'), key, writeTermsFrom({ ttl }))
  }

  /**
   * Expires the entry at a `Date` or at epoch milliseconds, by the wall clock. If that is in the past,
   * the entry expires now. A time below 1e11 is taken for seconds and throws a `RangeError`. A
   * `KeyError` if the key is missing or has expired. No use.
   */
  expireAt(key: KeyOf<Schema>, when: Date | number): void {
    const cache = cacheOf(this, 'expireAt')
    renew(cache, key, {
      ttl: undefined,
      expiresAt: instantFrom('when', when),
      sizeBytes: undefined,
    })
  }

  /** `undefined` where the key is unknown. Removes nothing. */
  isExpired(key: KeyOf<Schema>): boolean | undefined {
    return cacheOf(this, 'isExpired').isExpired(keyFrom(key))
  }

  /** Removes what has expired, and says how many. */
  purgeExpired(): number {
    return cacheOf(this, 'purgeExpired').purge()
  }

  /** Removes one that has expired, or else the least recently used. Whether there was one. */
  evictOldest(): boolean {
    return cacheOf(this, 'evictOldest').evictOne()
  }

  /** Bytes, or `null` for no limit. */
  get maxSizeBytes(): number | null {
    return limitOf(cacheOf(this, 'maxSizeBytes').settings.maxSizeBytes)
  }

  /** Entries, or `null` for no limit. */
  get maxItems(): number | null {
    return limitOf(cacheOf(this, 'maxItems').settings.maxItems)
  }

  /** New limits, each as the option of that name. What does not fit leaves at once. */
  resize(limits: Limits): this {
    const cache = cacheOf(this, 'resize')
    const { settings } = cache
    const {
      maxSizeBytes = settings.maxSizeBytes,
      maxItems = settings.maxItems,
      givenSizeBytes,
    } = limitsFrom(limits)
    cache.resize(maxSizeBytes, maxItems, givenSizeBytes)
    return this
  }

  /** Live entries. */
  get size(): number {
    return cacheOf(this, 'size').size
  }

  /** Bytes of the whole cache, its own structure included. */
  get sizeBytes(): number {
    return cacheOf(this, 'sizeBytes').sizeBytes
  }

  /** Bytes that the entry is charged, with what the cache's structure costs for it. */
  sizeOf(key: KeyOf<Schema>): number {
    const name = keyFrom(key)
    const bytes = cacheOf(this, 'sizeOf').chargeOf(name)
    if (bytes === undefined) throw new KeyError(name)
    return bytes
  }

  /**
   * Measures again what may have changed in place: one entry, or all. A size that was given at the
   * write stays. Does nothing where the key is missing.
   */
  remeasure(key?: KeyOf<Schema>): void {
    const cache = cacheOf(this, 'remeasure')
    cache.remeasure(key === undefined ? cache.keys() : [keyFrom(key)])
  }

  /** What was counted since the cache was made, or since `resetStats`; a copy. */
  stats(): Stats {
    return cacheOf(this, 'stats').stats()
  }

  /** Counts from 0 again. The entries stay. */
  resetStats(): void {
    cacheOf(this, 'resetStats').resetStats()
  }

  /**
   * A snapshot of live entries with their absolute expiry, in order, without pending promises. The
   * values are not copied. Throws a `TypeError` that names the key of a value that cannot be cloned.
   */
  dump(): Snapshot {
    return cacheOf(this, 'dump').dump()
  }

  /**
   * Merges a snapshot as writes in order; what has expired since, or does not fit, is passed over.
   * Throws a `TypeError` for what is no snapshot, and then the cache is as before.
   */
  load(snapshot: Snapshot): this {
    cacheOf(this, 'load').load(snapshot)
    return this
  }

  /** Stops the background sweep for good. The data stays, and expires as before. */
  close(): void {
    cacheOf(this, 'close').close()
  }

  [Symbol.dispose](): void {
    cacheOf(this, 'close').close()
  }

  /** @internal */
  [INSPECT](): string {
    return describe(this.#cache, 'CacheController')
  }
}

// Outside the class: a bundler renames a class that refers to itself.
const cacheOf = /* @__PURE__ */ CacheController[ACCESSOR]()

function* partOf(entries: Iterable<[string, unknown]>, index: 0 | 1): IterableIterator<unknown> {
  for (const entry of entries) yield entry[index]
}

function renew(cache: Cache, key: unknown, terms: WriteTerms): void {
  const name = keyFrom(key)
  if (!cache.renew(name, terms)) throw new KeyError(name)
}

function secondsOf(duration: number): number | null {
  return duration === Number.POSITIVE_INFINITY ? null : duration / 1_000
}

function limitOf(limit: number): number | null {
  return limit === Number.POSITIVE_INFINITY ? null : limit
}
