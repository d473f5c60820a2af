import fc from 'fast-check'
import type { Step } from './steps/step.ts'

export type EntryLimit = number | '50%' | null

export const entryLimits = fc.constantFrom<EntryLimit>(null, null, 1, 2, '50%')

/** The options of a cache that are defaults of its loads. Seconds; `undefined` if not given. */
export interface Loading {
  readonly staleWhileRevalidate: number | null | undefined
  readonly staleIfError: number | null | undefined
  readonly timeout: number | null | undefined
  readonly retryAfter: number | null | undefined
  readonly waitUntil: 'records' | 'throws' | undefined
}

export const windows = fc.constantFrom(undefined, 0.5, 10, 10, null)
export const timeouts = fc.constantFrom(undefined, undefined, 0.7, 2, null)
export const pauses = fc.constantFrom(undefined, undefined, 0, 0.4, 10, null)
export const waitUntils = fc.constantFrom(undefined, undefined, 'records', 'throws')

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
  /** Units of bytes, or a part of the budget. */
  readonly maxEntry: EntryLimit
  /** The option `ttlJitter`, and what `Math.random` returns. */
  readonly jitter: { readonly fraction: number; readonly random: number }
  readonly loading: Loading
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
      maxEntry: entryLimits,
      jitter: fc.constantFrom(
        { fraction: 0, random: 0.5 },
        { fraction: 0.5, random: 0.5 },
        { fraction: 1, random: 0.75 },
      ),
      loading: fc.record({
        staleWhileRevalidate: windows,
        staleIfError: windows,
        timeout: timeouts,
        retryAfter: pauses,
        waitUntil: waitUntils,
      }),
      hookSteps: fc.array(fc.option(hookSteps, { freq: 2, nil: undefined }), { maxLength: 8 }),
    })
    .map((scenario) => ({ ...scenario, [fc.toStringMethod]: () => shown(scenario) }))

const shown = (scenario: Scenario) =>
  JSON.stringify({ ...scenario, hookSteps: scenario.hookSteps.map((step) => step?.text) })
