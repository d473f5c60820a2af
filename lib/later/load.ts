import { isWorker, type Weakly } from '../engine.ts'
import { TimeoutError } from '../errors.ts'
import type { LoadContext, LoadTerms } from '../options/load-terms.ts'
import { StackGuard } from '../stack.ts'
import { systemClock } from '../time/clock.ts'
import { clearTimer, setTimerIfAllowed, type Timer } from '../time/timer.ts'

/** A timer that is late by more milliseconds was held up by a freeze, not by a busy thread. */
const MOST_DELAY = 100

const guard = /* @__PURE__ */ new StackGuard()

/** Calls a factory, or `loadMany`. */
export type Loader = (context: LoadContext) => unknown

/** What becomes of a load that ends. */
export interface LoadEnd {
  /** Runs before the callers of the load go on. */
  loaded(load: Load, result: unknown, terms: LoadTerms): void
  failed(load: Load, error: unknown, terms: LoadTerms): void
}

/** Why keys got no value: the load failed, or what it gave could not be stored. */
export interface Failure {
  readonly keys: readonly string[]
  readonly error: unknown
  /** Whether a caller or `onError` got the error. */
  isReported: boolean
}

/** A caller who may leave before the load is over. */
interface Waiter {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** One call of a factory, for one key or for several, shared by all callers until it ends. */
export class Load {
  readonly keys: readonly string[]
  /** In virtual time, as all of these. */
  readonly startedAt: number
  /** From then on nobody joins it, and its value is not kept. */
  readonly givenUpAt: number
  readonly timesOutAt: number
  /** What the factory gives, once it is kept. */
  readonly promise: Promise<unknown>
  /** Whether it goes on without callers. */
  isInBackground = false
  /** Whether it has given a value or an error, which its callers may not have heard yet, or was abandoned. */
  isOver = false
  #resolve!: (result: unknown) => void
  #reject!: (error: unknown) => void
  readonly #waiters = new Map<object, Waiter>()
  /** How many callers wait, in all and by key. */
  #count = 0
  readonly #callers = new Map<string, number>()
  /** By key. */
  #failures: Map<string, Failure> | undefined
  #timer: Timer | undefined
  #hasTimedOut = false
  /** Made when the factory asks for it. */
  #aborter: AbortController | undefined
  #abortion: { readonly reason: unknown } | undefined

  constructor(
    keys: readonly string[],
    startedAt: number,
    givenUpAt: number,
    terms: LoadTerms,
    end: Weakly<LoadEnd>,
  ) {
    // First: a load that never began must not be left behind.
    guard.require(keys.length)
    this.keys = keys
    this.startedAt = startedAt
    this.givenUpAt = givenUpAt
    this.timesOutAt = startedAt + terms.timeout
    const outcome = new Promise<unknown>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.promise = outcome.then(
      (result) => {
        // Unless its callers have left it.
        if (!this.isOver) {
          this.#over()
          end.deref()?.loaded(this, result, terms)
        }
        return result
      },
      (error) => {
        if (!this.isOver) {
          this.#over()
          end.deref()?.failed(this, error, terms)
          // Only now: a listener that asks for the key must not join this load.
          if (this.#hasTimedOut) this.#abort(error)
        }
        throw error
      },
    )
    const waiters = this.#waiters
    this.promise.then(
      (result) => {
        for (const { resolve } of waiters.values()) resolve(result)
      },
      (error) => {
        for (const { reject } of waiters.values()) reject(error)
      },
    )
  }

  /** A caller waits for one of the keys. */
  enter(key: string): void {
    this.#count++
    this.#callers.set(key, (this.#callers.get(key) ?? 0) + 1)
  }

  /** A caller waits no longer. */
  leave(key: string): void {
    this.#count--
    this.#callers.set(key, (this.#callers.get(key) as number) - 1)
  }

  isAwaited(keys = this.keys): boolean {
    // Not key by key, which would take long for each of many callers.
    return keys === this.keys
      ? this.#count !== 0
      : keys.some((key) => (this.#callers.get(key) ?? 0) !== 0)
  }

  noteFailure(error: unknown, keys = this.keys): Failure {
    const failure: Failure = { keys, error, isReported: false }
    this.#failures ??= new Map()
    for (const key of keys) this.#failures.set(key, failure)
    return failure
  }

  failureOf(key: string): Failure | undefined {
    return this.#failures?.get(key)
  }

  /** As `promise`, of which a caller cannot take its subscription back. */
  outcomeFor(caller: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // When the request of a Worker has ended, its promises reject, but only for later subscribers.
      if (isWorker()) this.promise.then(resolve, reject)
      else this.#waiters.set(caller, { resolve, reject })
    })
  }

  /** The caller has left. Nothing of it is kept. */
  forget(caller: object): void {
    this.#waiters.delete(caller)
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#abortion !== undefined) this.#aborter.abort(this.#abortion.reason)
    }
    return this.#aborter.signal
  }

  /** Calls the factory. Returns `promise`. */
  start(factory: Loader, stale: unknown): Promise<unknown> {
    const load = this
    const context = {
      get signal() {
        return load.signal
      },
      stale,
    }
    try {
      // A promise that is resolved with another one could not be rejected by a timeout meanwhile.
      Promise.resolve(factory(context)).then(this.#resolve, this.#reject)
    } catch (error) {
      this.#reject(error)
    }
    return this.promise
  }

  failAfter(delay: number): void {
    const dueAt = systemClock.now() + delay
    this.#timer = setTimerIfAllowed(() => {
      const isLate = systemClock.now() - dueAt > MOST_DELAY
      // After a freeze, what has come meanwhile is read only later.
      if (isLate && this.isInBackground && !this.isAwaited()) this.failAfter(delay)
      else {
        this.#hasTimedOut = true
        this.#reject(new TimeoutError(this.keys[0] as string, delay))
      }
    }, delay)
  }

  /** All callers have left. What it gives from now on reaches nobody. */
  abandon(reason: unknown): void {
    this.#over()
    this.#reject(reason)
    this.#abort(reason)
  }

  #abort(reason: unknown): void {
    this.#abortion ??= { reason }
    try {
      this.#aborter?.abort(reason)
    } catch {
      // Workers refuse it from another request than the one that made the signal.
    }
  }

  #over(): void {
    this.isOver = true
    clearTimer(this.#timer)
  }
}
