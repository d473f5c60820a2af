import { AbsoluteExpiry } from './absolute-expiry.ts'
import { DataTooLargeError } from './errors.ts'
import type { Hooks } from './hooks.ts'
import { FIRST_LOOK } from './memory/pace.ts'
import { outOfRange } from './options/check.ts'
import type { Reason, Settings } from './options/options.ts'
import type { WriteTerms } from './options/terms.ts'
import { handleRejection, isNativePromise, isSame, type PendingPromises } from './promise.ts'
import { heapSize } from './size/heap-size.ts'
import { stringSize } from './size/layout.ts'
import { type ChangeGuards, guardsOf, requireStackToCompile } from './stack.ts'
import { CLEARED, EVICTED, EXPIRED, REASONS, REPLACED, type Statistics } from './statistics.ts'
import { GIVEN, MOST_BYTES, NONE, type Slot } from './table/records.ts'
import { EMPTY_BYTES, ENTRY_BYTES, MOST_ENTRIES, Table } from './table/table.ts'
import type { Clock } from './time/clock.ts'
import { weigh } from './weigh.ts'

/** A larger entry counts as this much: enough to look at once, and the engine allocates no number for `allowance`. */
const LEAP = 2 ** 30

/** In place of a value, where there is no live entry. */
export const MISSING = /* @__PURE__ */ Symbol('missing')

/**
 * Entries within limits. A value comes through `put`, and leaves when it is replaced, removed or cleared;
 * statistics and hooks hear of each. Deadlines are whole virtual milliseconds, rounded down, so that none
 * comes late.
 */
export class Entries {
  readonly table = new Table()
  /**
   * Whether a resting sweep, or a promise on a Worker, waits for the next use. It is a field of this
   * object because every read loads this object.
   */
  isUseAwaited = false
  /** Bytes that may be written before the next look at the memory of the process. */
  allowance = FIRST_LOOK
  /** Whether a write has evicted a value, since the budget in force is less than the one that was set. */
  isCramped = false
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #statistics: Statistics
  readonly #hooks: Hooks
  readonly #pending: PendingPromises
  readonly #guards: ChangeGuards
  readonly #isHeapSize: boolean
  /** Made for the first date, since few caches need it. */
  #dates: AbsoluteExpiry | undefined
  #mostItems = 0
  #maxSizeBytes = 0
  /** The budget in force: less than `#maxSizeBytes` while the process is short of memory. */
  #mostBytes = 0

  constructor(
    settings: Settings,
    clock: Clock,
    statistics: Statistics,
    hooks: Hooks,
    pending: PendingPromises,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#statistics = statistics
    this.#hooks = hooks
    this.#pending = pending
    this.#guards = guardsOf(hooks.hasOnDelete)
    this.#isHeapSize = settings.sizeOf === heapSize
  }

  /** The live value as a use, or `missing`, which counts as a miss if `isMiss`. */
  use<Missing>(key: string, missing: Missing, isMiss: (key: string) => boolean): unknown | Missing {
    const { table } = this
    const slot = table.find(key)
    if (slot === NONE) {
      if (isMiss(key)) this.#statistics.misses++
      return missing
    }
    // Read again after the clock, whose first reading on a Worker sets deadlines.
    if (table.deadlineOf(slot) === Infinity || this.#clock.now() < table.deadlineOf(slot)) {
      this.#statistics.hits++
      return table.use(slot)
    }
    this.remove(slot, EXPIRED)
    if (isMiss(key)) this.#statistics.misses++
    this.#hooks.run()
    return missing
  }

  /** The slot of a live entry, or `NONE`. Not a use. An expired entry stays. */
  findLive(key: string, now = this.#clock.now()): Slot {
    const slot = this.table.find(key)
    return slot !== NONE && !this.#isExpired(slot, now) ? slot : NONE
  }

  /** The live value, or `MISSING`. Not a use. */
  peek(key: string): unknown {
    const slot = this.findLive(key)
    return slot === NONE ? MISSING : this.table.valueAt(slot)
  }

  /** Whether the key has an entry, live or expired. */
  isKnown(key: string): boolean {
    return this.table.find(key) !== NONE
  }

  /** Virtual milliseconds that a live entry has left; `undefined` without one. */
  timeLeft(key: string, now: number): number | undefined {
    const slot = this.findLive(key, now)
    return slot === NONE ? undefined : this.table.deadlineOf(slot) - now
  }

