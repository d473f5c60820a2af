import { type Entry, ModelError, type ModelOptions, type Reason, type Terms } from './entry.ts'
import { ModelHooks } from './hooks.ts'
import { Microtasks, NaivePromise, NaiveTimers, type Outcome } from './promise.ts'

const noCounts = () => ({
  hits: 0,
  misses: 0,
  writes: 0,
  refusals: 0,
  deleted: 0,
  evicted: 0,
  expired: 0,
  replaced: 0,
  cleared: 0,
  rejected: 0,
  pressure: 0,
  loads: 0,
  loadFailures: 0,
  loadsJoined: 0,
  loadMs: 0,
  staleHits: 0,
})

export interface Limits {
  readonly maxBytes?: number | undefined
  readonly maxItems?: number | undefined
  readonly maxEntryBytes?: ModelOptions['maxEntryBytes'] | undefined
}

/**
 * The whole contract, written with plain arrays. Its bytes are those of the values alone: a spec
 * that compares them allows for the structure of the cache.
 */
export class Model {
  /** Least recently used first. */
  entries: Entry[] = []
  /** Entries past their TTL, which only `getOrSet` sees, in the order in which they went stale. */
  stale: Entry[] = []
  counts = noCounts()
  readonly options: ModelOptions
  readonly microtasks = new Microtasks()
  readonly timers = new NaiveTimers()
  /** Called with each key that is written or removed, and without one by `clear`. */
  onOverride: (key?: string) => void = () => {}
  /** The entries that wait for a promise, which is subscribed to once. */
  readonly #waiting = new Map<NaivePromise, Entry[]>()
  readonly #hooks: ModelHooks
  #removalCount = 0
  /** The budget in force while memory is short. */
  #squeezedTo = Number.POSITIVE_INFINITY

  constructor(options: ModelOptions) {
    this.options = options
    this.#hooks = new ModelHooks(options)
  }

  isExpired(entry: Entry): boolean {
    return entry.deadline <= this.options.now()
  }

  /** The entry under a key, live, stale or expired. */
  stored(key: string): Entry | undefined {
    return [...this.entries, ...this.stale].find((entry) => entry.key === key)
  }

  /** Whether an entry is past its window too. */
  isOver({ deadline, pendingUntil, window }: Entry): boolean {
    return deadline + (pendingUntil === undefined ? window : 0) <= this.options.now()
  }

  /** The stale entry under a key, if it is within its window. */
  staleEntry(key: string): Entry | undefined {
    const entry = this.stored(key)
    return entry !== undefined && this.isExpired(entry) && !this.isOver(entry) ? entry : undefined
  }

  live(key: string): Entry | undefined {
    const entry = this.stored(key)
    return entry !== undefined && !this.isExpired(entry) ? entry : undefined
  }

  require(key: string): Entry {
    const entry = this.live(key)
    if (entry === undefined) throw new ModelError('KeyError', key)
    return entry
  }

  use(key: string, countsMiss = true): unknown {
    const entry = this.entries.find((other) => other.key === key)
    if (entry === undefined || this.isExpired(entry)) {
      if (countsMiss) this.counts.misses++
      if (entry !== undefined) this.#expire(entry)
      this.settle()
      return undefined
    }
    this.counts.hits++
    this.promote(entry)
    return entry.value
  }

