import { requireRoom } from './budget.ts'
import type { Cache } from './cache.ts'
import { KeyError } from './errors.ts'
import { keyFrom } from './key.ts'
import type { LoadTtl } from './loads.ts'
import { type Duration, milliseconds } from './options/duration.ts'
import { refuseUnknown } from './options/known.ts'
import { type Limits, limitsFrom } from './options/limits.ts'
import { wrongKind } from './options/refusal.ts'
import {
  instant,
  type WriteOptions,
  type WriteTerms,
  writeTermsFrom,
} from './options/write-options.ts'
import { pairsFrom } from './pairs.ts'
import type { EntriesOf, EntryOf, KeyOf, Loaded, StringKeyOf, ValueAt, ValueOf } from './schema.ts'
import { loadSnapshot, type Snapshot, snapshotOf } from './snapshot.ts'
import type { Stats } from './statistics.ts'
import { describe, INSPECT } from './symbols.ts'

/**
 * What stands behind a dictionary, `Map`-like where a `Map` has the same thing. Obtained by
 * `controllerOf(cache)`; there is one a dictionary.
 *
 * A key is a string, or a number for the string that `cache[42]` would make of it; anything else is
 * a `TypeError`.
 */
// biome-ignore lint/suspicious/noExplicitAny: a controller of any schema is a controller
export class CacheController<Schema extends object = any> {
  readonly #cache: Cache

  private constructor(cache: Cache) {
    this.#cache = cache
  }

  /** For the dictionary of this cache. @internal */
  static over(cache: Cache): CacheController {
    // By its own name, a bundler would give the class another one.
    return new this(cache)
  }

  /** The live value, or `undefined`. A use: it promotes, and counts as a hit or a miss. */
  get<Key extends KeyOf<Schema>>(key: Key): ValueAt<Schema, Key> | undefined {
    return this.#use(typeof key === 'string' ? key : keyFrom(key)) as
      | ValueAt<Schema, Key>
      | undefined
  }

  /** As `get`; a `KeyError` where the key is missing or has expired. */
  getOrThrow<Key extends KeyOf<Schema>>(key: Key): ValueAt<Schema, Key> {
    const name = keyFrom(key)
    const slot = this.#cache.use(name)
    if (slot !== 0) return this.#cache.table.valueAt(slot) as ValueAt<Schema, Key>
    this.#cache.statistics.misses++
    throw new KeyError(name)
  }

