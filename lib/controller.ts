import type { Cache } from './cache.ts'
import { MISSING } from './entries.ts'
import { KeyError } from './errors.ts'
import type { Factory, LoadMany } from './later/loading.ts'
import { OBSERVE, type Observation, type Observer } from './observer.ts'
import {
  booleanFrom,
  checkedOptions,
  keyFrom,
  keysFrom,
  pairsFrom,
  wrongKind,
} from './options/check.ts'
import { type LoadContext, type LoadOptions, loadTermsFrom } from './options/load-terms.ts'
import {
  DEFAULT_TERMS,
  instantFrom,
  type Limits,
  limitsFrom,
  type WriteOptions,
  writeTermsFrom,
} from './options/terms.ts'
import { type Duration, millisecondsFrom } from './options/units.ts'
import { describe, INSPECT } from './printing.ts'
import type {
  EntriesOf,
  EntryOf,
  Eventual,
  KeyOf,
  Loadable,
  LoadableMany,
  Loaded,
  LoadedOfMany,
  NameOf,
  NumericKeyOf,
  Settled,
  StringKeyOf,
  StringOf,
  ValueOf,
  ValueOrPromise,
} from './schema.ts'
import type { Snapshot } from './snapshot.ts'
import type { Stats } from './statistics.ts'

/**
 * A load, as subscribers of `tracingChannel('faas-cache-dict.load')` of `node:diagnostics_channel` get it: one
 * object for all events of a load. A load is a call of a factory or of `loadMany`.
 *
 * @example
 * tracingChannel('faas-cache-dict.load').subscribe({ error: ({ key, error }) => console.warn(key, error) })
 */
// biome-ignore lint/suspicious/noExplicitAny: a controller of any schema is a controller
export interface LoadTrace<Schema extends object = any> {
  /** The first of `keys`. */
  readonly key: string
  /** The key of a factory, or those that `loadMany` got. */
  readonly keys: readonly string[]
  readonly controller: CacheController<Schema>
  /** The value that the factory got as `stale`. */
  readonly stale: unknown
  /** What the load gave, from `asyncStart` on; a `Map` by key if `loadMany` was called. */
  readonly result?: unknown
  /** Why the load failed: also a timeout, or the reason of the last caller who left. */
  readonly error?: unknown
}

const CONSTRUCT = /* @__PURE__ */ Symbol('construct')
const ACCESSOR: unique symbol = /* @__PURE__ */ Symbol('accessor')
/** The key of the static method that makes a controller, which only the library has. */
export const OVER: unique symbol = /* @__PURE__ */ Symbol('over')

/**
 * The controller of a dictionary: everything that a property cannot do. Its members are named as those
 * of `Map` where a `Map` has them. `controllerOf(cache)` returns the one controller of a dictionary.
 *
 * A key is a string. A number or a bigint stands for the string that `cache[42]` makes of it. Any other
 * key is a `TypeError`. A *use* makes an entry the most recently used one and counts as a hit or a miss:
 * only the members that say so are a use.
 *
 * @example
 * const users = controllerOf(cache)
 * users.set('ada', ada, { ttl: '5m' })
 * users.stats().hitRate
 */
// biome-ignore lint/suspicious/noExplicitAny: a controller of any schema is a controller
export class CacheController<Schema extends object = any> {
  readonly #cache: Cache

  // A minifier renames the class, but not what this returns.
  static get name(): string {
    return 'CacheController'
  }

  private constructor(cache: Cache, permission: symbol) {
    if (permission !== CONSTRUCT) {
      throw new TypeError('CacheController has no public constructor: call controllerOf(cache)')
    }
    this.#cache = cache
  }

  /** @internal */
  static [OVER](cache: Cache): CacheController {
    // `new CacheController` would make a bundler rename the class.
    return new this(cache, CONSTRUCT)
  }

  /** A function that returns a controller's cache, or throws if a member is called without it. @internal */
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

  /** The live value, or `fallback` on a miss. A use. Does not store `fallback`. */
  get<Key extends NameOf<Schema>, Fallback = undefined>(
    key: Key | NumericKeyOf<Schema>,
    fallback?: Fallback,
  ): Schema[Key] | Fallback {
    const cache = cacheOf(this, 'get')
    const value = cache.read(typeof key === 'string' ? key : keyFrom(key), fallback)
    return value as Schema[Key] | Fallback
  }

