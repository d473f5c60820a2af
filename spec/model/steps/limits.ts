import type { CacheController } from 'faas-cache-dict'
import fc from 'fast-check'
import type { Entry } from '../naive/entry.ts'
import { NaivePromise } from '../naive/promise.ts'
import { entryLimits } from '../scenario.ts'
import { type Growable, isGrowable, textOf, UNIT } from '../values.ts'
import { budgetOf, entryLimitOf, type World } from '../world.ts'
import { keys } from './keys.ts'
import { type Step, step } from './step.ts'

export const resizes: fc.Arbitrary<Step> = fc
  .record({
    budget: fc.option(fc.constantFrom(null, 1, 2, 4, 8), { nil: undefined }),
    maxItems: fc.option(fc.constantFrom(null, 1, 2, 3, 6), { nil: undefined }),
    maxEntry: fc.option(entryLimits, { nil: undefined }),
  })
  .map(({ budget, maxItems, maxEntry }) => {
    const maxSizeBytes = budget === undefined ? undefined : budgetOf(budget)
    return step(
      `resize(${JSON.stringify({ budget, maxItems, maxEntry })})`,
      ({ controller }) => {
        const maxEntrySizeBytes = typeof maxEntry === 'number' ? budgetOf(maxEntry) : maxEntry
        controller.resize({ maxSizeBytes, maxItems, maxEntrySizeBytes })
        return limitsOf(controller)
      },
      ({ model }) => {
        model.resize({
          maxBytes: maxSizeBytes === null ? Number.POSITIVE_INFINITY : maxSizeBytes,
          maxItems: maxItems === null ? Number.POSITIVE_INFINITY : maxItems,
          maxEntryBytes: maxEntry === undefined ? undefined : entryLimitOf(maxEntry),
        })
        return model.limits()
      },
    )
  })

/** The budget in force is a whole number of bytes, close to the one that a step asks for. */
const limitsOf = ({ maxSizeBytes, maxItems, effectiveMaxSizeBytes: most }: CacheController) => [
  maxSizeBytes,
  maxItems,
  most === maxSizeBytes || most === null ? most : Math.floor((2 * most) / UNIT) * (UNIT / 2),
]

const cuts: fc.Arbitrary<Step> = fc.constantFrom(0, 1, 2, 3).map((units) => ({
  ...step(
    `memory is short: the cache keeps ${units} units`,
    ({ guarded, controller }) => {
      const bytes = budgetOf(units) as number
      if (guarded !== undefined && guarded.heldBytes > bytes) {
        guarded.keepOnly(bytes / guarded.heldBytes, 0)
        guarded.evict(() => false)
      }
      return limitsOf(controller)
    },
    ({ model }) => {
      model.squeezeTo(budgetOf(units) as number)
      return model.limits()
    },
  ),
  isPossible: ({ guarded }) => guarded !== undefined,
}))

const releases: fc.Arbitrary<Step> = fc.constant({
  ...step(
    'memory is short no more',
    ({ guarded, controller }) => {
      while (guarded?.allow(Number.POSITIVE_INFINITY));
      return limitsOf(controller)
    },
    ({ model }) => {
      model.model.release()
      return model.limits()
    },
  ),
  isPossible: ({ guarded }) => guarded !== undefined,
})

export const pressure = fc.oneof({ weight: 3, arbitrary: cuts }, { weight: 1, arbitrary: releases })

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
    (world) => {
      world.model.resetStats()
      world.evictedBytes = 0
    },
  ),
  step(
    'size',
    ({ controller }) => controller.size,
    ({ model }) => model.size(),
  ),
)
