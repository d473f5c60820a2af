import { expect, it } from 'vitest'
import { requireStack } from '../../lib/stack.ts'
import { atEachDepth } from '../support/deep.ts'

it('a change that requires stack first happens as a whole or not at all', () => {
  const step = (steps: number[]): void => {
    steps.push(1)
  }
  atEachDepth(
    () => ({ steps: [] as number[] }),
    ({ steps }) => {
      requireStack(0)
      step(steps)
      const inner = () => step(steps)
      const outer = () => inner()
      outer()
    },
    ({ steps }) => expect([0, 2]).toContain(steps.length),
  )
})

it('a negative count is refused', () => {
  expect(() => requireStack(-1)).toThrow(RangeError)
})
