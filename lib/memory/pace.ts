/** Bytes that may be written to a cache before its first look. */
export const FIRST_LOOK = 2 ** 11
/** From one look to the next, the bytes that may be written grow at most by this factor. */
const GROWTH = 4
/** Small enough for a number that the engine does not allocate. */
export const MOST_WRITABLE = 2 ** 30

/**
 * How many bytes may be written before the next look at the memory of the process. That depends on what
 * the process allocates for each of them: values may be larger than they seem, and programs do other things.
 */
export class Pace {
  #writable = FIRST_LOOK
  #allocated = NaN
  /** Bytes allocated for each byte written. */
  #rate = 1

  /**
   * `written` is what was written since the last look, `allocated` what the process uses now, and `room`
   * what it may allocate before the next look.
   */
  next(written: number, allocated: number, room: number): number {
    const rate = (allocated - this.#allocated) / written
    // The first look has no other to compare with, so that the second one comes as soon.
    const growth = Number.isNaN(this.#allocated) ? 1 : GROWTH
    // A collection hides what was allocated.
    if (written > 0) this.#rate = Math.max(1, rate || 0, this.#rate / 2)
    this.#allocated = allocated
    const most = Math.min(growth * Math.max(this.#writable, FIRST_LOOK), MOST_WRITABLE)
    this.#writable = Math.min(most, Math.ceil(room / this.#rate))
    return this.#writable
  }
}
