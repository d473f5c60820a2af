import { builtinModule, isWorker, withoutContext } from './engine.ts'
import type { WriteTerms } from './options/terms.ts'
import { systemClock } from './time/clock.ts'

// The language's own, even if a program replaces it later.
const { then } = Promise.prototype

let isPromise: ((value: unknown) => boolean) | undefined

/**
 * Whether a value is a promise of the language, of any realm, or of a subclass. Runs nothing of the
 * value: the `then` of a query builder would run the query.
 */
export function isNativePromise(value: unknown): value is Promise<unknown> {
  if (typeof value !== 'object' || value === null) return false
  isPromise ??= builtinModule('node:util')?.types?.isPromise ?? canSubscribe
  return isPromise(value)
}

/** Throws if the promise is of a subclass whose own code throws. */
export function subscribe(
  promise: Promise<unknown>,
  fulfilled: ((value: unknown) => void) | undefined,
  rejected: (error: unknown) => void,
): void {
  then.call(promise, fulfilled, rejected)
}

/** Marks a promise as handled, so that its rejection raises nothing if nobody awaits it. */
export function handleRejection(value: unknown): void {
  try {
    // Checking first avoids an expensive throw.
    if (isNativePromise(value)) subscribe(value, undefined, ignore)
  } catch {}
}

// Without the engine's own test, subscribing is the test: it throws for anything else. An object that
// is no instance is not tried, since a throw is expensive. So a promise of another realm is missed.
function canSubscribe(value: unknown): boolean {
  try {
    if (!(value instanceof Promise)) return false
    subscribe(value, ignore, ignore)
    return true
  } catch {
    return false
  }
}

function ignore(): void {}

/** From the promise that a cache keeps to the value that it fulfilled with. */
const values = new WeakMap<object, unknown>()
/** From the promise that was stored to the promise that a cache keeps in its place. */
const replacements = new WeakMap<object, Promise<unknown>>()

/** Notes that a stored promise has fulfilled. Returns the promise to keep, which refers to no request. */
function noteFulfilled(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  const before = keptFor(promise)
  if (values.has(before)) return before
  const bare = withoutProperties(promise, value)
  if (bare !== promise) replacements.set(promise, bare)
  values.set(bare, value)
  return bare
}

/** What a stored promise has fulfilled with; `undefined` if the value is no such promise. */
export function fulfilled(value: unknown): { readonly value: unknown } | undefined {
  if (!isNativePromise(value)) return undefined
  const promise = keptFor(value)
  return values.has(promise) ? { value: values.get(promise) } : undefined
}

/** Whether two values are the same, or a promise and the one that is kept in its place. */
export function isSame(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || keptFor(one as object) === keptFor(other as object)
}

function keptFor<T extends object>(promise: T): T | Promise<unknown> {
  return replacements.get(promise) ?? promise
}

/** Platforms and tracing agents keep a request in properties of a promise. */
function withoutProperties(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  if (Reflect.ownKeys(promise).length === 0 || isThenable(value)) return promise
  return withoutContext(Promise.resolve(value))
}

/** A value may get a `then` after a promise fulfilled with it. It is not called. */
function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
  } catch {
    return true
  }
}

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
  #watchedAt = -Infinity
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
  /** Public, since every change reads it. */
  size = 0
  #pending: Map<string, Pending> | undefined
  readonly #settled: Settled

  /** `settled` must not refer to the cache, which a promise would keep alive. */
  constructor(settled: Settled) {
    this.#settled = settled
  }

  get(key: string): Pending | undefined {
    return this.#pending?.get(key)
  }

  has(key: string): boolean {
    return this.#pending?.has(key) === true
  }

  /** `settled` is called once the promise settles, if `begin` was called for its subscription. */
  add(key: string, promise: Promise<unknown>, terms: WriteTerms, servedUntil: number): void {
    this.forget(key)
    const subscription = subscriptions.get(promise) ?? new Subscription(promise)
    const settled = this.#settled
    const pending: Pending = { key, promise, terms, servedUntil, subscription, settled }
    subscription.entries.add(pending)
    this.#pending ??= new Map()
    this.#pending.set(key, pending)
    this.size++
  }

  /** Nothing changes any more when its promise settles. */
  forget(key: string): void {
    const pending = this.#pending?.get(key)
    if (pending === undefined) return
    this.#pending?.delete(key)
    this.size--
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
