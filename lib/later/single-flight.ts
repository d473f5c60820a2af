import { StackGuard } from '../stack.ts'

const guard = /* @__PURE__ */ new StackGuard()

/** One call of a factory, shared by all callers that ask for its key until it ends. */
export interface Load {
  readonly promise: Promise<unknown>
  /** In virtual time. From then on nobody joins it, and its value is not kept. */
  readonly givenUpAt: number
}

/** A factory that runs before its first `await`, and the factory that called `getOrSet` for it. */
interface Starting {
  readonly key: string
  readonly outer: Starting | undefined
}

/** Loads under way, by key: at most one for each. */
export class SingleFlight {
  /** Public, since every write reads it. */
  size = 0
  #loads: Map<string, Load> | undefined
  #starting: Starting | undefined

  /** The load that a caller of the key joins, if there is one. */
  underWay(key: string, now: number): Load | undefined {
    const load = this.#loads?.get(key)
    return load !== undefined && now < load.givenUpAt ? load : undefined
  }

  isUnderWay(key: string, load: Load): boolean {
    return this.#loads?.get(key) === load
  }

  /** Whether the factory of the key runs right now, and so would wait for itself. */
  isStarting(key: string): boolean {
    for (let each = this.#starting; each !== undefined; each = each.outer) {
      if (each.key === key) return true
    }
    return false
  }

  /**
   * Calls the factory. `loaded` runs before the callers of the load go on. It must not refer to a cache,
   * which the load would keep alive.
   */
  begin(
    key: string,
    factory: () => unknown,
    now: number,
    givenUpAt: number,
    loaded: (load: Load, value: unknown) => void,
  ): Promise<unknown> {
    // First: a promise that nobody awaits, or a load that never began, must not be left behind.
    guard.require(this.size)
    let resolve!: (outcome: unknown) => void
    let reject!: (error: unknown) => void
    const outcome = new Promise<unknown>((...settle) => {
      ;[resolve, reject] = settle
    })
    const promise = outcome.then(
      (value) => {
        loaded(load, value)
        return value
      },
      (error) => {
        this.end(key, load)
        throw error
      },
    )
    silence(promise)
    const load: Load = { promise, givenUpAt }
    this.forgetGivenUp(now)
    this.#loads ??= new Map()
    // A load of this key that was given up makes way.
    this.overtake(key)
    this.#loads.set(key, load)
    this.size++
    // Registered before it runs, since the factory may write the key, which wins over the load.
    const outer = this.#starting
    this.#starting = { key, outer }
    try {
      resolve(factory())
    } catch (error) {
      reject(error)
    } finally {
      this.#starting = outer
    }
    return promise
  }

  /** Returns whether it was still under way. */
  end(key: string, load: Load): boolean {
    return this.isUnderWay(key, load) && this.overtake(key)
  }

  /**
   * For a write or a removal of the key: nobody joins its load, and the loaded value is not kept. Returns
   * whether there was a load.
   */
  overtake(key: string): boolean {
    const wasUnderWay = this.#loads?.delete(key) === true
    if (wasUnderWay) this.size--
    return wasUnderWay
  }

  clear(): void {
    this.#loads = undefined
    this.size = 0
  }

  /** When the first load is given up; `Infinity` if there is none. */
  get nextGivenUp(): number {
    for (const { givenUpAt } of this.#loads?.values() ?? []) return givenUpAt
    return Infinity
  }

  /** Forgets loads that nobody joins any more, and so the requests that began them. */
  forgetGivenUp(now: number): void {
    // Loads are given up in the order in which they began.
    for (const [key, { givenUpAt }] of this.#loads ?? []) {
      if (now < givenUpAt) return
      this.overtake(key)
    }
  }
}

/** A rejection that nobody awaits raises nothing, as with a stored promise. */
export function silence<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
