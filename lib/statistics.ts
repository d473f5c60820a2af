import type { Reason } from './options/options.ts'

// Numbers inside, so that a removal is counted by an index.
export const DELETED = 0
export const EVICTED = 1
export const EXPIRED = 2
export const REPLACED = 3
export const CLEARED = 4
export const REJECTED = 5

export const REASONS: readonly Reason[] = [
  'deleted',
  'evicted',
  'expired',
  'replaced',
  'cleared',
  'rejected',
]

/** Counts since the cache was made, or since `resetStats`. `items` and `sizeBytes` are the present values. */
export interface Stats {
  /** Uses of a key with a live entry. */
  hits: number
  /** Uses of a key without a live entry, and calls with `refresh`. Each concurrent caller of `getOrSet` counts one. */
  misses: number
  /** Hits divided by uses, from 0 to 1; 0 before the first use. */
  hitRate: number
  /** Values that were written by any call, without refused ones. */
  writes: number
  /** Values that another write of the key replaced, with the same value too. */
  replacements: number
  /** Values that were removed for the limits, to give memory back, or because they turned out too large. */
  evictions: number
  /** Values that were removed after they expired, or had expired when they were written. */
  expirations: number
  /** Values that were deleted or popped. */
  deletions: number
  /** Values that `clear` removed. */
  clears: number
  /** Stored promises that rejected. A failed load of `getOrSet` does not count. */
  rejections: number
  /** Writes of values that do not fit in an empty cache. */
  refusals: number
  /** Bytes that the entries among `evictions` were charged. */
  evictedBytes: number
  /** How many of `evictions` were made because the process was short of memory. */
  pressureEvictions: number
  /** Calls of a factory of `getOrSet`, or of the function of `getOrSetMany`. */
  loads: number
  /** Loads that failed, or took longer than their `timeout`. */
  loadFailures: number
  /** Callers who waited for a load that was under way; with `getOrSetMany` one for each such key. */
  loadsJoined: number
  /** Milliseconds that loads took, of all that have ended. */
  loadMs: number
  /** Stale values that were served. Each also counts as a miss. */
  staleHits: number
  /** The present number of live entries. */
  items: number
  /** The present bytes of the whole cache, with its own structure. */
  sizeBytes: number
}

type LoadCounts = Pick<Stats, 'loads' | 'loadFailures' | 'loadsJoined' | 'loadMs' | 'staleHits'>

const NO_LOADS: LoadCounts = {
  loads: 0,
  loadFailures: 0,
  loadsJoined: 0,
  loadMs: 0,
  staleHits: 0,
}

/** Items at the last reset + writes − every removal = items now. */
export class Statistics {
  hits = 0
  misses = 0
  writes = 0
  refusals = 0
  pressureEvictions = 0
  evictedBytes = 0
  /** Made for the first load. */
  #loading: LoadCounts | undefined
  /** Hits and writes before the last reset. */
  #usesBefore = 0
  /** By reason. */
  readonly #removals: number[] = REASONS.map(() => 0)

  /** Hits and writes since the cache was made. */
  get uses(): number {
    return this.#usesBefore + this.hits + this.writes
  }

  get loading(): LoadCounts {
    this.#loading ??= { ...NO_LOADS }
    return this.#loading
  }

  /** One more removal. */
  count(reason: number): void {
    this.#removals[reason] = (this.#removals[reason] as number) + 1
  }

  reset(): void {
    this.#usesBefore = this.uses
    this.hits = this.misses = this.writes = this.refusals = 0
    this.pressureEvictions = this.evictedBytes = 0
    this.#loading = undefined
    this.#removals.fill(0)
  }

  report(items: number, sizeBytes: number): Stats {
    const { hits, misses, writes, refusals, evictedBytes, pressureEvictions } = this
    const removed = (reason: number) => this.#removals[reason] as number
    return {
      hits,
      misses,
      hitRate: hits === 0 ? 0 : hits / (hits + misses),
      writes,
      replacements: removed(REPLACED),
      evictions: removed(EVICTED),
      expirations: removed(EXPIRED),
      deletions: removed(DELETED),
      clears: removed(CLEARED),
      rejections: removed(REJECTED),
      refusals,
      evictedBytes,
      pressureEvictions,
      ...(this.#loading ?? NO_LOADS),
      items,
      sizeBytes,
    }
  }
}
