/** The time of a log. It never goes back: servers write a line when a request ends. */
export class LogTime {
  first = NaN
  last = 0
  /** By how much a line was earlier than one before it, at the most. */
  mostBack = 0
  /** How many lines were later than the one before them, and how many earlier. */
  #later = 0
  #earlier = 0
  #previous = NaN

  /** Whether the newest lines come first. Then no time passes. */
  get isReversed(): boolean {
    return this.#earlier > this.#later && this.mostBack > this.last - this.first
  }

  /** Milliseconds after the first line. */
  advance(epoch: number): number {
    if (Number.isNaN(this.first)) this.first = epoch
    if (epoch > this.#previous) this.#later++
    if (epoch < this.#previous) this.#earlier++
    this.#previous = epoch
    if (epoch >= this.last) this.last = epoch
    else this.mostBack = Math.max(this.mostBack, this.last - epoch)
    return this.last - this.first
  }
}
