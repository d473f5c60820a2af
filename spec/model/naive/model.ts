import { type Entry, ModelError, type ModelOptions, type Reason, type Terms } from './entry.ts'
import { ModelHooks } from './hooks.ts'
import { Microtasks, NaivePromise, type Outcome } from './promise.ts'

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
})

/**
 * The whole contract, written with plain arrays. Its bytes are those of the values alone: a spec
 * that compares them allows for the structure of the cache.
 */
export class Model {
  /** Least recently used first. */
  entries: Entry[] = []
  counts = noCounts()
  readonly options: ModelOptions
  readonly microtasks = new Microtasks()
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

  /** The entry under a key, live or expired. */
  stored(key: string): Entry | undefined {
    return this.entries.find((entry) => entry.key === key)
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
    const entry = this.stored(key)
    if (entry === undefined || this.isExpired(entry)) {
      if (countsMiss) this.counts.misses++
      if (entry !== undefined) this.remove(entry, 'expired')
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
    if (bytes > this.options.maxBytes) {
      this.counts.refusals++
      this.#drop(key)
      this.settle()
      return new ModelError('DataTooLargeError', key, bytes)
    }
    const entry = { key, value, terms, bytes, deadline: 0, pendingUntil: undefined }
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
    return (ttl ?? (isPromise ? Number.POSITIVE_INFINITY : this.options.defaultTtl)) <= 0
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
      if (expired !== undefined) this.remove(expired, 'expired')
      return false
    }
    if (Object.is(old.value, value)) {
      this.counts.replaced++
      this.entries = this.#without(old)
    } else this.remove(old, 'replaced')
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
    if (entry.pendingUntil === undefined) entry.deadline = expiresAt ?? this.options.now() + ttl
    else if (ttl <= 0) entry.deadline = this.options.now()
    else entry.deadline = Math.min(entry.pendingUntil, expiresAt ?? Number.POSITIVE_INFINITY)
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
    if (bytes > this.options.maxBytes) this.remove(entry, 'evicted')
    else entry.bytes = bytes
    this.makeRoom()
  }

  makeRoom(bytes = 0, items = 0): void {
    const exceeds = (maxBytes: number) =>
      this.bytes + bytes > maxBytes || this.entries.length + items > this.options.maxItems
    while (this.entries.length > 0 && exceeds(this.effectiveMaxBytes)) {
      this.removeOne(!exceeds(this.options.maxBytes))
    }
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

  setLimits({
    maxBytes,
    maxItems,
  }: {
    maxBytes?: number | undefined
    maxItems?: number | undefined
  }): void {
    if (maxBytes !== undefined) this.options.maxBytes = maxBytes
    if (maxItems !== undefined) this.options.maxItems = maxItems
    this.makeRoom()
  }

  get bytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.bytes, 0)
  }

  /** Removes an expired entry if there is one, otherwise the least recently used entry. */
  removeOne(isUnderPressure = false): boolean {
    const expired = this.#anyExpired()
    const victim = expired ?? this.entries[0]
    if (victim !== undefined) this.remove(victim, 'evicted')
    if (victim !== undefined && expired === undefined && isUnderPressure) this.counts.pressure++
    return victim !== undefined
  }

  purge(): number {
    let count = 0
    for (let entry = this.#anyExpired(); entry; entry = this.#anyExpired()) {
      this.remove(entry, 'expired')
      count++
    }
    this.settle()
    return count
  }

  #anyExpired(): Entry | undefined {
    const expired = this.entries.filter((entry) => this.isExpired(entry))
    return expired.length > 0 ? this.options.choose(expired, this.#removalCount) : undefined
  }

  delete(key: string): void {
    this.onOverride(key)
    const entry = this.stored(key)
    if (entry !== undefined) this.remove(entry, 'deleted')
    this.settle()
  }

  clear(): void {
    this.onOverride()
    for (const entry of this.entries) this.remove(entry, 'cleared')
    this.settle()
  }

  /** Every removal ends here. */
  remove(entry: Entry, wanted: Reason): void {
    const reason = wanted !== 'rejected' && this.isExpired(entry) ? 'expired' : wanted
    const { key, value, bytes } = entry
    this.entries = this.#without(entry)
    this.counts[reason]++
    this.#removalCount++
    this.#hooks.removed({ key, value, reason, bytes })
  }

  fail(source: string, key: string): void {
    this.#hooks.failed(source, key)
  }

  /** Runs the hooks, at the end of each call. */
  settle(): void {
    this.#hooks.run()
  }

  #without(entry: Entry): Entry[] {
    return this.entries.filter((other) => other !== entry)
  }
}
