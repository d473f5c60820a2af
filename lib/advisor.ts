import { chartOf } from './advisor/chart.ts'
import { Ghosts } from './advisor/ghosts.ts'
import { type AdvisorReport, type BudgetPoint, reportOf } from './advisor/report.ts'
import { LEAST_BYTES, SHARE, Simulation } from './advisor/simulation.ts'
import type { CacheController } from './controller.ts'
import { type Weakly, weakly } from './engine.ts'
import { OBSERVE, type Observation } from './observer.ts'
import { checkedOptions, invalidNumber, wrongKind } from './options/check.ts'
import { INSPECT } from './printing.ts'
import { registered } from './registry.ts'
import { EMPTY_BYTES } from './table/table.ts'

export type { AdvisorReport, BudgetPoint }

export interface AdvisorOptions {
  /**
   * The share of the keys that the advisor observes, above 0 and at most 1. It observes fewer keys if they
   * would take too much memory: more than 1 % of the budget or, for a budget below 6.4 MB, 64 KB or 1/32 of
   * it, whichever is less. A `sample` of 1 may take 1/16 of the budget, up to 1 MB.
   * @default 1 / 32, or more while the cache has few entries
   */
  sample?: number | undefined
}

const FACTORS = [1 / 4, 1 / 2, 1, 2, 4]
const PRESENT = 2
/** In all five caches together. More make the estimate little better. */
const ENOUGH_GHOSTS = 8_192
const LEAST_BUDGET = EMPTY_BYTES + LEAST_BYTES
/** Of a small budget, an advisor may take a thirty-second, up to this: a hundredth holds too few ghosts. */
const ENOUGH_BYTES = 65_536
/** A large `sample` may take a sixteenth, up to this. */
const MOST_BYTES = 2 ** 20

/**
 * Begins to observe the uses of a cache, to say what other budgets would bring: a quarter, half, one, two and
 * four times `maxSizeBytes`. It keeps hashes, sizes and deadlines of a sample of the keys, and no values. What it
 * keeps is charged to the budget of the cache.
 *
 * A `TypeError` if `cache` is not a `FaaSCacheDict`, has no `maxSizeBytes`, or has an advisor already. A
 * `RangeError` if `maxSizeBytes` is below 11 KB.
 *
 * It does not simulate the memory guard, and does not follow `promote`, `demote`, nor `deleteWhere` for keys
 * that the cache no longer holds. `heapSize` stops measuring a value that is larger than the budget. So a value
 * that is too large may seem to fit a larger budget.
 *
 * @example
 * const advisor = advise(cache)
 * // after some traffic
 * console.log(String(advisor))
 */
export function advise(cache: object, options?: AdvisorOptions): Advisor {
  const controller = registered(cache)
  if (controller === undefined) throw wrongKind('The cache', 'a FaaSCacheDict', cache)
  const { sample } = checkedOptions('The options', options, ['sample'])
  if (sample !== undefined && !(typeof sample === 'number' && sample > 0 && sample <= 1)) {
    throw invalidNumber('sample', 'a number above 0 and at most 1', sample, sample)
  }
  const { maxSizeBytes } = controller
  if (maxSizeBytes === null) {
    throw new TypeError('An advisor needs a cache with a budget: set maxSizeBytes')
  }
  if (maxSizeBytes < LEAST_BUDGET) {
    throw new RangeError(
      `An advisor needs a maxSizeBytes of at least ${LEAST_BUDGET} bytes; it is ${maxSizeBytes}`,
    )
  }
  return new Advisor(controller, sample)
}

/** What `advise` returns. It ends with `close`, or with `using`. */
export class Advisor {
  readonly #cache: Weakly<CacheController>
  #caches: readonly Ghosts[]
  #observation!: Observation
  /** Until it is closed. */
  #simulation: Simulation | undefined
  #budgets: number[] = []
  /** The counts of the cache when those of the advisor began. */
  #before = { hits: 0, misses: 0, pressureEvictions: 0 }
  /** Once closed. */
  #last: AdvisorReport | undefined

  /** @internal */
  constructor(controller: CacheController, sample: number | undefined) {
    this.#cache = weakly(controller)
    this.#caches = FACTORS.map(() => new Ghosts(sample ?? 1))
    const mostGhosts = sample === undefined ? ENOUGH_GHOSTS : Infinity
    const isFirst = controller[OBSERVE]((observation) => {
      this.#observation = observation
      this.#begin()
      const simulation = new Simulation(
        this.#caches,
        this.#caches[PRESENT] as Ghosts,
        () => mostBytesFor(this.#budgets[PRESENT] as number, sample ?? SHARE),
        mostGhosts,
        observation.pendingTtl,
        () => this.#begin(),
      )
      this.#simulation = simulation
      return simulation
    })
    if (!isFirst) throw new TypeError('The cache has an advisor already: close it first')
  }

  /** The counts begin anew, with the present limits. */
  #begin(): void {
    const { maxSizeBytes, maxItems } = this.#cache.deref() as CacheController
    if (maxSizeBytes !== null) {
      this.#budgets = FACTORS.map((factor) => Math.floor(maxSizeBytes * factor))
    }
    for (const [at, cache] of this.#caches.entries()) {
      const budget = this.#budgets[at] as number
      cache.limit(budget, this.#observation.entryLimit(budget), maxItems ?? Infinity)
    }
    const { hits, misses, pressureEvictions } = this.#observation.counts
    this.#before = { hits, misses, pressureEvictions }
  }

  /**
   * What the uses since the advisor began, or since the last `resetStats` or `resize`, would have been with
   * other budgets.
   */
  report(): AdvisorReport {
    const simulation = this.#simulation
    if (simulation === undefined) return structuredClone(this.#last as AdvisorReport)
    const { counts } = this.#observation
    const { uses, observed, hits, loads, loadMs } = simulation
    const misses = counts.misses - this.#before.misses
    return reportOf(this.#budgets, PRESENT, {
      uses: counts.hits - this.#before.hits + misses,
      misses,
      isTruth: this.#hasItsBudget,
      room: 1 - simulation.sizeBytes / (this.#budgets[PRESENT] as number),
      share: (this.#caches[PRESENT] as Ghosts).share,
      observed,
      sampledUses: uses,
      sampledHits: hits,
      msOfLoad: loads === 0 ? 0 : loadMs / loads,
    })
  }

  /** Whether the cache had its whole budget all the time. */
  get #hasItsBudget(): boolean {
    const cache = this.#cache.deref()
    return (
      cache?.effectiveMaxSizeBytes === this.#budgets[PRESENT] &&
      this.#observation.counts.pressureEvictions === this.#before.pressureEvictions
    )
  }

  /** Ends the observation, and gives its memory back. The last report stays. */
  close(): void {
    if (this.#simulation === undefined) return
    this.#last = this.report()
    this.#observation.end()
    this.#simulation = undefined
    this.#caches = []
  }

  [Symbol.dispose](): void {
    this.close()
  }

  toString(): string {
    return chartOf(this.report(), this.#budgets[PRESENT] as number)
  }

  /** @internal */
  [INSPECT](): string {
    return String(this)
  }
}

function mostBytesFor(budget: number, sample: number): number {
  const part = Math.max(
    Math.min(budget / 32, ENOUGH_BYTES),
    Math.min((budget * sample) / 16, MOST_BYTES),
  )
  return Math.max(LEAST_BYTES, budget / 100, part)
}
