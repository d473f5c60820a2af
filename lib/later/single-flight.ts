import type { Load, Loader } from './load.ts'
import { start } from './tracing.ts'

/** Keys whose factory runs before its first `await`, and the factory that called `getOrSet` for it. */
interface Starting {
  readonly keys: readonly string[]
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

  keys(): Iterable<string> {
    return this.#loads?.keys() ?? []
  }

  /** Whether the factory of the key runs right now, and so would wait for itself. */
  isStarting(key: string): boolean {
    for (let each = this.#starting; each !== undefined; each = each.outer) {
      if (each.keys.includes(key)) return true
    }
    return false
  }

  /** Registers a load and calls its factory. `stale` is for the factory, `controller` for traces. */
  begin(load: Load, factory: Loader, stale: unknown, controller: object): void {
    this.forgetGivenUp(load.startedAt)
    this.#loads ??= new Map()
    for (const key of load.keys) {
      // A load of this key that was given up makes way.
      this.overtake(key)
      this.#loads.set(key, load)
      this.size++
    }
    // Registered before it runs, since the factory may write the key, which wins over the load.
    const outer = this.#starting
    this.#starting = { keys: load.keys, outer }
    try {
      start(load, factory, stale, controller)
    } finally {
      this.#starting = outer
    }
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
