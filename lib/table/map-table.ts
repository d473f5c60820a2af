const WORD = 8
export const MAP_HEADER_BYTES = 5 * WORD
const SMALLEST = 4

/** Bytes an entry takes in a full table: key, value, chain, and half a bucket. */
export const MAP_ENTRY_BYTES = 3.5 * WORD

/**
 * What V8 keeps behind a `Map`: its table only doubles, is rebuilt when full of
 * what was deleted, and halves once a quarter is left. Under constant
 * replacement it is two to four times as large as its contents, which no
 * count of entries would tell.
 *
 * Source: `OrderedHashTable` in V8's src/objects/ordered-hash-table.cc.
 */
export class MapTable {
  #capacity = SMALLEST
  #live = 0
  #deleted = 0

  get bytes(): number {
    return MAP_HEADER_BYTES + this.#capacity * MAP_ENTRY_BYTES
  }

  /** Whether the table changed its size. */
  add(): boolean {
    const isFull = this.#live + this.#deleted === this.#capacity
    if (isFull) {
      if (this.#deleted < this.#capacity >> 1) this.#capacity *= 2
      this.#deleted = 0
    }
    this.#live++
    return isFull
  }

  /** Whether a table of at least this capacity halves with the next removal. */
  isAboutToHalve(large: number): boolean {
    return this.#capacity >= large && this.#live <= this.#capacity >> 2
  }

  /** Whether the table changed its size. */
  remove(): boolean {
    this.#live--
    this.#deleted++
    if (this.#capacity === SMALLEST || this.#live >= this.#capacity >> 2) return false
    this.#capacity >>= 1
    this.#deleted = 0
    return true
  }
}
