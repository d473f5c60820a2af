import { isWorker } from '../worker.ts'
import { systemClock } from './clock.ts'
import { clearTimer, setTimer, type Timer } from './timer.ts'

// Timers take no more: a longer delay would fire at once.
const LONGEST_DELAY = 2 ** 31 - 1
const NEVER = Number.POSITIVE_INFINITY

/**
 * Milliseconds until the next call, or `undefined` when nothing is left to do. If that is longer than
 * the interval, the sweep rests meanwhile and can be woken.
 */
export type SweepOnce<T> = (target: T) => number | undefined

/**
 * One timer that calls `sweep` for as long as anything is left to do, the first time `interval`
 * milliseconds after it was woken. It keeps neither the process nor its target alive, nor the request
 * that woke it, and runs outside any request. It is absent if the platform refuses timers. On Workers
 * a timer dies with the request that set it: once it is an interval late, the next `wake` makes up for
 * it. `sweep` must not hold the target itself.
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
  /** From this time on, by the clock of the target, a write has to call `wake`. Public as well. */
  askAt = NEVER
  /** From this time on, by the system's clock, the timer is taken for dead. */
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
    // A process that was frozen still has its timers, which know no request.
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
      // If timers cannot wait for so long, it rests until it is woken.
      if (delay === undefined || (delay > this.#interval && delay > LONGEST_DELAY)) this.#sleep()
      else if (!this.#isClosed) this.#schedule(delay)
    }
  }

  #waitUntil(time: number): void {
    this.#overdueAt = time
    // Times of another clock cannot be compared with it.
    const isComparable = this.#isSystemTime || time === NEVER
    this.askAt = isComparable ? time : Number.NEGATIVE_INFINITY
  }

  #sleep(): void {
    this.#waitUntil(NEVER)
    this.isAwake = this.#isClosed
  }
}
