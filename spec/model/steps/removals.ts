import fc from 'fast-check'
import { keys } from './keys.ts'
import { type Step, step } from './step.ts'

export const deletions: fc.Arbitrary<Step> = keys.chain((key) => {
  const name = JSON.stringify(key)
  return fc.constantFrom<Step>(
    step(
      `delete cache[${name}]`,
      ({ cache }) => delete cache[key],
      ({ model }) => {
        model.model.delete(key)
        return true
      },
    ),
    step(
      `delete(${name})`,
      ({ controller }) => controller.delete(key),
      ({ model }) => {
        const wasLive = model.model.live(key) !== undefined
        model.model.delete(key)
        return wasLive
      },
    ),
    step(
      `pop(${name})`,
      ({ controller }) => controller.pop(key),
      ({ model }) => model.pop(key),
    ),
  )
})

export const removals: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  step(
    'popOldest()',
    ({ controller }) => controller.popOldest(),
    ({ model }) => model.popOldest(),
  ),
  step(
    'popNewest()',
    ({ controller }) => controller.popNewest(),
    ({ model }) => model.popNewest(),
  ),
  step(
    'evictOldest()',
    ({ controller }) => controller.evictOldest(),
    ({ model }) => model.evictOldest(),
  ),
  step(
    'purgeExpired()',
    ({ controller }) => controller.purgeExpired(),
    ({ model }) => model.model.purge(),
  ),
)

export const clears: fc.Arbitrary<Step> = fc.constant(
  step(
    'clear()',
    ({ controller }) => controller.clear(),
    ({ model }) => model.model.clear(),
  ),
)
