import { test } from 'vitest'
import { expectPrograms } from './programs.ts'

test('in random schedules of promises and loads as well, and nothing rejects unheard', async () => {
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
