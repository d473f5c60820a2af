import { Budget } from './budget.ts'
import { deadlineFor, pendingDeadline } from './deadlines.ts'
import { DataTooLargeError } from './errors.ts'
import { isSame } from './fulfilled.ts'
import { Growth } from './growth.ts'
import { Hooks } from './hooks.ts'
import { Loads } from './loads.ts'
import { handle, isNativePromise } from './native-promise.ts'
import type { Reason, Settings } from './options/options.ts'
import { DEFAULT_TERMS, type WriteTerms } from './options/write-options.ts'
import { StoredPromises } from './promises.ts'
import { CLEARED, DELETED, EVICTED, EXPIRED, REASONS, REPLACED } from './reasons.ts'
import { heapSize } from './size/heap-size.ts'
import { stringSize } from './size/string.ts'
import { requireStackToCompile, StackGuard } from './stack.ts'
import { Statistics } from './statistics.ts'
import { MORE } from './table/expiry.ts'
import {
  leastRecent,
  mostRecent,
  newerThan,
  placeLeastRecent,
  promote,
  unlink,
} from './table/recency.ts'
import { DEADLINE } from './table/records.ts'
import { ENTRY_BYTES, MOST_BYTES, Table } from './table/table.ts'
import { type Clock, clockFrom } from './time/clock.ts'
import { PAUSE, timeSlice } from './time/slice.ts'
import { Sweep } from './time/sweep.ts'
import { weigh } from './weigh.ts'

/** Before each kind of change in several steps. */
const guards = () => ({
  write: new StackGuard(),
  promise: new StackGuard(),
  expired: new StackGuard(),
  refused: new StackGuard(),
  removal: new StackGuard(),
  renewal: new StackGuard(),
  remeasuring: new StackGuard(),
  placing: new StackGuard(),
})
/** With hooks, a change runs further functions, which have to be compiled as well. */
const guardsWithHooks = /* @__PURE__ */ guards()
const guardsWithoutHooks = /* @__PURE__ */ guards()

type Weak = Pick<WeakRef<Cache>, 'deref'>

/** Each time that the cache was not used, its sweep waits longer by this factor. */
const PATIENCE = 1.25
/** Removals of a slice between two runs of the hooks, whose time counts too. */
const MOST_HOOKS = 32
/** Entries that are moved between two looks at the clock. */
const MOVES = 64

/**
 * The policy: what a use, a write and a removal are, and who leaves when. Time is read once a call,
 * or once an entry in `entries` and in a sweep. An entry leaves through `#take`,
 * through `clear`, or in `#passBy`. Hooks run last, when all is settled.
 */
export class Cache {
  readonly settings: Settings
  readonly clock: Clock
  readonly table = new Table()
  readonly statistics = new Statistics()
  readonly hooks: Hooks
  readonly sweep: Sweep<Cache>
  readonly loads = new Loads()
  readonly promises = new StoredPromises()
  readonly #budget = new Budget()
  readonly #growth = new Growth()
  readonly #isHeapSize: boolean
  readonly #guards: ReturnType<typeof guards>
  #weak: Weak | undefined
  /** Whether the search for growth rests. */
  #isResting = false
  /** Whether the next use calls `#attend`. One field, since every use reads it. */
  #isAttentive = false
  /** How many values were given out without a use. */
  #looks = 0
  /** `#countUses()` at the end of the last sweep. */
  #uses = 0
  /** Milliseconds until the next sweep, if the cache is not used. */
  #wait: number

  constructor(settings: Settings) {
    this.settings = settings
    this.clock = clockFrom(settings.now)
    this.hooks = new Hooks(settings.onDelete, settings.onError)
    const { sweepInterval } = settings
    this.#wait = sweepInterval
    this.sweep = new Sweep<Cache>(sweepInterval, this, (cache) => cache.sweepOnce(), this.clock)
    this.#isHeapSize = settings.sizeOf === heapSize
    this.#guards = this.hooks.isHeard ? guardsWithHooks : guardsWithoutHooks
    this.applyLimits(this.clock.now())
  }

  /** For promises and loads, which may be waited for long after the cache was dropped. */
  get weak(): Weak {
    this.#weak ??= globalThis.WeakRef ? new WeakRef(this) : { deref: () => this }
    return this.#weak
  }

