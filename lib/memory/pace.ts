/** Bytes that a cache may be written before its first look, and for each one later at most this factor more. */
export const FIRST_LOOK = 2 ** 14
const GROWTH = 4
/** Small enough for a number that the engine does not allocate. */
const MOST = 2 ** 30

/**
 * How many bytes may be written before the next look at the memory of the process. That depends on what
 * the process allocates for each of them: values may be larger than they seem, and programs do other things.
 */
export class Pace {
  #writable = FIRST_LOOK
  #allocated = NaN
  /** Bytes allocated for each byte written. */
  #rate = 1

  /** For `room` bytes to allocate, when `left` bytes are left of those that might be written before this look. */
  next(left: number, allocated: number, room: number): number {
    const written = this.#writable - left
    const rate = (allocated - this.#allocated) / written
    // A collection hides what was allocated.
    if (written > 0) this.#rate = Math.max(1, rate || 0, this.#rate / 2)
    this.#allocated = allocated
    const most = Math.min(GROWTH * Math.max(this.#writable, FIRST_LOOK), MOST)
    this.#writable = Math.min(most, Math.ceil(room / this.#rate))
    return this.#writable
  }
}
