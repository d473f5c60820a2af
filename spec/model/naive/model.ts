import {
  type Entry,
  ModelError,
  type ModelOptions,
  type Reason,
  type Terms,
} from './entry.ts'
import { ModelHooks } from './hooks.ts'
import { Microtasks, NaivePromise, type Outcome } from './promise.ts'

// The whole contract, with arrays and no cleverness. Bytes are those of the values: a spec that
// compares leaves room for what a cache's own structure takes.

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
})

export class Model {
  /** The least recently used first. */
  entries: Entry[] = []
  counts = noCounts()
  readonly options: ModelOptions
  readonly microtasks = new Microtasks()
  /** Told of each key that is written or removed by name, and with none of all of them. */
  onOverride: (key?: string) => void = () => {}
  /** A promise is subscribed to once, for all entries that wait for it. */
  readonly #waiting = new Map<NaivePromise, Entry[]>()
  readonly #hooks: ModelHooks
  #departed = 0

  constructor(options: ModelOptions) {
    this.options = options
    this.#hooks = new ModelHooks(options)
  }

  isExpired(entry: Entry): boolean {
    return entry.deadline <= this.options.now()
  }

  /** Live or not. */
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

  write(key: string, value: unknown, terms: Terms = {}, isLenient = false): void {
    if (key === 'then' && typeof value === 'function') throw new ModelError('TypeError')
    this.onOverride(key)
    const { maxBytes, skipsTooLarge } = this.options
    let bytes: number
    try {
      bytes = terms.sizeBytes ?? this.weigh(value)
    } catch (error) {
      this.#drop(key)
      this.settle()
      throw error
    }
    if (bytes > maxBytes) {
      this.counts.refusals++
      this.#drop(key)
      this.settle()
      if (!isLenient && !skipsTooLarge) throw new ModelError('DataTooLargeError', key, bytes)
      return
    }
    const entry = { key, value, terms, bytes, deadline: 0, pendingUntil: undefined }
    if (this.#isOver(entry)) this.#passBy(entry)
    else {
      this.#admit(entry)
      this.makeRoom()
    }
    this.settle()
  }

  /** A TTL of a promise starts when it fulfils. */
  #isOver({ value, terms: { ttl, expiresAt } }: Entry): boolean {
    const isPromise = value instanceof NaivePromise
    if (expiresAt !== undefined) return expiresAt <= this.options.now()
    return (ttl ?? (isPromise ? Number.POSITIVE_INFINITY : this.options.defaultTtl)) <= 0
  }

  /** It has expired already, and takes no place. */
  #passBy(entry: Entry): void {
    this.#replace(entry)
    this.counts.writes++
    entry.deadline = Number.NEGATIVE_INFINITY
    this.remove(entry, 'expired')
  }

  /** Whether there was a live entry to replace. */
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
    // Before it comes, so that it takes the place of what leaves.
    if (!this.#replace(entry)) this.makeRoom(entry.bytes, 1)
    this.counts.writes++
    this.entries.push(entry)
    if (value instanceof NaivePromise) this.#await(entry, value)
    else this.schedule(entry)
  }

  /** What an entry of this value weighs now: a promise, what it fulfilled with. */
  weigh(value: unknown): number {
    const isPromise = value instanceof NaivePromise
    if (isPromise && !value.isKnown) return 0
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

  /** A promise that has not settled lives by other terms, yet never beyond an absolute expiry. */
  schedule(entry: Entry): void {
    const { expiresAt, ttl = this.options.defaultTtl } = entry.terms
    if (entry.pendingUntil === undefined) entry.deadline = expiresAt ?? this.options.now() + ttl
    else if (ttl <= 0) entry.deadline = this.options.now()
    else entry.deadline = Math.min(entry.pendingUntil, expiresAt ?? Number.POSITIVE_INFINITY)
  }

  #await(entry: Entry, promise: NaivePromise): void {
    entry.pendingUntil = this.options.now() + this.options.pendingTtl
    this.schedule(entry)
    if (promise.isHostile) {
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
    if (isFulfilled) promise.isKnown = true
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

  /** Throws what cannot be measured. */
  remeasure(entry: Entry): void {
    if (entry.terms.sizeBytes !== undefined || entry.pendingUntil !== undefined) return
    const bytes = this.weigh(entry.value)
    // It leaves with what it was charged.
    if (bytes > this.options.maxBytes) this.remove(entry, 'evicted')
    else entry.bytes = bytes
    this.makeRoom()
  }

  makeRoom(bytes = 0, items = 0): void {
    const { maxBytes, maxItems } = this.options
    while (this.bytes + bytes > maxBytes || this.entries.length + items > maxItems) this.removeOne()
  }

  get bytes(): number {
    return this.entries.reduce((sum, entry) => sum + entry.bytes, 0)
  }

  /** What has expired first, whatever its place, then the least recently used. */
  removeOne(): boolean {
    const victim = this.#anyExpired() ?? this.entries[0]
    if (victim !== undefined) this.remove(victim, 'evicted')
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
    return expired.length > 0 ? this.options.choose(expired, this.#departed) : undefined
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

  /** The one way out. */
  remove(entry: Entry, wanted: Reason): void {
    const reason = wanted !== 'rejected' && this.isExpired(entry) ? 'expired' : wanted
    const { key, value, bytes } = entry
    this.entries = this.#without(entry)
    this.counts[reason]++
    this.#departed++
    this.#hooks.left({ key, value, reason, bytes })
  }

  fail(source: string, key: string): void {
    this.#hooks.failed(source, key)
  }

  /** At the end of each call. */
  settle(): void {
    this.#hooks.run()
  }

  #without(entry: Entry): Entry[] {
    return this.entries.filter((other) => other !== entry)
  }
}
