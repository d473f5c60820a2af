import { DataTooLargeError } from './errors.ts'
import { Growth } from './growth.ts'
import { Hooks } from './hooks.ts'
import { isNativePromise, subscribe } from './native-promise.ts'
import type { Reason, Settings } from './options/options.ts'
import { DEFAULT_TERMS, type WriteTerms } from './options/write-options.ts'
import { fulfilledValue, type Pending, rememberFulfilled } from './pending.ts'
import { heapSize } from './size/heap-size.ts'
import { measure } from './size/measure.ts'
import { stringSize } from './size/string.ts'
import { Statistics } from './statistics.ts'
import {
  leastRecent,
  mostRecent,
  newerThan,
  placeLeastRecent,
  promote,
  unlink,
} from './table/recency.ts'
import { DEADLINE } from './table/records.ts'
import { ENTRY_BYTES, leastBytesFor, MOST_ENTRIES, Table } from './table/table.ts'
import { type Clock, clockFrom } from './time/clock.ts'
import { Sweep } from './time/sweep.ts'
import { valueBytesFor } from './weigh.ts'

/** A deadline that no TTL gives, for an absolute expiry while no wall clock runs. */
const BEYOND_TIME = 2 ** 52

/**
 * The policy: what a use, a write and a removal are, and who leaves when. Time is read once an
 * operation, every entry leaves through `#remove`, and hooks run last, when all is settled.
 */
export class Cache {
  readonly settings: Settings
  readonly clock: Clock
  readonly statistics = new Statistics()
  readonly hooks: Hooks
  readonly sweep: Sweep<Cache>
  /** Called with each key that is written or removed by name, and with none for all of them. */
  onOverride: ((key?: string) => void) | undefined
  readonly #growth = new Growth()
  readonly #pending = new Map<string, Pending>()
  #table = new Table()
  #mostItems: number

  constructor(settings: Settings) {
    this.settings = settings
    this.#mostItems = Math.min(settings.maxItems, MOST_ENTRIES)
    this.clock = clockFrom(settings.now)
    this.hooks = new Hooks(settings.onDelete, settings.onError)
    this.sweep = new Sweep<Cache>(settings.sweepInterval, this, (cache) => cache.sweepOnce())
  }

  get table(): Table {
    return this.#table
  }

  get pending(): ReadonlyMap<string, Pending> {
    return this.#pending
  }

