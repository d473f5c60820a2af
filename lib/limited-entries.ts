import type { Hooks } from './hooks.ts'
import type { Observer } from './observer.ts'
import { outOfRange } from './options/check.ts'
import type { Reason, Settings } from './options/options.ts'
import { isSame, type PendingPromises } from './promise.ts'
import { type ChangeGuards, guardsOf, requireStackToCompile } from './stack.ts'
import { type Stale, StaleEntries } from './stale.ts'
import { CLEARED, EVICTED, EXPIRED, REASONS, REPLACED, type Statistics } from './statistics.ts'
import { NONE, type Slot } from './table/records.ts'
import { EMPTY_BYTES, ENTRY_BYTES, MOST_ENTRIES, Table } from './table/table.ts'
import type { Clock } from './time/clock.ts'

/**
 * Entries that leave: once they have expired, when they are removed, or for the limits. Statistics and hooks
 * hear of each.
 */
export class LimitedEntries {
  readonly table = new Table()
  /** Whether a write has evicted a value, since the budget in force is less than the one that was set. */
  isCramped = false
  observer: Observer | undefined
  protected readonly settings: Settings
  protected readonly clock: Clock
  protected readonly statistics: Statistics
  protected readonly hooks: Hooks
  protected readonly pending: PendingPromises
  protected readonly guards: ChangeGuards
  /** Made for the first entry that goes stale. */
  protected stale: StaleEntries | undefined
  /** The most that a key and its value may take. */
  protected mostAlone = 0
  #mostItems = 0
  /** Bytes that the memory of the process allows, whatever `resize` sets; 0 if it allows all. */
  #squeezedTo = 0
  /** The budget in force: less than `maxSizeBytes` while the process is short of memory. */
  #mostBytes = 0

  constructor(
    settings: Settings,
    clock: Clock,
    statistics: Statistics,
    hooks: Hooks,
    pending: PendingPromises,
  ) {
    this.settings = settings
    this.clock = clock
    this.statistics = statistics
    this.hooks = hooks
    this.pending = pending
    this.guards = guardsOf(hooks.hasOnDelete)
    if (settings.loadTerms.window !== 0) this.table.addWindows()
    this.#applyLimits()
  }

  /** Entries, live and stale. */
  get count(): number {
    const { size } = this.table
    return this.stale === undefined ? size : size + this.stale.size
  }

  /** Bytes of all entries and the whole structure. */
  get sizeBytes(): number {
    const { sizeBytes } = this.table
    return this.stale === undefined ? sizeBytes : sizeBytes + this.stale.sizeBytes
  }

  /** Whether some entry, live or stale, will leave by itself. */
  get hasDeadlines(): boolean {
    return this.table.hasDeadlines || this.stale !== undefined
  }

  /** Once `purgeSome` has returned `false`, nothing expires before this virtual time. */
  get nextExpiry(): number {
    const { nextExpiry } = this.table
    return this.stale === undefined ? nextExpiry : Math.min(nextExpiry, this.stale.nextExpiry)
  }

  /** The slot of a live entry, or `NONE`. Not a use. An expired entry stays. */
  findLive(key: string, now = this.clock.now()): Slot {
    const slot = this.table.find(key)
    return slot !== NONE && !this.isExpired(slot, now) ? slot : NONE
  }

  /** Whether the key has an entry, live, expired or stale. */
  isKnown(key: string): boolean {
    return this.table.find(key) !== NONE || this.stale?.has(key) === true
  }

  /** The stale value of a key whose window is not over. */
  staleOf(key: string, now: number): Stale | undefined {
    const slot = this.table.find(key)
    if (slot !== NONE && this.isExpired(slot, now)) {
      this.expire(slot, now)
      this.keepLimits(now)
    }
    return this.stale?.find(key, now)
  }

