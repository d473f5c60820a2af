/** How a promise ended. */
export type Outcome = { readonly isFulfilled: boolean; readonly value: unknown }

type Reaction = (outcome: Outcome) => void

export const fulfilledWith = (value: unknown): Outcome => ({ isFulfilled: true, value })
export const rejectedWith = (value: unknown): Outcome => ({ isFulfilled: false, value })

/** What the language says of a promise and of the queue of microtasks, as far as a cache can tell. */
export class NaivePromise {
  /** The promise of the program that this one stands for, once it is known. */
  real: unknown
  outcome: Outcome | undefined
  reactions: Reaction[] = []
  isSubscribedTo = false
  /** Subscribing to it throws. */
  isHostile = false
  /** A cache has seen it fulfil. */
  isKnown = false

  constructor(real?: unknown) {
    this.real = real
  }
}

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
