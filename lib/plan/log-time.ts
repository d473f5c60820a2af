/** Of so many lines in a row that come before an earlier one, no server writes the log. */
const MANY = 10
/** The same, as a part of all lines. */
const MANY_OF_ALL = 1 / 10

/** The time of a log. It never goes back: servers write a line when a request ends. */
export class LogTime {
  first = NaN
  last = 0
  /** By how much a line was earlier than one before it, at the most. */
  mostBack = 0
  #lines = 0
  /** Lines in a row that are earlier than one before them: now, and at the most. */
  #earlier = 0
  #mostEarlier = 0

  /** Whether the time stood still for many lines: they are not in order, or a time was wrong. */
  get hasStoodStill(): boolean {
    return this.#mostEarlier >= MANY && this.#mostEarlier > MANY_OF_ALL * this.#lines
  }

  /** Milliseconds after the first line. */
  advance(epoch: number): number {
    if (Number.isNaN(this.first)) this.first = epoch
    this.#lines++
    if (epoch >= this.last) {
      this.last = epoch
      this.#earlier = 0
    } else {
      this.mostBack = Math.max(this.mostBack, this.last - epoch)
      this.#earlier++
      this.#mostEarlier = Math.max(this.#mostEarlier, this.#earlier)
    }
    return this.last - this.first
  }
}