  /** Leaves the origin of a key alone for so many milliseconds, as long as there is a stale value. */
  pauseOrigin(key: string, now: number, milliseconds: number): void {
    if (this.staleOf(key, now) === undefined) return
    this.stale?.pause(key, now + milliseconds)
    this.keepLimits(now)
  }

  isOriginPaused(key: string, now: number): boolean {
    return this.stale?.isPaused(key, now) === true
  }

  /** Keys of stale entries. */
  staleKeys(): string[] {
    return this.stale?.keys() ?? []
  }

  /** Whether a key and its value are too large, by what the program set. */
  protected isRefused(bytes: number): boolean {
    return (
      EMPTY_BYTES + this.table.reservedBytes + bytes > this.maxSizeBytes ||
      ENTRY_BYTES + bytes > this.settings.maxEntrySizeBytes
    )
  }

  protected countPressureEviction(): void {
    this.statistics.pressureEvictions++
    this.isCramped = true
  }

  protected isExpired(slot: Slot, now: number): boolean {
    return this.table.deadlineOf(slot) <= now
  }

  /**
   * Removes the entry of a key. Returns whether it was live; if it was not, the reason is `EXPIRED`. An
   * observer hears of the write that follows a `REPLACED`, so not of the removal.
   */
  delete(key: string, reason: number): boolean {
    const now = this.clock.now()
    const slot = this.table.find(key)
    if (reason !== REPLACED) this.observer?.removed(key)
    if (slot === NONE) {
      this.stale?.delete(key)
      return false
    }
    const isLive = !this.isExpired(slot, now)
    this.remove(slot, isLive ? reason : EXPIRED)
    return isLive
  }

