/** What a cache of one budget would have done with the uses that were observed. */
export interface BudgetPoint {
  /** The budget, in bytes. */
  maxSizeBytes: number
  /** An estimate of hits divided by uses, from 0 to 1. */
  hitRate: number
  /** How many misses fewer than at the present budget; negative if there would have been more. */
  loadsSaved: number
  /** Milliseconds that these loads take, by the mean time from a miss to the write that follows. */
  msSaved: number
}

export interface AdvisorReport {
  /** For a quarter, half, one, two and four times the budget, in this order. */
  points: BudgetPoint[]
  /**
   * The smallest of these budgets, in bytes, whose hit rate is within 0.01 of the best. The present one before
   * any use, and for a sample also until 256 uses of its keys.
   */
  recommended: number
  /** Uses since the advisor began, or since the last `resetStats` or `resize`. */
  uses: number
}

/** What was counted, of all keys and of the sampled ones. */
export interface Counts {
  readonly uses: number
  readonly misses: number
  /** Whether the misses are those of the present budget throughout. */
  readonly isTruth: boolean
  /** Whether not all keys were observed. */
  readonly isSample: boolean
  /** Uses of sampled keys. */
  readonly observed: number
  /** The part of the budget that the advisor leaves to the cache. */
  readonly room: number
  readonly sampledUses: number
  /** By budget. */
  readonly sampledHits: readonly number[]
  readonly msOfLoad: number
}

const WITHIN = 0.01
/** Fewer uses of sampled keys say nothing of other budgets. */
const FEW = 256

/** `present`: the index of the present budget. */
export function reportOf(
  budgets: readonly number[],
  present: number,
  counts: Counts,
): AdvisorReport {
  const { uses, msOfLoad, isSample, observed } = counts
  const misses = missesOf(present, counts)
  const points = budgets.map((maxSizeBytes, at) => {
    // Without the sign of a zero.
    const loadsSaved = Math.round((misses[present] as number) - (misses[at] as number)) + 0
    return {
      maxSizeBytes,
      hitRate: uses === 0 ? 0 : 1 - (misses[at] as number) / uses,
      loadsSaved,
      msSaved: Math.round(loadsSaved * msOfLoad) + 0,
    }
  })
  const best = Math.max(...points.map(({ hitRate }) => hitRate))
  const enough = points.find(({ hitRate }) => hitRate >= best - WITHIN)
  const isTooEarly = uses === 0 || (isSample && observed < FEW)
  const recommended = isTooEarly ? budgets[present] : enough?.maxSizeBytes
  return { points, recommended: recommended as number, uses }
}

/**
 * Few keys cause most of the hits, and a sample has too many or too few of them. Misses are spread over many
 * keys. So the misses of the sample are scaled, to those of the present budget, which are known.
 */
function missesOf(present: number, counts: Counts): number[] {
  const { uses, misses, isTruth, isSample, room, sampledUses, sampledHits } = counts
  const sampled = sampledHits.map((hits) => sampledUses - hits)
  // The cache has less than its budget, so it is that much nearer to the next smaller one.
  const nearer = Math.min(1, -Math.log2(room))
  const sampledNow =
    (1 - nearer) * (sampled[present] as number) + nearer * (sampled[present - 1] as number)
  const scale = isTruth && isSample && sampledNow > 0 ? misses / sampledNow : 1
  return sampled.map((count) => Math.min(uses, count * scale))
}
