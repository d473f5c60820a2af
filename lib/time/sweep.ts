// Timers take no more; a longer delay would fire at once.
const LONGEST_DELAY = 2 ** 31 - 1

/** Milliseconds until the next call, or `undefined` when nothing is left to do. */
export type SweepOnce<T> = (target: T) => number | undefined

/**
 * One timer that calls `sweep` for as long as anything is left to do, the first time `interval`
 * milliseconds after it was woken. It keeps neither the process nor its target alive, and is absent
 * where the platform refuses timers. `sweep` must not hold the target itself.
 */
export class Sweep<T extends object> {
  readonly #interval: number
  readonly #target: WeakRef<T>
  readonly #sweep: SweepOnce<T>
  #isClosed: boolean
  #timer: unknown
  /** Public, since every write looks at it. */
  isAwake: boolean

  constructor(interval: number, target: T, sweep: SweepOnce<T>) {
    this.#interval = interval
    this.#target = new WeakRef(target)
    this.#sweep = sweep
    this.#isClosed = interval === Number.POSITIVE_INFINITY
    this.isAwake = this.#isClosed
  }

  wake(): void {
    if (this.isAwake) return
    this.isAwake = true
    this.#schedule(this.#interval)
  }

  /** For good: waking does nothing from here on. */
  close(): void {
    this.#isClosed = true
    this.isAwake = true
    if (this.#timer !== undefined) clearTimeout(this.#timer as number)
    this.#timer = undefined
  }

  #schedule(delay: number): void {
    try {
      const timer: unknown = setTimeout(() => this.#run(), Math.min(delay, LONGEST_DELAY))
      this.#timer = timer
      if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
    } catch {
      // Forbidden here (a Worker's module scope); a later write tries again.
      this.isAwake = false
    }
  }

  #run(): void {
    this.#timer = undefined
    const target = this.#target.deref()
    if (target === undefined || this.#isClosed) return
    const delay = this.#sweep(target)
    if (this.#isClosed) return
    if (delay === undefined) this.isAwake = false
    else this.#schedule(delay)
  }
}
