/** How a promise ended. */
export type Outcome = { readonly isFulfilled: boolean; readonly value: unknown }

type Reaction = (outcome: Outcome) => void

export const fulfilledWith = (value: unknown): Outcome => ({ isFulfilled: true, value })
export const rejectedWith = (value: unknown): Outcome => ({ isFulfilled: false, value })

/** What a promise of a call would end with. */
export function outcomeOf(call: () => unknown): Outcome {
  try {
    return fulfilledWith(call())
  } catch (error) {
    return rejectedWith(error)
  }
}

/** A promise as the language describes it, as far as a cache can observe. */
export class NaivePromise {
  /** The real promise that this one stands for, once there is one. */
  real: unknown
  outcome: Outcome | undefined
  reactions: Reaction[] = []
  isSubscribedTo = false
  /** True if subscribing to it throws. */
  isUnsubscribable = false
  /** True once the model has seen it fulfil. */
  wasSeenFulfilled = false

  constructor(real?: unknown) {
    this.real = real
  }
}

export function settled(outcome: Outcome): NaivePromise {
  const promise = new NaivePromise()
  promise.outcome = outcome
  return promise
}

/** The value itself, or what a promise has fulfilled with. */
export const contentOf = (value: unknown): unknown =>
  value instanceof NaivePromise ? value.outcome?.value : value

/** The queue of microtasks. */
export class Microtasks {
  #queue: (() => void)[] = []

  subscribe(promise: NaivePromise, reaction: Reaction): void {
    promise.isSubscribedTo = true
    const { outcome } = promise
    if (outcome === undefined) promise.reactions.push(reaction)
    else this.#queue.push(() => reaction(outcome))
  }

  settle(promise: NaivePromise, outcome: Outcome): void {
    if (promise.outcome !== undefined) return
    promise.outcome = outcome
    for (const reaction of promise.reactions) this.#queue.push(() => reaction(outcome))
    promise.reactions = []
  }

  /** Settles a promise as another one does. */
  follow(promise: NaivePromise, other: NaivePromise): void {
    this.subscribe(other, (outcome) => this.settle(promise, outcome))
  }

  /** What follows on a value, or else the failure. */
  then(promise: NaivePromise, next: (value: unknown) => NaivePromise): NaivePromise {
    const result = new NaivePromise()
    this.subscribe(promise, (outcome) => {
      if (outcome.isFulfilled) this.follow(result, next(outcome.value))
      else this.settle(result, outcome)
    })
    return result
  }

  /** All values, or else the first failure. */
  all(promises: readonly NaivePromise[]): NaivePromise {
    const result = promises.length === 0 ? settled(fulfilledWith([])) : new NaivePromise()
    let left = promises.length
    for (const promise of promises) {
      this.subscribe(promise, (outcome) => {
        left--
        if (!outcome.isFulfilled) this.settle(result, outcome)
        else if (left === 0)
          this.settle(result, fulfilledWith(promises.map((each) => each.outcome?.value)))
      })
    }
    return result
  }

  drain(): void {
    for (let task = this.#queue.shift(); task; task = this.#queue.shift()) task()
  }
}

/** An `AbortSignal`, as far as a cache can observe. */
export class NaiveSignal {
  isAborted = false
  reason: unknown
  readonly #listeners: (() => void)[] = []

  subscribe(listener: () => void): void {
    this.#listeners.push(listener)
  }

  abort(reason: unknown): void {
    if (this.isAborted) return
    this.isAborted = true
    this.reason = reason
    for (const listener of this.#listeners) listener()
  }
}

/** Timers that run when the clock has reached their time. */
export class NaiveTimers {
  #timers: { readonly at: number; readonly run: () => void }[] = []

  /** Milliseconds. A delay without end sets no timer. */
  add(at: number, run: () => void): void {
    if (at < Number.POSITIVE_INFINITY) this.#timers.push({ at, run })
  }

  /** When the next timer is due; `Infinity` if there is none. */
  get next(): number {
    return Math.min(...this.#timers.map(({ at }) => at))
  }

  runNext(): void {
    const { next } = this
    const timer = this.#timers.find(({ at }) => at === next)
    this.#timers = this.#timers.filter((other) => other !== timer)
    timer?.run()
  }
}
