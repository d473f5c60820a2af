import fc from 'fast-check'
import type { Entry } from '../naive/entry.ts'
import { NaivePromise } from '../naive/promise.ts'
import { type Growable, isGrowable, textOf } from '../values.ts'
import { budgetOf, type World } from '../world.ts'
import { keys } from './keys.ts'
import { type Step, step } from './step.ts'

export const resizes: fc.Arbitrary<Step> = fc
  .record({
    budget: fc.option(fc.constantFrom(null, 1, 2, 4, 8), { nil: undefined }),
    maxItems: fc.option(fc.constantFrom(null, 1, 2, 3, 6), { nil: undefined }),
  })
  .map(({ budget, maxItems }) => {
    const maxSizeBytes = budget === undefined ? undefined : budgetOf(budget)
    return step(
      `resize(${JSON.stringify({ budget, maxItems })})`,
      ({ controller }) => {
        controller.resize({ maxSizeBytes, maxItems })
        return [controller.maxSizeBytes, controller.maxItems]
      },
      ({ model }) => {
        model.resize({
          maxBytes: maxSizeBytes === null ? Number.POSITIVE_INFINITY : maxSizeBytes,
          maxItems: maxItems === null ? Number.POSITIVE_INFINITY : maxItems,
        })
        return model.limits()
      },
    )
  })

const contentOf = ({ value }: Entry): unknown =>
  value instanceof NaivePromise && value.wasSeenFulfilled ? value.outcome?.value : value

/** Whether a remeasure would change the charge or fail. */
const needsRemeasure = ({ model: { model } }: World, entry: Entry): boolean => {
  if (entry.terms.sizeBytes !== undefined || entry.pendingUntil !== undefined) return false
  try {
    return model.measure(entry.value) !== entry.bytes
  } catch {
    return true
  }
}

const sweep = {
  // A read wakes the sweep.
  real: ({ timers, controller, model: { model } }: World) => {
    for (const { key } of model.entries) controller.peek(key)
    timers.sweep()
  },
  model: ({ model, isClosed, scenario }: World) => {
    if (scenario.sweeps && !isClosed) model.sweep()
  },
}

const sweeps = fc.constant(step('a background sweep', sweep.real, sweep.model))

/** Values that can grow, each stored once. */
const growablesOf = ({ model: { model } }: World): Growable[] => {
  const contents = model.entries.map(contentOf)
  return contents
    .filter(isGrowable)
    .filter((value) => contents.indexOf(value) === contents.lastIndexOf(value))
}

// Only one value grows at a time, since the order of remeasuring decides what is evicted.
const growths: fc.Arbitrary<Step> = fc
  .record({
    at: fc.nat(2),
    units: fc.integer({ min: 0, max: 4 }),
    becomesUnmeasurable: fc.boolean(),
    isSweptAfter: fc.boolean(),
  })
  .map(({ at, units, becomesUnmeasurable, isSweptAfter }) => ({
    text: `object ${at} ${becomesUnmeasurable ? 'becomes unmeasurable' : `grows to ${units} units`}${isSweptAfter ? ', and a sweep runs' : ''}`,
    isPossible: (world) =>
      growablesOf(world).length > 0 &&
      !world.model.model.entries.some((entry) => needsRemeasure(world, entry)),
    pair(world) {
      const growables = growablesOf(world)
      const value = growables[at % growables.length]
      return {
        real: () => {
          if (value === undefined) return
          if (becomesUnmeasurable) value.cannotBeMeasured = true
          else value.text = textOf(units)
          if (isSweptAfter) sweep.real(world)
        },
        model: () => {
          if (value !== undefined && isSweptAfter) sweep.model(world)
        },
      }
    },
  }))

const remeasures: fc.Arbitrary<Step> = fc.option(keys, { nil: undefined }).map((key) =>
  step(
    key === undefined ? 'remeasure()' : `remeasure(${JSON.stringify(key)})`,
    ({ controller }) => controller.remeasure(key),
    ({ model }) => model.remeasure(key),
  ),
)

export const closings: fc.Arbitrary<Step> = fc
  .constantFrom('close' as const, Symbol.dispose)
  .map((name) =>
    step(
      'close()',
      ({ controller }) => controller[name](),
      (world) => {
        world.isClosed = true
      },
    ),
  )

export const measurements = fc.oneof(
  { weight: 5, arbitrary: growths },
  { weight: 2, arbitrary: remeasures },
  { weight: 2, arbitrary: sweeps },
)

export const statistics: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  step(
    'resetStats()',
    ({ controller }) => controller.resetStats(),
    ({ model }) => model.resetStats(),
  ),
  step(
    'size',
    ({ controller }) => controller.size,
    ({ model }) => model.size(),
  ),
)