  /** Bytes that a live entry is charged; `undefined` without one. */
  chargeOf(key: string): number | undefined {
    const slot = this.findLive(key)
    return slot === NONE ? undefined : this.table.chargeOf(slot)
  }

  /** The key and the value at one end of the order of use, live or expired. */
  end(end: 'oldest' | 'newest'): [string, unknown] | undefined {
    const slot = this.table[end]
    return slot === NONE ? undefined : [this.table.keyAt(slot), this.table.valueAt(slot)]
  }

  requireStackToWrite(): void {
    this.#guards.write.require(this.#statistics.writes)
  }

  /**
   * Stores a value as the newest entry. Returns the error of a write that is refused. Call `keepLimits`
   * afterwards: the `Map` may have grown, or a larger value may have replaced another one.
   */
  put(key: string, value: unknown, terms: WriteTerms): DataTooLargeError | undefined {
    const { table } = this
    const isHeapSize = this.#isHeapSize
    const isPromise = typeof value === 'object' && isNativePromise(value)
    const given = terms.sizeBytes
    const valueBytes =
      given ??
      (isHeapSize && typeof value === 'string'
        ? stringSize(value)
        : this.#weighOrDelete(key, value, isPromise))
    const now = terms.expiresAt === undefined ? this.#clock.now() : this.#clock.fresh()
    // Only now: the options `sizeOf` and `now`, and code of the value, may have used the cache.
    const slot = table.find(key)
    let keyBytes = 0
    if (given !== undefined) keyBytes = GIVEN
    // The key of an entry that was measured has been measured with it.
    else if (isHeapSize) keyBytes = (slot !== NONE && table.keyBytesOf(slot)) || stringSize(key)
    const bytes = (keyBytes & ~GIVEN) + valueBytes
    const isTooLarge = EMPTY_BYTES + bytes > this.#mostBytes
    if (isTooLarge && EMPTY_BYTES + bytes > this.#maxSizeBytes) {
      return this.#refuse(key, value, bytes)
    }
    this.allowance -= bytes > LEAP ? LEAP : ENTRY_BYTES + bytes
    if (bytes > MOST_BYTES || table.hasLarge || (table.isSparse && this.#isExceeded(bytes, 1))) {
      requireStackToCompile()
    }
    if (isPromise) this.#guards.promise.require(slot)
    const servedUntil = now + this.#settings.pendingTtl
    const deadline = isPromise
      ? this.#pendingDeadline(key, terms, servedUntil, now)
      : this.#deadline(key, terms, now)
    // While memory is short, a value may be too large to stay. It takes no other entry with it.
    if (deadline <= now || isTooLarge) {
      return this.#putNothing(deadline <= now ? EXPIRED : EVICTED, key, value, bytes, now)
    }
    if (slot !== NONE && !this.#isExpired(slot, now)) {
      this.#guards.replacement.requireEarly()
      this.#noteReplaced(slot, key, value)
      table.replace(slot, value, keyBytes, valueBytes, deadline, now)
    } else {
      if (slot !== NONE) this.remove(slot, EXPIRED)
      // Before the entry comes, so that it takes the slot of one that leaves.
      if (this.#isExceeded(bytes + table.growthBytes, 1)) this.#makeRoom(now, bytes, 1)
      table.add(key, value, keyBytes, valueBytes, deadline, now)
    }
    this.#statistics.writes++
    if (isPromise) this.#pending.add(key, value, terms, servedUntil)
    return undefined
  }

  /** An older value is out of date, so it leaves even if the new one cannot be measured. */
  #weighOrDelete(key: string, value: unknown, isPromise: boolean): number {
    try {
      return weigh(this.#settings, key, value, isPromise)
    } catch (error) {
      this.delete(key, REPLACED)
      throw error
    }
  }

  #refuse(key: string, value: unknown, bytes: number): DataTooLargeError {
    this.#guards.refused.require(bytes)
    handleRejection(value)
    this.delete(key, REPLACED)
    this.#statistics.refusals++
    return new DataTooLargeError(key, ENTRY_BYTES + bytes, this.#maxSizeBytes)
  }

  /** Counts a write of a value that leaves at once: expired already, or too large while memory is short. */
  #putNothing(reason: number, key: string, value: unknown, bytes: number, now: number): undefined {
    this.#guards.expired.require(bytes)
    handleRejection(value)
    const slot = this.table.find(key)
    if (slot !== NONE) {
      if (this.#isExpired(slot, now)) this.#removeUnguarded(slot, EXPIRED)
      else {
        this.#requireStackToMove()
        this.#noteReplaced(slot, key, value)
        this.table.remove(slot)
      }
    }
    this.#statistics.writes++
    this.#statistics.count(reason)
    if (reason === EVICTED) this.#countPressureEviction()
    if (!this.#hooks.hasOnDelete) return
    this.#hooks.removed(key, value, REASONS[reason] as Reason, ENTRY_BYTES + bytes)
  }

  #countPressureEviction(): void {
    this.#statistics.pressureEvictions++
    this.isCramped = true
  }

  #noteReplaced(slot: Slot, key: string, value: unknown): void {
    this.#statistics.count(REPLACED)
    if (this.#pending.size !== 0) this.#pending.forget(key)
    if (!this.#hooks.hasOnDelete) return
    const former = this.table.valueAt(slot)
    if (!isSame(former, value)) {
      this.#hooks.removed(key, former, 'replaced', this.table.chargeOf(slot))
    }
  }

  /** Puts a promise that has fulfilled in its own place. The entry's TTL starts. */
  keep(key: string, kept: Promise<unknown>, terms: WriteTerms, now: number): void {
    const slot = this.table.find(key)
    this.#pending.forget(key)
    this.table.setValue(slot, kept)
    this.table.setDeadline(slot, this.#deadline(key, terms, now), now)
  }

  /** Gives a live entry another life, now or once its promise has fulfilled. Returns `false` if there is none. */
  renew(key: string, terms: WriteTerms, now: number): boolean {
    const slot = this.findLive(key, now)
    if (slot === NONE) return false
    this.#guards.renewal.require(slot)
    const pending = this.#pending.get(key)
    if (pending !== undefined) pending.terms = { ...terms, sizeBytes: pending.terms.sizeBytes }
    const deadline =
      pending === undefined
        ? this.#deadline(key, terms, now)
        : this.#pendingDeadline(key, terms, pending.servedUntil, now)
    this.table.setDeadline(slot, deadline, now)
    return true
  }

  #deadline(key: string, { ttl, expiresAt }: WriteTerms, now: number): number {
    return expiresAt === undefined
      ? Math.floor(now + (ttl ?? this.#settings.defaultTtl))
      : this.#deadlineAt(key, expiresAt, now)
  }

  #deadlineAt(key: string, expiresAt: number, now: number): number {
    this.#dates ??= new AbsoluteExpiry(this.table, this.#pending, this.#clock)
    return this.#dates.deadlineOf(key, expiresAt, now)
  }

  /** A TTL starts once the promise has fulfilled. Only a TTL of 0 or less counts before. */
  #pendingDeadline(
    key: string,
    { ttl = Infinity, expiresAt }: WriteTerms,
    servedUntil: number,
    now: number,
  ): number {
    if (ttl <= 0) return now
    const deadline = expiresAt === undefined ? servedUntil : this.#deadlineAt(key, expiresAt, now)
    return Math.floor(Math.min(servedUntil, deadline))
  }

  /** Measures an entry again, unless its size was given or its promise is pending. */
  remeasure(key: string, now = this.#clock.now()): void {
    const { table } = this
    const slot = this.findLive(key, now)
    if (slot === NONE || table.hasGivenSize(slot) || this.#pending.has(key)) return
    const value = table.valueAt(slot)
    const bytes = weigh(this.#settings, key, value)
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
    if (EMPTY_BYTES + keyBytes + valueBytes > this.#maxSizeBytes) this.remove(slot, EVICTED)
    else {
      table.charge(slot, keyBytes, valueBytes)
      this.keepLimits(now)
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

  /** Removes the entry of a key. Returns whether it was live; if it was not, the reason is `EXPIRED`. */
  delete(key: string, reason: number): boolean {
    const now = this.#clock.now()
    const slot = this.table.find(key)
    if (slot === NONE) return false
    const isLive = !this.#isExpired(slot, now)
    this.remove(slot, isLive ? reason : EXPIRED)
    return isLive
  }

  clear(now: number): void {
    const { table } = this
    requireStackToCompile()
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) {
      this.#noteRemoved(slot, this.#isExpired(slot, now) ? EXPIRED : CLEARED)
    }
    this.#pending.clear()
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

  /** Removes one entry that has expired, or moves some in the table. Returns `false` if none has expired. */
  purgeSome(now: number, mostMoves: number): boolean {
    const slot = this.#due(now, mostMoves)
    if (slot > NONE) this.remove(slot, EXPIRED)
    return slot !== NONE
  }

  /** Removes an entry that has expired, or else the oldest. Returns `false` if there is none. */
  evictOne(): boolean {
    return this.#removeDueOrOldest(this.#due(this.#clock.now()))
  }

  /** As `evictOne`, since the process is short of memory. */
  giveBackOne(): boolean {
    const due = this.#due(this.#clock.now())
    if (due === NONE && this.table.size !== 0) this.#statistics.pressureEvictions++
    return this.#removeDueOrOldest(due)
  }

  #removeDueOrOldest(due: Slot): boolean {
    const victim = due || this.table.oldest
    if (victim !== NONE) this.remove(victim, due === NONE ? EVICTED : EXPIRED)
    return victim !== NONE
  }

  #due(now: number, mostMoves?: number): Slot {
    this.#guards.removal.require(this.table.size)
    return this.table.due(now, mostMoves)
  }

  /** Removes the entry in a slot. Other entries may move, and leave if the tables grow by it. */
  remove(slot: Slot, reason: number): void {
    this.#guards.removal.require(slot)
    if (this.table.hasLarge) requireStackToCompile()
    this.#removeUnguarded(slot, reason)
    // While the keys move to another `Map`, there are two.
    this.keepLimits()
  }

  #requireStackToMove(): void {
    if (this.table.isAboutToMove) requireStackToCompile()
  }

  #removeUnguarded(slot: Slot, reason: number): void {
    this.#requireStackToMove()
    this.#noteRemoved(slot, reason)
    if (this.#pending.size !== 0) this.#pending.forget(this.table.keyAt(slot))
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
    this.#mostBytes = this.isSqueezed ? Math.min(this.#mostBytes, maxSizeBytes) : maxSizeBytes
    this.#maxSizeBytes = maxSizeBytes
    this.#mostItems = Math.min(maxItems, MOST_ENTRIES)
    this.keepLimits(now)
  }

  get effectiveMaxSizeBytes(): number {
    return this.#mostBytes
  }

  get maxSizeBytes(): number {
    return this.#maxSizeBytes
  }

  get isSqueezed(): boolean {
    return this.#mostBytes < this.#maxSizeBytes
  }

  /** Sets the budget in force, up to the one that was set. Nothing leaves for it before the next change. */
  squeezeTo(bytes: number): void {
    this.#mostBytes = Math.min(Math.max(bytes, EMPTY_BYTES), this.#maxSizeBytes)
  }

  keepLimits(now?: number): void {
    if (this.#isExceeded(0, 0)) this.#makeRoom(now ?? this.#clock.now(), 0, 0)
  }

  /** As `#isExceeded`, by the budget that was set instead of the one in force. */
  #isBudgetExceeded(bytes: number, items: number): boolean {
    const { table } = this
    return table.sizeBytes + bytes > this.#maxSizeBytes || table.size + items > this.#mostItems
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
      if (due !== NONE) this.#removeUnguarded(due, EXPIRED)
      else if (table.size + items > 1 || !this.#fitsAlone(oldest)) {
        if (this.isSqueezed && !this.#isBudgetExceeded(bytes, items)) this.#countPressureEviction()
        this.#removeUnguarded(oldest, EVICTED)
      } else {
        // What is left fits, but not the tables that grew for more.
        requireStackToCompile()
        table.compact()
        return
      }
    } while (this.#isExceeded(bytes, items) && !(items === 0 && this.#compacts()))
  }

  #fitsAlone(slot: Slot): boolean {
    const { table } = this
    if (slot === NONE) return true
    return EMPTY_BYTES + table.keyBytesOf(slot) + table.valueBytesOf(slot) <= this.#mostBytes
  }

  /** Whether giving back the free slots made room. Done once, since it takes long. */
  #compacts(): boolean {
    const { table } = this
    if (!table.isSparse || this.#isExceeded(-table.spareBytes, 0)) return false
    requireStackToCompile()
    table.compact()
    return true
  }
}

/** Throws a `RangeError` unless an empty cache fits. `given` is the limit as the program wrote it. */
export function requireRoom(maxSizeBytes: number, given: unknown): void {
  if (maxSizeBytes >= EMPTY_BYTES) return
  throw outOfRange('maxSizeBytes', `at least the ${EMPTY_BYTES} bytes of an empty cache`, given)
}