  promote(entry: Entry): void {
    this.entries = [...this.#without(entry), entry]
  }

  demote(entry: Entry): void {
    this.entries = [entry, ...this.#without(entry)]
  }

  write(key: string, value: unknown, terms: Terms = {}): void {
    const refusal = this.store(key, value, terms)
    if (refusal !== undefined && !this.options.skipsTooLarge) throw refusal
  }

  /** Writes an entry, or returns the error for a value that is too large. */
  store(key: string, value: unknown, terms: Terms = {}): ModelError | undefined {
    if (key === 'then' && typeof value === 'function') throw new ModelError('TypeError')
    this.onOverride(key)
    let bytes: number
    try {
      bytes = terms.sizeBytes ?? this.measure(value)
    } catch (error) {
      this.#drop(key)
      this.settle()
      throw error
    }
    const limit = this.#maxEntryBytes
    if (bytes > limit) {
      this.counts.refusals++
      this.#drop(key)
      this.settle()
      return new ModelError('DataTooLargeError', key, { bytes, limit })
    }
    const { window = this.options.window } = terms
    const state = { deadline: 0, pendingUntil: undefined, staleSince: 0, leftAloneUntil: 0 }
    const entry = { key, value, terms, bytes, window, ...state }
    if (this.#hasExpiredAlready(entry)) this.#countExpired(entry)
    else {
      this.#admit(entry)
      this.makeRoom()
    }
    this.settle()
    return undefined
  }

  /** Whether an entry has expired when it is written. The TTL of a promise starts when it fulfils. */
  #hasExpiredAlready({ value, terms: { ttl, expiresAt } }: Entry): boolean {
    const isPromise = value instanceof NaivePromise
    if (expiresAt !== undefined) return expiresAt <= this.options.now()
    if (ttl === undefined && isPromise) return false
    return this.#shortened(ttl ?? this.options.defaultTtl) <= 0
  }

  /** Counts the write of an entry that has already expired. It takes no room. */
  #countExpired(entry: Entry): void {
    this.#replace(entry)
    this.counts.writes++
    entry.deadline = Number.NEGATIVE_INFINITY
    this.remove(entry, 'expired')
  }

  /** Removes the old entry under the key. True if it was live. */
  #replace({ key, value }: Entry): boolean {
    const old = this.live(key)
    if (old === undefined) {
      const expired = this.stored(key)
      const isSame = this.staleEntry(key) !== undefined && Object.is(expired?.value, value)
      if (expired !== undefined) this.remove(expired, 'expired', isSame)
      return false
    }
    this.remove(old, 'replaced', Object.is(old.value, value))
    return true
  }

  #admit(entry: Entry): void {
    const { value } = entry
    if (entry.bytes > this.effectiveMaxBytes) {
      this.#replace(entry)
      this.counts.writes++
      this.counts.pressure++
      entry.deadline = Number.POSITIVE_INFINITY
      this.remove(entry, 'evicted')
      return
    }
    // Room is made before the entry is added, so that the entry itself is not evicted.
    if (!this.#replace(entry)) this.makeRoom(entry.bytes, 1)
    this.counts.writes++
    this.entries.push(entry)
    if (value instanceof NaivePromise) this.#await(entry, value)
    else this.schedule(entry)
  }

  /** The bytes of a value now. A fulfilled promise has the bytes of its value. */
  measure(value: unknown): number {
    const isPromise = value instanceof NaivePromise
    if (isPromise && !value.wasSeenFulfilled) return 0
    try {
      return this.options.sizeOf(isPromise ? value.outcome?.value : value)
    } catch {
      throw new ModelError('TypeError')
    }
  }

