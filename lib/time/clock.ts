import { withoutContext } from '../engine.ts'
import { requireStack } from '../stack.ts'

/** Two views of time. A TTL is counted in virtual time, an absolute expiry by the wall clock. */
export interface Clock {
  /** Whole virtual milliseconds: never go back, and may stand still within one synchronous run. */
  now(): number
  /** The same, by a reading that is `most` milliseconds old at most. */
  fresh(most?: number): number
  /** The wall clock in epoch milliseconds at the virtual time that was read last. */
  wallAt(now: number): number
  /** Whether there was a first reading. Before it, no date can be told. */
  readonly hasStarted: boolean
  /** Calls `run` once with the first reading, before that returns. Only while it has not started. */
  onStart(run: (now: number) => void): void
}

// The language's own, even if a program replaces it later.
const { then } = Promise.prototype

/** Milliseconds. */
const TOLERANCE = 20
/** How often a remembered reading is used, and what that doubles to while no time passes. */
const FEWEST_USES = 8
const MOST_USES = 256
/** Milliseconds between two readings after which none is remembered, until microtasks have run. */
const LONGEST_GAP = 250

const isNative = (now: () => number) =>
  /^function now\(\)\s*\{\s*\[native code\]/.test(Function.prototype.toString.call(now))

// Fake timers replace these two. Those that came before this module are told by their source text.
const nativeNow = isNative(Date.now) ? Date.now : undefined
const nativeMonotonic = globalThis.performance?.now

/** Whether fake timers count from about 0, as those of `node:test` do by default. */
export const isFakeTimeBefore = (time: number): boolean =>
  Date.now !== nativeNow && Date.now() < time

/**
 * One virtual time for two clocks that fail in opposite ways: the monotonic one stands still while
 * a machine is frozen, the wall clock is set back. Virtual time has moved, from the origins that
 * both share, as far as the one that moved further. The origins are renewed only when the clocks
 * part by more than their readings scatter, or both go back, as at the end of fake timers. Renewed
 * at each reading, the larger of the two steps would be taken each time, and since one clock moves
 * in whole milliseconds time would run twice as fast as it should.
 *
 * A reading costs more than the rest of a read of the cache, so it is remembered: until a microtask
 * runs, since a process can be frozen only once their queue is empty, and for a few uses, since the
 * queue may be long, and that of a `vm` context may never run. Each time the uses are spent within
 * one millisecond, their number doubles.
 */
class SystemClock implements Clock {
  // Public, since `now` is inlined into each read. A small integer, since others are allocated anew.
  uses = 0
  present = 0
  #allowance = FEWEST_USES
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
    this.#allowance = FEWEST_USES
  }

  now(): number {
    return --this.uses >= 0 && Date.now === nativeNow ? this.present : this.read()
  }

  fresh(most = 0): number {
    const age = Date.now() - this.#wall
    if (!(age >= 0 && age <= most)) this.uses = 0
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
      this.#allowance = Math.min(2 * this.#allowance, MOST_USES)
      this.uses = this.#allowance
      return this.present
    }
    if (Number.isNaN(wall) || (isTrusted && wall === 0)) return this.present
    const measured = globalThis.performance?.now() ?? wall
    // It does not run at the module scope of a Worker, and is the wall clock in its requests.
    const monotonic = areNative && measured === 0 ? wall : measured
    const byWall = wall - this.#wallOrigin
    const byMonotonic = monotonic - this.#monotonicOrigin
    const isParted = !(
      Math.abs(byWall - byMonotonic) <= TOLERANCE && this.#virtual - byMonotonic <= TOLERANCE
    )
    // A pause between the two readings looks like clocks that part; it does not come twice.
    if (isParted && !isSecond) return this.read(true)
    // Before the first reading neither origin is a number, and neither comparison holds.
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
        // A program had replaced `then` before this module loaded: nothing would be forgotten.
        return
      }
      this.#isForgetting = true
    } else if (passed > LONGEST_GAP) this.#allowance = 0
    else if (this.#allowance !== 0) this.#allowance = FEWEST_USES
    this.uses = this.#allowance
  }
}

/** The option `now` in place of both clocks. Where it goes back, time runs on from there. */
class GivenClock implements Clock {
  readonly hasStarted = true
  readonly #given: () => number
  #latest = -Infinity
  /** By how much it has gone back so far: what virtual time is ahead of it. */
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

/** The clock that caches share unless they are given one. */
export const systemClock: Clock = /* @__PURE__ */ new SystemClock()

export const clockFrom = (now: (() => number) | undefined): Clock =>
  now ? new GivenClock(now) : systemClock
