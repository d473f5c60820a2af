import { DataTooLargeError } from './errors.ts'
import type { Hooks } from './hooks.ts'
import type { Pending, PendingPromises } from './later/promises.ts'
import { formatValue, outOfRange } from './options/check.ts'
import type { Reason, Settings } from './options/options.ts'
import type { WriteTerms } from './options/terms.ts'
import { ENTRY_SIZE_RANGE, isEntrySize } from './options/units.ts'
import { fulfilled, handleRejection, isNativePromise, isSame } from './promise.ts'
import { heapSize, measure } from './size/heap-size.ts'
import { PROMISE, stringSize } from './size/layout.ts'
import { requireStackToCompile, StackGuard } from './stack.ts'
import {
  CLEARED,
  EVICTED,
  EXPIRED,
  REASONS,
  REJECTED,
  REPLACED,
  type Statistics,
} from './statistics.ts'
import { GIVEN, MOST_BYTES, NONE, type Slot } from './table/records.ts'
import { EMPTY_BYTES, ENTRY_BYTES, MOST_ENTRIES, Table } from './table/table.ts'
import type { Clock } from './time/clock.ts'

/** In place of a value, where there is no live entry. */
export const MISSING = /* @__PURE__ */ Symbol('missing')

/** Before each kind of change in several steps. */
const guards = () => ({
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

/** A deadline that no TTL gives, for an absolute expiry while no wall clock runs. */
const BEYOND_TIME = 2 ** 52

/**
 * Entries within limits. An entry comes through `put`. It leaves through `remove`, through `clear`, or
 * in a write that has expired already. Statistics and hooks hear of each. Deadlines are whole virtual
 * milliseconds, rounded down, so that none comes late.
 */
export class Entries {
  readonly table = new Table()
  /** Whether a resting sweep, or a promise on a Worker, has to hear of the next use. */
  isUseAwaited = false
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #statistics: Statistics
  readonly #hooks: Hooks
  readonly #promises: PendingPromises
  readonly #guards: ReturnType<typeof guards>
  readonly #isHeapSize: boolean
  #mostItems = 0
  #mostBytes = 0
  /** Of key and value of one entry, to fit an empty cache. */
  #mostContent = 0
  /** Absolute expiry by key, of writes while no wall clock ran. */
  #unstarted: Map<string, number> | undefined

  constructor(
    settings: Settings,
    clock: Clock,
    statistics: Statistics,
    hooks: Hooks,
    promises: PendingPromises,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#statistics = statistics
    this.#hooks = hooks
    this.#promises = promises
    this.#guards = hooks.hasOnDelete ? guardsWithHooks : guardsWithoutHooks
    this.#isHeapSize = settings.sizeOf === heapSize
  }

  /** The live value as a use, or `missing`. */
  use<Missing>(key: string, missing: Missing): unknown | Missing {
    const { table } = this
    const slot = table.find(key)
    if (slot !== NONE) {
      // Read again after the clock, whose first reading sets deadlines.
      if (
        table.deadlineOf(slot) === Number.POSITIVE_INFINITY ||
        this.#clock.now() < table.deadlineOf(slot)
      ) {
        this.#statistics.hits++
        return table.use(slot)
      }
      this.remove(slot, EXPIRED)
      this.#hooks.run()
    }
    this.#statistics.misses++
    return missing
  }

  /** The slot of a live entry, or `NONE`. Not a use. An expired entry stays. */
  findLive(key: string, now = this.#clock.now()): Slot {
    const slot = this.table.find(key)
    return slot !== NONE && !this.#isExpired(slot, now) ? slot : NONE
  }

  /** The live value, or `MISSING`. Not a use. An expired entry stays. */
  peek(key: string): unknown {
    const slot = this.findLive(key)
    return slot === NONE ? MISSING : this.table.valueAt(slot)
  }

  /** Stores a value as the newest entry. Returns the error of a write that is refused. */
  put(key: string, value: unknown, terms: WriteTerms): DataTooLargeError | undefined {
    const { table } = this
    const isHeapSize = this.#isHeapSize === true
    const isPromise = isNativePromise(value)
    const isGiven = terms.sizeBytes !== undefined
    let valueBytes = terms.sizeBytes as number
    if (!isGiven) {
      valueBytes =
        isHeapSize && typeof value === 'string'
          ? stringSize(value)
          : this.#weighOrDrop(key, value, isPromise)
    }
    // Measuring may have run code of the value, or the program's `sizeOf`, which may use the cache.
    const slot = table.find(key)
    let keyBytes = 0
    if (isGiven) keyBytes = GIVEN
    // The key of an entry that was measured has been measured with it.
    else if (isHeapSize) keyBytes = (slot !== NONE && table.keyBytesOf(slot)) || stringSize(key)
    const bytes = (keyBytes & ~GIVEN) + valueBytes
    if (bytes > this.#mostContent) return this.#refuse(key, value, bytes)
    if (bytes > MOST_BYTES || table.hasLarge) requireStackToCompile()
    if (isPromise) this.#guards.promise.require(slot)
    const now = terms.expiresAt === undefined ? this.#clock.now() : this.#clock.fresh()
    const servedUntil = now + this.#settings.pendingTtl
    const deadline = isPromise
      ? this.#pendingDeadline(key, terms, servedUntil, now)
      : this.#deadline(key, terms, now)
    if (deadline <= now) return this.#putExpired(key, value, bytes, now)
    if (slot !== NONE && !this.#isExpired(slot, now)) {
      this.#noteReplaced(slot, key, value)
      table.replace(slot, value, keyBytes, valueBytes, deadline, now)
    } else {
      if (slot !== NONE) this.remove(slot, EXPIRED)
      // Before the entry comes, so that it takes the slot of one that leaves.
      if (this.#isExceeded(bytes + table.growthBytes, 1)) this.#makeRoom(now, bytes, 1)
      table.add(key, value, keyBytes, valueBytes, deadline, now)
    }
    this.#statistics.writes++
    if (isPromise) this.#watch(key, value, terms, servedUntil)
    if (this.#isExceeded(0, 0)) this.#makeRoom(now, 0, 0)
    return undefined
  }

  /** An older value is out of date, so it leaves even if the new one cannot be measured. */
  #weighOrDrop(key: string, value: unknown, isPromise: boolean): number {
    try {
      return this.#weigh(key, value, isPromise)
    } catch (error) {
      this.drop(key, REPLACED)
      throw error
    }
  }

  #refuse(key: string, value: unknown, bytes: number): DataTooLargeError {
    this.#guards.refused.require(bytes)
    handleRejection(value)
    this.drop(key, REPLACED)
    this.#statistics.refusals++
    return new DataTooLargeError(key, ENTRY_BYTES + bytes, this.#mostBytes)
  }

  /** Counts a write that has expired already. Nothing is evicted for it. */
  #putExpired(key: string, value: unknown, bytes: number, now: number): undefined {
    this.#guards.expired.require(bytes)
    handleRejection(value)
    const slot = this.table.find(key)
    if (slot !== NONE) {
      if (this.#isExpired(slot, now)) this.#take(slot, EXPIRED)
      else {
        this.#noteReplaced(slot, key, value)
        this.table.remove(slot)
      }
    }
    this.#statistics.writes++
    this.#statistics.count(EXPIRED)
    if (this.#hooks.hasOnDelete) this.#hooks.removed(key, value, 'expired', ENTRY_BYTES + bytes)
  }

  #noteReplaced(slot: Slot, key: string, value: unknown): void {
    this.#statistics.count(REPLACED)
    if (this.#promises.size !== 0) this.#promises.forget(key)
    if (!this.#hooks.hasOnDelete) return
    const former = this.table.valueAt(slot)
    if (!isSame(former, value)) {
      this.#hooks.removed(key, former, 'replaced', this.table.chargeOf(slot))
    }
  }

  #watch(key: string, promise: Promise<unknown>, terms: WriteTerms, servedUntil: number): void {
    const pending = this.#promises.add(key, promise, terms, servedUntil)
    try {
      pending.subscription.begin()
    } catch (error) {
      // Nobody would know when a promise settles that cannot be subscribed to. Code of its class has
      // run, so the entry may be another one by now.
      if (this.#promises.get(key) === pending) this.remove(this.table.find(key), REJECTED)
      this.#hooks.failed(error, 'promise', key)
    }
  }

  /** A promise has settled: `kept` takes its place, or it has rejected if that is `undefined`. */
  settle({ key, promise, terms }: Pending, kept: Promise<unknown> | undefined): void {
    const { table } = this
    let source = 'promise'
    try {
      const now = this.#clock.now()
      const slot = table.find(key)
      if (this.#isExpired(slot, now)) this.remove(slot, EXPIRED)
      else if (kept === undefined) this.remove(slot, REJECTED)
      else {
        this.#promises.forget(key)
        table.setValue(slot, kept)
        table.setDeadline(slot, this.#deadline(key, terms, now), now)
        source = 'sizeOf'
        this.remeasure(slot, now)
      }
    } catch (error) {
      // No entry stays whose life has not begun, or whose size nobody knows.
      const present = table.find(key)
      if (present !== NONE && isSame(table.valueAt(present), promise)) {
        this.remove(present, kept === undefined ? REJECTED : EVICTED)
      }
      this.#hooks.failed(error, source, key)
    }
  }

  /** Gives a live entry another life, now or once its promise has fulfilled. Returns `false` if there is none. */
  renew(key: string, terms: WriteTerms, now: number): boolean {
    const slot = this.findLive(key, now)
    if (slot === NONE) return false
    this.#guards.renewal.require(slot)
    const pending = this.#promises.get(key)
    if (pending !== undefined) pending.terms = { ...terms, sizeBytes: pending.terms.sizeBytes }
    const deadline =
      pending === undefined
        ? this.#deadline(key, terms, now)
        : this.#pendingDeadline(key, terms, pending.servedUntil, now)
    this.table.setDeadline(slot, deadline, now)
    return true
  }

  #deadline(key: string, { ttl, expiresAt }: WriteTerms, now: number): number {
    if (expiresAt === undefined) return Math.floor(now + (ttl ?? this.#settings.defaultTtl))
    if (this.#awaitsStart(key, expiresAt)) return unstarted(expiresAt)
    return Math.floor(now + expiresAt - this.#clock.wallAt(now))
  }

  /** A TTL starts once the promise has fulfilled. Only a TTL of 0 or less counts before. */
  #pendingDeadline(
    key: string,
    { ttl = Number.POSITIVE_INFINITY, expiresAt }: WriteTerms,
    servedUntil: number,
    now: number,
  ): number {
    if (ttl <= 0) return now
    if (expiresAt === undefined || this.#awaitsStart(key, expiresAt)) return Math.floor(servedUntil)
    return Math.floor(Math.min(servedUntil, now + expiresAt - this.#clock.wallAt(now)))
  }

  /** Whether the clock has yet to start, and so cannot tell when a date comes. */
  #awaitsStart(key: string, expiresAt: number): boolean {
    if (this.#clock.hasStarted) return false
    if (this.#unstarted === undefined) {
      this.#unstarted = new Map()
      this.#clock.onStart((now) => this.#start(now))
    }
    this.#unstarted.set(key, expiresAt)
    return true
  }

  #start(now: number): void {
    const { table } = this
    for (const [key, expiresAt] of this.#unstarted ?? []) {
      const slot = table.find(key)
      const pending = this.#promises.get(key)
      if (pending !== undefined) {
        const { terms, servedUntil } = pending
        table.setDeadline(slot, this.#pendingDeadline(key, terms, servedUntil, now), now)
        // Another deadline is that of a later write.
      } else if (slot !== NONE && table.deadlineOf(slot) === unstarted(expiresAt)) {
        table.setDeadline(slot, Math.floor(now + expiresAt - this.#clock.wallAt(now)), now)
      }
    }
    this.#unstarted = undefined
  }

  /**
   * The bytes of a value, and of its key where `sizeOf` counts both. A promise weighs itself and what
   * it has fulfilled with. `heapSize` stops beyond the budget. Throws a `TypeError` that names the key
   * if `sizeOf` throws or returns no size.
   */
  #weigh(key: string, value: unknown, isPromise = isNativePromise(value)): number {
    if (isPromise) {
      const kept = fulfilled(value)
      return kept === undefined ? PROMISE : PROMISE + this.#weigh(key, kept.value, false)
    }
    if (this.#isHeapSize) return measure(value, this.#mostBytes)
    const { sizeOf } = this.#settings
    let bytes: unknown
    try {
      bytes = sizeOf(value, key)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : formatValue(cause)
      throw new TypeError(`sizeOf failed for ${formatValue(key)}: ${message}`, { cause })
    }
    if (isEntrySize(bytes)) return Math.ceil(bytes)
    throw new TypeError(
      `sizeOf must give ${ENTRY_SIZE_RANGE}; got ${formatValue(bytes)} for ${formatValue(key)}`,
    )
  }

  /** Measures an entry again, unless its size was given or its promise is pending. */
  remeasure(slot: Slot, now = this.#clock.now()): void {
    const { table } = this
    const key = table.keyAt(slot)
    if (table.hasGivenSize(slot) || this.#promises.has(key)) return
    const value = table.valueAt(slot)
    const bytes = this.#weigh(key, value)
    // Measuring may have run code that uses the cache.
    const present = table.find(key)
    if (present !== NONE && table.valueAt(present) === value) this.recharge(present, bytes, now)
  }

  /** Charges an entry anew. It leaves if it could not fit an empty cache. */
  recharge(slot: Slot, valueBytes: number, now = this.#clock.now()): void {
    const { table } = this
    this.#guards.remeasuring.require(slot)
    if (valueBytes > MOST_BYTES || table.hasLarge) requireStackToCompile()
    const keyBytes = table.keyBytesOf(slot)
    if (keyBytes + valueBytes > this.#mostContent) this.remove(slot, EVICTED)
    else {
      table.charge(slot, keyBytes, valueBytes)
      if (this.#isExceeded(0, 0)) this.#makeRoom(now, 0, 0)
    }
  }

  /** Keys in the order of use, the oldest first. */
  keys(): string[] {
    const { table } = this
    const keys: string[] = []
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) {
      keys.push(table.keyAt(slot))
    }
    return keys
  }

  /** Makes an entry the newest or the oldest. Returns `false` if there is no live one. */
  place(key: string, end: 'oldest' | 'newest'): boolean {
    const slot = this.findLive(key)
    if (slot === NONE) return false
    this.#guards.placing.require(slot)
    if (end === 'newest') this.table.promote(slot)
    else this.table.demote(slot)
    return true
  }

  #isExpired(slot: Slot, now: number): boolean {
    return this.table.deadlineOf(slot) <= now
  }

  /** Removes an entry. Returns whether it was live; if it was not, it leaves as expired. */
  drop(key: string, reason: number): boolean {
    const slot = this.table.find(key)
    if (slot === NONE) return false
    const isLive = !this.#isExpired(slot, this.#clock.now())
    this.remove(slot, isLive ? reason : EXPIRED)
    return isLive
  }

  clear(now: number): void {
    const { table } = this
    requireStackToCompile()
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) {
      this.#noteRemoved(slot, this.#isExpired(slot, now) ? EXPIRED : CLEARED)
    }
    this.#promises.clear()
    table.clear()
  }

  /** Removes what has expired. Returns how many entries. */
  purge(now: number): number {
    let count = 0
    for (let slot = this.#due(now); slot !== NONE; slot = this.#due(now)) {
      this.remove(slot, EXPIRED)
      count++
    }
    return count
  }

  /** Removes some entry that has expired. Returns its slot, `NONE`, or `MORE` after `mostMoves`. */
  purgeOne(now: number, mostMoves: number): Slot {
    const slot = this.#due(now, mostMoves)
    if (slot > NONE) this.remove(slot, EXPIRED)
    return slot
  }

  /** Removes an entry that has expired, or else the oldest. Returns `false` if there is none. */
  evictOne(): boolean {
    const due = this.#due(this.#clock.now())
    const victim = due || this.table.oldest
    if (victim !== NONE) this.remove(victim, due === NONE ? EVICTED : EXPIRED)
    return victim !== NONE
  }

  #due(now: number, mostMoves?: number): Slot {
    this.#guards.removal.require(this.table.size)
    return this.table.due(now, mostMoves)
  }

  remove(slot: Slot, reason: number): void {
    this.#guards.removal.require(slot)
    if (this.table.hasLarge) requireStackToCompile()
    this.#take(slot, reason)
  }

  #take(slot: Slot, reason: number): void {
    this.#noteRemoved(slot, reason)
    if (this.#promises.size !== 0) this.#promises.forget(this.table.keyAt(slot))
    this.table.remove(slot)
  }

  #noteRemoved(slot: Slot, reason: number): void {
    this.#statistics.count(reason)
    if (!this.#hooks.hasOnDelete) return
    const { table } = this
    this.#hooks.removed(
      table.keyAt(slot),
      table.valueAt(slot),
      REASONS[reason] as Reason,
      table.chargeOf(slot),
    )
  }

  /** Applies new limits: bytes and entries. */
  limit(maxSizeBytes: number, maxItems: number, now: number): void {
    requireStackToCompile()
    this.#mostBytes = maxSizeBytes
    this.#mostItems = Math.min(maxItems, MOST_ENTRIES)
    this.#mostContent = maxSizeBytes - EMPTY_BYTES
    if (this.#isExceeded(0, 0)) this.#makeRoom(now, 0, 0)
  }

  /** Whether the entries, and so many bytes and entries to come, are too much. */
  #isExceeded(bytes: number, items: number): boolean {
    const { table } = this
    return table.sizeBytes + bytes > this.#mostBytes || table.size + items > this.#mostItems
  }

  /**
   * Removes entries until there is room for so many bytes and entries to come: first what has expired,
   * then the oldest. The entry to come takes the slot of one that leaves, so that the tables do not
   * grow beyond the budget.
   */
  #makeRoom(now: number, bytes: number, items: number): void {
    const { table } = this
    do {
      const due = table.due(now)
      const { oldest } = table
      if (due !== NONE) this.#take(due, EXPIRED)
      else if (table.size + items > 1 || !this.#fitsAlone(oldest)) this.#take(oldest, EVICTED)
      else {
        // What is left fits, but not the tables that grew for more.
        table.compact()
        return
      }
    } while (this.#isExceeded(bytes, items) && !(items === 0 && this.#compacts()))
  }

  #fitsAlone(slot: Slot): boolean {
    const { table } = this
    return slot === NONE || table.keyBytesOf(slot) + table.valueBytesOf(slot) <= this.#mostContent
  }

  /** Whether giving back the free slots made room. Done once, since it takes long. */
  #compacts(): boolean {
    const { table } = this
    if (!table.isSparse || this.#isExceeded(-table.spareBytes, 0)) return false
    table.compact()
    return true
  }
}

const unstarted = (expiresAt: number): number => Math.floor(BEYOND_TIME + expiresAt)

/** Throws a `RangeError` unless an empty cache fits. `given` is the limit as the program wrote it. */
export function requireRoom(maxSizeBytes: number, given: unknown): void {
  if (maxSizeBytes >= EMPTY_BYTES) return
  throw outOfRange('maxSizeBytes', `at least the ${EMPTY_BYTES} bytes of an empty cache`, given)
}
