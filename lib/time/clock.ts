/** Two views of time. A TTL is counted in virtual time, an absolute expiry by the wall clock. */
export interface Clock {
  /** Whole virtual milliseconds: never go back, and may stand still within one synchronous run. */
  now(): number
  /** The wall clock in epoch milliseconds at a virtual time that was read last, or later. */
  wallAt(now: number): number
  /**
   * Whether the clock had yet to start when it was read last. If so, `run` is called once with the
   * first reading after the start, before that returns: what came before knew no wall clock.
   */
  awaitsStart(run: (now: number) => void): boolean
}

const TOLERANCE = 20

const isNative = (now: () => number) =>
  /^function now\(\)\s*\{\s*\[native code\]/.test(Function.prototype.toString.call(now))

// Fake timers replace these two. Those that came before this module are told by their source text.
const nativeNow = isNative(Date.now) ? Date.now : undefined
const nativeMonotonic = globalThis.performance?.now

/**
 * One virtual time for two clocks that fail in opposite ways: the monotonic one stands still while
 * a machine is frozen, the wall clock is set back. Virtual time has moved, from the origins that
 * both share, as far as the one that moved further. The origins are renewed only when the clocks
 * part by more than their readings scatter, or both go back, as at the end of fake timers. Renewed
 * at each reading, the larger of the two steps would be taken each time, and since one clock moves
 * in whole milliseconds time would run twice as fast as it should.
 */
class SystemClock implements Clock {
  // -1: not remembered. Public, since the check must cost nothing wherever it is inlined.
  present = -1
  #virtual = 0
  #wallOrigin = Number.NaN
  #monotonicOrigin = Number.NaN
  #waiting: ((now: number) => void)[] | undefined
  readonly #drained = Promise.resolve()
  readonly #forget = () => {
    this.present = -1
  }

  now(): number {
    const present = this.present
    return present >= 0 && Date.now === nativeNow ? present : this.read(false)
  }

  wallAt(): number {
    return Date.now()
  }

  awaitsStart(run: (now: number) => void): boolean {
    const awaits = Number.isNaN(this.#wallOrigin)
    if (awaits) {
      this.#waiting ??= []
      this.#waiting.push(run)
    }
    return awaits
  }

  read(isSecond: boolean): number {
    const isTrusted = Date.now === nativeNow
    const wall = Date.now()
    if (Number.isNaN(wall) || (isTrusted && wall === 0)) return Math.floor(this.#virtual)
    const monotonic = globalThis.performance?.now() ?? wall
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
    // A process can be frozen only once the microtask queue is empty.
    if (isTrusted && globalThis.performance?.now === nativeMonotonic) {
      this.present = Math.floor(this.#virtual)
      this.#drained.then(this.#forget)
    } else this.#forget()
    const now = Math.floor(this.#virtual)
    const waiting = this.#waiting
    if (waiting) {
      this.#waiting = undefined
      for (const run of waiting) run(now)
    }
    return now
  }
}

/** The option `now` in place of both clocks. Where it goes back, time runs on from there. */
class GivenClock implements Clock {
  readonly #given: () => number
  #latest = Number.NEGATIVE_INFINITY
  /** By how much it has gone back so far: what virtual time is ahead of it. */
  #lead = 0

  constructor(given: () => number) {
    this.#given = given
  }

  now(): number {
    const given: unknown = this.#given()
    if (typeof given !== 'number' || !Number.isFinite(given)) {
      throw new TypeError(
        `The option now must return epoch milliseconds, a finite number, not ${String(given)}`,
      )
    }
    const wall = Math.floor(given)
    if (wall < this.#latest) this.#lead += this.#latest - wall
    this.#latest = wall
    return wall + this.#lead
  }

  wallAt(now: number): number {
    return now - this.#lead
  }

  awaitsStart(): boolean {
    return false
  }
}

/** The clock that caches share unless they are given one. */
export const systemClock: Clock = /* @__PURE__ */ new SystemClock()

export const clockFrom = (now: (() => number) | undefined): Clock =>
  now ? new GivenClock(now) : systemClock
