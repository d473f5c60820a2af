import { tracingChannel } from 'node:diagnostics_channel'
import type { LoadTrace } from 'faas-cache-dict'
import { afterAll, beforeAll, describe, expect } from 'vitest'

const loads = tracingChannel<unknown, LoadTrace>('faas-cache-dict.load')
/** How many events of loads there were, by name. */
const counts = { start: 0, end: 0, asyncStart: 0, asyncEnd: 0, error: 0 }
const count = (event: keyof typeof counts) => () => {
  counts[event]++
}
const subscribers = {
  start: count('start'),
  end: count('end'),
  asyncStart: count('asyncStart'),
  asyncEnd: count('asyncEnd'),
  error: count('error'),
}

describe('while loads are traced, each does as it does otherwise:', async () => {
  beforeAll(() => {
    loads.subscribe(subscribers)
  })
  afterAll(() => {
    loads.unsubscribe(subscribers)
    const { start, end, asyncStart, asyncEnd, error } = counts
    expect(start).toBeGreaterThan(500)
    expect(error).toBeGreaterThan(100)
    expect([end, asyncEnd]).toEqual([start, asyncStart])
    // Some loads of the specs never end.
    expect(asyncEnd).toBeLessThan(start)
  })

  await import('./get-or-set.spec.ts')
  await import('./get-or-set-many.spec.ts')
  await import('./loading.spec.ts')
  await import('./stale.spec.ts')
})
