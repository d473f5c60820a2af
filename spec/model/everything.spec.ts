import { test } from 'vitest'
import { expectPrograms } from './programs.ts'

test('the cache behaves like the naive model in random programs of every kind of step', async () => {
  await expectPrograms(
    {
      writes: 12,
      uses: 5,
      peeks: 2,
      deletions: 3,
      waits: 4,
      measurements: 10,
      pressure: 3,
      promises: 3,
      loads: 3,
      snapshots: 3,
    },
    20_261_124,
  )
})
