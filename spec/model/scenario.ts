import fc from 'fast-check'
import type { Step } from './steps/step.ts'

/** The options of a cache, and the steps of its hooks. */
export interface Scenario {
  /** Seconds. */
  readonly defaultTtl: number | null
  /** Seconds. */
  readonly pendingTtl: number | null
  readonly maxItems: number | null
  /** Units of bytes. */
  readonly budget: number | null
  readonly skipsTooLarge: boolean
  readonly usesHeapSize: boolean
  readonly sweeps: boolean
  /** The steps of successive hook calls. A call without a step does nothing. */
  readonly hookSteps: readonly (Step | undefined)[]
}

export const scenarios = (hookSteps: fc.Arbitrary<Step>): fc.Arbitrary<Scenario> =>
  fc
    .record({
      defaultTtl: fc.constantFrom(null, 0.5, 10),
      pendingTtl: fc.constantFrom(null, 1, 30),
      maxItems: fc.constantFrom(null, 1, 2, 3, 4, 6),
      budget: fc.constantFrom(null, 2, 3, 4, 8),
      skipsTooLarge: fc.boolean(),
      usesHeapSize: fc.boolean(),
      sweeps: fc.boolean(),
      hookSteps: fc.array(fc.option(hookSteps, { freq: 2, nil: undefined }), { maxLength: 8 }),
    })
    .map((scenario) => ({ ...scenario, [fc.toStringMethod]: () => shown(scenario) }))

const shown = (scenario: Scenario) =>
  JSON.stringify({ ...scenario, hookSteps: scenario.hookSteps.map((step) => step?.text) })
