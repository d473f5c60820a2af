import {
  type CacheController,
  type CacheOptions,
  controllerOf,
  FaaSCacheDict,
} from 'faas-cache-dict'
import { type Advisor, type AdvisorOptions, advise } from 'faas-cache-dict/advisor'
import { expect } from 'vitest'
import type { Dictionary, Values } from './cache.ts'
import { FakeClock } from './fake-clock.ts'

/** The budgets of a report, as parts of the present one. */
export const SHARES = [1 / 4, 1 / 2, 1, 2, 4]
const PRESENT = SHARES.indexOf(1)

/** A cache and its clock, for one run of a program. */
export class Run {
  readonly clock = new FakeClock()
  readonly cache: Dictionary
  readonly controller: CacheController

  constructor(options: CacheOptions) {
    this.cache = new FaaSCacheDict<Values>({
      now: this.clock.now,
      onTooLarge: 'skip',
      sweepInterval: null,
      ...options,
    })
    this.controller = controllerOf(this.cache)
  }

  get misses(): number {
    return this.controller.stats().misses
  }
}

/**
 * A cache with an advisor, and a cache without one for each budget of its report. A program runs on all of
 * them. It loads and writes what a cache misses, so each cache has its own writes.
 */
export class ExactRuns {
  readonly watched: Run
  /** By `SHARES`. */
  readonly exact: readonly Run[]
  readonly advisor: Advisor

  /** `seed` fills the watched cache before the advisor comes. All caches start with that. */
  constructor(
    maxSizeBytes: number,
    options: CacheOptions = {},
    how: AdvisorOptions = { sample: 1 },
    seed: (run: Run) => void = () => {},
  ) {
    this.watched = new Run({ ...options, maxSizeBytes })
    seed(this.watched)
    this.watched.controller.resetStats()
    this.exact = SHARES.map((share) => new Run({ ...options, maxSizeBytes: share * maxSizeBytes }))
    for (const { controller } of this.exact) {
      controller.load(this.watched.controller.dump())
      controller.resetStats()
    }
    this.advisor = advise(this.watched.cache, how)
  }

  get all(): Run[] {
    return [this.watched, ...this.exact]
  }

  /** Loads may take time on some of the clocks. */
  async each(act: (run: Run) => unknown): Promise<void> {
    for (const run of this.all) await act(run)
    const time = Math.max(...this.all.map(({ clock }) => clock.time))
    for (const { clock } of this.all) clock.time = time
  }

  /** After it, all caches have what the watched one holds. */
  resize(maxSizeBytes: number): void {
    this.watched.controller.resize({ maxSizeBytes })
    this.watched.controller.resetStats()
    const snapshot = this.watched.controller.dump()
    for (const [index, { controller }] of this.exact.entries()) {
      controller.clear()
      controller.resize({ maxSizeBytes: (SHARES[index] as number) * maxSizeBytes })
      controller.load(snapshot)
      controller.resetStats()
    }
  }

  /** The hit rates of the exact runs. */
  get hitRates(): number[] {
    return this.exact.map(({ controller }) => controller.stats().hitRate)
  }

  /** The misses of the present budget minus those of each budget. */
  get loadsSaved(): number[] {
    const { misses } = this.exact[PRESENT] as Run
    return this.exact.map((run) => misses - run.misses)
  }

  /** The largest difference between an estimated hit rate and the exact one. */
  get error(): number {
    const { points } = this.advisor.report()
    return Math.max(
      ...this.hitRates.map((hitRate, index) => Math.abs(hitRate - (points[index]?.hitRate ?? 0))),
    )
  }

  expectExact(): void {
    const { points, uses } = this.advisor.report()
    const { hits, misses } = this.watched.controller.stats()
    expect(uses).toBe(hits + misses)
    expect(points.map(({ hitRate }) => Number(hitRate.toFixed(9)))).toEqual(
      this.hitRates.map((hitRate) => Number(hitRate.toFixed(9))),
    )
    expect(points.map(({ loadsSaved }) => Math.round(1e6 * loadsSaved) / 1e6 + 0)).toEqual(
      this.loadsSaved,
    )
  }
}
