import type { World } from '../world.ts'

/** The two sides of a step. */
export interface Pair {
  readonly real: () => unknown
  readonly model: () => unknown
}

/** One step of a program, for the cache and for the model. */
export interface Step {
  /** What a failing program prints. */
  readonly text: string
  /** What it starts in microtasks. The order between promises and loads is not specified. */
  readonly starts?: 'promises' | 'load' | undefined
  /** A step of hooks only: its error is an error of the hook. */
  readonly isThrowing?: true
  /** The whole cache is not compared after it, since that would purge expired entries. */
  readonly skipsCheck?: true
  /** Milliseconds by which it advances the clock. */
  readonly passes?: number
  /** Whether no timer runs before it has passed, as in a process that is frozen. */
  readonly freezes?: boolean
  isPossible?(world: World): boolean
  pair(world: World): Pair
}

/** A step that creates no values. */
export const step = (
  text: string,
  real: (world: World) => unknown,
  model: (world: World) => unknown,
): Step => ({ text, pair: (world) => ({ real: () => real(world), model: () => model(world) }) })