  /** The live value. A use. A `KeyError` if the key is missing or has expired. */
  getOrThrow<Key extends NameOf<Schema>>(key: Key | NumericKeyOf<Schema>): Schema[Key] {
    const cache = cacheOf(this, 'getOrThrow')
    const name = keyFrom(key)
    const value = cache.read(name, MISSING)
    if (value === MISSING) throw new KeyError(name)
    return value as Schema[Key]
  }

  /** The live value, or `undefined`. Not a use. */
  peek<Key extends NameOf<Schema>>(key: Key | NumericKeyOf<Schema>): Schema[Key] | undefined {
    const value = cacheOf(this, 'peek').peek(keyFrom(key))
    return value === MISSING ? undefined : (value as Schema[Key])
  }

  /** Whether the key has a live entry. Not a use. */
  has(key: KeyOf<Schema>): boolean {
    return cacheOf(this, 'has').has(keyFrom(key))
  }

  /**
   * Stores the value as the most recently used entry. Its TTL starts now. A `DataTooLargeError` if the
   * entry does not fit in an empty cache, unless the option `onTooLarge` is `'skip'`.
   */
  set<Key extends NameOf<Schema>>(
    key: Key | NumericKeyOf<Schema>,
    value: Schema[Key],
    options?: WriteOptions,
  ): this {
    const cache = cacheOf(this, 'set')
    const name = typeof key === 'string' ? key : keyFrom(key)
    if (options === undefined) cache.write(name, value)
    else cache.write(name, value, writeTermsFrom(options))
    return this
  }

  /** The live value; on a miss, stores `value` and returns it. A use. */
  setDefault<Key extends NameOf<Schema>>(
    key: Key | NumericKeyOf<Schema>,
    value: Schema[Key],
  ): Schema[Key] {
    const cache = cacheOf(this, 'setDefault')
    const name = keyFrom(key)
    const present = cache.readLatest(name)
    if (present !== MISSING) return present as Schema[Key]
    cache.write(name, value)
    return value
  }

  /** As `setDefault`, under the name that a `Map` has for it. */
  getOrInsert<Key extends NameOf<Schema>>(
    key: Key | NumericKeyOf<Schema>,
    value: Schema[Key],
  ): Schema[Key] {
    cacheOf(this, 'getOrInsert')
    return this.setDefault(key, value)
  }

  /**
   * The live value; on a miss, stores what `compute(key)` returns, and returns it. A use. `compute` is called
   * at once, and nothing is stored if it throws. A value that takes time to load is for `getOrSet`.
   */
  getOrInsertComputed<Key extends NameOf<Schema>>(
    key: Key | NumericKeyOf<Schema>,
    compute: (key: StringOf<Schema, Key>) => Schema[Key],
  ): Schema[Key] {
    const cache = cacheOf(this, 'getOrInsertComputed')
    const name = keyFrom(key)
    if (typeof compute !== 'function') throw wrongKind('compute', 'a function', compute)
    const present = cache.readLatest(name)
    if (present !== MISSING) return present as Schema[Key]
    const value = compute(name as StringOf<Schema, Key>)
    cache.write(name, value)
    return value
  }

  /** Writes the entries in order. Checks all keys before the first write. */
  update(entries: EntriesOf<Schema>): this {
    const cache = cacheOf(this, 'update')
    for (const [key, value] of pairsFrom(entries)) cache.write(key, value)
    return this
  }

  /** Removes the entry and returns its live value, or `fallback` on a miss. Not a use. */
  pop<Key extends NameOf<Schema>, Fallback = undefined>(
    key: Key | NumericKeyOf<Schema>,
    fallback?: Fallback,
  ): Schema[Key] | Fallback {
    const value = cacheOf(this, 'pop').pop(keyFrom(key))
    return (value === MISSING ? fallback : value) as Schema[Key] | Fallback
  }

  /** Removes the entry. Returns `true` if there was a live one. */
  delete(key: KeyOf<Schema>): boolean {
    return cacheOf(this, 'delete').delete(keyFrom(key))
  }

  /**
   * Removes the entries for whose key `test` returns true, with reason `'deleted'`. Values that are being
   * loaded for such keys will not be kept, and stale values of such keys leave too. Returns how many live
   * entries went. Tests all keys first: if `test` throws, nothing has changed. A `TypeError` if it returns a
   * promise.
   *
   * @example
   * controllerOf(cache).deleteWhere((key) => key.startsWith('user:'))
   */
  deleteWhere(test: (key: StringKeyOf<Schema>) => unknown): number {
    const cache = cacheOf(this, 'deleteWhere')
    if (typeof test !== 'function') throw wrongKind('test', 'a function', test)
    return cache.deleteWhere((key) => test(key as StringKeyOf<Schema>))
  }

