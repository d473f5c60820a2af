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
import { type Stale, StaleEntries } from './stale.ts'
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
  /** Made for the first entry that goes stale. */
  #stale: StaleEntries | undefined
  #mostItems = 0
  /** Bytes that the memory of the process allows, whatever `resize` sets; 0 if it allows all. */
  #squeezedTo = 0
  /** The budget in force: less than `maxSizeBytes` while the process is short of memory. */
  #mostBytes = 0
  /** The most that a key and its value may take. */
  #mostAlone = 0

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
    if (settings.loadTerms.window !== 0) this.table.addWindows()
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
    this.#expire(slot, this.#clock.now())
    this.keepLimits()
    if (isMiss(key)) this.#statistics.misses++
    this.#hooks.run()
    return missing
  }

  /** Entries, live and stale. */
  get count(): number {
    const { size } = this.table
    return this.#stale === undefined ? size : size + this.#stale.size
  }

  /** Bytes of all entries and the whole structure. */
  get sizeBytes(): number {
    const { sizeBytes } = this.table
    return this.#stale === undefined ? sizeBytes : sizeBytes + this.#stale.sizeBytes
  }

  /** Whether some entry, live or stale, will leave by itself. */
  get hasDeadlines(): boolean {
    return this.table.hasDeadlines || this.#stale !== undefined
  }

  /** Once `purgeSome` has returned `false`, nothing expires before this virtual time. */
  get nextExpiry(): number {
    const { nextExpiry } = this.table
    return this.#stale === undefined ? nextExpiry : Math.min(nextExpiry, this.#stale.nextExpiry)
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

  /** Whether the key has an entry, live, expired or stale. */
  isKnown(key: string): boolean {
    return this.table.find(key) !== NONE || this.#stale?.has(key) === true
  }

  /** The stale value of a key whose window is not over. */
  staleOf(key: string, now: number): Stale | undefined {
    const slot = this.table.find(key)
    if (slot !== NONE && this.#isExpired(slot, now)) {
      this.#expire(slot, now)
      this.keepLimits(now)
    }
    return this.#stale?.find(key, now)
  }

  /** Leaves the origin of a key alone until a virtual time, as long as there is a stale value. */
  pauseOrigin(key: string, until: number): void {
    this.#stale?.pause(key, until)
    this.keepLimits()
  }

  /** Entries may have windows from here on. */
  expectWindows(): void {
    this.table.addWindows()
  }

  isOriginPaused(key: string, now: number): boolean {
    return this.#stale?.isPaused(key, now) === true
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
    let slot = table.find(key)
    let keyBytes = 0
    if (given !== undefined) keyBytes = GIVEN
    // The key of an entry that was measured has been measured with it.
    else if (isHeapSize) keyBytes = (slot !== NONE && table.keyBytesOf(slot)) || stringSize(key)
    const bytes = (keyBytes & ~GIVEN) + valueBytes
    const isTooLarge = bytes > this.#mostAlone
    if (isTooLarge && this.#isRefused(bytes)) return this.#refuse(key, value, bytes)
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
      if (slot !== NONE) this.remove(slot, EXPIRED, !this.#isStaleAs(value, slot, now))
      else if (this.#stale !== undefined) this.#stale.delete(key, { value })
      // Before the entry comes, so that it takes the slot of one that leaves.
      if (this.#isExceeded(bytes + table.growthBytes, 1)) this.#makeRoom(now, bytes, 1)
      slot = table.add(key, value, keyBytes, valueBytes, deadline, now)
    }
    if (table.hasWindows) table.setWindow(slot, terms.window ?? this.#settings.loadTerms.window)
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

  /** Whether a key and its value are too large, by what the program set. */
  #isRefused(bytes: number): boolean {
    return (
      EMPTY_BYTES + bytes > this.maxSizeBytes ||
      ENTRY_BYTES + bytes > this.#settings.maxEntrySizeBytes
    )
  }

  #refuse(key: string, value: unknown, bytes: number): DataTooLargeError {
    this.#guards.refused.require(bytes)
    handleRejection(value)
    this.delete(key, REPLACED)
    this.#statistics.refusals++
    const { maxEntrySizeBytes } = this.#settings
    const isCapped =
      maxEntrySizeBytes < this.maxSizeBytes && ENTRY_BYTES + bytes > maxEntrySizeBytes
    const limit = isCapped ? maxEntrySizeBytes : this.maxSizeBytes
    return new DataTooLargeError(key, ENTRY_BYTES + bytes, limit, isCapped)
  }

  /** Counts a write of a value that leaves at once: expired already, or too large while memory is short. */
  #putNothing(reason: number, key: string, value: unknown, bytes: number, now: number): undefined {
    this.#guards.expired.require(bytes)
    handleRejection(value)
    const slot = this.table.find(key)
    if (slot !== NONE) {
      if (this.#isExpired(slot, now)) {
        this.#removeUnguarded(slot, EXPIRED, !this.#isStaleAs(value, slot, now))
      } else {
        this.#requireStackToMove()
        this.#noteReplaced(slot, key, value)
        this.table.remove(slot)
      }
    } else this.#stale?.delete(key, { value })
    this.#statistics.writes++
    this.#statistics.count(reason)
    if (reason === EVICTED) {
      this.#statistics.evictedBytes += ENTRY_BYTES + bytes
      this.#countPressureEviction()
    }
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
    // A TTL that has passed leaves nothing stale.
    if (terms.ttl !== undefined && deadline <= now && this.table.hasWindows) {
      this.table.setWindow(slot, 0)
    }
    return true
  }

  #deadline(key: string, { ttl, expiresAt }: WriteTerms, now: number): number {
    if (expiresAt !== undefined) return this.#deadlineAt(key, expiresAt, now)
    const { defaultTtl, ttlJitter } = this.#settings
    const life = ttl ?? defaultTtl
    return Math.floor(now + (ttlJitter === 0 ? life : shortened(life, ttlJitter)))
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
    if (this.#isRefused(keyBytes + valueBytes)) this.remove(slot, EVICTED)
    else {
      table.charge(slot, keyBytes, valueBytes)
      this.keepLimits(now)
    }
  }

  /** Keys of stale entries. */
  staleKeys(): string[] {
    return this.#stale?.keys() ?? []
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
    if (slot === NONE) {
      this.#stale?.delete(key)
      return false
    }
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
    this.#stale?.tellAll()
    this.#stale = undefined
    this.#pending.clear()
    table.clear()
  }

  /** Removes what has expired, and keeps what goes stale by it. Returns how many entries have expired. */
  purge(now: number): number {
    let count = 0
    for (let slot = this.#due(now); slot !== NONE; slot = this.#due(now)) {
      this.#expire(slot, now)
      count++
    }
    while (this.#deleteDueStale(now));
    if (count !== 0) this.keepLimits(now)
    return count
  }

  /** Removes one entry that has expired, or moves some in the table. Returns `false` if none has expired. */
  purgeSome(now: number, mostMoves: number): boolean {
    const slot = this.#due(now, mostMoves)
    if (slot > NONE) {
      this.#expire(slot, now)
      this.keepLimits(now)
    }
    return slot !== NONE || this.#deleteDueStale(now, mostMoves)
  }

  /** Returns `false` if no window is over. */
  #deleteDueStale(now: number, mostMoves?: number): boolean {
    const stale = this.#stale
    if (stale === undefined) return false
    if (stale.deleteDue(now, mostMoves) !== NONE) return true
    if (stale.size === 0) this.#stale = undefined
    return false
  }

  /**
   * Removes the entry that has to go first: a stale one, or else the oldest. Returns `false` if there is
   * none.
   */
  evictOne(): boolean {
    const now = this.#clock.now()
    for (let due = this.#due(now); due !== NONE; due = this.#due(now)) {
      // One that goes stale has not gone.
      if (this.#expire(due, now)) return true
    }
    const isRemoved = this.#removeStaleOrOldest(now, false)
    this.keepLimits(now)
    return isRemoved
  }

  /** As `evictOne`, since the process is short of memory. */
  giveBackOne(): boolean {
    const now = this.#clock.now()
    const due = this.#due(now)
    if (due === NONE) return this.#removeStaleOrOldest(now, true)
    this.#expire(due, now)
    return true
  }

  #removeStaleOrOldest(now: number, isUnderPressure: boolean): boolean {
    if (this.#stale !== undefined && this.#stale.size !== 0) {
      this.#stale.deleteOne(now)
      return true
    }
    const { oldest } = this.table
    if (oldest === NONE) return false
    if (isUnderPressure) this.#statistics.pressureEvictions++
    this.remove(oldest, EVICTED)
    return true
  }

  /** An entry that has expired is stale while its window lasts. Returns whether it has gone instead. */
  #expire(slot: Slot, now: number): boolean {
    const { table } = this
    if (!this.#isStale(slot, now)) {
      this.#guards.removal.require(slot)
      if (table.hasLarge) requireStackToCompile()
      this.#removeUnguarded(slot, EXPIRED)
      return true
    }
    this.#requireStackToMove()
    this.#stale ??= new StaleEntries(this.#hooks)
    // First, since the engine may refuse the memory.
    this.#stale.add(table, slot, now)
    this.#statistics.count(EXPIRED)
    table.remove(slot)
    return false
  }

  /** Whether an expired entry may still be served as stale. */
  #isStale(slot: Slot, now: number): boolean {
    const { table } = this
    const window = table.windowOf(slot)
    const isWithin = window !== 0 && now < table.deadlineOf(slot) + window
    return isWithin && !(this.#pending.size !== 0 && this.#pending.has(table.keyAt(slot)))
  }

  /** Whether an expired entry is stale with this value. Then the hooks do not hear that it leaves for it. */
  #isStaleAs(value: unknown, slot: Slot, now: number): boolean {
    return this.#isStale(slot, now) && isSame(this.table.valueAt(slot), value)
  }

  #due(now: number, mostMoves?: number): Slot {
    this.#guards.removal.require(this.table.size)
    return this.table.due(now, mostMoves)
  }

  /** Removes the entry in a slot. Other entries may move, and leave if the tables grow by it. */
  remove(slot: Slot, reason: number, isTold = true): void {
    this.#guards.removal.require(slot)
    if (this.table.hasLarge) requireStackToCompile()
    this.#removeUnguarded(slot, reason, isTold)
    // While the keys move to another `Map`, there are two.
    this.keepLimits()
  }

  #requireStackToMove(): void {
    if (this.table.isAboutToMove) requireStackToCompile()
  }

  #removeUnguarded(slot: Slot, reason: number, isTold = true): void {
    this.#requireStackToMove()
    this.#noteRemoved(slot, reason, isTold)
    if (this.#pending.size !== 0) this.#pending.forget(this.table.keyAt(slot))
    this.table.remove(slot)
  }

  #noteRemoved(slot: Slot, reason: number, isTold = true): void {
    const { table } = this
    this.#statistics.count(reason)
    if (reason === EVICTED) this.#statistics.evictedBytes += table.chargeOf(slot)
    if (!isTold || !this.#hooks.hasOnDelete) return
    this.#hooks.removed(
      table.keyAt(slot),
      table.valueAt(slot),
      REASONS[reason] as Reason,
      table.chargeOf(slot),
    )
  }

  /** Applies new limits, and notes them in the settings. */
  limit(maxSizeBytes: number, maxEntrySizeBytes: number, maxItems: number, now: number): void {
    requireStackToCompile()
    const settings = this.#settings
    settings.maxSizeBytes = maxSizeBytes
    settings.maxEntrySizeBytes = maxEntrySizeBytes
    settings.maxItems = maxItems
    this.#mostItems = Math.min(maxItems, MOST_ENTRIES)
    const mostAlone = this.#mostAlone
    this.squeezeTo(this.#squeezedTo || Infinity)
    if (this.#mostAlone < mostAlone) this.#evictRefused(now)
    this.keepLimits(now)
  }

  #evictRefused(now: number): void {
    const { table } = this
    for (const key of table.keys()) {
      const slot = this.findLive(key, now)
      if (slot !== NONE && this.#isRefused(table.keyBytesOf(slot) + table.valueBytesOf(slot))) {
        this.#guards.removal.require(slot)
        if (table.hasLarge) requireStackToCompile()
        this.#removeUnguarded(slot, EVICTED)
      }
    }
  }

  get effectiveMaxSizeBytes(): number {
    return this.#mostBytes
  }

  get maxSizeBytes(): number {
    return this.#settings.maxSizeBytes
  }

  get isSqueezed(): boolean {
    return this.#squeezedTo !== 0
  }

  /** Sets the budget in force, up to the one that was set. Nothing leaves for it before the next change. */
  squeezeTo(bytes: number): void {
    this.#squeezedTo = bytes === Infinity ? 0 : Math.max(bytes, EMPTY_BYTES)
    this.#mostBytes = Math.min(this.#squeezedTo || Infinity, this.maxSizeBytes)
    this.#mostAlone = Math.min(
      this.#settings.maxEntrySizeBytes - ENTRY_BYTES,
      this.#mostBytes - EMPTY_BYTES,
    )
  }

  keepLimits(now?: number): void {
    if (this.#isExceeded(0, 0)) this.#makeRoom(now ?? this.#clock.now(), 0, 0)
  }

  /** As `#isExceeded`, by the budget that was set instead of the one in force. */
  #isBudgetExceeded(bytes: number, items: number): boolean {
    return this.sizeBytes + bytes > this.maxSizeBytes || this.count + items > this.#mostItems
  }

  /** Whether the entries, and so many bytes and entries to come, are too much. */
  #isExceeded(bytes: number, items: number): boolean {
    const { table } = this
    if (this.#stale !== undefined) {
      bytes += this.#stale.sizeBytes
      items += this.#stale.size
    }
    return table.sizeBytes + bytes > this.#mostBytes || table.size + items > this.#mostItems
  }

  /**
   * Removes entries until there is room for so many bytes and entries to come: first what has expired,
   * then what is stale, then the oldest. The entry to come takes the slot of one that leaves, so that the tables do not
   * grow beyond the budget.
   */
  #makeRoom(now: number, bytes: number, items: number): void {
    const { table } = this
    do {
      const due = table.due(now)
      const { oldest } = table
      if (due !== NONE) this.#expire(due, now)
      else if (this.#stale !== undefined) this.#makeRoomOfStale(this.#stale, now)
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

  #makeRoomOfStale(stale: StaleEntries, now: number): void {
    if (stale.size === 0) this.#stale = undefined
    else stale.deleteOne(now)
  }

  #fitsAlone(slot: Slot): boolean {
    const { table } = this
    if (slot === NONE) return true
    return table.keyBytesOf(slot) + table.valueBytesOf(slot) <= this.#mostAlone
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

/** A TTL, shortened by a random part of up to a fraction of it. */
function shortened(life: number, jitter: number): number {
  if (!(life > 0) || life === Infinity) return life
  // Processes restored from one image draw the same random numbers, but not at the same microsecond.
  const chance = (Math.random() + (globalThis.performance?.now() ?? 0)) % 1
  return Math.max(life - life * jitter * chance, Math.min(life, 1))
}
