import type { Observer } from '../observer.ts'
import { StackGuard } from '../stack.ts'
import { type Ghosts, hashOf, isSampled } from './ghosts.ts'

const guard = /* @__PURE__ */ new StackGuard()

/** The share of the keys that is enough if there are many. */
export const SHARE = 1 / 32
/** Misses that no write has followed yet. */
const MOST_MISSES = 64
const MISS_BYTES = 64
/** What the ghosts and the misses may take, however small the budget is. */
export const LEAST_BYTES = 8_192

/**
 * Plays what happens in a cache against caches of other budgets, which keep ghosts of the same sample of keys.
 * A program that finds an entry in one cache and not in another would load it there. So a write that follows a
 * miss stores the entry only where it was missing.
 */
export class Simulation implements Observer {
  readonly leastBytes = LEAST_BYTES
  /** Uses, as an estimate for all keys. */
  uses = 0
  /** Uses of sampled keys. */
  observed = 0
  /** Hits in each cache, as an estimate for all keys. */
  readonly hits: number[]
  /** Loads that ended, and how long they took. */
  loads = 0
  loadMs = 0
  readonly #caches: readonly Ghosts[]
  /** The one with the budget of the cache that is observed. */
  readonly #present: Ghosts
  readonly #mostBytes: () => number
  readonly #mostGhosts: number
  readonly #longestLoad: number
  readonly #setLimits: () => void
  /** By hash of the key, when the first miss was. */
  readonly #misses = new Map<number, number>()

  /**
   * @param caches - of the smallest budget first, all with the same share of the keys
   * @param mostBytes - what the ghosts of all caches may take
   * @param mostGhosts - the number that is enough, as long as the share is larger than 1 / 32
   * @param longestLoad - in milliseconds; a write that comes later after a miss is none of its load
   * @param setLimits - gives the caches their limits
   */
  constructor(
    caches: readonly Ghosts[],
    present: Ghosts,
    mostBytes: () => number,
    mostGhosts: number,
    longestLoad: number,
    setLimits: () => void,
  ) {
    this.#caches = caches
    this.#present = present
    this.#mostBytes = mostBytes
    this.#mostGhosts = mostGhosts
    this.#longestLoad = longestLoad
    this.#setLimits = setLimits
    this.hits = caches.map(() => 0)
  }

  get sizeBytes(): number {
    let bytes = this.#misses.size * MISS_BYTES
    for (const cache of this.#caches) bytes += cache.sizeBytes
    return bytes
  }

  isSampled(key: string): boolean {
    return isSampled(hashOf(key), this.#present.share)
  }

  /** The hash of a sampled key, or -1. */
  #hashOf(key: string): number {
    const hash = hashOf(key)
    return isSampled(hash, this.#present.share) ? hash : -1
  }

  hit(key: string, now: number): boolean {
    const hash = this.#hashOf(key)
    if (hash === -1) return false
    if (!this.#use(hash, now)) this.#loadMissing(hash, now)
    return true
  }

  /** The program would have loaded the entry where it is missing. */
  #loadMissing(hash: number, now: number): void {
    const isPresent = this.#present.has(hash, now)
    const found = isPresent ? this.#present : this.#caches.findLast((cache) => cache.has(hash, now))
    if (found === undefined) return
    const bytes = found.bytesOf(hash)
    const life = found.lifeOf(hash)
    for (const cache of this.#caches) {
      if (!cache.has(hash, now)) cache.store(hash, bytes, now + life, now)
    }
  }

  missed(key: string, now: number, isRefresh = false): void {
    const hash = this.#hashOf(key)
    if (hash === -1) return
    if (isRefresh) {
      this.uses += 1 / this.#present.share
      return
    }
    this.#use(hash, now)
    const misses = this.#misses
    if (misses.has(hash)) return
    if (misses.size === MOST_MISSES) misses.delete(misses.keys().next().value as number)
    misses.set(hash, now)
  }

  /** Returns whether it is a hit in every cache. */
  #use(hash: number, now: number): boolean {
    guard.require(hash)
    const caches = this.#caches
    const weight = 1 / this.#present.share
    let isHit = true
    this.uses += weight
    this.observed++
    for (let at = 0; at < caches.length; at++) {
      if ((caches[at] as Ghosts).use(hash, now)) this.hits[at] = (this.hits[at] as number) + weight
      else isHit = false
    }
    return isHit
  }

  stored(key: string, bytes: number, deadline: number, now: number, isPending: boolean): void {
    const hash = this.#hashOf(key)
    if (hash === -1) return
    const missedAt = this.#misses.get(hash)
    const isLoad = missedAt !== undefined && now - missedAt <= this.#longestLoad
    if (!isPending) this.#endLoad(hash, now)
    for (const cache of this.#caches) {
      if (isLoad && cache.has(hash, now)) continue
      const { growthBytes } = cache
      if (growthBytes !== 0) this.#makeRoom(growthBytes)
      cache.store(hash, bytes, deadline, now)
    }
    if (this.#present.share > SHARE && this.#count > this.#mostGhosts) this.#sampleLess()
  }

  get #count(): number {
    let count = 0
    for (const cache of this.#caches) count += cache.size
    return count
  }

  renewed(key: string, deadline: number, now: number, former?: number): void {
    const hash = this.#hashOf(key)
    if (hash === -1) return
    if (former !== undefined) this.#endLoad(hash, now)
    for (const cache of this.#caches) cache.renew(hash, deadline, now, former)
  }

  charged(key: string, bytes: number, now: number): void {
    const hash = this.#hashOf(key)
    if (hash === -1) return
    for (const cache of this.#caches) cache.charge(hash, bytes, now)
  }

  removed(key: string): void {
    const hash = this.#hashOf(key)
    if (hash === -1) return
    this.#misses.delete(hash)
    for (const cache of this.#caches) cache.remove(hash)
  }

  cleared(): void {
    this.#misses.clear()
    for (const cache of this.#caches) cache.clear()
  }

  restarted(): void {
    this.uses = this.observed = this.loads = this.loadMs = 0
    this.hits.fill(0)
    this.#setLimits()
    this.#makeRoom(0)
  }

  #makeRoom(bytes: number): void {
    const most = this.#mostBytes() - bytes
    while (this.sizeBytes > most && this.#count !== 0) this.#sampleLess()
  }

  #sampleLess(): void {
    for (const cache of this.#caches) cache.halve()
  }

  #endLoad(hash: number, now: number): void {
    const began = this.#misses.get(hash)
    if (began === undefined) return
    this.#misses.delete(hash)
    if (now - began > this.#longestLoad) return
    this.loads++
    this.loadMs += now - began
  }
}
