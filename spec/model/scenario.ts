import fc from 'fast-check'
import type { Step } from './steps/step.ts'

/** The options of a cache, and what its hooks do. */
export interface Scenario {
  /** Seconds. */
  readonly defaultTtl: number | null
  /** Seconds. */
  readonly pendingTtl: number | null
  readonly maxItems: number | null
  /** Units. */
  readonly budget: number | null
  readonly isSkipping: boolean
  readonly isWeighedByHeap: boolean
  readonly sweeps: boolean
  /** What the hooks do, one after the other; none where there is none. */
  readonly reactions: readonly (Step | undefined)[]
}

export const scenarios = (reactions: fc.Arbitrary<Step>): fc.Arbitrary<Scenario> =>
  fc
    .record({
      defaultTtl: fc.constantFrom(null, 0.5, 10),
      pendingTtl: fc.constantFrom(null, 1, 30),
      maxItems: fc.constantFrom(null, 1, 2, 3, 4, 6),
      budget: fc.constantFrom(null, 2, 3, 4, 8),
      isSkipping: fc.boolean(),
      isWeighedByHeap: fc.boolean(),
      sweeps: fc.boolean(),
      reactions: fc.array(fc.option(reactions, { freq: 2, nil: undefined }), { maxLength: 8 }),
    })
    .map((scenario) => ({ ...scenario, [fc.toStringMethod]: () => shown(scenario) }))

const shown = (scenario: Scenario) =>
  JSON.stringify({ ...scenario, reactions: scenario.reactions.map((step) => step?.text) })
