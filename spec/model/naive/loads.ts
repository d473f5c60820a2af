import type { Model } from './model.ts'
import { fulfilledWith, NaivePromise, rejectedWith } from './promise.ts'

interface Load {
  readonly key: string
  /** Epoch milliseconds from which the load is neither joined nor stored. */
  readonly abandonedAt: number
  readonly result: NaivePromise
}

type TtlOf = (value: unknown) => number | undefined

/** `getOrSet`, on top of the model. */
export class ModelLoads {
  #loads: Load[] = []
  readonly #model: Model

  constructor(model: Model) {
    this.#model = model
    model.onOverride = (key) => {
      this.#loads = this.#loads.filter((load) => key !== undefined && load.key !== key)
    }
  }

  get(key: string, factory: () => unknown, ttlOf: TtlOf): NaivePromise {
    const { microtasks, options } = this.#model
    this.#model.use(key)
    // A hook may have stored another value in place of the expired one.
    const present = this.#model.live(key)
    if (present !== undefined) return promised(present.value)
    const now = options.now()
    const joined = this.#loads.find((load) => load.key === key)
    if (joined !== undefined && now < joined.abandonedAt) return joined.result
    const load: Load = { key, abandonedAt: now + options.pendingTtl, result: new NaivePromise() }
    this.#loads = [...this.#loads.filter((other) => other !== joined), load]
    microtasks.subscribe(resultOf(factory), (outcome) => {
      const failure = outcome.isFulfilled && this.#keep(load, outcome.value, ttlOf)
      this.#loads = this.#loads.filter((other) => other !== load)
      microtasks.settle(load.result, failure ? rejectedWith(failure) : outcome)
    })
    return load.result
  }

  /** Stores a loaded value, or returns the error that prevented it. */
  #keep(load: Load, value: unknown, ttlOf: TtlOf): unknown {
    const { now } = this.#model.options
    if (!this.#loads.includes(load) || now() >= load.abandonedAt) return undefined
    const ttl = ttlOf(value)
    try {
      if (!Number.isNaN(ttl)) this.#model.store(load.key, value, { ttl })
      else {
        this.#loads = this.#loads.filter((other) => other !== load)
        this.#model.fail('ttl', load.key)
        this.#model.settle()
      }
    } catch (error) {
      return error
    }
    return undefined
  }
}

function resultOf(factory: () => unknown): NaivePromise {
  try {
    return promised(factory())
  } catch (error) {
    const promise = new NaivePromise()
    promise.outcome = rejectedWith(error)
    return promise
  }
}

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value

function promised(value: unknown): NaivePromise {
  if (value instanceof NaivePromise) return value
  const promise = new NaivePromise()
  promise.outcome = fulfilledWith(value)
  // Resolving a promise with a stored thenable calls its `then`, and in these programs that throws.
  if (isThenable(value)) promise.outcome = rejectedWith(new Error())
  return promise
}
