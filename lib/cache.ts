import { type Weakly, weakly } from './engine.ts'
import { Entries, MISSING } from './entries.ts'
import { Hooks } from './hooks.ts'
import { Growth } from './later/growth.ts'
import { Loading } from './later/loading.ts'
import { LoadOutcomes } from './later/outcomes.ts'
import { StoredPromises } from './later/promises.ts'
import { SingleFlight } from './later/single-flight.ts'
import { Squeeze } from './later/squeeze.ts'
import { Sweep } from './later/sweep.ts'
import { requireRoom } from './limited-entries.ts'
import type { Observation, Observer } from './observer.ts'
import { wrongKind } from './options/check.ts'
import type { Settings } from './options/options.ts'
import { DEFAULT_TERMS, type NewLimits, type WriteTerms } from './options/terms.ts'
import { entryLimitFrom } from './options/units.ts'
import { handleRejection, isNativePromise, type Pending, PendingPromises } from './promise.ts'
import { type Snapshot, snapshotOf, writesOf } from './snapshot.ts'
import { DELETED, Statistics, type Stats } from './statistics.ts'
import { type Clock, clockFrom, systemClock } from './time/clock.ts'

type Weak = Weakly<Cache>

/**
 * What a use, a write and a removal are, and what follows from them: loads, promises that settle, the
 * background sweep. Every change ends in `#runHooks`, which runs the hooks once the cache is in order. Only
 * `Entries.use`, which has to be fast, and the sweep run them themselves.
 * `MISSING` stands for the value of a key without a live entry.
 */
export class Cache {
  readonly settings: Settings
  readonly #clock: Clock
  readonly #statistics = new Statistics()
  readonly #hooks: Hooks
  readonly #pending: PendingPromises
  #promises: StoredPromises | undefined
  readonly #entries: Entries
  readonly #loads = new SingleFlight()
  #loading: Loading | undefined
  readonly #growth: Growth
  readonly #sweep: Sweep

