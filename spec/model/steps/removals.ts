import fc from 'fast-check'
import { ModelError } from '../naive/entry.ts'
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
  {
    text: 'purgeExpired()',
    // How many entries went stale unseen is not specified.
    pair({ controller, model: { model } }) {
      const isExact = [...model.entries, ...model.stale].every(({ window }) => window === 0)
      const counted = (count: number) => (isExact ? count : undefined)
      return {
        real: () => counted(controller.purgeExpired()),
        model: () => counted(model.purge()),
      }
    },
  },
)

const failure = new Error('the test failed')

/** `deleteWhere` with a test that selects some keys, and may end in another way at one of them. */
export const selections: fc.Arbitrary<Step> = fc
  .record({
    selected: fc.uniqueArray(keys, { minLength: 1, maxLength: 4 }),
    failsAt: fc.option(keys, { freq: 4, nil: undefined }),
    isAsync: fc.boolean(),
  })
  .map(({ selected, failsAt, isAsync }) => {
    const how = isAsync ? 'gives a promise' : 'throws'
    const fails = failsAt === undefined ? '' : `, and ${how} at ${JSON.stringify(failsAt)}`
    const test = (atFailure: () => never) => (key: string) =>
      key === failsAt ? atFailure() : selected.includes(key)
    const fail = () => {
      throw failure
    }
    return step(
      `deleteWhere(a test that selects ${JSON.stringify(selected)}${fails})`,
      ({ controller }) =>
        controller.deleteWhere(test(isAsync ? () => Promise.resolve() as never : fail)),
      ({ model }) =>
        model.deleteWhere(
          test(
            isAsync
              ? () => {
                  throw new ModelError('TypeError')
                }
              : fail,
          ),
        ),
    )
  })

export const clears: fc.Arbitrary<Step> = fc.constant(
  step(
    'clear()',
    ({ controller }) => controller.clear(),
    ({ model }) => model.model.clear(),
  ),
)
