import { test } from 'vitest'
import { OUTCOMES } from './naive/load.ts'
import { expectPrograms } from './programs.ts'

test('the cache behaves like the naive model in random schedules of loads and stale values', async () => {
  await expectPrograms({ writes: 4, uses: 2, waits: 16, loads: 60 }, 20_261_128, {
    outcomes: OUTCOMES,
  })
})
