/** How a promise ended. */
export type Outcome = { readonly isFulfilled: boolean; readonly value: unknown }

type Reaction = (outcome: Outcome) => void

export const fulfilledWith = (value: unknown): Outcome => ({ isFulfilled: true, value })
export const rejectedWith = (value: unknown): Outcome => ({ isFulfilled: false, value })

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

  drain(): void {
    for (let task = this.#queue.shift(); task; task = this.#queue.shift()) task()
  }
}
