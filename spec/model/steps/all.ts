import fc from 'fast-check'
import { closings, measurements, resizes, statistics } from './limits.ts'
import { loads } from './loads.ts'
import { promises } from './promises.ts'
import { enumerations, looks, symbols, uses, walks } from './reads.ts'
import { clears, deletions, removals } from './removals.ts'
import { snapshots } from './snapshots.ts'
import { defaultTtls, places, renewals, waits } from './terms.ts'
import { quietWrites, writes } from './writes.ts'
import { type Step, step } from './step.ts'

const failure = new Error('hook')
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

/** What hooks, factories and the body of a loop do. */
const inner: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: quietWrites },
  { weight: 3, arbitrary: deletions },
  { weight: 2, arbitrary: removals },
  { weight: 1, arbitrary: clears },
  { weight: 1, arbitrary: resizes },
  { weight: 2, arbitrary: uses },
  { weight: 1, arbitrary: places },
  { weight: 1, arbitrary: renewals },
)

export const reactions = fc.oneof(
  { weight: 6, arbitrary: inner },
  { weight: 1, arbitrary: fc.constant(throwing) },
)

const arbitraries = {
  writes,
  uses,
  looks,
  enumerations,
  walks: walks(inner),
  symbols,
  deletions,
  removals,
  clears,
  places,
  renewals,
  defaultTtls,
  waits,
  resizes,
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
