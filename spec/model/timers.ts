interface Timer {
  readonly run: () => void
  readonly delay: number
}

const SWEEP = 1_000

/** Holds back what would run by itself, so that a program says when. */
export class Timers {
  #timers: Timer[] = []
  #original = globalThis.setTimeout

  install(): void {
    this.#original = globalThis.setTimeout
    globalThis.setTimeout = ((run: () => void, delay: number) => {
      this.#timers.push({ run, delay })
      return {}
    }) as unknown as typeof setTimeout
  }

  uninstall(): void {
    globalThis.setTimeout = this.#original
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
