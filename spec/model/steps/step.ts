import type { World } from '../world.ts'

/** One step of a program, for the cache and for the model of it. */
export interface Pair {
  readonly real: () => unknown
  readonly model: () => unknown
}

export interface Step {
  /** As a program would write it. */
  readonly text: string
  /** What it sets going in microtasks. Those of promises and those of loads have no common order. */
  readonly starts?: 'promises' | 'load' | undefined
  /** What it throws is what a hook throws. */
  readonly isThrowing?: true
  /** The cache is not looked into after it. */
  readonly isUnseen?: true
  isPossible?(world: World): boolean
  pair(world: World): Pair
}

/** A step that makes no values of its own. */
export const step = (
  text: string,
  real: (world: World) => unknown,
  model: (world: World) => unknown,
): Step => ({ text, pair: (world) => ({ real: () => real(world), model: () => model(world) }) })
