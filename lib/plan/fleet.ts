import { Ghosts, hashOf, isSampled } from '../advisor/ghosts.ts'
import { stringSize } from '../size/layout.ts'
import { ENTRY_BYTES } from '../table/table.ts'
import { Distinct } from './distinct.ts'
import type { Use } from './uses.ts'

/** Others get their share of the uses and are taken to do the same. */
export const MOST_SIMULATED = 64
/** Of one budget, in all instances. */
const MOST_GHOSTS = 2 ** 14
/** Of one budget, in one instance. */
const LEAST_GHOSTS = 2 ** 9

export interface Point {
  maxSizeBytes: number
  hitRate: number
  /** Share of the bytes that come from the cache. */
  byteHitRate: number
  originCalls: number
  originBytes: number
  /** The smallest share of the keys that was simulated. */
  share: number
}

export interface FleetTerms {
  budgets: readonly number[]
  instances: number
  /** Milliseconds, `Infinity` for never. */
  recycle: number
  /** Bytes that an entry is charged for each byte that was logged. */
  scale: number
  /** The most bytes that an entry may be charged. */
  maxEntry: number
}

interface Instance {
  /** By budget. */
  caches: readonly Ghosts[]
  /** How often it was replaced. */
  generation: number
}

/** The caches of one budget in all instances. */
interface Tally {
  hasHits: boolean
  misses: number
  missedBytes: number
}

/** Instances that share the uses of a log at random, each with a cache for each budget. */
export class Fleet {
  uses = 0
  bytes = 0
  readonly keys = new Distinct()
  readonly #terms: FleetTerms
  readonly #instances: readonly Instance[]
  readonly #tallies: readonly Tally[]
  readonly #mostGhosts: number
  #simulatedUses = 0
  #simulatedBytes = 0
  #random = 1

  constructor(terms: FleetTerms) {
    this.#terms = terms
    const simulated = Math.min(terms.instances, MOST_SIMULATED)
    this.#mostGhosts = Math.max(LEAST_GHOSTS, MOST_GHOSTS / simulated)
    const cacheOf = (budget: number) => {
      const cache = new Ghosts(1)
      cache.limit(budget, terms.maxEntry, Infinity)
      return cache
    }
    this.#instances = Array.from({ length: simulated }, () => ({
      caches: terms.budgets.map(cacheOf),
      generation: 0,
    }))
    this.#tallies = terms.budgets.map(() => ({ hasHits: false, misses: 0, missedBytes: 0 }))
  }

  get simulated(): number {
    return this.#instances.length
  }

  /** Time never goes back: `time` is milliseconds after some moment that all uses share. */
  use({ key, bytes, ttl }: Use, time: number): void {
    const hash = hashOf(key)
    this.keys.add(hash)
    this.uses++
    this.bytes += bytes
    const at = this.#chosen()
    const instance = this.#instances[at]
    if (instance === undefined) return
    this.#simulatedUses++
    this.#simulatedBytes += bytes
    this.#recycle(instance, at, time)
    const charged = Math.ceil(bytes * this.#terms.scale) + stringSize(key) + ENTRY_BYTES
    for (let budget = 0; budget < this.#tallies.length; budget++) {
      const cache = instance.caches[budget] as Ghosts
      const { share } = cache
      if (!isSampled(hash, share)) continue
      const tally = this.#tallies[budget] as Tally
      if (cache.use(hash, time)) {
        tally.hasHits = true
        continue
      }
      tally.misses += 1 / share
      tally.missedBytes += bytes / share
      cache.store(hash, charged, time + ttl, time)
      if (cache.size > this.#mostGhosts) cache.halve()
    }
  }

  points(): Point[] {
    const { uses, bytes } = this
    return this.#tallies.map(({ hasHits, misses, missedBytes }, budget) => {
      // A sample may have fewer misses than its share, also without any hit.
      const missRate = hasHits ? shareOf(misses, this.#simulatedUses, 1) : 1
      const byteMissRate = hasHits ? shareOf(missedBytes, this.#simulatedBytes, missRate) : 1
      return {
        maxSizeBytes: this.#terms.budgets[budget] as number,
        hitRate: 1 - missRate,
        byteHitRate: 1 - byteMissRate,
        originCalls: Math.round(uses * missRate),
        originBytes: Math.round(bytes * byteMissRate),
        share: Math.min(...this.#instances.map(({ caches }) => (caches[budget] as Ghosts).share)),
      }
    })
  }

  /** The same sequence in every run. */
  #chosen(): number {
    const { instances } = this.#terms
    if (instances === 1) return 0
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#random / 2 ** 32) * instances)
  }

  /** Instances are replaced one after the other, not all at once. */
  #recycle(instance: Instance, at: number, time: number): void {
    const age = time / this.#terms.recycle + at / this.simulated
    const generation = Math.floor(age)
    if (generation === instance.generation) return
    instance.generation = generation
    for (const cache of instance.caches) cache.clear()
  }
}

/** At most 1, since `part` may be an estimate. */
function shareOf(part: number, whole: number, ofNothing: number): number {
  return whole === 0 ? ofNothing : Math.min(1, part / whole)
}