  constructor(settings: Settings) {
    const { maxSizeBytes, given, onDelete, onError, sweepInterval, now } = settings
    requireRoom(maxSizeBytes, given.maxSizeBytes)
    this.settings = settings
    const clock = clockFrom(now)
    const hooks = new Hooks(onDelete, onError)
    const statistics = this.#statistics
    // Weakly, since a promise may outlive the cache.
    const pending = new PendingPromises(settling(weakly(this)))
    const entries = new Entries(settings, clock, statistics, hooks, pending)
    const growth = new Growth(entries, pending, settings, hooks)
    const loads = this.#loads
    this.#clock = clock
    this.#hooks = hooks
    this.#pending = pending
    this.#entries = entries
    this.#growth = growth
    const squeeze = new Squeeze(settings, entries, hooks)
    this.#sweep = new Sweep(
      sweepInterval,
      entries,
      growth,
      loads,
      squeeze,
      statistics,
      hooks,
      clock,
    )
  }

  /** The live value, or `missing`. A use: it counts as a hit, or as a miss if `isMiss`. */
  read<Missing>(key: string, missing: Missing, isMiss = always): unknown | Missing {
    const entries = this.#entries
    if (entries.isUseAwaited) return this.#readAwaited(key, missing, isMiss)
    return entries.use(key, missing, isMiss)
  }

  /** As `read`. A hook that heard of the expired entry may have stored a new one. */
  readLatest(key: string): unknown {
    const value = this.read(key, MISSING)
    return value === MISSING ? this.#entries.peek(key) : value
  }

  /**
   * Wakes a resting sweep if the key has an entry. On a Worker, also checks the promise that is read. Tells an
   * observer.
   */
  #readAwaited<Missing>(key: string, missing: Missing, isMiss: (key: string) => boolean): unknown {
    const entries = this.#entries
    const sweep = this.#sweep
    const { observer } = entries
    if (sweep.isResting && entries.isKnown(key)) sweep.wake()
    // Before the use, since it may run code of the value, which may use the cache.
    entries.isUseAwaited =
      this.#pending.watchAgain(key) || sweep.isResting || observer !== undefined
    return observer === undefined
      ? entries.use(key, missing, isMiss)
      : entries.useObserved(key, missing, isMiss, observer)
  }

  /** Lets an observer hear of uses, writes and removals. Returns `false` if there is another one. */
  observe(observerOf: (observation: Observation) => Observer): boolean {
    const entries = this.#entries
    if (entries.observer !== undefined) return false
    const now = this.#clock.now()
    this.purge(now)
    const observer = observerOf(observationOf(weakly(entries), this.#statistics, this.settings))
    entries.observer = observer
    entries.isUseAwaited = true
    this.#change(() => this.#showAll(observer, now))
    return true
  }

  #showAll(observer: Observer, now: number): void {
    this.#entries.showAll(observer, now)
    // What the observer takes leaves less for entries.
    this.#entries.keepLimits(now)
  }

  /** The live value. Not a use. */
  peek(key: string): unknown {
    const value = this.#entries.peek(key)
    if (value !== MISSING) this.#sweep.noteLook()
    return value
  }

  has(key: string): boolean {
    return this.#entries.peek(key) !== MISSING
  }

  /** Throws a `DataTooLargeError` if the entry could not fit an empty cache, unless told to skip it. */
  write(key: string, value: unknown, terms: WriteTerms = DEFAULT_TERMS): void {
    const refusal = this.#put(key, value, terms)
    if (refusal !== undefined && !this.settings.skipsTooLarge) throw refusal
  }

  /** An entry that could not fit an empty cache is counted as refused, without an error. */
  writeIfItFits(key: string, value: unknown, terms: WriteTerms): void {
    this.#put(key, value, terms)
  }

  #put(key: string, value: unknown, terms: WriteTerms): Error | undefined {
    if (typeof value === 'function' && key === 'then') {
      throw new TypeError("A cache cannot store a function under 'then': await would call it")
    }
    // First, since measuring without stack gives a wrong size.
    this.#entries.requireStackToWrite()
    if (this.#loads.size !== 0) this.#loads.overtake(key)
    try {
      const refusal = this.#entries.put(key, value, terms)
      if (typeof value === 'object' && value !== null && refusal === undefined) {
        if (terms.sizeBytes === undefined) this.#growth.hasObjects = true
        if (this.#pending.has(key)) {
          this.#storedPromises.subscribe(key)
          this.#entries.isUseAwaited = true
        }
      }
      this.#entries.keepLimits()
      const { timer } = this.#sweep
      if (!timer.isAwake || systemClock.now() >= timer.overdueAt) this.#sweep.wake()
      if (this.#entries.allowance <= 0) this.#sweep.squeeze.look()
      return refusal
    } finally {
      this.#runHooks()
    }
  }

  /** Returns whether there was a live entry to remove. */
  delete(key: string): boolean {
    try {
      const wasLive = this.#entries.delete(key, DELETED)
      if (this.#loads.size !== 0) this.#loads.overtake(key)
      return wasLive
    } finally {
      this.#runHooks()
    }
  }

  /** Removes the entries of the keys that pass, and overtakes their loads. Returns how many were live. */
  deleteWhere(test: (key: string) => unknown): number {
    const known = new Set([...this.keys(), ...this.#entries.staleKeys(), ...this.#loads.keys()])
    const keys = [...known].filter((key) => {
      const isPassed = test(key)
      if (!isNativePromise(isPassed)) return isPassed
      handleRejection(isPassed)
      throw wrongKind('The result of test', 'true or false, not a promise', isPassed)
    })
    return this.#change(() => {
      let count = 0
      for (const key of keys) {
        if (this.#entries.delete(key, DELETED)) count++
        this.#loads.overtake(key)
      }
      return count
    })
  }

  /** Removes the entry and returns its live value. Not a use. */
  pop(key: string): unknown {
    const value = this.#entries.peek(key)
    this.delete(key)
    return value
  }

  /** Removes the entry at one end of the order of use and returns it. */
  popEnd(end: 'oldest' | 'newest'): [string, unknown] | undefined {
    this.purge()
    const entry = this.#entries.end(end)
    if (entry !== undefined) this.delete(entry[0])
    return entry
  }

  clear(): void {
    const now = this.#clock.now()
    this.#change(() => {
      this.#entries.clear(now)
      this.#loads.clear()
      this.#growth.forget()
    })
  }

  /** Removes what has expired, but for stale values. Returns how many entries have expired. */
  purge(now = this.#clock.now()): number {
    const count = this.#entries.purge(now)
    this.#runHooks()
    return count
  }

  /** Removes an entry that has expired, or else the oldest. Returns `false` if there is none. */
  evictOne(): boolean {
    return this.#change(() => this.#entries.evictOne())
  }

  /** Makes an entry the newest or the oldest. Returns `false` if there is no live one. */
  place(key: string, end: 'oldest' | 'newest'): boolean {
    return this.#entries.place(key, end)
  }

  /** Live keys, the oldest first. */
  keys(now = this.#clock.now()): string[] {
    this.purge(now)
    return this.#entries.table.keys()
  }

  /** Live entries from one end. An entry that leaves before its turn is passed over. Not a use. */
  *entries(from: 'oldest' | 'newest' = 'oldest'): IterableIterator<[string, unknown]> {
    const keys = this.keys()
    if (from === 'newest') keys.reverse()
    for (const key of keys) {
      const value = this.peek(key)
      if (value !== MISSING) yield [key, value]
    }
  }

  /** Virtual milliseconds that a live entry has left; `undefined` if there is none. */
  timeLeft(key: string): number | undefined {
    // At most 20 ms old, so that a TTL that was just set is given back in full.
    return this.#entries.timeLeft(key, this.#clock.fresh(20))
  }

  /** `undefined` if the key is unknown. */
  isExpired(key: string): boolean | undefined {
    return this.#entries.isKnown(key) ? !this.has(key) : undefined
  }

  /** Gives a live entry another life. Returns `false` if there is none. */
  renew(key: string, terms: WriteTerms): boolean {
    const now = this.#clock.fresh()
    if (!this.#entries.renew(key, terms, now)) return false
    this.#sweep.wake()
    this.purge(now)
    return true
  }

  resize(limits: NewLimits): void {
    const { maxSizeBytes, maxEntrySizeBytes, maxItems } = limits
    requireRoom(maxSizeBytes, limits.givenSizeBytes, this.#entries.observer?.leastBytes)
    // Read before anything changes, since the option `now` may throw.
    const now = this.#clock.now()
    this.#change(() => {
      const entries = this.#entries
      // First, since an observer reads it.
      this.settings.given.maxEntrySizeBytes = limits.givenEntrySizeBytes
      entries.limit(maxSizeBytes, maxEntrySizeBytes, maxItems, now)
      // The caches that an observer simulates start with what this one holds, as it does itself.
      if (entries.observer !== undefined) this.#showAll(entries.observer, now)
    })
  }

  get effectiveMaxSizeBytes(): number {
    return this.#entries.effectiveMaxSizeBytes
  }

  /** Live entries. */
  get size(): number {
    this.purge()
    return this.#entries.table.size
  }

  get sizeBytes(): number {
    this.purge()
    return this.#entries.sizeBytes
  }

  /** Bytes that a live entry is charged; `undefined` if there is none. */
  chargeOf(key: string): number | undefined {
    return this.#entries.chargeOf(key)
  }

  remeasure(keys: readonly string[]): void {
    this.#change(() => {
      for (const key of keys) this.#entries.remeasure(key)
    })
  }

  stats(): Stats {
    this.purge()
    return this.#statistics.report(this.#entries.table.size, this.#entries.sizeBytes)
  }

  resetStats(): void {
    this.purge()
    this.#statistics.reset()
    this.#entries.observer?.restarted()
  }

  dump(skipsUncloneable: boolean): Snapshot {
    const now = this.#clock.fresh()
    return snapshotOf(
      this.keys(now),
      this.#entries,
      this.#pending,
      this.#clock,
      now,
      skipsUncloneable,
    )
  }

  load(snapshot: unknown): void {
    const wall = this.#clock.wallAt(this.#clock.fresh())
    for (const [key, value, terms] of writesOf(snapshot, wall)) {
      this.writeIfItFits(key, value, terms)
    }
  }

  close(): void {
    this.#sweep.close()
  }

  /** Made for the first load, since few caches load. `controller` is that of this cache, for traces. */
  loadingFor(controller: object): Loading {
    this.#loading ??= this.#newLoading(controller)
    return this.#loading
  }

  #newLoading(controller: object): Loading {
    const entries = this.#entries
    const loads = this.#loads
    const statistics = this.#statistics
    const hooks = this.#hooks
    const clock = this.#clock
    const write = (key: string, value: unknown, terms: WriteTerms) =>
      this.writeIfItFits(key, value, terms)
    const outcomes = new LoadOutcomes(entries, loads, statistics, hooks, clock, write)
    const read = (key: string) => this.readLatest(key)
    const { pendingTtl } = this.settings
    return new Loading(
      entries,
      loads,
      outcomes,
      this.#sweep,
      statistics,
      hooks,
      clock,
      pendingTtl,
      read,
      controller,
    )
  }

  /** A stored promise has settled: `kept` takes its place, or it has rejected if that is `undefined`. */
  settlePromise(pending: Pending, kept: Promise<unknown> | undefined): void {
    this.#change(() => {
      this.#storedPromises.settle(pending, kept)
      if (kept !== undefined) this.#sweep.wake()
    })
  }

  /** Made for the first promise, since few caches store any. */
  get #storedPromises(): StoredPromises {
    this.#promises ??= new StoredPromises(this.#pending, this.#entries, this.#hooks, this.#clock)
    return this.#promises
  }

  #change<T>(change: () => T): T {
    try {
      return change()
    } finally {
      this.#runHooks()
    }
  }

  #runHooks(): void {
    if (this.#hooks.isWaiting) this.#hooks.run()
  }
}

const always = (_key: string): boolean => true

// Outside the class, so that no closure refers to the cache.

const observationOf = (
  weak: Weakly<Entries>,
  counts: Statistics,
  { pendingTtl, given }: Settings,
): Observation => ({
  counts,
  pendingTtl,
  entryLimit: (maxSizeBytes) => entryLimitFrom(given.maxEntrySizeBytes, maxSizeBytes),
  end: () => weak.deref()?.endObservation(),
})

const settling = (weak: Weak) => (pending: Pending, kept: Promise<unknown> | undefined) =>
  weak.deref()?.settlePromise(pending, kept)
