import { type Weakly, weakly } from '../engine.ts'
import type { Entries } from '../entries.ts'
import type { Hooks } from '../hooks.ts'
import type { LoadTerms } from '../options/load-terms.ts'
import { DEFAULT_TERMS, type WriteTerms } from '../options/terms.ts'
import { ttlFrom } from '../options/units.ts'
import { handleRejection } from '../promise.ts'
import { DELETED, type Statistics } from '../statistics.ts'
import type { Clock } from '../time/clock.ts'
import { ABSENT, resultFor } from './batch.ts'
import type { Failure, Load, LoadEnd } from './load.ts'
import type { SingleFlight } from './single-flight.ts'

/** What becomes of a load that ends: its values are stored, or its failure is counted and told. */
export class LoadOutcomes implements LoadEnd {
  readonly #entries: Entries
  readonly #loads: SingleFlight
  readonly #statistics: Statistics
  readonly #hooks: Hooks
  readonly #clock: Clock
  /** Counts a value that does not fit as refused, without an error. */
  readonly #write: (key: string, value: unknown, terms: WriteTerms) => void
  /** For loads, which must not keep the cache alive. */
  readonly weak: Weakly<LoadEnd> = weakly(this)

  constructor(
    entries: Entries,
    loads: SingleFlight,
    statistics: Statistics,
    hooks: Hooks,
    clock: Clock,
    write: (key: string, value: unknown, terms: WriteTerms) => void,
  ) {
    this.#entries = entries
    this.#loads = loads
    this.#statistics = statistics
    this.#hooks = hooks
    this.#clock = clock
    this.#write = write
  }

  /** An error that no caller gets goes to `onError`. */
  reportUnheard(load: Load, failure: Failure): void {
    if (failure.isReported || load.isAwaited(failure.keys)) return
    failure.isReported = true
    this.#hooks.failed(failure.error, 'load', failure.keys[0])
    this.#hooks.run()
  }

  /** Stores what a load has given, for each key whose load was not overtaken or given up. */
  loaded(load: Load, result: unknown, terms: LoadTerms): void {
    this.#countTime(load)
    for (const key of load.keys) {
      try {
        this.#keep(key, load, resultFor(key, result), terms)
      } catch (error) {
        this.reportUnheard(load, load.noteFailure(error, [key]))
      }
    }
  }

  #keep(key: string, load: Load, value: unknown, loadTerms: LoadTerms): void {
    if (!this.#loads.isUnderWay(key, load)) return
    let isCurrent = false
    let terms: WriteTerms | undefined
    try {
      isCurrent = this.#clock.now() < load.givenUpAt
      // While it is still under way: what a `ttl` function writes under the key wins over the load.
      if (isCurrent && value !== ABSENT) terms = this.#termsOf(key, value, loadTerms)
    } finally {
      isCurrent = this.#loads.end(key, load) && isCurrent
    }
    // The origin has no such value any more.
    if (isCurrent && value === ABSENT) this.#entries.delete(key, DELETED)
    if (isCurrent && terms !== undefined) {
      if (terms.window !== 0) this.#entries.expectWindows()
      this.#write(key, value, terms)
    } else this.#hooks.run()
  }

  /** `undefined` if a `ttl` function gives no TTL: callers get the value, and it is not kept. */
  #termsOf(key: string, value: unknown, { ttl, window }: LoadTerms): WriteTerms | undefined {
    let chosen: unknown
    try {
      chosen = typeof ttl === 'function' ? ttl(value) : ttl
      const life = chosen === undefined ? undefined : ttlFrom('ttl', chosen)
      return { ...DEFAULT_TERMS, ttl: life, window }
    } catch (error) {
      // An async function returns a promise. Nobody else would handle its rejection.
      handleRejection(chosen)
      this.#hooks.failed(error, 'ttl', key)
      return undefined
    }
  }

  failed(load: Load, error: unknown, { retryAfter }: LoadTerms): void {
    this.#countTime(load)
    this.#statistics.loading.loadFailures++
    const now = this.#clock.now()
    for (const key of load.keys) {
      const isCurrent = this.#loads.end(key, load) && now < load.givenUpAt
      if (isCurrent) this.#entries.pauseOrigin(key, now, retryAfter)
    }
    this.reportUnheard(load, load.noteFailure(error))
    this.#hooks.run()
  }

  #countTime(load: Load): void {
    this.#statistics.loading.loadMs += this.#clock.now() - load.startedAt
  }
}