  /** Removes every entry, with reason `'cleared'`. Values that are being loaded will not be kept. */
  clear(): void {
    cacheOf(this, 'clear').clear()
  }

  /** Removes and returns the least recently used entry. */
  popOldest(): EntryOf<Schema> | undefined {
    return cacheOf(this, 'popOldest').popEnd('oldest') as EntryOf<Schema> | undefined
  }

  /** Removes and returns the most recently used entry. */
  popNewest(): EntryOf<Schema> | undefined {
    return cacheOf(this, 'popNewest').popEnd('newest') as EntryOf<Schema> | undefined
  }

  /** Live keys, in the order of `entries`. */
  keys(): IterableIterator<StringKeyOf<Schema>> {
    return partOf(cacheOf(this, 'keys').entries(), 0) as IterableIterator<StringKeyOf<Schema>>
  }

  /** Live values, in the order of `entries`. */
  values(): IterableIterator<ValueOf<Schema>> {
    return partOf(cacheOf(this, 'values').entries(), 1) as IterableIterator<ValueOf<Schema>>
  }

  /**
   * Live entries, the least recently used first. Not a use. The cache may change meanwhile: an entry that
   * is removed before its turn is skipped, and a new one does not appear.
   */
  entries(): IterableIterator<EntryOf<Schema>> {
    return cacheOf(this, 'entries').entries() as IterableIterator<EntryOf<Schema>>
  }

  [Symbol.iterator](): IterableIterator<EntryOf<Schema>> {
    return cacheOf(this, 'entries').entries() as IterableIterator<EntryOf<Schema>>
  }

  /** Calls `callback` for each live entry, in the order of `entries`. */
  forEach(
    callback: (value: ValueOf<Schema>, key: StringKeyOf<Schema>, controller: this) => void,
    thisArg?: unknown,
  ): void {
    const entries = cacheOf(this, 'forEach').entries() as IterableIterator<EntryOf<Schema>>
    if (typeof callback !== 'function') throw wrongKind('callback', 'a function', callback)
    for (const [key, value] of entries) callback.call(thisArg, value, key, this)
  }

  /** As `entries`, but the most recently used entry first. */
  reversed(): IterableIterator<EntryOf<Schema>> {
    return cacheOf(this, 'reversed').entries('newest') as IterableIterator<EntryOf<Schema>>
  }

  /** Makes the entry the most recently used one. Not a hit. A `KeyError` if there is no live entry. */
  promote(key: KeyOf<Schema>): void {
    const name = keyFrom(key)
    requireEntry(name, cacheOf(this, 'promote').place(name, 'newest'))
  }

  /** Makes the entry the least recently used one. A `KeyError` if there is no live entry. */
  demote(key: KeyOf<Schema>): void {
    const name = keyFrom(key)
    requireEntry(name, cacheOf(this, 'demote').place(name, 'oldest'))
  }

