// One record an entry, 32 bytes each, so that a read touches one cache line:
//
//   byte  0  int32    slot of the next older entry; -1 in a slot that is free
//   byte  4  int32    slot of the next newer entry; of the next free slot in one that is free
//   byte  8  float64  deadline in virtual milliseconds, Infinity for none
//   byte 16  int32    slot before it in the list of its expiry bucket, 0 in none
//   byte 20  int32    slot after it
//   byte 24  int32    bytes of the value, -1 where they do not fit here
//   byte 28  int32    bytes of the key, a multiple of 8; bit 0: size given by the caller
//
// Record 0 belongs to no entry: it closes the ring of recency.
export const RECORD_BYTES = 32
export const OLDER = 0
export const NEWER = 1
export const DEADLINE = 1
export const BEFORE = 4
export const AFTER = 5
export const VALUE_BYTES = 6
export const KEY_BYTES = 7

const FREE = -1

/** Records by slot, in memory that the garbage collector does not walk. */
export class Records {
  int32: Int32Array
  float64: Float64Array
  capacity: number
  #used = 1
  #free = 0

  constructor(capacity: number) {
    this.capacity = capacity
    const buffer = new ArrayBuffer(capacity * RECORD_BYTES)
    this.int32 = new Int32Array(buffer)
    this.float64 = new Float64Array(buffer)
  }

  get isFull(): boolean {
    return this.#free === 0 && this.#used === this.capacity
  }

  /** The slot freed last, since its record is the likeliest to be in the processor's cache. */
  allocate(): number {
    let slot = this.#free
    // Skips slots that were given up after they were freed.
    while (slot >= this.#used) slot = this.int32[(slot << 3) + NEWER] as number
    if (slot === 0) {
      this.#free = 0
      return this.#used++
    }
    this.#free = this.int32[(slot << 3) + NEWER] as number
    return slot
  }

  /** The highest slot that was ever used and not given up. */
  get last(): number {
    return this.#used - 1
  }

  /** Gives up the last slot, which holds no entry. */
  dropLast(): void {
    this.#used--
  }

  /** The slot keeps its place in the lists of expiry, which its next entry may need as well. */
  release(slot: number): void {
    const at = slot << 3
    this.int32[at + OLDER] = FREE
    this.int32[at + NEWER] = this.#free
    this.#free = slot
  }

  isFree(slot: number): boolean {
    return this.int32[(slot << 3) + OLDER] === FREE
  }

  /** To make it smaller, no slot below the new capacity may be free, except the last one. */
  resize(capacity: number): void {
    const int32 = new Int32Array(capacity * (RECORD_BYTES / 4))
    if (capacity < this.capacity) this.#free = 0
    int32.set(capacity < this.capacity ? this.int32.subarray(0, int32.length) : this.int32)
    this.int32 = int32
    this.float64 = new Float64Array(int32.buffer)
    this.capacity = capacity
  }
}
