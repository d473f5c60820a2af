declare const SLOT: unique symbol

/**
 * Where an entry is in the table: the index of the first word of its record. A slot belongs to an
 * entry until the next removal, which may move other entries.
 */
export type Slot = number & { readonly [SLOT]: true }

/** The slot of no entry. Its record closes the ring of recency. */
export const NONE = 0 as Slot

// One record an entry, 32 bytes, so that a read touches one cache line:
//
//   word 0  int32    slot of the next older entry; FREE in a free slot
//   word 1  int32    slot of the next newer entry; in a free slot, the next free slot
//   word 2  float64  deadline in virtual milliseconds, Infinity for none
//   word 4  int32    previous slot in the list of its expiry bucket, 0 in none
//   word 5  int32    next slot in that list
//   word 6  int32    bytes of the value, LARGE if they do not fit
//   word 7  int32    bytes of the key, a multiple of 8; or GIVEN; with a mark of an observer
const WORDS = 8
export const RECORD_BYTES = 4 * WORDS
export const OLDER = 0
export const NEWER = 1
/** Index of the deadline in `float64`, from `slot >> 1`. */
export const DEADLINE = 1
export const PREVIOUS = 4
export const NEXT = 5
export const VALUE_BYTES = 6
export const KEY_BYTES = 7

const FREE = -1
export const LARGE = -1
/** In place of the bytes of a key: the caller gave one size for key and value. */
export const GIVEN = 1
/** What an observer has decided of a key. */
export const SAMPLED = 2
export const UNSAMPLED = 4
export const MARKS = SAMPLED | UNSAMPLED

/** Records by slot, in memory that the garbage collector does not walk. */
export class Records {
  int32: Int32Array
  float64: Float64Array
  /** In records, the first one included. */
  capacity: number
  /** The first slot that was never used. */
  #unused = WORDS
  #free = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.int32 = new Int32Array(capacity * WORDS)
    this.float64 = new Float64Array(this.int32.buffer)
  }

  get isFull(): boolean {
    return this.#free === 0 && this.#unused === this.int32.length
  }

  /** Takes the slot that was freed last: its record is likely in the processor's cache. */
  allocate(): Slot {
    let slot = this.#free
    // Skips slots that were dropped after they were freed.
    while (slot >= this.#unused) slot = this.int32[slot + NEWER] as number
    if (slot === 0) {
      this.#free = 0
      slot = this.#unused
      this.#unused += WORDS
    } else this.#free = this.int32[slot + NEWER] as number
    return slot as Slot
  }

  /** How many slots were used and not dropped. */
  get used(): number {
    return this.#unused / WORDS - 1
  }

  /** The highest of these slots. */
  get last(): Slot {
    return (this.#unused - WORDS) as Slot
  }

  /** Drops the last slot, which holds no entry. */
  dropLast(): void {
    this.#unused -= WORDS
  }

  /** Frees a slot. It keeps its place in the lists of expiry, which its next entry may need as well. */
  release(slot: Slot): void {
    this.int32[slot + OLDER] = FREE
    this.int32[slot + NEWER] = this.#free
    this.#free = slot
  }

  isFree(slot: Slot): boolean {
    return this.int32[slot + OLDER] === FREE
  }

  /** The slot after this one, or `NONE` after the last. */
  after(slot: Slot): Slot {
    return (slot < this.last ? slot + WORDS : NONE) as Slot
  }

  /** To shrink it, no slot may be free that was used: the list of free slots is dropped. */
  resize(capacity: number): void {
    const int32 = new Int32Array(capacity * WORDS)
    const float64 = new Float64Array(int32.buffer)
    if (capacity < this.capacity) this.#free = 0
    int32.set(capacity < this.capacity ? this.int32.subarray(0, int32.length) : this.int32)
    this.int32 = int32
    this.float64 = float64
    this.capacity = capacity
  }

  copy(from: Slot, to: Slot): void {
    this.int32.copyWithin(to, from, from + WORDS)
  }
}

/** The largest size that fits a record. */
export const MOST_BYTES = 2 ** 31 - 1

/** Sizes that do not fit a record, with their exact sum, which a number would round. */
export class LargeSizes {
  readonly #bySlot = new Map<Slot, number>()
  #sum = 0n
  /** The sum, rounded to a number. */
  bytes = 0

  get(slot: Slot): number {
    return this.#bySlot.get(slot) as number
  }

  set(slot: Slot, bytes: number): void {
    this.#bySlot.set(slot, bytes)
    this.#add(BigInt(bytes))
  }

  delete(slot: Slot): void {
    this.#add(-BigInt(this.get(slot)))
    this.#bySlot.delete(slot)
  }

  move(from: Slot, to: Slot): void {
    this.#bySlot.set(to, this.get(from))
    this.#bySlot.delete(from)
  }

  #add(bytes: bigint): void {
    this.#sum += bytes
    this.bytes = Number(this.#sum)
  }
}
