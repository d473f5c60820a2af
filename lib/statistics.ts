import type { Reason } from './options/options.ts'

/** Counted since the last reset. `items` and `sizeBytes` are of now. */
export interface Stats {
  hits: number
  misses: number
  /** Hits in all uses, from 0 to 1; 0 before the first use. */
  hitRate: number
  writes: number
  replacements: number
  evictions: number
  expirations: number
  deletions: number
  clears: number
  /** Stored promises that failed. */
  rejections: number
  /** Writes of what could not fit an empty cache. */
  refusals: number
  items: number
  sizeBytes: number
}

type Removals = Record<Reason, number>

const noRemovals = (): Removals => ({
  deleted: 0,
  evicted: 0,
  expired: 0,
  replaced: 0,
  cleared: 0,
  rejected: 0,
})

/** Items at the last reset + writes − every removal = items now. */
export class Statistics {
  hits = 0
  misses = 0
  writes = 0
  refusals = 0
  removals = noRemovals()

  reset(): void {
    this.hits = 0
    this.misses = 0
    this.writes = 0
    this.refusals = 0
    this.removals = noRemovals()
  }

  report(items: number, sizeBytes: number): Stats {
    const { hits, misses, writes, refusals, removals } = this
    return {
      hits,
      misses,
      hitRate: hits === 0 ? 0 : hits / (hits + misses),
      writes,
      replacements: removals.replaced,
      evictions: removals.evicted,
      expirations: removals.expired,
      deletions: removals.deleted,
      clears: removals.cleared,
      rejections: removals.rejected,
      refusals,
      items,
      sizeBytes,
    }
  }
}
