import { isWorker } from '../engine.ts'
import type { WriteTerms } from '../options/terms.ts'
import { noteFulfilled, subscribe } from '../promise.ts'
import { systemClock } from '../time/clock.ts'

/** An entry whose promise has not settled. */
export interface Pending {
  readonly key: string
  readonly promise: Promise<unknown>
  /** Apply once the promise has fulfilled. */
  terms: WriteTerms
  /** In virtual time: it is not served from then on, unless it has settled. */
  readonly servedUntil: number
  readonly subscription: Subscription
  readonly settled: Settled
}

/** `kept` replaces a promise that has fulfilled; it is `undefined` for a promise that has rejected. */
type Settled = (pending: Pending, kept: Promise<unknown> | undefined) => void

/** Milliseconds between two subscriptions to one promise on a Worker. */
const WATCH_INTERVAL = 100

const subscriptions = new WeakMap<Promise<unknown>, Subscription>()

/** One subscription for all entries that wait for a promise, since each subscription takes memory. */
class Subscription {
  readonly entries = new Set<Pending>()
  readonly #promise: Promise<unknown>
  #hasBegun = false
  /** By the system's clock. */
  #watchedAt = Number.NEGATIVE_INFINITY
  readonly #rejected = () => this.#settle(undefined)

  constructor(promise: Promise<unknown>) {
    this.#promise = promise
    subscriptions.set(promise, this)
  }

  /** Runs code of a subclass, which may throw. */
  begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const promise = this.#promise
    try {
      subscribe(promise, (value) => this.#settle(noteFulfilled(promise, value)), this.#rejected)
    } catch (error) {
      subscriptions.delete(promise)
      throw error
    }
  }

  /**
   * When the request of a Worker has ended, its promises reject, but only for later subscribers. A
   * subscription stays until the promise settles, so there are few. Runs code of a subclass.
   */
  watchAgain(): void {
    const now = systemClock.now()
    if (now - this.#watchedAt < WATCH_INTERVAL) return
    this.#watchedAt = now
    try {
      subscribe(this.#promise, undefined, this.#rejected)
    } catch {
      // The first subscription still reports when it settles.
    }
  }

  #settle(kept: Promise<unknown> | undefined): void {
    subscriptions.delete(this.#promise)
    for (const pending of this.entries) pending.settled(pending, kept)
  }
}

/** Stored promises that are pending, by key. */
export class PendingPromises {
  #pending: Map<string, Pending> | undefined
  readonly #settled: Settled

  /** `settled` must not refer to the cache, which a promise would keep alive. */
  constructor(settled: Settled) {
    this.#settled = settled
  }

  get size(): number {
    return this.#pending === undefined ? 0 : this.#pending.size
  }

  get(key: string): Pending | undefined {
    return this.#pending?.get(key)
  }

  has(key: string): boolean {
    return this.#pending?.has(key) === true
  }

  /** `settled` is called once the promise settles, if `begin` was called for its subscription. */
  add(key: string, promise: Promise<unknown>, terms: WriteTerms, servedUntil: number): Pending {
    this.forget(key)
    const subscription = subscriptions.get(promise) ?? new Subscription(promise)
    const settled = this.#settled
    const pending: Pending = { key, promise, terms, servedUntil, subscription, settled }
    subscription.entries.add(pending)
    this.#pending ??= new Map()
    this.#pending.set(key, pending)
    return pending
  }

  /** Nothing changes any more when its promise settles. */
  forget(key: string): void {
    const pending = this.#pending?.get(key)
    if (pending === undefined) return
    this.#pending?.delete(key)
    pending.subscription.entries.delete(pending)
  }

  clear(): void {
    for (const key of this.#pending?.keys() ?? []) this.forget(key)
  }

  /**
   * On a Worker, checks whether a pending promise has rejected. Returns whether the next use has to
   * check as well.
   */
  watchAgain(key: string): boolean {
    if (this.size === 0 || !isWorker()) return false
    this.#pending?.get(key)?.subscription.watchAgain()
    return true
  }
}