  #drop(key: string): void {
    const old = this.stored(key)
    if (old !== undefined) this.remove(old, 'replaced')
  }

  /** Sets the deadline. A pending promise is served until `pendingUntil` or an absolute expiry. */
  schedule(entry: Entry): void {
    const { expiresAt, ttl = this.options.defaultTtl } = entry.terms
    if (entry.pendingUntil === undefined)
      entry.deadline = expiresAt ?? this.options.now() + this.#shortened(ttl)
    else if (ttl <= 0) entry.deadline = this.options.now()
    else entry.deadline = Math.min(entry.pendingUntil, expiresAt ?? Number.POSITIVE_INFINITY)
  }

  /** A TTL after jitter, in whole milliseconds. Jitter leaves one at least. */
  #shortened(ttl: number): number {
    if (ttl === Number.POSITIVE_INFINITY) return ttl
    return Math.max(Math.floor(ttl * (1 - this.options.jitter)), Math.min(ttl, 1))
  }

  #await(entry: Entry, promise: NaivePromise): void {
    entry.pendingUntil = this.options.now() + this.options.pendingTtl
    this.schedule(entry)
    if (promise.isUnsubscribable) {
      this.remove(entry, 'rejected')
      this.fail('promise', entry.key)
      return
    }
    const waiting = this.#waiting.get(promise)
    if (waiting !== undefined) {
      waiting.push(entry)
      return
    }
    const entries = [entry]
    this.#waiting.set(promise, entries)
    this.microtasks.subscribe(promise, (outcome) => {
      this.#waiting.delete(promise)
      for (const each of entries) this.#settled(each, promise, outcome)
    })
  }

  #settled(entry: Entry, promise: NaivePromise, { isFulfilled }: Outcome): void {
    if (isFulfilled) promise.wasSeenFulfilled = true
    if (!this.entries.includes(entry)) return
    entry.pendingUntil = undefined
    if (this.isExpired(entry)) this.remove(entry, 'expired')
    else if (!isFulfilled) this.remove(entry, 'rejected')
    else {
      this.schedule(entry)
      try {
        this.remeasure(entry)
      } catch {
        this.remove(entry, 'evicted')
        this.fail('sizeOf', entry.key)
      }
    }
    this.settle()
  }

  /** Throws if the value cannot be measured. */
  remeasure(entry: Entry): void {
    if (entry.terms.sizeBytes !== undefined || entry.pendingUntil !== undefined) return
    const bytes = this.measure(entry.value)
    // An evicted entry keeps its old charge, which `onDelete` is given.
    if (bytes > this.#maxEntryBytes) this.remove(entry, 'evicted')
    else entry.bytes = bytes
    this.makeRoom()
  }

  makeRoom(bytes = 0, items = 0): void {
    const exceeds = (maxBytes: number) =>
      this.bytes + bytes > maxBytes || this.#kept.length + items > this.options.maxItems
    while (this.#kept.length > 0 && exceeds(this.effectiveMaxBytes)) {
      this.removeOne(!exceeds(this.options.maxBytes))
    }
  }

  /** Every entry that is charged. */
  get #kept(): Entry[] {
    return [...this.entries, ...this.stale]
  }

  get #maxEntryBytes(): number {
    const { maxBytes } = this.options
    return Math.min(this.options.maxEntryBytes(maxBytes), maxBytes)
  }

  get effectiveMaxBytes(): number {
    return Math.min(this.#squeezedTo, this.options.maxBytes)
  }

  /** Memory is short: removes what does not fit, and keeps no more from now on. */
  squeezeTo(bytes: number): void {
    if (this.bytes <= bytes) return
    while (this.bytes > bytes) this.removeOne(true)
    this.#squeezedTo = bytes
  }

  /** Memory is short no more. */
  release(): void {
    this.#squeezedTo = Number.POSITIVE_INFINITY
  }

  setLimits({ maxBytes, maxItems, maxEntryBytes }: Limits): void {
    this.#removeExpired()
    if (maxEntryBytes !== undefined) this.options.maxEntryBytes = maxEntryBytes
    if (maxBytes !== undefined) this.options.maxBytes = maxBytes
    if (maxItems !== undefined) this.options.maxItems = maxItems
    for (const entry of this.entries) {
      if (entry.bytes > this.#maxEntryBytes) this.remove(entry, 'evicted')
    }
    this.#removeAll(
      this.#kept.filter(({ bytes }) => bytes > this.#maxEntryBytes),
      'expired',
    )
    this.makeRoom()
  }

  get bytes(): number {
    return this.#kept.reduce((sum, entry) => sum + entry.bytes, 0)
  }

  /** Removes an expired entry if there is one, otherwise the least recently used entry. */
  removeOne(isUnderPressure = false): boolean {
    const victim = this.#nextExpired() ?? this.entries[0]
    if (victim === undefined) return false
    if (isUnderPressure && !this.isExpired(victim)) this.counts.pressure++
    this.remove(victim, 'evicted')
    return true
  }

  /** One that is over, or else one that may have gone stale first, since not all are seen to be stale at once. */
  #nextExpired(): Entry | undefined {
    const expired = this.#kept.filter((entry) => this.isExpired(entry))
    const over = expired.filter((entry) => this.isOver(entry))
    const mayBeFirst = ({ deadline }: Entry) =>
      !this.stale.some(({ staleSince }) => staleSince < deadline)
    const isOverKnown = over.some((entry) => this.stale.includes(entry))
    const first = isOverKnown
      ? over
      : expired.filter((entry) => this.isOver(entry) || mayBeFirst(entry))
    return first.length > 0 ? this.#chosen(first) : undefined
  }

  /** Returns how many entries expired, of which some may be stale now. */
  purge(): number {
    const count = this.#removeExpired()
    this.settle()
    return count
  }

  #removeExpired(): number {
    const expired = this.entries.filter((entry) => this.isExpired(entry))
    for (const entry of expired) if (!this.isOver(entry)) this.#expire(entry)
    this.#removeAll(
      this.#kept.filter((entry) => this.isOver(entry)),
      'expired',
    )
    return expired.length
  }

  #chosen(entries: readonly Entry[]): Entry {
    return entries.find((entry) => this.#isNext(entry)) ?? (entries[0] as Entry)
  }

  /** Whether the cache removes the entry next, where the contract leaves it open. */
  #isNext({ key }: Entry): boolean {
    return key === this.options.removedKey(this.#removalCount)
  }

  /** Notices that the entry of a key has expired, if it has. */
  expireKey(key: string): void {
    const entry = this.stored(key)
    if (entry !== undefined && this.isExpired(entry)) this.#expire(entry)
  }

  /** Removes an entry past its TTL, or keeps it aside for its window and until the cache removes it. */
  #expire(entry: Entry): void {
    if (this.isOver(entry) && (entry.window === 0 || this.#isNext(entry)))
      this.remove(entry, 'expired')
    else if (this.entries.includes(entry)) {
      this.entries = this.#without(entry)
      this.stale.push(entry)
      entry.staleSince = this.options.now()
      this.counts.expired++
    }
  }

  delete(key: string): void {
    this.onOverride(key)
    const entry = this.stored(key)
    if (entry !== undefined) this.remove(entry, 'deleted')
    this.settle()
  }

  /** Returns how many live entries were removed. `test` is called with every key before any leaves. */
  deleteWhere(loading: () => string[], test: (key: string) => boolean): number {
    this.purge()
    const known = new Set([...this.#kept.map(({ key }) => key), ...loading()])
    const keys = new Set([...known].filter(test))
    const live = this.entries.filter(({ key }) => keys.has(key))
    const stale = this.stale.filter(({ key }) => keys.has(key))
    for (const key of keys) this.onOverride(key)
    this.#removeAll([...live, ...stale], 'deleted')
    this.settle()
    return live.length
  }

  clear(): void {
    this.onOverride()
    this.#removeAll(this.#kept, 'cleared')
    this.settle()
  }

  /** Removes entries, the live ones in their order. */
  #removeAll(entries: readonly Entry[], reason: Reason): void {
    for (let left = entries; left.length > 0; ) {
      const next = left.find((entry) => !this.isExpired(entry))
      const entry = this.#chosen(left.filter((each) => each === next || this.isExpired(each)))
      this.remove(entry, reason)
      left = left.filter((other) => other !== entry)
    }
  }

  /** Every removal ends here. */
  remove(entry: Entry, wanted: Reason, isSilent = false): void {
    const reason = wanted !== 'rejected' && this.isExpired(entry) ? 'expired' : wanted
    const { key, value, bytes } = entry
    // A stale entry was counted when its TTL passed.
    if (this.stale.includes(entry)) this.stale = this.stale.filter((other) => other !== entry)
    else this.counts[reason]++
    this.entries = this.#without(entry)
    if (isSilent) return
    this.#removalCount++
    this.#hooks.removed({ key, value, reason, bytes })
  }

  fail(source: string, key?: string, error?: unknown): void {
    this.#hooks.failed(source, key, error)
  }

  /** Runs the hooks, at the end of each call. */
  settle(): void {
    this.#hooks.run()
  }

  #without(entry: Entry): Entry[] {
    return this.entries.filter((other) => other !== entry)
  }
}