  /** The live value, as a use: a hit promotes, and a miss counts. */
  use(key: string): unknown {
    const table = this.#table
    const slot = table.find(key)
    if (slot === 0) {
      this.statistics.misses++
      return undefined
    }
    const { int32, float64 } = table.records
    const deadline = float64[(slot << 2) + DEADLINE] as number
    if (deadline !== Number.POSITIVE_INFINITY && deadline <= this.clock.now()) {
      this.statistics.misses++
      this.#remove(slot, 'expired')
      this.settle()
      return undefined
    }
    this.statistics.hits++
    promote(int32, slot)
    if (this.#pending.size !== 0) this.#awaitAgain(key)
    return table.values[slot]
  }

  /** The slot of a live entry, or 0. No use; an entry that has expired stays for who removes it. */
  findLive(key: string): number {
    const slot = this.#table.find(key)
    return slot !== 0 && !this.#isExpired(slot, this.clock.now()) ? slot : 0
  }

  /** Throws a `DataTooLargeError` for what could not fit an empty cache, unless told to skip. */
  write(key: string, value: unknown, terms: WriteTerms = DEFAULT_TERMS): void {
    this.onOverride?.(key)
    const refusal = this.#store(key, value, terms)
    this.settle()
    if (refusal !== undefined && !this.settings.skipsTooLarge) throw refusal
  }

  /** Without an error for what could not fit an empty cache; it is counted as refused. */
  writeIfItFits(key: string, value: unknown, terms: WriteTerms): void {
    this.onOverride?.(key)
    this.#store(key, value, terms)
    this.settle()
  }

  delete(key: string, reason: Reason = 'deleted'): void {
    this.onOverride?.(key)
    const slot = this.#table.find(key)
    if (slot !== 0) this.#remove(slot, this.#isExpired(slot, this.clock.now()) ? 'expired' : reason)
    this.settle()
  }

  clear(): void {
    this.onOverride?.()
    const now = this.clock.now()
    const { int32 } = this.#table.records
    for (let slot = leastRecent(int32); slot !== 0; ) {
      const next = newerThan(int32, slot)
      this.#leave(slot, this.#isExpired(slot, now) ? 'expired' : 'cleared')
      slot = next
    }
    this.#pending.clear()
    this.#table = new Table()
    this.settle()
  }

  /** The key at an end of the order of recency, once what has expired is gone. */
  endKey(isNewest: boolean): string | undefined {
    this.purge()
    const { int32 } = this.#table.records
    const slot = isNewest ? mostRecent(int32) : leastRecent(int32)
    return slot === 0 ? undefined : this.#table.keys[slot]
  }

  place(slot: number, isNewest: boolean): void {
    const { int32 } = this.#table.records
    if (isNewest) promote(int32, slot)
    else {
      unlink(int32, slot)
      placeLeastRecent(int32, slot)
    }
  }

  /** Live keys, the least recently used first. */
  keys(): string[] {
    this.purge()
    const { keys, records } = this.#table
    const live: string[] = []
    for (let slot = leastRecent(records.int32); slot !== 0; slot = newerThan(records.int32, slot)) {
      live.push(keys[slot] as string)
    }
    return live
  }

  /** How many had expired. */
  purge(): number {
    const before = this.statistics.removals.expired
    this.#removeExpired(this.clock.now(), Number.POSITIVE_INFINITY)
    const count = this.statistics.removals.expired - before
    if (count !== 0) this.settle()
    return count
  }

  /** Whether one went: one that has expired, or else the least recently used. */
  evictOne(): boolean {
    const slot = this.#table.expiry.due(this.clock.now())
    const victim = slot === 0 ? leastRecent(this.#table.records.int32) : slot
    if (victim !== 0) this.#remove(victim, slot === 0 ? 'evicted' : 'expired')
    this.settle()
    return victim !== 0
  }

  renew(slot: number, terms: WriteTerms): void {
    const pending = this.#pending.get(this.#table.keys[slot] as string)
    if (pending !== undefined) {
      pending.terms = { ...terms, sizeBytes: pending.terms.sizeBytes }
      return
    }
    this.#schedule(slot, terms, this.clock.now())
    if (!this.sweep.isAwake) this.#wake()
    this.purge()
  }

  /** The limits as the settings have them now. */
  applyLimits(): void {
    this.#mostItems = Math.min(this.settings.maxItems, MOST_ENTRIES)
    this.#makeRoom(this.clock.now())
    this.settle()
  }

  /** Measures an entry again; one that could not fit an empty cache leaves. */
  remeasure(slot: number): void {
    const table = this.#table
    if (table.hasGivenSize(slot)) return
    const key = table.keys[slot] as string
    const value = table.values[slot]
    if (this.#pending.has(key)) return
    const bytes = this.#measureStored(value, key)
    // Measuring may have run code of the value, or of the caller's own sizeOf.
    if (this.#holds(table, slot, key, value)) this.recharge(slot, bytes)
  }

  /** What an entry weighs now, from its value's bytes. */
  recharge(slot: number, valueBytes: number): void {
    const table = this.#table
    const keyBytes = table.keyBytesOf(slot)
    const charge = ENTRY_BYTES + keyBytes + valueBytes
    if (leastBytesFor(charge) > this.settings.maxSizeBytes) this.#remove(slot, 'evicted')
    else {
      table.charge(slot, charge, keyBytes, false)
      this.#makeRoom(this.clock.now())
    }
  }

  settle(): void {
    this.hooks.run()
  }

  /** One background sweep. Milliseconds until the next, or `undefined` when nothing is left. */
  sweepOnce(): number | undefined {
    const { settings } = this
    try {
      this.purge()
      const isDone = this.#growth.look(this)
      this.settle()
      if (this.#table.size === 0) return undefined
      const isQuiet = this.#table.expiry.isEmpty && !this.#growth.hasWork
      if (isDone) return isQuiet ? undefined : settings.sweepInterval
      return Growth.PAUSE
    } catch (error) {
      this.hooks.fail(error, 'sweep')
      return settings.sweepInterval
    }
  }

  #wake(): void {
    const { expiry } = this.#table
    if (!expiry.isEmpty || this.#growth.hasWork) this.sweep.wake()
  }

  /** The error of a write that was refused. */
  #store(key: string, value: unknown, terms: WriteTerms): DataTooLargeError | undefined {
    if (key === 'then' && typeof value === 'function') {
      throw new TypeError("A function under 'then' would make a promise of the cache")
    }
    const { settings, statistics } = this
    const isWeighedByHeap = settings.sizeOf === heapSize && terms.sizeBytes === undefined
    let table = this.#table
    let slot = table.find(key)
    // The key of an entry that was measured has been measured with it.
    let keyBytes = 0
    if (isWeighedByHeap) keyBytes = (slot !== 0 && table.keyBytesOf(slot)) || stringSize(key)
    let bytes: number
    if (isWeighedByHeap && typeof value === 'string') bytes = stringSize(value)
    else {
      try {
        bytes = terms.sizeBytes ?? this.#measureStored(value, key)
      } catch (error) {
        this.#drop(key)
        this.settle()
        throw error
      }
      // Measuring may have run code of the value, or of the caller's own sizeOf.
      table = this.#table
      slot = table.find(key)
    }
    const charge = ENTRY_BYTES + keyBytes + bytes
    if (leastBytesFor(charge) > settings.maxSizeBytes) {
      statistics.refusals++
      this.#drop(key)
      return new DataTooLargeError(key, charge, settings.maxSizeBytes)
    }
    const now = this.clock.now()
    if (slot !== 0 && table.deadlineOf(slot) <= now) {
      this.#remove(slot, 'expired')
      table = this.#table
      slot = 0
    }
    statistics.writes++
    if (slot === 0) slot = table.add(key, value)
    else {
      this.#replace(table, slot, key, value)
      promote(table.records.int32, slot)
    }
    table.charge(slot, charge, keyBytes, terms.sizeBytes !== undefined)
    if (typeof value === 'object' && value !== null) this.#growth.hasWork = true
    if (isNativePromise(value)) this.#await(key, slot, value, terms, now)
    else this.#schedule(slot, terms, now)
    if (table.sizeBytes > settings.maxSizeBytes || table.size > this.#mostItems) this.#makeRoom(now)
    const { sweep } = this
    if (!sweep.isAwake || now >= sweep.overdueAt) this.#wake()
    return undefined
  }

  #measure(value: unknown, key: string): number {
    return valueBytesFor(this.settings.sizeOf, value, key, this.settings.maxSizeBytes)
  }

  // A promise weighs what it fulfilled with, and itself besides.
  #measureStored(value: unknown, key: string): number {
    if (!isNativePromise(value)) return this.#measure(value, key)
    const own = measure(value, Number.POSITIVE_INFINITY)
    const kept = fulfilledValue(value)
    return kept === undefined ? own : own + this.#measure(kept.value, key)
  }

  #holds(table: Table, slot: number, key: string, value: unknown): boolean {
    return table === this.#table && table.find(key) === slot && table.values[slot] === value
  }

  #replace(table: Table, slot: number, key: string, value: unknown): void {
    const previous = table.values[slot]
    this.statistics.removals.replaced++
    if (this.#pending.size !== 0) this.#pending.delete(key)
    if (!Object.is(previous, value)) {
      this.hooks.left(key, previous, 'replaced', table.chargeOf(slot))
      table.values[slot] = value
    }
  }

  /** An older value under a key whose new value was refused would be stale. */
  #drop(key: string): void {
    const slot = this.#table.find(key)
    if (slot !== 0)
      this.#remove(slot, this.#isExpired(slot, this.clock.now()) ? 'expired' : 'replaced')
  }

  #isExpired(slot: number, now: number): boolean {
    return this.#table.deadlineOf(slot) <= now
  }

