interface Timer {
  readonly run: () => void
  readonly delay: number
}

/** Milliseconds. The pauses between the slices of a sweep are shorter, those between sweeps longer. */
const LONGEST_PAUSE = 1_000

/** Replaces the timers of the platform, so that a step says when they run. */
export class Timers {
  #timers: Timer[] = []
  #originals = { setTimeout, clearTimeout }

  install(): void {
    this.#originals = { setTimeout, clearTimeout }
    globalThis.setTimeout = ((run: () => void, delay: number) => {
      const timer: Timer = { run, delay }
      this.#timers.push(timer)
      return timer
    }) as unknown as typeof setTimeout
    globalThis.clearTimeout = ((timer: Timer) => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }) as unknown as typeof clearTimeout
  }

  uninstall(): void {
    Object.assign(globalThis, this.#originals)
  }

  /** Runs one background sweep with all its slices. */
  sweep(): void {
    let due = this.#timers
    do {
      this.#timers = []
      for (const { run } of due) run()
      due = this.#timers.filter(({ delay }) => delay < LONGEST_PAUSE)
      if (due.length > 0) this.#timers = this.#timers.filter((timer) => !due.includes(timer))
    } while (due.length > 0)
  }
}
