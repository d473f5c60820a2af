import { NONE, type Slot } from './records.ts'

const WORD = 8
const MAP_HEADER_BYTES = 5 * WORD
/** Places in an empty `Map`. */
export const SMALLEST_MAP = 4

/** Bytes of one entry in a full `Map`: key, value, chain, and half a bucket. */
export const MAP_ENTRY_BYTES = 3.5 * WORD

/** Bytes of an empty `Map`. */
export const EMPTY_MAP_BYTES = MAP_HEADER_BYTES + SMALLEST_MAP * MAP_ENTRY_BYTES

/**
 * The size of the hash table that V8 keeps behind a `Map`. The table doubles when it is full. If half
 * of a full table was deleted, V8 builds it again in the same size. It halves when three quarters are
 * free. Under constant replacement it is two to four times as large as its contents.
 *
 * Source: `OrderedHashTable` in V8's src/objects/ordered-hash-table.cc.
 */
export class MapTable {
  /** Places for entries, live and deleted. */
  capacity = SMALLEST_MAP
  #live = 0
  #deleted = 0

  get bytes(): number {
    return MAP_HEADER_BYTES + this.capacity * MAP_ENTRY_BYTES
  }

  /** Bytes of the next table, if it comes soon. */
  get nextGrowthBytes(): number {
    const isSoon = this.#live + this.#deleted > this.capacity - (this.capacity >> 3)
    return isSoon ? 2 * this.capacity * MAP_ENTRY_BYTES : 0
  }

  /** Returns whether the table changed its size or was built again. */
  add(): boolean {
    const isFull = this.#live + this.#deleted === this.capacity
    if (isFull) {
      if (this.#deleted < this.capacity >> 1) this.capacity *= 2
      this.#deleted = 0
    }
    this.#live++
    return isFull
  }

  /** Whether the next removal halves a table of at least `capacity`. */
  isAboutToHalve(capacity: number): boolean {
    return this.capacity >= capacity && this.#live <= this.capacity >> 2
  }

  /** Returns whether the table changed its size. */
  remove(): boolean {
    this.#live--
    this.#deleted++
    if (this.capacity === SMALLEST_MAP || this.#live >= this.capacity >> 2) return false
    this.capacity >>= 1
    this.#deleted = 0
    return true
  }
}

/** From this capacity on, the keys move to a new `Map` before V8 rehashes all of them at once. */
const LARGE_MAP = 2 ** 18
/** Keys that move with each removal. */
const KEY_MOVES = 4

/** A `Map` whose keys are moving to the next one. A key that was removed meanwhile has slot `NONE`. */
interface Former {
  readonly slots: Map<string, Slot>
  readonly bytes: number
  readonly rest: Iterator<[string, Slot]>
}

/**
 * From key to slot. V8 shrinks a large `Map` at once when most of its keys are gone, which takes 17 ms
 * for a quarter of a million keys. So the remaining keys move to another `Map`, a few with each removal.
 */
export class KeySlots {
  /** Public, since every read looks here first. */
  slots = new Map<string, Slot>()
  #table = new MapTable()
  #former: Former | undefined

  get bytes(): number {
    const { bytes } = this.#table
    return this.#former === undefined ? bytes : bytes + this.#former.bytes
  }

  /** Bytes of the next table of the `Map`, if it comes soon. */
  get nextGrowthBytes(): number {
    return this.#table.nextGrowthBytes
  }

  /** The slot of a key that is not in `slots`. */
  findFormer(key: string): Slot {
    return this.#former?.slots.get(key) ?? NONE
  }

  /** For a key without a slot. Returns whether `bytes` changed. */
  add(key: string, slot: Slot): boolean {
    this.slots.set(key, slot)
    return this.#table.add()
  }

  /** Gives a key another slot. */
  move(key: string, slot: Slot): void {
    const isFormer = this.#former !== undefined && !this.slots.has(key)
    const slots = isFormer ? (this.#former as Former).slots : this.slots
    slots.set(key, slot)
  }

  /** Whether the next removal starts to move the keys. */
  get isAboutToMove(): boolean {
    return this.#former === undefined && this.#table.isAboutToHalve(LARGE_MAP)
  }

  /** Returns whether `bytes` or `slots` changed. */
  remove(key: string): boolean {
    if (this.#former === undefined) {
      if (!this.isAboutToMove) {
        this.slots.delete(key)
        return this.#table.remove()
      }
      this.#startMove()
    }
    const { slots } = this.#former as Former
    if (slots.get(key)) slots.set(key, NONE)
    if (this.slots.delete(key)) this.#table.remove()
    for (let moves = 0; moves < KEY_MOVES && this.#former !== undefined; moves++) this.#moveNext()
    return true
  }

  #startMove(): void {
    const { slots } = this
    this.#former = { slots, bytes: this.#table.bytes, rest: slots.entries() }
    this.slots = new Map()
    this.#table = new MapTable()
  }

  #moveNext(): void {
    const { done, value } = (this.#former as Former).rest.next()
    if (done) this.#former = undefined
    else if (value[1] !== NONE) this.add(value[0], value[1])
  }
}
