import { expect, it } from 'vitest'
import { Hooks } from '../../lib/hooks.ts'
import { atEachDepth } from '../support/deep.ts'

it('hooks that a full stack cuts short hear of the rest at the next call, and of nothing twice', () => {
  atEachDepth(
    () => {
      const told: string[] = []
      const hooks = new Hooks(
        (key) => told.push(key),
        (_error, { source }) => told.push(source),
      )
      for (const key of ['a', 'b', 'c', 'd']) hooks.removed(key, 1, 'deleted', 1)
      hooks.failed(new Error('sweep'), 'sweep')
      return { hooks, told }
    },
    ({ hooks }) => hooks.run(),
    ({ hooks, told }) => {
      hooks.removed('e', 1, 'deleted', 1)
      hooks.run()
      expect(told).toEqual(['a', 'b', 'c', 'd', 'sweep', 'e'])
    },
  )
})
