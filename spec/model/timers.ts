import type { FakeClock } from '../support/fake-clock.ts'

interface Timer {
  readonly run: () => void
  readonly delay: number
  /** Epoch milliseconds of the fake clock. */
  readonly at: number
}

/** Milliseconds. The pauses between the slices of a sweep are shorter, those between sweeps longer. */
const LONGEST_PAUSE = 1_000

/** Milliseconds. The timers of loads are shorter, those of sweeps longer, apart from their slices. */
const LONGEST_OF_LOADS = 4_000

/** Replaces the timers of the platform, so that a step says when they run. */
export class Timers {
  readonly #clock: FakeClock
  #sweeps: Timer[] = []
  #loads: Timer[] = []
  #isSweeping = false
  #originals = { setTimeout, clearTimeout }

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  install(): void {
    this.#originals = { setTimeout, clearTimeout }
    globalThis.setTimeout = ((run: () => void, delay: number) => {
      const timer: Timer = { run, delay, at: this.#clock.time + Math.max(delay, 0) }
      const isOfLoad = !this.#isSweeping && delay < LONGEST_OF_LOADS
      if (isOfLoad) this.#loads.push(timer)
      else this.#sweeps.push(timer)
      return timer
    }) as unknown as typeof setTimeout
    globalThis.clearTimeout = ((timer: Timer) => {
      this.#loads = this.#loads.filter((other) => other !== timer)
      this.#sweeps = this.#sweeps.filter((other) => other !== timer)
    }) as unknown as typeof clearTimeout
  }

  uninstall(): void {
    Object.assign(globalThis, this.#originals)
  }

  /** Runs one background sweep with all its slices. */
  sweep(): void {
    this.#isSweeping = true
    let due = this.#sweeps
    do {
      this.#sweeps = []
      for (const { run } of due) run()
      due = this.#sweeps.filter(({ delay }) => delay < LONGEST_PAUSE)
      if (due.length > 0) this.#sweeps = this.#sweeps.filter((timer) => !due.includes(timer))
    } while (due.length > 0)
    this.#isSweeping = false
  }

  /** When the next timer of a load is due; `Infinity` if there is none. */
  get next(): number {
    return Math.min(...this.#loads.map(({ at }) => at))
  }

  /** Runs the next timer of a load. */
  runNext(): void {
    const { next } = this
    const timer = this.#loads.find(({ at }) => at === next)
    this.#loads = this.#loads.filter((other) => other !== timer)
    timer?.run()
  }
}