  /**
   * The live value, or what `factory` returns, which is stored under the key. A use. Concurrent callers
   * share one load. If the load fails, all of them get the error, and nothing is stored.
   *
   * The loaded value goes to its callers, but is not stored, if the key was written or removed meanwhile,
   * if the load took longer than `pendingTtl`, if it does not fit in an empty cache, or if the TTL is 0 or
   * less. If a `ttl` function throws or returns no TTL (`NaN`), it is not stored either, and `onError` gets
   * the error with source `'ttl'`.
   *
   * Each load is traced: see `LoadTrace`.
   *
   * A bad argument rejects. So does a factory that asks for its own key before its first `await`. A live
   * value that is a promise is awaited. Where the schema says `Promise<User>`, write `User`, or
   * `User | Promise<User>` if the program stores promises as well.
   *
   * @example
   * const user = await controllerOf(cache).getOrSet(id, () => loadUser(id), { ttl: '5m' })
   */
  getOrSet<
    Key extends NameOf<Schema>,
    Given extends Loadable<Schema[Key]> = ValueOrPromise<Settled<Schema[Key]>>,
  >(
    key: Key | NumericKeyOf<Schema>,
    // The compiler looks up the key before it looks at the factory, whose literals it then keeps.
    factory: {
      [Name in Key]: (
        key: StringOf<Schema, NoInfer<Name>>,
        context: LoadContext<Settled<Schema[Name]>>,
      ) => Given
    }[Key],
    options?: LoadOptions<Loaded<Schema[Key], Given>>,
  ): Promise<Loaded<Schema[Key], Given>>
  getOrSet(
    key: KeyOf<Schema>,
    factory: (key: never, context: never) => unknown,
    options?: LoadOptions<never>,
  ): Promise<unknown> {
    try {
      const cache = cacheOf(this, 'getOrSet')
      const name = keyFrom(key)
      if (typeof factory !== 'function') throw wrongKind('factory', 'a function', factory)
      const terms = loadTermsFrom(options, cache.settings.loadTerms)
      return cache.loadingFor(this).getOrLoad(name, factory as Factory, terms)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * A `Map` of the live values, and of what one call of `loadMany` gives for all other keys, in the order
   * of `keys`, each once. Each key is a use. A key that is being loaded is waited for, and not loaded a
   * second time: calls of `getOrSet` and `getOrSetMany` share their loads.
   *
   * `loadMany(missing, { signal })` returns a `Map`, an object, an iterable of pairs, or an array with a value
   * for each of `missing`, `undefined` for none. A key without a value is left out, and nothing is stored; a
   * value that `refresh` or `staleWhileRevalidate` was to renew is removed.
   * A `getOrSet` that waited for such a key calls its own factory. A key that was not asked for is ignored.
   *
   * The options are as those of `getOrSet`. If the load fails, the call rejects, unless `staleIfError` has a
   * value for every key. A bad argument rejects.
   *
   * @example
   * const users = await controllerOf(cache).getOrSetMany(ids, (missing) => loadUsers(missing))
   */
  getOrSetMany<
    Key extends NameOf<Schema>,
    Given extends Eventual<LoadableMany<StringOf<Schema, Key>, Schema[Key] | Settled<Schema[Key]>>>,
  >(
    keys: Iterable<Key | NumericKeyOf<Schema>> & object,
    loadMany: {
      [Name in Key]: (
        missing: StringOf<Schema, NoInfer<Key>>[],
        context: Pick<LoadContext, 'signal'>,
      ) => Given
    }[Key],
    options?: LoadOptions<LoadedOfMany<Schema[Key], Given>>,
  ): Promise<Map<StringOf<Schema, Key>, LoadedOfMany<Schema[Key], Given>>>
  getOrSetMany(
    keys: Iterable<KeyOf<Schema>>,
    loadMany: (missing: never[], context: never) => unknown,
    options?: LoadOptions<never>,
  ): Promise<Map<string, unknown>> {
    try {
      const cache = cacheOf(this, 'getOrSetMany')
      const names = keysFrom(keys)
      if (typeof loadMany !== 'function') throw wrongKind('loadMany', 'a function', loadMany)
      const terms = loadTermsFrom(options, cache.settings.loadTerms)
      return cache.loadingFor(this).getOrLoadMany(names, loadMany as LoadMany, terms)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** In seconds; `null` for no expiry. Assigned values are as the option, and apply to later writes. */
  get defaultTtl(): number | null {
    return secondsOf(cacheOf(this, 'defaultTtl').settings.defaultTtl)
  }

  set defaultTtl(ttl: Duration) {
    cacheOf(this, 'defaultTtl').settings.defaultTtl = millisecondsFrom('defaultTtl', ttl)
  }

  /**
   * The seconds that the entry has left; `null` if it never expires. For a pending promise, the seconds
   * for which the cache still serves it if it does not settle. Not a use. A `KeyError` if there is no live
   * entry.
   */
  ttl(key: KeyOf<Schema>): number | null {
    const name = keyFrom(key)
    return secondsOf(requireEntry(name, cacheOf(this, 'ttl').timeLeft(name)))
  }

  /**
   * Gives the entry a TTL that starts now. If it is 0 or less, the entry expires now. Not a use. A
   * `KeyError` if there is no live entry.
   */
  setTtl(key: KeyOf<Schema>, ttl: Duration): void {
    const name = keyFrom(key)
    requireEntry(name, cacheOf(this, 'setTtl').renew(name, writeTermsFrom({ ttl })))
  }

  /**
   * Makes the entry expire at a `Date` or at epoch milliseconds, by the wall clock. If that is in the past,
   * the entry expires now. A time below 1e11 looks like epoch seconds and is a `RangeError`. Not a use. A
   * `KeyError` if there is no live entry.
   */
  expireAt(key: KeyOf<Schema>, when: Date | number): void {
    const name = keyFrom(key)
    const cache = cacheOf(this, 'expireAt')
    const terms = { ...DEFAULT_TERMS, expiresAt: instantFrom('when', when) }
    requireEntry(name, cache.renew(name, terms))
  }

  /** Whether the entry has expired; `undefined` if the key is unknown. Removes nothing. */
  isExpired(key: KeyOf<Schema>): boolean | undefined {
    return cacheOf(this, 'isExpired').isExpired(keyFrom(key))
  }

  /**
   * Removes expired entries. Returns how many have expired. What `getOrSet` may still serve as stale is
   * kept aside until its window is over.
   */
  purgeExpired(): number {
    return cacheOf(this, 'purgeExpired').purge()
  }

  /** Removes an expired entry, or else the least recently used one. Returns `true` if there was one. */
  evictOldest(): boolean {
    return cacheOf(this, 'evictOldest').evictOne()
  }

  /** The budget in bytes; `null` for no limit. */
  get maxSizeBytes(): number | null {
    return limitOf(cacheOf(this, 'maxSizeBytes').settings.maxSizeBytes)
  }

  /**
   * The budget in force, in bytes; `null` for no limit. It is `maxSizeBytes`, or less while the process is
   * short of memory: see the option `memoryGuard`.
   */
  get effectiveMaxSizeBytes(): number | null {
    return limitOf(cacheOf(this, 'effectiveMaxSizeBytes').effectiveMaxSizeBytes)
  }

  /** The limit of entries; `null` for no limit. */
  get maxItems(): number | null {
    return limitOf(cacheOf(this, 'maxItems').settings.maxItems)
  }

  /** Changes the limits. Entries that no longer fit are evicted at once. */
  resize(limits: Limits): this {
    const cache = cacheOf(this, 'resize')
    cache.resize(limitsFrom(limits, cache.settings))
    return this
  }

  /** The number of live entries. */
  get size(): number {
    return cacheOf(this, 'size').size
  }

  /** The bytes of the whole cache, with its own structure. */
  get sizeBytes(): number {
    return cacheOf(this, 'sizeBytes').sizeBytes
  }

  /** The bytes of the entry, with its part of the structure. A `KeyError` if there is no live entry. */
  sizeOf(key: KeyOf<Schema>): number {
    const name = keyFrom(key)
    return requireEntry(name, cacheOf(this, 'sizeOf').chargeOf(name))
  }

  /**
   * Measures a value again that may have changed in place, or all values. A `sizeBytes` that a write gave
   * stays. Does nothing if the key is missing.
   */
  remeasure(key?: KeyOf<Schema>): void {
    const cache = cacheOf(this, 'remeasure')
    cache.remeasure(key === undefined ? cache.keys() : [keyFrom(key)])
  }

  /** A copy of what was counted since the cache was made, or since `resetStats`. */
  stats(): Stats {
    return cacheOf(this, 'stats').stats()
  }

  /** Sets all counts to 0. The entries stay. */
  resetStats(): void {
    cacheOf(this, 'resetStats').resetStats()
  }

  /**
   * A snapshot of the live entries, in order, each with the date at which it expires. Leaves out pending
   * promises. Does not copy the values. A `TypeError` that names the key if a value cannot be cloned; with
   * `skipUncloneable: true` it is left out.
   */
  dump(options?: { skipUncloneable?: boolean | undefined }): Snapshot {
    const cache = cacheOf(this, 'dump')
    const { skipUncloneable = false } = checkedOptions('The options', options, ['skipUncloneable'])
    return cache.dump(booleanFrom('skipUncloneable', skipUncloneable))
  }

  /**
   * Writes the entries of a snapshot in order. Skips entries that have expired since, or do not fit. If
   * the snapshot is not valid, throws a `TypeError` and changes nothing.
   */
  load(snapshot: Snapshot): this {
    cacheOf(this, 'load').load(snapshot)
    return this
  }

  /** Stops the background sweep for good. The entries stay, and expire as before. */
  close(): void {
    cacheOf(this, 'close').close()
  }

  [Symbol.dispose](): void {
    cacheOf(this, 'close').close()
  }

  /** @internal */
  [OBSERVE](observerOf: (observation: Observation) => Observer): boolean {
    return this.#cache.observe(observerOf)
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

/** What the cache returned for a live entry: throws a `KeyError` if it found none. */
function requireEntry<Found>(key: string, found: Found | false | undefined): Found {
  if (found === false || found === undefined) throw new KeyError(key)
  return found
}

const limitOf = (limit: number): number | null => (limit === Infinity ? null : limit)

const secondsOf = (milliseconds: number): number | null => limitOf(milliseconds / 1_000)
