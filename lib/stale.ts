import type { Hooks } from './hooks.ts'
import { fulfilled, isSame } from './promise.ts'
import { requireStackToCompile, StackGuard } from './stack.ts'
import { GIVEN, NONE, type Slot } from './table/records.ts'
import { Table } from './table/table.ts'

/** By so many bytes, the objects behind stale entries are smaller than those behind a dictionary. */
const LESS_THAN_DICTIONARY = 1_500
/** Bytes that it takes to remember until when an origin is left alone. */
const PAUSE_BYTES = 64

const guard = /* @__PURE__ */ new StackGuard()

/** A value whose TTL has passed, in virtual time: when it did, and when it leaves. */
export interface Stale {
  readonly value: unknown
  readonly expiredAt: number
  readonly until: number
}

/**
 * Entries whose TTL has passed, for as long as their windows last. No key is here and among the live
 * entries. Statistics counted them as expired when they came; the hooks hear of them when they leave.
 */
export class StaleEntries {
  readonly #table = new Table()
  readonly #hooks: Hooks
  /** By key, when its origin may be asked again. */
  readonly #pauses = new Map<string, number>()

  constructor(hooks: Hooks) {
    this.#hooks = hooks
    this.#table.addWindows()
  }

  get size(): number {
    return this.#table.size
  }

  get sizeBytes(): number {
    return this.#table.sizeBytes - LESS_THAN_DICTIONARY + this.#pauses.size * PAUSE_BYTES
  }

  /** No entry leaves before this virtual time, once `deleteDue` has returned `NONE`. */
  get nextExpiry(): number {
    return this.#table.nextExpiry
  }

  has(key: string): boolean {
    return this.#table.find(key) !== NONE
  }

  /** Keys, in the order in which they were seen to be stale. */
  keys(): string[] {
    return this.#table.keys()
  }

  /** Bytes that the entry of a key that is here is charged. */
  chargeOf(key: string): number {
    return this.#table.chargeOf(this.#table.find(key))
  }

  /** Copies the entry in a slot of the live table, whose window is not over. The caller removes it there. */
  add(live: Table, slot: Slot, now: number): void {
    const table = this.#table
    guard.require(table.size)
    if (table.isAboutToGrow || live.hasLarge) requireStackToCompile()
    const window = live.windowOf(slot)
    const keyBytes = live.hasGivenSize(slot) ? GIVEN : live.keyBytesOf(slot)
    const until = live.deadlineOf(slot) + window
    const added = table.add(
      live.keyAt(slot),
      live.valueAt(slot),
      keyBytes,
      live.valueBytesOf(slot),
      until,
      now,
    )
    table.setWindow(added, window)
  }

  find(key: string, now: number): Stale | undefined {
    const table = this.#table
    const slot = table.find(key)
    if (slot === NONE) return undefined
    const until = table.deadlineOf(slot)
    if (until <= now) {
      this.#remove(slot)
      return undefined
    }
    const stored = table.valueAt(slot)
    const kept = fulfilled(stored)
    return { value: kept ? kept.value : stored, expiredAt: until - table.windowOf(slot), until }
  }

  /** Leaves the origin of a key that is here alone until a virtual time. */
  pause(key: string, until: number): void {
    this.#pauses.set(key, until)
  }

  isPaused(key: string, now: number): boolean {
    return now < (this.#pauses.get(key) ?? now)
  }

  /** Removes the entry of a key, if there is one. */
  delete(key: string): void {
    const slot = this.#table.find(key)
    if (slot !== NONE) this.#remove(slot)
  }

  /** As `delete`. The hooks do not hear of a value that comes again within its window. */
  deleteFor(key: string, value: unknown, now: number): void {
    const table = this.#table
    const slot = table.find(key)
    if (slot === NONE) return
    const isKept = now < table.deadlineOf(slot) && isSame(table.valueAt(slot), value)
    this.#remove(slot, isKept)
  }

  /** Removes one entry whose window is over, or moves some in the table; see `Expiry.due`. */
  deleteDue(now: number, mostMoves?: number): Slot {
    const slot = this.#table.due(now, mostMoves)
    if (slot > NONE) this.#remove(slot)
    return slot
  }

  /** Removes an entry whose window is over, or else the first that was seen to be stale. There must be one. */
  deleteOne(now: number): void {
    this.#remove(this.#table.due(now) || this.#table.oldest)
  }

  /** Tells the hooks that every entry leaves. The caller forgets this object. */
  tellAll(): void {
    const table = this.#table
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) this.#tell(slot)
  }

  #remove(slot: Slot, isKept = false): void {
    const table = this.#table
    guard.require(slot)
    if (table.isAboutToMove || table.hasLarge) requireStackToCompile()
    if (!isKept) this.#tell(slot)
    if (this.#pauses.size !== 0) this.#pauses.delete(table.keyAt(slot))
    table.remove(slot)
  }

  #tell(slot: Slot): void {
    if (!this.#hooks.hasOnDelete) return
    const table = this.#table
    this.#hooks.removed(table.keyAt(slot), table.valueAt(slot), 'expired', table.chargeOf(slot))
  }
}