  /** The slot of a live entry, as a use of it; or 0 for a miss, which is for the caller to count. */
  use(key: string): number {
    const { table } = this
    // First, since it may run code of the value, which may use the cache.
    if (this.#isAttentive) this.#attend(key)
    const slot = table.find(key)
    if (slot === 0) return 0
    const { int32, float64 } = table.records
    const at = (slot << 2) + DEADLINE
    // The deadline last: a reading that finds that the clock has started sets those that awaited it.
    if (
      (float64[at] as number) !== Number.POSITIVE_INFINITY &&
      this.clock.now() >= (float64[at] as number)
    ) {
      this.remove(slot, EXPIRED)
      this.hooks.run()
      return 0
    }
    promote(int32, slot)
    this.statistics.hits++
    return slot
  }

  /** Wakes a resting sweep if the key has an entry. On a Worker, also checks the promise that is read. */
  #attend(key: string): void {
    if (this.#isResting && this.table.find(key) !== 0) this.wake()
    this.#isAttentive = this.promises.watchAgain(key) || this.#isResting
  }

  /** The value in a slot, without a use. Wakes a resting sweep, since the caller may make it grow. */
  look(slot: number): unknown {
    this.#looks++
    if (this.#isResting) this.wake()
    return this.table.valueAt(slot)
  }

  /** The slot of a live entry, or 0. No use; an entry that has expired stays for who removes it. */
  findLive(key: string, now = this.clock.now()): number {
    const slot = this.table.find(key)
    return slot !== 0 && !this.#isExpired(slot, now) ? slot : 0
  }

  /** Throws a `DataTooLargeError` for what could not fit an empty cache, unless told to skip. */
  write(key: string, value: unknown, terms: WriteTerms = DEFAULT_TERMS): void {
    const refusal = this.#store(key, value, terms)
    this.hooks.run()
    if (refusal !== undefined && !this.settings.skipsTooLarge) throw refusal
  }

  /** Without an error for what could not fit an empty cache; it is counted as refused. */
  writeIfItFits(key: string, value: unknown, terms: WriteTerms): void {
    this.#store(key, value, terms)
    this.hooks.run()
  }

  /** Whether there was a live entry to remove. */
  delete(key: string): boolean {
    if (this.loads.size !== 0) this.loads.overtake(key)
    const wasLive = this.#drop(key, DELETED)
    this.hooks.run()
    return wasLive
  }

  clear(): void {
    const { table } = this
    const now = this.clock.now()
    requireStackToCompile()
    const { int32 } = table.records
    for (let slot = leastRecent(int32); slot !== 0; slot = newerThan(int32, slot)) {
      this.#leave(slot, this.#isExpired(slot, now) ? EXPIRED : CLEARED)
    }
    this.loads.clear()
    this.promises.clear()
    this.#growth.clear()
    table.clear()
    this.hooks.run()
  }

  /** The key at an end of the order of recency, once what has expired is gone. */
  endKey(isNewest: boolean): string | undefined {
    this.purge()
    const { int32 } = this.table.records
    const slot = isNewest ? mostRecent(int32) : leastRecent(int32)
    return slot === 0 ? undefined : this.table.keyAt(slot)
  }

  place(slot: number, isNewest: boolean): void {
    const { int32 } = this.table.records
    this.#guards.placing.require(slot)
    if (isNewest) promote(int32, slot)
    else {
      unlink(int32, slot)
      placeLeastRecent(int32, slot)
    }
  }

  /** Virtual milliseconds that a live entry has left, or `undefined` where there is none. No use. */
  timeLeft(key: string): number | undefined {
    // A slightly old reading, so that a TTL that was just set is given back in full.
    const now = this.clock.fresh(20)
    const slot = this.findLive(key, now)
    return slot === 0 ? undefined : this.table.deadlineOf(slot) - now
  }

  /** Live keys, the least recently used first. */
  keys(now = this.clock.now()): string[] {
    this.purge(now)
    const { table } = this
    const { int32 } = table.records
    const live: string[] = []
    for (let slot = leastRecent(int32); slot !== 0; slot = newerThan(int32, slot)) {
      live.push(table.keyAt(slot))
    }
    return live
  }

  /** Live entries, the least recently used first: what leaves before its turn is passed over. */
  *entries(isNewestFirst = false): IterableIterator<[string, unknown]> {
    const keys = this.keys()
    if (isNewestFirst) keys.reverse()
    for (const key of keys) {
      const slot = this.findLive(key)
      if (slot !== 0) yield [key, this.look(slot)]
    }
  }

  /** How many had expired. */
  purge(now = this.clock.now()): number {
    let count = 0
    for (let slot = this.#due(now); slot !== 0; slot = this.#due(now)) {
      this.remove(slot, EXPIRED)
      count++
    }
    if (count !== 0) this.hooks.run()
    return count
  }

  /** Whether one went: one that has expired, or else the least recently used. */
  evictOne(): boolean {
    const due = this.#due(this.clock.now())
    const victim = due || leastRecent(this.table.records.int32)
    if (victim !== 0) this.remove(victim, due === 0 ? EVICTED : EXPIRED)
    this.hooks.run()
    return victim !== 0
  }

  /**
   * Other terms of life for a live entry: at once, or once its promise has fulfilled. Whether there
   * is one.
   */
  renew(key: string, terms: WriteTerms): boolean {
    const now = this.clock.fresh()
    const slot = this.findLive(key, now)
    if (slot === 0) return false
    this.#guards.renewal.require(slot)
    if (!this.promises.renew(this, slot, terms, now)) this.begin(slot, terms, now)
    this.wake()
    this.purge(now)
    return true
  }

  /** An entry's life begins. */
  begin(slot: number, terms: WriteTerms, now: number): void {
    const { table, settings } = this
    const deadline = deadlineFor(this, table.keyAt(slot), terms, settings.defaultTtl, now)
    table.expiry.schedule(slot, deadline, now)
  }

  /** The limits as the settings have them now. */
  applyLimits(now: number): void {
    requireStackToCompile()
    this.#budget.set(this.settings)
    this.#keepLimits(now)
    this.hooks.run()
  }

  /** Measures an entry again; one that could not fit an empty cache leaves. */
  remeasure(slot: number, now = this.clock.now()): void {
    const { table } = this
    const key = table.keyAt(slot)
    if (table.hasGivenSize(slot) || this.promises.has(key)) return
    const value = table.valueAt(slot)
    const bytes = weigh(this.settings, value, key)
    // Measuring may have run code of the value, or of the caller's own sizeOf.
    const present = table.find(key)
    if (present !== 0 && table.valueAt(present) === value) this.recharge(present, bytes, now)
  }

  /** What an entry's value weighs now. */
  recharge(slot: number, valueBytes: number, now = this.clock.now()): void {
    const { table } = this
    this.#guards.remeasuring.require(slot)
    if (valueBytes > MOST_BYTES || table.hasLarge) requireStackToCompile()
    const keyBytes = table.keyBytesOf(slot)
    if (!this.#budget.admits(keyBytes + valueBytes)) this.remove(slot, EVICTED)
    else {
      table.charge(slot, keyBytes, valueBytes, false)
      this.#keepLimits(now)
    }
  }

  /** One slice of the background sweep. Milliseconds until the next, or `undefined` for none. */
  sweepOnce(): number | undefined {
    try {
      const isOver = timeSlice()
      const now = this.clock.now()
      this.loads.forgetGivenUp(now)
      // A write wakes the timer only if that waits for longer than an interval.
      if (this.#countUses() !== this.#uses) this.#isResting = false
      const isPurged = this.#purgeUntil(isOver, now)
      // Before values are measured, which hooks may replace.
      this.hooks.run()
      const isDone = isPurged && (this.#isResting || this.#growth.look(this, isOver))
      this.hooks.run()
      return isDone ? this.#untilNextSweep(now) : PAUSE
    } catch (error) {
      this.hooks.failed(error, 'sweep')
      this.hooks.run()
      return this.#waitLonger()
    }
  }

  /** Whether all that has expired is gone. */
  #purgeUntil(isOver: () => boolean, now: number): boolean {
    for (let count = 1; !isOver(); count++) {
      const slot = this.table.expiry.due(now, MOVES)
      if (slot === 0) return true
      if (slot !== MORE) this.remove(slot, EXPIRED)
      if (count % MOST_HOOKS === 0) this.hooks.run()
    }
    return false
  }

  /**
   * If the cache was not used since the last sweep and has not grown, further sweeps only remove what
   * expires and forget loads that are given up. They come later each time, so a program that runs until
   * no timer is left ends.
   */
  #untilNextSweep(now: number): number | undefined {
    const uses = this.#countUses()
    const isIdle = uses === this.#uses && !this.#growth.hasFound
    this.#uses = uses
    if (!this.#hasSweepWork) return undefined
    if (!isIdle) {
      this.#wait = this.settings.sweepInterval
      return this.#wait
    }
    this.#isResting = this.#growth.hasObjects
    if (this.#isResting) this.#isAttentive = true
    const next = Math.min(this.table.expiry.next, this.loads.next)
    return Math.max(this.#waitLonger(), next - now)
  }

  #countUses(): number {
    return this.statistics.uses + this.#looks
  }

  #waitLonger(): number {
    const wait = this.#wait
    this.#wait *= PATIENCE
    return wait
  }

  get #hasSweepWork(): boolean {
    if (this.loads.size !== 0) return true
    return this.table.size !== 0 && (!this.table.expiry.isEmpty || this.#growth.hasWork)
  }

  /** Starts the background sweep, if there is anything for it to do. */
  wake(): void {
    this.#isResting = false
    if (this.#hasSweepWork) this.sweep.wake()
  }

  /** Ends the background sweep for good. */
  close(): void {
    this.#isResting = false
    this.sweep.close()
    this.#growth.clear()
  }

  /** The error of a write that was refused. */
  #store(key: string, value: unknown, terms: WriteTerms): DataTooLargeError | undefined {
    if (typeof value === 'function' && key === 'then') {
      throw new TypeError("A function under 'then' would make a promise of the cache")
    }
    const { table } = this
    let slot = table.find(key)
    // First, since measuring without stack gives a wrong size.
    this.#guards.write.require(slot)
    if (this.loads.size !== 0) this.loads.overtake(key)
    let keyBytes = 0
    let valueBytes = terms.sizeBytes
    const isGiven = valueBytes !== undefined
    if (valueBytes === undefined) {
      const isHeapSize = this.#isHeapSize === true
      // The key of an entry that was measured has been measured with it.
      if (isHeapSize) keyBytes = (slot !== 0 && table.keyBytesOf(slot)) || stringSize(key)
      if (isHeapSize && typeof value === 'string') valueBytes = stringSize(value)
      else {
        valueBytes = this.#weigh(value, key)
        // Measuring may have run code of the value, or of the caller's own sizeOf.
        slot = table.find(key)
      }
    }
    const bytes = keyBytes + valueBytes
    if (!this.#budget.admits(bytes)) return this.#refuse(key, value, bytes)
    if (bytes > MOST_BYTES || table.hasLarge) requireStackToCompile()
    const isObject = typeof value === 'object' && value !== null
    const isPromise = isObject && isNativePromise(value)
    if (isPromise) this.#guards.promise.require(slot)
    const now = terms.expiresAt === undefined ? this.clock.now() : this.clock.fresh()
    const { defaultTtl, pendingTtl } = this.settings
    const deadline = isPromise
      ? pendingDeadline(this.clock, terms, now + pendingTtl, now)
      : deadlineFor(this, key, terms, defaultTtl, now)
    if (deadline <= now) return this.#passBy(key, value, bytes, now)
    if (slot !== 0 && table.deadlineOf(slot) > now) {
      this.#replace(slot, key, value)
      table.charge(slot, keyBytes, valueBytes, isGiven)
    } else {
      if (slot !== 0) this.remove(slot, EXPIRED)
      // Before it comes, so that it takes the place of what leaves.
      if (this.#budget.isExceeded(table, bytes + table.growthBytes, 1)) {
        this.#makeRoom(now, bytes, 1)
      }
      slot = table.add(key, value, keyBytes, valueBytes, isGiven)
    }
    this.statistics.writes++
    if (isObject && !isGiven) this.#growth.hasObjects = true
    if (isPromise) {
      this.promises.add(this, slot, value, terms, now)
      this.#isAttentive = true
    } else table.expiry.schedule(slot, deadline, now)
    this.#keepLimits(now)
    const { sweep } = this
    if (!sweep.isAwake || now >= sweep.askAt) this.wake()
    return undefined
  }

  #weigh(value: unknown, key: string): number {
    try {
      return weigh(this.settings, value, key)
    } catch (error) {
      this.#drop(key, REPLACED)
      this.hooks.run()
      throw error
    }
  }

  #refuse(key: string, value: unknown, bytes: number): DataTooLargeError {
    this.#guards.refused.require(bytes)
    handle(value)
    this.#drop(key, REPLACED)
    this.statistics.refusals++
    const { maxSizeBytes } = this.settings
    return new DataTooLargeError(key, ENTRY_BYTES + bytes, maxSizeBytes)
  }

  /** A write that has expired already. It is not stored, so nothing is evicted for it. */
  #passBy(key: string, value: unknown, bytes: number, now: number): undefined {
    const { table, statistics, hooks } = this
    this.#guards.expired.require(bytes)
    handle(value)
    const slot = table.find(key)
    if (slot !== 0) {
      if (this.#isExpired(slot, now)) this.#take(slot, EXPIRED)
      else {
        this.#replace(slot, key, value)
        table.remove(slot)
      }
    }
    statistics.writes++
    statistics.count(EXPIRED)
    if (hooks.isHeard) hooks.left(key, value, 'expired', ENTRY_BYTES + bytes)
  }

  #replace(slot: number, key: string, value: unknown): void {
    this.statistics.count(REPLACED)
    if (this.promises.size !== 0) this.promises.forget(key)
    if (this.hooks.isHeard) this.#tellReplaced(slot, key, value)
    this.table.setValue(slot, value)
    promote(this.table.records.int32, slot)
  }

  #tellReplaced(slot: number, key: string, value: unknown): void {
    const { table, hooks } = this
    const previous = table.valueAt(slot)
    if (!isSame(previous, value)) hooks.left(key, previous, 'replaced', table.chargeOf(slot))
  }

  /** Whether there was a live entry to remove. */
  #drop(key: string, reason: number): boolean {
    const slot = this.table.find(key)
    if (slot === 0) return false
    const isLive = !this.#isExpired(slot, this.clock.now())
    this.remove(slot, isLive ? reason : EXPIRED)
    return isLive
  }

