interface Timer {
  readonly run: () => void
  readonly delay: number
}

const SWEEP = 1_000

/** Holds back what would run by itself, so that a program says when. */
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

  /** One background sweep, with what it puts off until a moment later. */
  sweep(): void {
    let due = this.#timers
    do {
      this.#timers = []
      for (const { run } of due) run()
      due = this.#timers.filter(({ delay }) => delay < SWEEP)
      if (due.length > 0) this.#timers = this.#timers.filter((timer) => !due.includes(timer))
    } while (due.length > 0)
  }
}
