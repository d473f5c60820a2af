import type { Stats } from './statistics.ts'

/** Under this key a controller has the method by which an advisor, of any build, begins to observe its cache. */
export const OBSERVE: unique symbol = /* @__PURE__ */ Symbol.for(
  'faas-cache-dict.observe.1',
) as never

/**
 * What an advisor hears of a cache, for the keys that it samples. Times are virtual milliseconds. An observer
 * never throws, and uses no cache.
 */
export interface Observer {
  /** What it takes. A part of the budget of the cache. */
  readonly sizeBytes: number
  /** What it takes at least. */
  readonly leastBytes: number
  isSampled(key: string): boolean
  /** A use of a key that has a live entry. Returns whether it is sampled. */
  hit(key: string, now: number): boolean
  /** A use of any other key, sampled or not. `isRefresh`: a miss whatever the cache holds. */
  missed(key: string, now: number, isRefresh?: boolean): void
  /** A write, also of a key that is not sampled, and of a value that is too large for the budget. */
  stored(key: string, bytes: number, deadline: number, now: number, isPending: boolean): void
  /** An entry has another deadline. `former`: its promise has fulfilled, which had this one until then. */
  renewed(key: string, deadline: number, now: number, former?: number): void
  /** An entry is charged anew. */
  charged(key: string, bytes: number, now: number): void
  /** The program has removed the key, sampled or not. */
  removed(key: string): void
  cleared(): void
  /** Statistics start anew, or the limits have changed. */
  restarted(): void
}

/** What an observer gets of its cache. */
export interface Observation {
  /** The present counts. */
  readonly counts: Readonly<Pick<Stats, 'hits' | 'misses' | 'pressureEvictions'>>
  /** In milliseconds. */
  readonly pendingTtl: number
  /** The present `maxEntrySizeBytes` with another budget. `Infinity` for no limit. */
  entryLimit(maxSizeBytes: number): number
  end(): void
}
