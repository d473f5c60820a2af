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

/** Counted since the last reset. `items` and `sizeBytes` are of now. */
export interface Stats {
  /** Uses of a key that had a live entry. */
  hits: number
  /** Uses of a key that had none; each concurrent caller of `getOrSet` counts one. */
  misses: number
  /** Hits in all uses, from 0 to 1; 0 before the first use. */
  hitRate: number
  /** Values that were stored, by whatever call; not those that were refused. */
  writes: number
  /** Values that left for another one under their key, be it the same value. */
  replacements: number
  /** Values that left for the limits, or since they turned out too large. */
  evictions: number
  /** Values that left after their TTL, or had expired when they were written. */
  expirations: number
  /** Values that were deleted or popped. */
  deletions: number
  /** Values that left by `clear`. */
  clears: number
  /** Stored promises that failed. A `getOrSet` that fails is counted nowhere. */
  rejections: number
  /** Writes of what could not fit an empty cache. */
  refusals: number
  /** Live entries now. */
  items: number
  /** Bytes of the whole cache now, its own structure included. */
  sizeBytes: number
}

/** Items at the last reset + writes − every removal = items now. */
export class Statistics {
  hits = 0
  misses = 0
  writes = 0
  refusals = 0
  /** Hits and writes before the last reset. */
  #usesBefore = 0
  /** By reason. */
  readonly removals: number[] = REASONS.map(() => 0)

  /** Hits and writes since the cache was made. */
  get uses(): number {
    return this.#usesBefore + this.hits + this.writes
  }

  /** One more removal. */
  count(reason: number): void {
    this.removals[reason] = (this.removals[reason] as number) + 1
  }

  reset(): void {
    this.#usesBefore = this.uses
    this.hits = this.misses = this.writes = this.refusals = 0
    this.removals.fill(0)
  }

  report(items: number, sizeBytes: number): Stats {
    const { hits, misses, writes, refusals, removals } = this
    const removed = (reason: number) => removals[reason] as number
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
      items,
      sizeBytes,
    }
  }
}
