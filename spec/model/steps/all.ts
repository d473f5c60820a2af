import fc from 'fast-check'
import { closings, measurements, pressure, resizes, statistics } from './limits.ts'
import { loads } from './loads.ts'
import { promises } from './promises.ts'
import { enumerations, iterations, peeks, symbols, uses } from './reads.ts'
import { clears, deletions, removals, selections } from './removals.ts'
import { snapshots } from './snapshots.ts'
import { type Step, step } from './step.ts'
import { defaultTtls, moves, renewals, waits } from './terms.ts'
import { inertWrites, writes } from './writes.ts'

const failure = new Error('the hook failed')
const throwing: Step = {
  ...step(
    'throw',
    () => {
      throw failure
    },
    () => {
      throw failure
    },
  ),
  isThrowing: true,
}

/** Steps of hooks, factories and loop bodies. */
const inner: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: inertWrites },
  { weight: 3, arbitrary: deletions },
  { weight: 2, arbitrary: removals },
  { weight: 1, arbitrary: selections },
  { weight: 1, arbitrary: clears },
  { weight: 1, arbitrary: resizes },
  { weight: 2, arbitrary: uses },
  { weight: 1, arbitrary: moves },
  { weight: 1, arbitrary: renewals },
)

export const hookSteps = fc.oneof(
  { weight: 6, arbitrary: inner },
  { weight: 1, arbitrary: fc.constant(throwing) },
)

const arbitraries = {
  writes,
  uses,
  peeks,
  enumerations,
  iterations: iterations(inner),
  symbols,
  deletions,
  removals,
  selections,
  clears,
  moves,
  renewals,
  defaultTtls,
  waits,
  resizes,
  pressure,
  measurements,
  closings,
  statistics,
  promises,
  loads: loads(inner),
  snapshots,
}

export type Weights = Partial<Record<keyof typeof arbitraries, number>>

/** Steps of every kind, some more often than others. */
export const stepsBy = (weights: Weights): fc.Arbitrary<Step> =>
  fc.oneof(
    ...Object.entries(arbitraries).map(([name, arbitrary]) => ({
      weight: weights[name as keyof Weights] ?? 1,
      arbitrary,
    })),
  )
