import type { Entries } from '../entries.ts'
import type { Hooks } from '../hooks.ts'
import type { Statistics } from '../statistics.ts'
import type { Clock } from '../time/clock.ts'
import { timeSlice } from '../time/slice.ts'
import { BackgroundTimer } from '../time/timer.ts'
import type { Growth } from './growth.ts'
import type { SingleFlight } from './single-flight.ts'
import type { Squeeze } from './squeeze.ts'

/** Milliseconds between two slices. */
const PAUSE = 20
/** Removals of a slice between two runs of the hooks, whose time counts too. */
const REMOVALS_BETWEEN_HOOKS = 32
/** Entries that move to nearer buckets between two looks at the clock. */
const MOST_MOVES = 64
/** Each time that the cache was not used, its sweep waits longer by this factor. */
const PATIENCE = 1.25

/**
 * The background sweep: removes what has expired, forgets loads that are given up, and finds values
 * that grew in place. Each run is a slice that holds the thread shortly.
 *
 * If the cache was not used since the last sweep and has not grown, the search for growth rests until
 * the next use, and further sweeps come later each time. So a program that runs until no timer is left
 * ends.
 */
export class Sweep {
  /** Whether the search for growth rests. */
  isResting = false
  readonly timer: BackgroundTimer<Sweep>
  /** Public, since a write uses it too. */
  readonly squeeze: Squeeze
  readonly #entries: Entries
  readonly #growth: Growth
  readonly #loads: SingleFlight
  readonly #statistics: Statistics
  readonly #hooks: Hooks
  readonly #clock: Clock
  /** Milliseconds until the next sweep, if the cache is not used. */
  #wait: number
  /** Values that were given out without a use. */
  #looks = 0
  /** `#countUses()` at the end of the last sweep. */
  #usesBefore = 0

  constructor(
    interval: number,
    entries: Entries,
    growth: Growth,
    loads: SingleFlight,
    squeeze: Squeeze,
    statistics: Statistics,
    hooks: Hooks,
    clock: Clock,
  ) {
    this.#wait = interval
    this.#entries = entries
    this.#growth = growth
    this.#loads = loads
    this.squeeze = squeeze
    this.#statistics = statistics
    this.#hooks = hooks
    this.#clock = clock
    this.timer = new BackgroundTimer<Sweep>(interval, this, Sweep.#runOn)
  }

  static readonly #runOn = (sweep: Sweep) => sweep.#run()

  /** Sets the timer, if there is anything to do. */
  wake(): void {
    this.isResting = false
    if (this.#hasWork) this.timer.wake()
  }

  /** The program has got a value without a use, and may change it in place. */
  noteLook(): void {
    this.#looks++
    if (this.isResting) this.wake()
  }

  /** Ends the sweep for good. */
  close(): void {
    this.isResting = false
    this.timer.close()
    this.#growth.forget()
  }

  get #hasWork(): boolean {
    const entries = this.#entries
    if (this.#loads.size !== 0) return true
    return entries.count !== 0 && (entries.hasDeadlines || this.#growth.hasWork)
  }

  #countUses(): number {
    return this.#statistics.uses + this.#looks
  }

  /** Returns the milliseconds until the next run; `undefined` for none. */
  #run(): number | undefined {
    const hooks = this.#hooks
    try {
      const isOver = timeSlice()
      const now = this.#clock.now()
      this.#loads.forgetGivenUp(now)
      // A write ends the rest only if the timer waits for longer than an interval, so look for uses here.
      if (this.#countUses() !== this.#usesBefore) this.isResting = false
      const isPurged = this.#purge(isOver, now)
      // Before values are measured, which hooks may replace.
      hooks.run()
      this.squeeze.look(true)
      const isDone = isPurged && (this.isResting || this.#growth.search(isOver))
      hooks.run()
      return isDone ? this.#untilNext(now) : PAUSE
    } catch (error) {
      hooks.failed(error, 'sweep')
      hooks.run()
      return this.#waitLonger()
    }
  }

  /** Returns whether all that has expired is gone. */
  #purge(isOver: () => boolean, now: number): boolean {
    for (let count = 1; !isOver(); count++) {
      if (!this.#entries.purgeSome(now, MOST_MOVES)) return true
      if (count % REMOVALS_BETWEEN_HOOKS === 0) this.#hooks.run()
    }
    return false
  }

  #untilNext(now: number): number | undefined {
    const growth = this.#growth
    const uses = this.#countUses()
    const isIdle = uses === this.#usesBefore && !growth.hasFound
    this.#usesBefore = uses
    if (!this.#hasWork) return undefined
    if (!isIdle) {
      this.#wait = this.timer.interval
      return this.#wait
    }
    this.isResting = growth.hasObjects
    if (this.isResting) this.#entries.isUseAwaited = true
    const next = Math.min(this.#entries.nextExpiry, this.#loads.nextGivenUp)
    return Math.max(this.#waitLonger(), next - now)
  }

  #waitLonger(): number {
    const wait = this.#wait
    this.#wait *= PATIENCE
    return wait
  }
}