  #isExpired(slot: number, now: number): boolean {
    return this.table.deadlineOf(slot) <= now
  }

  #due(now: number): number {
    this.#guards.removal.require(this.table.size)
    return this.table.expiry.due(now)
  }

  #fits(slot: number): boolean {
    const { table } = this
    return slot === 0 || this.#budget.admits(table.keyBytesOf(slot) + table.valueBytesOf(slot))
  }

  #keepLimits(now: number): void {
    if (this.#budget.isExceeded(this.table, 0, 0)) this.#makeRoom(now, 0, 0)
  }

  /**
   * Removes until there is room: first what has expired, wherever it is, then the least recently
   * used. Rather than let the tables grow beyond the budget, an entry gives its slot to the next.
   */
  #makeRoom(now: number, bytes: number, items: number): void {
    const { table } = this
    do {
      const due = table.expiry.due(now)
      const oldest = leastRecent(table.records.int32)
      if (due !== 0) this.#take(due, EXPIRED)
      else if (table.size + items > 1 || !this.#fits(oldest)) this.#take(oldest, EVICTED)
      else {
        // What is left fits; tables that grew for more do not.
        table.compact()
        return
      }
    } while (this.#budget.isExceeded(table, bytes, items) && !(items === 0 && this.#isFreed()))
  }

  /** Whether giving back the free slots made room. Done once, since it takes long. */
  #isFreed(): boolean {
    const { table } = this
    if (!table.isSparse || this.#budget.isExceeded(table, -table.spareBytes, 0)) return false
    table.compact()
    return true
  }

  #leave(slot: number, reason: number): void {
    const { table, hooks } = this
    this.statistics.count(reason)
    if (!hooks.isHeard) return
    hooks.left(
      table.keyAt(slot),
      table.valueAt(slot),
      REASONS[reason] as Reason,
      table.chargeOf(slot),
    )
  }

  remove(slot: number, reason: number): void {
    this.#guards.removal.require(slot)
    if (this.table.hasLarge) requireStackToCompile()
    this.#take(slot, reason)
  }

  /** Removes an entry, and what the cache knows of its promise. */
  #take(slot: number, reason: number): void {
    this.#leave(slot, reason)
    if (this.promises.size !== 0) this.promises.forget(this.table.keyAt(slot))
    this.table.remove(slot)
  }
}
