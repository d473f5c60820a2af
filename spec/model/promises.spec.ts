import { test } from 'vitest'
import { expectPrograms } from './programs.ts'

test('the cache behaves like the naive model in random schedules of promises and loads', async () => {
  await expectPrograms(
    {
      writes: 6,
      uses: 4,
      deletions: 3,
      renewals: 2,
      waits: 5,
      measurements: 6,
      promises: 14,
      loads: 10,
    },
    20_261_125,
  )
})
