import { expect, it } from 'vitest'
import { requireStack } from '../../lib/stack.ts'
import { atEachDepth } from '../support/deep.ts'

it.each([0, 1, -1, Number.NEGATIVE_INFINITY])(
  'a change that asks for stack first, by a count of %d, is made in whole or not at all',
  (count) => {
    const step = (steps: number[]): void => {
      steps.push(1)
    }
    atEachDepth(
      () => ({ steps: [] as number[] }),
      ({ steps }) => {
        requireStack(count)
        step(steps)
        const inner = () => step(steps)
        const outer = () => inner()
        outer()
      },
      ({ steps }) => expect([0, 2]).toContain(steps.length),
    )
  },
)
