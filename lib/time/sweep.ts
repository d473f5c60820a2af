import { isWorker } from '../worker.ts'
import { systemClock } from './clock.ts'
import { setTimer, type Timer } from './timer.ts'

// Timers take no more: a longer delay would fire at once.
const LONGEST_DELAY = 2 ** 31 - 1

/** Milliseconds until the next call, or `undefined` when nothing is left to do. */
export type SweepOnce<T> = (target: T) => number | undefined

/**
 * One timer that calls `sweep` for as long as anything is left to do, the first time `interval`
 * milliseconds after it was woken. It keeps neither the process nor its target alive, nor the request
 * that woke it, and runs outside any request. It is absent where the platform refuses timers. A timer that is an interval late, since it died with the
 * request of a Worker that set it, is made up for when next woken. `sweep` must not hold the target
 * itself.
 */
export class Sweep<T extends object> {
  readonly #interval: number
  // Some Workers have no WeakRef: no sweep there rather than a cache that is never collected.
  readonly #target: WeakRef<T> | undefined
  readonly #sweep: SweepOnce<T>
  #isClosed: boolean
  #timer: Timer | undefined
  /** Public, since every write looks at it. */
  isAwake: boolean
  /** Public for the same reason: from when on `wake` has to be asked, by the clock of who writes. */
  askAt = Number.POSITIVE_INFINITY
  /** By the system's clock, when its timer cannot be waited for. */
  #overdueAt = Number.POSITIVE_INFINITY
  readonly #isSystemTime: boolean

  /** Of `target`, whose writes go by `clock`; timers go by the system's. */
  constructor(interval: number, target: T, sweep: SweepOnce<T>, clock = systemClock) {
    this.#isSystemTime = clock === systemClock
    this.#interval = interval
    this.#target = globalThis.WeakRef && new WeakRef(target)
    this.#sweep = sweep
    this.#isClosed = interval === Number.POSITIVE_INFINITY || this.#target === undefined
    this.isAwake = this.#isClosed
  }

  wake(): void {
    if (!this.isAwake) {
      this.isAwake = true
      this.#schedule(this.#interval)
    } else if (systemClock.now() >= this.#overdueAt) this.#makeUp()
  }

  /** For good: nothing wakes it from here on. */
  close(): void {
    this.#isClosed = true
    this.isAwake = true
    this.#waitUntil(Number.POSITIVE_INFINITY)
    clearTimeout(this.#timer)
  }

  #schedule(delay: number): void {
    try {
      this.#timer = setTimer(() => this.#run(), Math.min(delay, LONGEST_DELAY))
      this.#waitUntil(systemClock.now() + delay + this.#interval)
    } catch {
      // Refused at a Worker's module scope, but not in its requests: try again, yet not in a loop.
      Promise.resolve().then(() => this.#sleep())
    }
  }

  #makeUp(): void {
    this.#waitUntil(Number.POSITIVE_INFINITY)
    // A process that was frozen has its timers still, and they know no request.
    if (typeof this.#timer === 'object' && !isWorker()) {
      clearTimeout(this.#timer)
      this.#schedule(0)
    } else Promise.resolve().then(() => this.#run())
  }

  #run(): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    const target = this.#target?.deref()
    if (!target) return
    let delay: number | undefined = this.#interval
    try {
      delay = this.#sweep(target)
    } finally {
      if (delay === undefined) this.#sleep()
      else if (!this.#isClosed) this.#schedule(delay)
    }
  }

  #waitUntil(time: number): void {
    this.#overdueAt = time
    // Another clock says nothing of that time.
    const isComparable = this.#isSystemTime || time === Number.POSITIVE_INFINITY
    this.askAt = isComparable ? time : Number.NEGATIVE_INFINITY
  }

  #sleep(): void {
    this.#waitUntil(Number.POSITIVE_INFINITY)
    this.isAwake = this.#isClosed
  }
}
