import fc from 'fast-check'
import { contents } from '../values.ts'
import type { Step } from './step.ts'
import { settledWrites } from './writes.ts'

const outcomes = fc.option(contents, { freq: 3 })

const settlings: fc.Arbitrary<Step> = fc
  .record({ content: outcomes, at: fc.nat(3) })
  .map(({ content, at }) => ({
    text: `promise ${at} ${content ? `fulfils with ${content.text}` : 'rejects'}`,
    starts: 'promises' as const,
    isPossible: ({ deferreds }) => deferreds.length > 0,
    pair(world) {
      const deferred = world.deferreds[at % world.deferreds.length]
      const value = content ? world.make(content) : undefined
      return {
        real: () => {
          deferred?.settle(value)
        },
        model: () => {
          if (deferred) world.model.model.microtasks.settle(deferred.naive, deferred.outcome(value))
        },
      }
    },
  }))

export const promises = fc.oneof(
  { weight: 3, arbitrary: settlings },
  { weight: 2, arbitrary: settledWrites },
)