  clear(now: number): void {
    const { table } = this
    requireStackToCompile()
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) {
      this.#noteRemoved(slot, this.isExpired(slot, now) ? EXPIRED : CLEARED)
    }
    this.stale?.tellAll()
    this.stale = undefined
    this.pending.clear()
    table.clear()
    this.observer?.cleared()
  }

  /** Removes what has expired, and keeps what goes stale by it. Returns how many entries have expired. */
  purge(now: number): number {
    let count = 0
    for (let slot = this.#due(now); slot !== NONE; slot = this.#due(now)) {
      this.expire(slot, now)
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
      this.expire(slot, now)
      this.keepLimits(now)
    }
    return slot !== NONE || this.#deleteDueStale(now, mostMoves)
  }

  /** Returns `false` if no window is over. */
  #deleteDueStale(now: number, mostMoves?: number): boolean {
    const stale = this.stale
    if (stale === undefined) return false
    if (stale.deleteDue(now, mostMoves) !== NONE) return true
    if (stale.size === 0) this.stale = undefined
    return false
  }

  /**
   * Removes the entry that has to go first: a stale one, or else the oldest. Returns `false` if there is
   * none.
   */
  evictOne(): boolean {
    const now = this.clock.now()
    const isRemoved = this.#removeOne(now, false)
    this.keepLimits(now)
    return isRemoved
  }

  /** As `evictOne`, since the process is short of memory. */
  giveBackOne(): boolean {
    return this.#removeOne(this.clock.now(), true)
  }

  #removeOne(now: number, isUnderPressure: boolean): boolean {
    const due = this.#due(now)
    if (due !== NONE) {
      this.#removeExpired(due, now)
      return true
    }
    if (this.stale !== undefined && this.stale.size !== 0) {
      this.stale.deleteOne(now)
      return true
    }
    const { oldest } = this.table
    if (oldest === NONE) return false
    if (isUnderPressure) this.statistics.pressureEvictions++
    this.remove(oldest, EVICTED)
    return true
  }

  /** An entry that has expired is stale while its window lasts. Returns whether it has gone instead. */
  protected expire(slot: Slot, now: number): boolean {
    const { table } = this
    if (!this.#isStale(slot, now)) {
      this.guards.removal.require(slot)
      if (table.hasLarge) requireStackToCompile()
      this.removeUnguarded(slot, EXPIRED)
      return true
    }
    this.requireStackToMove()
    this.stale ??= new StaleEntries(this.hooks)
    // First, since the engine may refuse the memory.
    this.stale.add(table, slot, now)
    this.statistics.count(EXPIRED)
    table.remove(slot)
    return false
  }

  /** Whether an expired entry may still be served as stale. */
  #isStale(slot: Slot, now: number): boolean {
    const { table } = this
    const window = table.windowOf(slot)
    const isWithin = window !== 0 && now < table.deadlineOf(slot) + window
    return isWithin && !(this.pending.size !== 0 && this.pending.has(table.keyAt(slot)))
  }

  /** Whether an expired entry is stale with this value. Then the hooks do not hear that it leaves for it. */
  protected isStaleAs(value: unknown, slot: Slot, now: number): boolean {
    return this.#isStale(slot, now) && isSame(this.table.valueAt(slot), value)
  }

  #due(now: number, mostMoves?: number): Slot {
    this.guards.removal.require(this.table.size)
    return this.table.due(now, mostMoves)
  }

  /** Removes the entry in a slot. Other entries may move, and leave if the tables grow by it. */
  remove(slot: Slot, reason: number, isTold = true): void {
    this.guards.removal.require(slot)
    if (this.table.hasLarge) requireStackToCompile()
    this.removeUnguarded(slot, reason, isTold)
    // While the keys move to another `Map`, there are two.
    this.keepLimits()
  }

  protected requireStackToMove(): void {
    if (this.table.isAboutToMove) requireStackToCompile()
  }

  protected removeUnguarded(slot: Slot, reason: number, isTold = true): void {
    this.requireStackToMove()
    this.#noteRemoved(slot, reason, isTold)
    if (this.pending.size !== 0) this.pending.forget(this.table.keyAt(slot))
    this.table.remove(slot)
  }

  #noteRemoved(slot: Slot, reason: number, isTold = true): void {
    const { table } = this
    this.statistics.count(reason)
    if (reason === EVICTED) this.statistics.evictedBytes += table.chargeOf(slot)
    if (!isTold || !this.hooks.hasOnDelete) return
    this.hooks.removed(
      table.keyAt(slot),
      table.valueAt(slot),
      REASONS[reason] as Reason,
      table.chargeOf(slot),
    )
  }

  /** Applies new limits, and notes them in the settings. */
  limit(maxSizeBytes: number, maxEntrySizeBytes: number, maxItems: number, now: number): void {
    requireStackToCompile()
    // First, since what goes stale has to keep the limits as well.
    this.purge(now)
    const settings = this.settings
    settings.maxSizeBytes = maxSizeBytes
    settings.maxEntrySizeBytes = maxEntrySizeBytes
    settings.maxItems = maxItems
    this.observer?.restarted()
    this.reserve(this.observer?.sizeBytes ?? 0)
    this.keepLimits(now)
  }

  /** Counts so many bytes as a part of the cache. Call `keepLimits` afterwards. */
  reserve(bytes: number): void {
    this.table.reserve(bytes)
    this.#applyLimits()
  }

  #applyLimits(): void {
    const { mostAlone } = this
    this.#mostItems = Math.min(this.settings.maxItems, MOST_ENTRIES)
    this.squeezeTo(this.#squeezedTo || Infinity)
    if (this.mostAlone < mostAlone) this.#evictRefused()
  }

  #evictRefused(): void {
    const { table } = this
    for (const key of table.keys()) {
      const slot = table.find(key)
      if (!this.isRefused(table.keyBytesOf(slot) + table.valueBytesOf(slot))) continue
      this.guards.removal.require(slot)
      if (table.hasLarge) requireStackToCompile()
      this.removeUnguarded(slot, EVICTED)
    }
    const { stale } = this
    for (const key of this.staleKeys()) {
      if (stale && this.isRefused(stale.chargeOf(key) - ENTRY_BYTES)) stale.delete(key)
    }
  }

  get effectiveMaxSizeBytes(): number {
    return this.#mostBytes
  }

  get maxSizeBytes(): number {
    return this.settings.maxSizeBytes
  }

  get isSqueezed(): boolean {
    return this.#squeezedTo !== 0
  }

  /** Sets the budget in force, up to the one that was set. Nothing leaves for it before the next change. */
  squeezeTo(bytes: number): void {
    this.#squeezedTo = bytes === Infinity ? 0 : Math.max(bytes, EMPTY_BYTES)
    this.#mostBytes = Math.min(this.#squeezedTo || Infinity, this.maxSizeBytes)
    this.mostAlone = Math.min(
      this.settings.maxEntrySizeBytes - ENTRY_BYTES,
      this.#mostBytes - EMPTY_BYTES - this.table.reservedBytes,
    )
  }

  keepLimits(now?: number): void {
    if (this.isExceeded(0, 0)) this.makeRoom(now ?? this.clock.now(), 0, 0)
  }

  /** As `#isExceeded`, by the budget that was set instead of the one in force. */
  #isBudgetExceeded(bytes: number, items: number): boolean {
    return this.sizeBytes + bytes > this.maxSizeBytes || this.count + items > this.#mostItems
  }

  /** Whether the entries, and so many bytes and entries to come, are too much. */
  protected isExceeded(bytes: number, items: number): boolean {
    const { table } = this
    if (this.stale !== undefined) {
      bytes += this.stale.sizeBytes
      items += this.stale.size
    }
    return table.sizeBytes + bytes > this.#mostBytes || table.size + items > this.#mostItems
  }

  /**
   * Removes entries until there is room for so many bytes and entries to come: first what has expired,
   * then what is stale, then the oldest. The entry to come takes the slot of one that leaves, so that the tables do not
   * grow beyond the budget.
   */
  protected makeRoom(now: number, bytes: number, items: number): void {
    const { table } = this
    do {
      const due = table.due(now)
      const { oldest } = table
      if (due !== NONE) this.#removeExpired(due, now)
      else if (this.stale !== undefined) this.#makeRoomOfStale(this.stale, now)
      else if (table.size + items > 1 || !this.#fitsAlone(oldest)) {
        if (this.isSqueezed && !this.#isBudgetExceeded(bytes, items)) this.countPressureEviction()
        this.removeUnguarded(oldest, EVICTED)
      } else {
        // What is left fits, but not the tables that grew for more.
        requireStackToCompile()
        table.compact()
        return
      }
    } while (this.isExceeded(bytes, items) && !(items === 0 && this.#compacts()))
  }

  /** Of many that have expired at once, one leaves at a time: if it goes stale, a stale one in its place. */
  #removeExpired(slot: Slot, now: number): void {
    if (!this.expire(slot, now)) this.stale?.deleteOne(now)
  }

  #makeRoomOfStale(stale: StaleEntries, now: number): void {
    if (stale.size === 0) this.stale = undefined
    else stale.deleteOne(now)
  }

  #fitsAlone(slot: Slot): boolean {
    const { table } = this
    if (slot === NONE) return true
    return table.keyBytesOf(slot) + table.valueBytesOf(slot) <= this.mostAlone
  }

  /** Whether giving back the free slots made room. Done once, since it takes long. */
  #compacts(): boolean {
    const { table } = this
    if (!table.isSparse || this.isExceeded(-table.spareBytes, 0)) return false
    requireStackToCompile()
    table.compact()
    return true
  }
}

/** Throws a `RangeError` unless an empty cache fits. `given` is the limit as the program wrote it. */
export function requireRoom(maxSizeBytes: number, given: unknown, reservedBytes = 0): void {
  const needed = EMPTY_BYTES + reservedBytes
  if (maxSizeBytes >= needed) return
  throw outOfRange('maxSizeBytes', `at least the ${needed} bytes of a cache without entries`, given)
}