  /** The live value, or `undefined`. No use. */
  peek<Key extends KeyOf<Schema>>(key: Key): ValueAt<Schema, Key> | undefined {
    const slot = this.#cache.findLive(keyFrom(key))
    return slot === 0 ? undefined : (this.#cache.table.valueAt(slot) as ValueAt<Schema, Key>)
  }

  /** Whether the key has a live entry. No use. */
  has(key: KeyOf<Schema>): boolean {
    return this.#cache.findLive(keyFrom(key)) !== 0
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
    const name = typeof key === 'string' ? key : keyFrom(key)
    if (options === undefined) this.#cache.write(name, value)
    else this.#cache.write(name, value, writeTermsFrom(options))
    return this
  }

  /** The live value, as a use; or `value`, once it is stored. */
  setDefault<Key extends KeyOf<Schema>>(
    key: Key,
    value: ValueAt<Schema, Key>,
  ): ValueAt<Schema, Key> {
    const name = keyFrom(key)
    const slot = this.#cache.use(name)
    if (slot !== 0) return this.#cache.table.valueAt(slot) as ValueAt<Schema, Key>
    this.#cache.statistics.misses++
    this.#cache.write(name, value)
    return value
  }

  /** Writes in order. All keys are checked before the first is written. */
  update(entries: EntriesOf<Schema>): this {
    for (const [key, value] of pairsFrom(entries)) this.#cache.write(key, value)
    return this
  }

  /** Removes the entry and gives its live value, or `undefined`. No use. */
  pop<Key extends KeyOf<Schema>>(key: Key): ValueAt<Schema, Key> | undefined {
    const value = this.peek(key)
    this.#cache.delete(keyFrom(key))
    return value
  }

  /** Whether there was a live entry to remove. */
  delete(key: KeyOf<Schema>): boolean {
    return this.#cache.delete(keyFrom(key))
  }

  /** Removes every entry, each for the reason `'cleared'`, and forgets the loads of `getOrSet`. */
  clear(): void {
    this.#cache.clear()
  }

  /** Removes the least recently used entry and gives it. */
  popOldest(): EntryOf<Schema> | undefined {
    return this.#popEnd(false)
  }

  /** Removes the most recently used entry and gives it. */
  popNewest(): EntryOf<Schema> | undefined {
    return this.#popEnd(true)
  }

  /** Live keys, the least recently used first. No use; safe while the cache changes. */
  *keys(): IterableIterator<StringKeyOf<Schema>> {
    for (const [key] of this.entries()) yield key
  }

  /** Live values, the least recently used first. No use; safe while the cache changes. */
  *values(): IterableIterator<ValueOf<Schema>> {
    for (const [, value] of this.entries()) yield value
  }

  /**
   * Live entries, the least recently used first. No use; safe while the cache changes: what leaves
   * before its turn is passed over, and what comes is not seen.
   */
  entries(): IterableIterator<EntryOf<Schema>> {
    return this.#cache.entries() as IterableIterator<EntryOf<Schema>>
  }

  [Symbol.iterator](): IterableIterator<EntryOf<Schema>> {
    return this.entries()
  }

  /** Calls back for each live entry, as `entries` gives them. */
  forEach(
    callback: (value: ValueOf<Schema>, key: StringKeyOf<Schema>, controller: this) => void,
    thisArg?: unknown,
  ): void {
    if (typeof callback !== 'function') throw wrongKind('callback', 'a function', callback)
    for (const [key, value] of this.entries()) callback.call(thisArg, value, key, this)
  }

  /** Live entries, the most recently used first. */
  reversed(): IterableIterator<EntryOf<Schema>> {
    return this.#cache.entries(true) as IterableIterator<EntryOf<Schema>>
  }

  /** Makes it the most recently used entry. No hit. */
  promote(key: KeyOf<Schema>): void {
    this.#cache.place(this.#require(key), true)
  }

  /** Makes it the least recently used entry. */
  demote(key: KeyOf<Schema>): void {
    this.#cache.place(this.#require(key), false)
  }

  /**
   * The live value, as a use, or what the factory gives, stored under the key. Concurrent callers
   * share one call. A failure reaches all of them and is not kept. A write or a removal of the key
   * meanwhile wins: its value stays, and the callers of the load get what was loaded all the same. So
   * they do of a load that takes longer than `pendingTtl`, which is no longer joined, nor kept.
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
    const name = keyFrom(key)
    if (typeof factory !== 'function') throw wrongKind('factory', 'a function', factory)
    const ttl =
      options === undefined ? undefined : refuseUnknown('The options', options, ['ttl']).ttl
    if (ttl !== undefined && typeof ttl !== 'function') milliseconds('ttl', ttl)
    const cache = this.#cache
    return cache.loads.getOrLoad(cache, name, factory, ttl as LoadTtl<unknown>)
  }

  /** Seconds, or `null` for ever. Holds for writes from here on. */
  get defaultTtl(): number | null {
    return secondsOf(this.#cache.settings.defaultTtl)
  }

  set defaultTtl(ttl: Duration) {
    this.#cache.settings.defaultTtl = milliseconds('defaultTtl', ttl)
  }

  /**
   * Seconds that are left, or `null` for ever; of a pending promise, seconds that it is still served
   * if it does not settle. A `KeyError` where the key is missing or has expired. No use.
   */
  ttl(key: KeyOf<Schema>): number | null {
    const name = keyFrom(key)
    const left = this.#cache.timeLeft(name)
    if (left === undefined) throw new KeyError(name)
    return secondsOf(left)
  }

  /** Starts the entry's life anew. */
  setTtl(key: KeyOf<Schema>, ttl: Duration): void {
    this.#renew(key, writeTermsFrom({ ttl }))
  }

  /** An absolute expiry, by the wall clock. In the past: the entry expires now. */
  expireAt(key: KeyOf<Schema>, when: Date | number): void {
    this.#renew(key, { ttl: undefined, expiresAt: instant('when', when), sizeBytes: undefined })
  }

  /** `undefined` where the key is unknown. Removes nothing. */
  isExpired(key: KeyOf<Schema>): boolean | undefined {
    const name = keyFrom(key)
    if (this.#cache.table.find(name) === 0) return undefined
    return this.#cache.findLive(name) === 0
  }

  /** Removes what has expired, and says how many. */
  purgeExpired(): number {
    return this.#cache.purge()
  }

  /** Removes one that has expired, or else the least recently used. Whether there was one. */
  evictOldest(): boolean {
    return this.#cache.evictOne()
  }

  /** Bytes, or `null` for no limit. */
  get maxSizeBytes(): number | null {
    return limitOf(this.#cache.settings.maxSizeBytes)
  }

  /** Entries, or `null` for no limit. */
  get maxItems(): number | null {
    return limitOf(this.#cache.settings.maxItems)
  }

  /** New limits, each as the option of that name. What does not fit leaves at once. */
  resize(limits: Limits): this {
    const { settings } = this.#cache
    const { maxSizeBytes = settings.maxSizeBytes, maxItems = settings.maxItems } =
      limitsFrom(limits)
    requireRoom(maxSizeBytes, limits?.maxSizeBytes)
    settings.maxSizeBytes = maxSizeBytes
    settings.maxItems = maxItems
    this.#cache.applyLimits()
    return this
  }

  /** Live entries. */
  get size(): number {
    this.#cache.purge()
    return this.#cache.table.size
  }

  /** Bytes of the whole cache, its own structure included. */
  get sizeBytes(): number {
    this.#cache.purge()
    return this.#cache.table.sizeBytes
  }

  /** Bytes that the entry is charged, with what the cache's structure costs for it. */
  sizeOf(key: KeyOf<Schema>): number {
    return this.#cache.table.chargeOf(this.#require(key))
  }

  /**
   * Measures again what may have changed in place: one entry, or all. A size that was given at the
   * write stays. Does nothing where the key is missing.
   */
  remeasure(key?: KeyOf<Schema>): void {
    const cache = this.#cache
    try {
      for (const name of key === undefined ? cache.keys() : [keyFrom(key)]) {
        const slot = cache.findLive(name)
        if (slot !== 0) cache.remeasure(slot)
      }
    } finally {
      cache.hooks.run()
    }
  }

  /** What was counted since the cache was made, or since `resetStats`; a copy. */
  stats(): Stats {
    const cache = this.#cache
    cache.purge()
    return cache.statistics.report(cache.table.size, cache.table.sizeBytes)
  }

  /** Counts from 0 again. The entries stay. */
  resetStats(): void {
    this.#cache.purge()
    this.#cache.statistics.reset()
  }

  /**
   * A snapshot of live entries with their absolute expiry, in order, without pending promises. The
   * values are not copied. Throws a `TypeError` that names the key of a value that cannot be cloned.
   */
  dump(): Snapshot {
    return snapshotOf(this.#cache)
  }

  /**
   * Merges a snapshot as writes in order; what has expired since, or does not fit, is passed over.
   * Throws a `TypeError` for what is no snapshot, and then the cache is as before.
   */
  load(snapshot: Snapshot): this {
    loadSnapshot(this.#cache, snapshot)
    return this
  }

  /** Stops the background sweep for good. The data stays, and expires as before. */
  close(): void {
    this.#cache.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @internal */
  [INSPECT](): string {
    return describe(this.#cache, 'CacheController')
  }

  #use(key: string): unknown {
    const slot = this.#cache.use(key)
    if (slot !== 0) return this.#cache.table.valueAt(slot)
    this.#cache.statistics.misses++
    return undefined
  }

  #require(key: unknown): number {
    const name = keyFrom(key)
    const slot = this.#cache.findLive(name)
    if (slot === 0) throw new KeyError(name)
    return slot
  }

  #renew(key: unknown, terms: WriteTerms): void {
    const name = keyFrom(key)
    if (!this.#cache.renew(name, terms)) throw new KeyError(name)
  }

  #popEnd(isNewest: boolean): EntryOf<Schema> | undefined {
    const key = this.#cache.endKey(isNewest)
    if (key === undefined) return undefined
    const slot = this.#cache.table.find(key)
    const value = this.#cache.table.valueAt(slot)
    this.#cache.delete(key)
    return [key, value] as EntryOf<Schema>
  }
}

function secondsOf(duration: number): number | null {
  return duration === Number.POSITIVE_INFINITY ? null : duration / 1_000
}

function limitOf(limit: number): number | null {
  return limit === Number.POSITIVE_INFINITY ? null : limit
}
