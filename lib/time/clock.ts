import { withoutContext } from '../engine.ts'
import { requireStack } from '../stack.ts'

/** Two views of time: virtual time for TTLs, the wall clock for dates. */
export interface Clock {
  /** Whole virtual milliseconds. They never go back, and may stand still within one synchronous run. */
  now(): number
  /** The same, from a reading that is at most `maxAge` milliseconds old. */
  fresh(maxAge?: number): number
  /** The wall clock in epoch milliseconds at a virtual time, by the last reading. */
  wallAt(now: number): number
  /** Whether the clock was ever read. Before, it cannot tell when a date comes. */
  readonly hasStarted: boolean
  /** Calls `run` once with the first reading, before `now` returns it. Never, if the clock has started. */
  onStart(run: (now: number) => void): void
}

// The language's own, even if a program replaces it later.
const { then } = Promise.prototype

/** Milliseconds by which the two clocks may differ before they get new origins. */
const TOLERANCE = 20
/** Uses of a remembered reading. The number doubles up to the second while no time passes. */
const MIN_USES = 8
const MAX_USES = 256
/** After so many milliseconds between two readings, none is remembered until microtasks have run. */
const MAX_GAP = 250

const isNative = (now: () => number) =>
  /^function now\(\)\s*\{\s*\[native code\]/.test(Function.prototype.toString.call(now))

// Fake timers replace these two. Fake timers that came before this module show in the source text.
const nativeNow = isNative(Date.now) ? Date.now : undefined
const nativeMonotonic = globalThis.performance?.now

/** Whether fake timers show a time before this one: those of `node:test` count from 0 by default. */
export const isFakeTimeBefore = (time: number): boolean =>
  Date.now !== nativeNow && Date.now() < time

/**
 * One virtual time from two clocks that fail in opposite ways: the monotonic clock stands still while
 * the machine is frozen, and the wall clock can be set back. Both are counted from a common origin.
 * Virtual time is as far from it as the clock that has moved further. The clocks get new origins only if
 * they differ by more than their readings scatter, or if both go back, as at the end of fake timers. With
 * a new origin at each reading, virtual time would take the larger step each time. It would then run
 * twice as fast as it should, since one of the clocks moves in whole milliseconds.
 *
 * A reading takes longer than the rest of a read of the cache, so it is remembered. It is forgotten when
 * a microtask runs, since a process can be frozen only once the queue of microtasks is empty. It is also
 * used a limited number of times, since that queue may be long, and the queue of a `vm` context may never
 * run. The number doubles each time that the uses are spent within one millisecond.
 */
class SystemClock implements Clock {
  // Public, since `now` is inlined into each read. A small integer, which the engine does not allocate.
  uses = 0
  present = 0
  #allowance = MIN_USES
  #isForgetting = false
  #virtual = 0
  #wall = 0
  #wallOrigin = Number.NaN
  #monotonicOrigin = Number.NaN
  #waiting: ((now: number) => void)[] | undefined
  readonly #drained = withoutContext(Promise.resolve())
  readonly #forget = () => {
    this.uses = 0
    this.#isForgetting = false
    this.#allowance = MIN_USES
  }

  now(): number {
    return --this.uses >= 0 && Date.now === nativeNow ? this.present : this.read()
  }

  fresh(maxAge = 0): number {
    const age = Date.now() - this.#wall
    if (!(age >= 0 && age <= maxAge)) this.uses = 0
    return this.now()
  }

  wallAt(now: number): number {
    return this.#wall + now - this.present
  }

  get hasStarted(): boolean {
    return !Number.isNaN(this.#wallOrigin)
  }

  onStart(run: (now: number) => void): void {
    this.#waiting ??= []
    this.#waiting.push(run)
  }

  read(isSecond = false): number {
    const isTrusted = Date.now === nativeNow
    this.uses = 0
    const wall = Date.now()
    const areNative = isTrusted && globalThis.performance?.now === nativeMonotonic
    if (areNative && this.#isForgetting && wall === this.#wall) {
      this.#allowance = Math.min(2 * this.#allowance, MAX_USES)
      this.uses = this.#allowance
      return this.present
    }
    if (Number.isNaN(wall) || (isTrusted && wall === 0)) return this.present
    const measured = globalThis.performance?.now() ?? wall
    // At the module scope of a Worker the monotonic clock stands at 0; in requests it is the wall clock.
    const monotonic = areNative && measured === 0 ? wall : measured
    const byWall = wall - this.#wallOrigin
    const byMonotonic = monotonic - this.#monotonicOrigin
    const isParted = !(
      Math.abs(byWall - byMonotonic) <= TOLERANCE && this.#virtual - byMonotonic <= TOLERANCE
    )
    // A pause between the two readings looks like a difference of the clocks. It does not come twice.
    if (isParted && !isSecond) return this.read(true)
    // At the first reading, neither origin is a number and neither comparison holds.
    if (byWall > this.#virtual) this.#virtual = byWall
    if (byMonotonic > this.#virtual) this.#virtual = byMonotonic
    if (isParted) {
      this.#wallOrigin = wall - this.#virtual
      this.#monotonicOrigin = monotonic - this.#virtual
    }
    const now = Math.floor(this.#virtual)
    const passed = now - this.present
    const waiting = this.#waiting
    if (waiting) requireStack(waiting.length)
    this.#wall = wall
    this.present = now
    if (areNative) this.#remember(passed)
    if (waiting) {
      this.#waiting = undefined
      for (const run of waiting) run(now)
    }
    return now
  }

  #remember(passed: number): void {
    if (!this.#isForgetting) {
      try {
        then.call(this.#drained, this.#forget)
      } catch {
        // A program had replaced `then` before this module was loaded: no reading would be forgotten.
        return
      }
      this.#isForgetting = true
    } else if (passed > MAX_GAP) this.#allowance = 0
    else if (this.#allowance !== 0) this.#allowance = MIN_USES
    this.uses = this.#allowance
  }
}

/** The option `now` in place of both clocks. If it goes back, virtual time runs on from there. */
class GivenClock implements Clock {
  readonly hasStarted = true
  readonly #given: () => number
  #latest = -Infinity
  /** How far it has gone back in all, which is how far virtual time is ahead of it. */
  #lead = 0

  constructor(given: () => number) {
    this.#given = given
  }

  now(): number {
    const read = this.#given
    const given: unknown = read()
    if (typeof given !== 'number' || !Number.isFinite(given)) {
      throw new TypeError(
        `The result of now must be a finite number of epoch milliseconds; got ${String(given)}`,
      )
    }
    const wall = Math.floor(given)
    if (wall < this.#latest) this.#lead += this.#latest - wall
    this.#latest = wall
    return wall + this.#lead
  }

  fresh(): number {
    return this.now()
  }

  wallAt(now: number): number {
    return now - this.#lead
  }

  onStart(): void {}
}

/** The clock of all caches without the option `now`. */
export const systemClock: Clock = /* @__PURE__ */ new SystemClock()

export const clockFrom = (now: (() => number) | undefined): Clock =>
  now ? new GivenClock(now) : systemClock
