import { pendingDeadline, type Timed } from './deadlines.ts'
import { isSame, noteFulfilled } from './fulfilled.ts'
import type { Hooks } from './hooks.ts'
import { subscribe } from './native-promise.ts'
import type { Settings } from './options/options.ts'
import type { WriteTerms } from './options/write-options.ts'
import { EVICTED, EXPIRED, REJECTED } from './reasons.ts'
import { systemClock } from './time/clock.ts'
import { isWorker } from './worker.ts'

/** An entry whose promise has not settled, and the terms that apply once it has. */
interface Pending {
  readonly key: string
  readonly holder: PromiseHolder['weak']
  readonly subscription: Subscription
  terms: WriteTerms
  /** In virtual time: it is not served from then on, unless it has settled. */
  servedUntil: number
}

/** Milliseconds between two subscriptions to one promise on a Worker. */
const WATCH_INTERVAL = 100

const subscriptions = new WeakMap<Promise<unknown>, Subscription>()

/** One subscription for all entries that wait for a promise, since each subscription takes memory. */
class Subscription {
  readonly promise: Promise<unknown>
  readonly entries = new Set<Pending>()
  /** By the system's clock. */
  #watchedAt = Number.NEGATIVE_INFINITY
  readonly #rejected = () => this.#settle(undefined)

  constructor(promise: Promise<unknown>) {
    this.promise = promise
  }

  /** May run code of a subclass, which may throw. */
  begin(): void {
    const { promise } = this
    subscriptions.set(promise, this)
    const fulfilled = (value: unknown) => this.#settle(noteFulfilled(promise, value))
    subscribe(promise, fulfilled, this.#rejected)
  }

  /**
   * When the request of a Worker has ended, its promises reject, but only for later subscribers. A
   * subscription stays until the promise settles, so there are few. May run code of a subclass.
   */
  watchAgain(): void {
    const now = systemClock.now()
    if (now - this.#watchedAt < WATCH_INTERVAL) return
    this.#watchedAt = now
    try {
      subscribe(this.promise, undefined, this.#rejected)
    } catch {
      // The first subscription still tells when it settles.
    }
  }

  #settle(kept: Promise<unknown> | undefined): void {
    subscriptions.delete(this.promise)
    for (const entry of this.entries) {
      const holder = entry.holder.deref()
      if (holder !== undefined) holder.promises.settle(holder, entry, kept)
    }
  }
}

/** What stores promises. */
export interface PromiseHolder extends Timed {
  readonly settings: Settings
  readonly hooks: Hooks
  /** For promises, which may be waited for long after the holder was dropped. */
  readonly weak: { deref(): PromiseHolder | undefined }
  readonly promises: StoredPromises
  begin(slot: number, terms: WriteTerms, now: number): void
  remeasure(slot: number, now: number): void
  wake(): void
  remove(slot: number, reason: number): void
}

/** Entries whose promise is pending: what becomes of them when it settles, or does not. */
export class StoredPromises {
  #pending: Map<string, Pending> | undefined

  get size(): number {
    return this.#pending === undefined ? 0 : this.#pending.size
  }

  has(key: string): boolean {
    return this.#pending?.has(key) === true
  }

  /** It changes nothing any more when it settles. */
  forget(key: string): void {
    const pending = this.#pending?.get(key)
    if (pending === undefined) return
    this.#pending?.delete(key)
    pending.subscription.entries.delete(pending)
  }

  clear(): void {
    for (const key of this.#pending?.keys() ?? []) this.forget(key)
  }

  /** A promise that is stored in this slot now. */
  add(
    holder: PromiseHolder,
    slot: number,
    promise: Promise<unknown>,
    terms: WriteTerms,
    now: number,
  ): void {
    const key = holder.table.keyAt(slot)
    const servedUntil = now + holder.settings.pendingTtl
    this.forget(key)
    const before = subscriptions.get(promise)
    const subscription = before ?? new Subscription(promise)
    const pending: Pending = { key, holder: holder.weak, subscription, terms, servedUntil }
    subscription.entries.add(pending)
    this.#pending ??= new Map()
    this.#pending.set(key, pending)
    this.#schedule(holder, slot, pending, now)
    if (before !== undefined) return
    try {
      subscription.begin()
    } catch (error) {
      // A subclass that cannot be subscribed to would never be known to have settled. Its own code
      // has run, so that the entry may be another one by now.
      subscriptions.delete(promise)
      if (this.#pending?.get(key) === pending) holder.remove(holder.table.find(key), REJECTED)
      holder.hooks.failed(error, 'promise', key)
    }
  }

  /** Other terms for when it has fulfilled; whether it is pending. */
  renew(holder: PromiseHolder, slot: number, terms: WriteTerms, now: number): boolean {
    const pending = this.#pending?.get(holder.table.keyAt(slot))
    if (pending === undefined) return false
    pending.terms = { ...terms, sizeBytes: pending.terms.sizeBytes }
    this.#schedule(holder, slot, pending, now)
    return true
  }

  /** On a Worker, checks whether a pending promise has failed. Whether the next use has to check too. */
  watchAgain(key: string): boolean {
    if (this.size === 0 || !isWorker()) return false
    this.#pending?.get(key)?.subscription.watchAgain()
    return true
  }

  // A TTL starts when it fulfils, but what is to be gone by then is not served till then.
  #schedule(holder: PromiseHolder, slot: number, pending: Pending, now: number): void {
    const { terms, servedUntil } = pending
    const { table, clock } = holder
    if (terms.expiresAt !== undefined) {
      const key = table.keyAt(slot)
      clock.awaitsStart((now) => {
        if (this.#pending?.get(key) === pending) {
          this.#schedule(holder, table.find(key), pending, now)
        }
      })
    }
    table.expiry.schedule(slot, pendingDeadline(clock, terms, servedUntil, now), now)
  }

  /** `kept` replaces a promise that has fulfilled; it is `undefined` for one that has failed. */
  settle(holder: PromiseHolder, pending: Pending, kept: Promise<unknown> | undefined): void {
    const { key } = pending
    const { table, hooks } = holder
    let source = 'promise'
    try {
      const now = holder.clock.now()
      const slot = table.find(key)
      if (table.deadlineOf(slot) <= now) holder.remove(slot, EXPIRED)
      else if (kept === undefined) holder.remove(slot, REJECTED)
      else {
        this.forget(key)
        table.setValue(slot, kept)
        holder.begin(slot, pending.terms, now)
        source = 'sizeOf'
        holder.remeasure(slot, now)
        holder.wake()
      }
    } catch (error) {
      // Nothing stays whose life has not begun, or whose size nobody knows.
      const present = table.find(key)
      if (present !== 0 && isSame(table.valueAt(present), pending.subscription.promise)) {
        holder.remove(present, kept === undefined ? REJECTED : EVICTED)
      }
      hooks.failed(error, source, key)
    }
    hooks.run()
  }
}
