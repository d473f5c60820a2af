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
  /** The sampled part of the keys. */
  readonly share: number
  /** Uses of sampled keys. */
  readonly observed: number
  /** The part of the budget that the advisor leaves to the cache. */
  readonly room: number
  readonly sampledUses: number
  /** By budget. */
  readonly sampledHits: readonly number[]
  readonly msOfLoad: number
}

/** A hundredth of a hit rate. */
export const A_POINT = 0.01
/** Fewer uses of sampled keys say nothing of other budgets. */
const FEW = 256
/** So many misses of sampled keys tell as much of the scale as the share does. */
const TELLING = 16

/** `present`: the index of the present budget. */
export function reportOf(
  budgets: readonly number[],
  present: number,
  counts: Counts,
): AdvisorReport {
  const { uses, msOfLoad, share, observed } = counts
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
  const isTooEarly = uses === 0 || (share < 1 && observed < FEW)
  const recommended = isTooEarly ? (budgets[present] as number) : enoughOf(points).maxSizeBytes
  return { points, recommended, uses }
}

/** The first point, and so the smallest budget, whose hit rate is within a point of the best. */
export function enoughOf<Point extends { readonly hitRate: number }>(
  points: readonly Point[],
): Point {
  const best = Math.max(...points.map(({ hitRate }) => hitRate))
  return points.find(({ hitRate }) => hitRate >= best - A_POINT) as Point
}

/**
 * A few keys cause most of the hits, and a sample has too many or too few of these keys. Misses are spread over
 * many keys. So the misses of the sample are scaled by the known misses of the present budget. If few are known,
 * the share of the sample counts more.
 */
function missesOf(present: number, counts: Counts): number[] {
  const { uses, misses, isTruth, share, room, sampledUses, sampledHits } = counts
  const sampled = sampledHits.map((hits) => sampledUses - hits)
  const sampledNow = sampled[present] as number
  const sampledHalf = sampled[present - 1] as number
  // The advisor takes a part of the budget, so the cache may have more misses: some of those of half the budget.
  const nearer = Math.min(1, -Math.log2(room))
  const sampledTruth = Math.min(
    sampledNow + nearer * (sampledHalf - sampledNow),
    Math.max(sampledNow, misses),
  )
  const others = TELLING / share
  const scale = isTruth && share < 1 ? (misses + others) / (sampledTruth + others) : 1
  return sampled.map((count) => Math.min(uses, count * scale))
}
