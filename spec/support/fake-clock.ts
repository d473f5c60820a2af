/**
 * The option `now` under a spec's control: epoch milliseconds that move only when told. Starts at
 * a moment of no meaning that is neither zero nor round.
 */
export class FakeClock {
  time = 1_700_000_000_123

  readonly now = (): number => this.time

  advance(milliseconds: number): void {
    this.time += milliseconds
  }
}
