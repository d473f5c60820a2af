import type { CacheOptions } from 'faas-cache-dict'
import { afterEach, beforeEach, vi } from 'vitest'
import { cacheWith, type Values } from './cache.ts'

export const SECONDS = 1_000

/** Each spec of the file has fake timers and clocks; promises settle by themselves. */
export function fakeTimersForEach(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

export const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

/** A cache on the fake clock, whose entries live 10 seconds. */
export const loadingCache = (options: CacheOptions = {}, entries: Values = {}) => {
  const onError = vi.fn()
  const made = cacheWith({ now: undefined, defaultTtl: '10s', onError, ...options }, entries)
  return { onError, ...made }
}

export const DOWN = new Error('the origin is down')
export const down = () => vi.fn(async () => Promise.reject(DOWN))