  #schedule(slot: number, terms: WriteTerms, now: number): void {
    const { clock, settings } = this
    const { expiresAt, ttl = settings.defaultTtl } = terms
    if (expiresAt === undefined) {
      this.#table.schedule(slot, now + ttl)
      return
    }
    const key = this.#table.keys[slot] as string
    const unstarted = BEYOND_TIME + expiresAt
    const awaits = clock.awaitsStart(() => {
      const slot = this.#table.find(key)
      // Another deadline is that of a later write.
      if (slot !== 0 && this.#table.deadlineOf(slot) === unstarted) {
        this.#scheduleAt(slot, expiresAt)
      }
    })
    if (awaits) this.#table.schedule(slot, unstarted)
    else this.#scheduleAt(slot, expiresAt)
  }

  // An absolute expiry is time left by the wall clock of now, since virtual time is no date.
  #scheduleAt(slot: number, expiresAt: number): void {
    this.#table.schedule(slot, this.clock.now() + expiresAt - this.clock.wall())
  }

  #await(
    key: string,
    slot: number,
    promise: Promise<unknown>,
    terms: WriteTerms,
    now: number,
  ): void {
    const pending: Pending = {
      promise,
      terms,
      rejected: () => this.#settled(key, pending, undefined, true),
    }
    this.#pending.set(key, pending)
    this.#table.schedule(slot, now + this.settings.pendingTtl)
    try {
      subscribe(promise, (value) => this.#settled(key, pending, value, false), pending.rejected)
    } catch (error) {
      // A subclass that cannot be subscribed to would never be known to have settled.
      this.hooks.fail(error, 'promise', key)
      this.#remove(slot, 'rejected')
    }
  }

  // Once the request of a Worker has ended, its promises reject, yet only for who subscribes later.
  #awaitAgain(key: string): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    try {
      subscribe(pending.promise, undefined, pending.rejected)
    } catch {}
  }

  #settled(key: string, pending: Pending, value: unknown, isRejected: boolean): void {
    if (this.#pending.get(key) !== pending) return
    this.#pending.delete(key)
    const slot = this.#table.find(key)
    if (this.#isExpired(slot, this.clock.now())) this.#remove(slot, 'expired')
    else if (isRejected) this.#remove(slot, 'rejected')
    else this.#fulfil(slot, pending, value)
    this.settle()
  }

  #fulfil(slot: number, { promise, terms }: Pending, value: unknown): void {
    rememberFulfilled(promise, value)
    const table = this.#table
    const key = table.keys[slot] as string
    if (!table.hasGivenSize(slot)) {
      try {
        const bytes = this.#measureStored(promise, key)
        if (!this.#holds(table, slot, key, promise)) return
        this.#schedule(slot, terms, this.clock.now())
        this.recharge(slot, bytes)
      } catch (error) {
        this.hooks.fail(error, 'sizeOf', key)
        this.#remove(slot, 'evicted')
      }
    } else this.#schedule(slot, terms, this.clock.now())
    if (!this.sweep.isAwake) this.#wake()
  }

  #makeRoom(now: number): void {
    const { maxSizeBytes } = this.settings
    while (this.#table.sizeBytes > maxSizeBytes || this.#table.size > this.#mostItems) {
      const { expiry, records, size } = this.#table
      const due = expiry.due(now)
      if (due !== 0) this.#remove(due, 'expired')
      else if (size > 1 || !this.#fits(leastRecent(records.int32))) {
        this.#remove(leastRecent(records.int32), 'evicted')
      } else {
        // What is left fits; tables that grew for more do not.
        this.#table = this.#table.compacted()
        return
      }
    }
  }

  #fits(slot: number): boolean {
    return slot === 0 || leastBytesFor(this.#table.chargeOf(slot)) <= this.settings.maxSizeBytes
  }

  #removeExpired(now: number, most: number): void {
    for (let count = 0; count < most; count++) {
      const slot = this.#table.expiry.due(now)
      if (slot === 0) return
      this.#remove(slot, 'expired')
    }
  }

  #leave(slot: number, reason: Reason): void {
    const table = this.#table
    this.statistics.removals[reason]++
    this.hooks.left(table.keys[slot] as string, table.values[slot], reason, table.chargeOf(slot))
  }

  #remove(slot: number, reason: Reason): void {
    this.#leave(slot, reason)
    if (this.#pending.size !== 0) this.#pending.delete(this.#table.keys[slot] as string)
    this.#table.remove(slot)
    if (this.#table.isSparse) this.#table = this.#table.compacted()
  }
}
