/** Epoch milliseconds. Neither 0 nor a round number, so that no spec passes by chance. */
export const START = 1_700_000_000_123

/** A clock for the option `now`. It moves only when a spec moves it. */
export class FakeClock {
  time = START

  readonly now = (): number => this.time

  advance(milliseconds: number): void {
    this.time += milliseconds
  }
}
