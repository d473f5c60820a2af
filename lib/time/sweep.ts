import { isWorker } from '../worker.ts'
import { systemClock } from './clock.ts'
import { clearTimer, setTimer, type Timer } from './timer.ts'

// Timers take no more: a longer delay would fire at once.
const LONGEST_DELAY = 2 ** 31 - 1
const NEVER = Number.POSITIVE_INFINITY

/**
 * Milliseconds until the next call, or `undefined` when nothing is left to do. A sweep that comes
 * later than after its interval rests meanwhile: it can be woken.
 */
export type SweepOnce<T> = (target: T) => number | undefined

/**
 * One timer that calls `sweep` for as long as anything is left to do, the first time `interval`
 * milliseconds after it was woken. It keeps neither the process nor its target alive, nor the request
 * that woke it, and runs outside any request. It is absent where the platform refuses timers. A timer
 * that is an interval late, since it died with the request of a Worker that set it, is made up for
 * when next woken. `sweep` must not hold the target itself.
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
  askAt = NEVER
  /** By the system's clock, when its timer cannot be waited for. */
  #overdueAt = NEVER
  readonly #isSystemTime: boolean

  /** Of `target`, whose writes go by `clock`; timers go by the system's. */
  constructor(interval: number, target: T, sweep: SweepOnce<T>, clock = systemClock) {
    this.#isSystemTime = clock === systemClock
    this.#interval = interval
    this.#target = globalThis.WeakRef && new WeakRef(target)
    this.#sweep = sweep
    this.#isClosed = interval === NEVER || this.#target === undefined
    this.isAwake = this.#isClosed
  }

  wake(): void {
    if (systemClock.now() >= this.#overdueAt) this.#makeUp()
    else if (!this.isAwake) {
      clearTimer(this.#timer)
      this.#schedule(this.#interval)
    }
  }

  /** For good: nothing wakes it from here on. */
  close(): void {
    this.#isClosed = true
    this.isAwake = true
    this.#waitUntil(NEVER)
    clearTimer(this.#timer)
  }

  #schedule(delay: number): void {
    this.isAwake = delay <= this.#interval
    try {
      this.#timer = setTimer(() => this.#run(), Math.min(delay, LONGEST_DELAY))
      this.#waitUntil(systemClock.now() + delay + this.#interval)
    } catch {
      // Refused at a Worker's module scope, but not in its requests: try again, yet not in a loop.
      Promise.resolve().then(() => this.#sleep())
    }
  }

  #makeUp(): void {
    this.isAwake = true
    this.#waitUntil(NEVER)
    // A process that was frozen has its timers still, and they know no request.
    if (typeof this.#timer === 'object' && !isWorker()) {
      clearTimer(this.#timer)
      this.#schedule(0)
    } else Promise.resolve().then(() => this.#run())
  }

  #run(): void {
    if (this.#isClosed) return
    clearTimer(this.#timer)
    const target = this.#target?.deref()
    if (!target) return
    this.isAwake = true
    let delay: number | undefined = this.#interval
    try {
      delay = this.#sweep(target)
    } finally {
      // A rest for longer than timers take is one until it is woken.
      if (delay === undefined || (delay > this.#interval && delay > LONGEST_DELAY)) this.#sleep()
      else if (!this.#isClosed) this.#schedule(delay)
    }
  }

  #waitUntil(time: number): void {
    this.#overdueAt = time
    // Another clock says nothing of that time.
    const isComparable = this.#isSystemTime || time === NEVER
    this.askAt = isComparable ? time : Number.NEGATIVE_INFINITY
  }

  #sleep(): void {
    this.#waitUntil(NEVER)
    this.isAwake = this.#isClosed
  }
}
