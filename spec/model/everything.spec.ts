import { test } from 'vitest'
import { expectPrograms } from './programs.ts'

test('the cache does what a naive model does, in random programs of everything it can', async () => {
  await expectPrograms(
    {
      writes: 12,
      uses: 5,
      looks: 2,
      deletions: 3,
      waits: 4,
      measurements: 10,
      promises: 3,
      loads: 3,
      snapshots: 3,
    },
    20_261_124,
  )
})
