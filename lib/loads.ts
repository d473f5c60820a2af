import type { Cache } from './cache.ts'
import { type Duration, milliseconds } from './options/duration.ts'

/** Seconds, a string with a unit, `null`, or a function of the loaded value that gives one. */
export type LoadTtl<V> = Duration | ((value: V) => Duration | undefined) | undefined

interface Load {
  readonly promise: Promise<unknown>
  readonly givenUpAt: number
}

/** Loads under way: one for all who ask for a key while it lasts. */
export class Loads {
  readonly #cache: Cache
  readonly #loads = new Map<string, Load>()

  constructor(cache: Cache) {
    this.#cache = cache
    cache.onOverride = (key) => {
      if (this.#loads.size === 0) return
      if (key === undefined) this.#loads.clear()
      else this.#loads.delete(key)
    }
  }

  /** The live value, or what the load of the key gives. */
  get(key: string, factory: () => unknown, ttl: LoadTtl<unknown>): Promise<unknown> {
    const cache = this.#cache
    const isLive = cache.findLive(key) !== 0
    const value = cache.use(key)
    if (isLive) return Promise.resolve(value)
    const now = cache.clock.now()
    const joined = this.#loads.get(key)
    if (joined !== undefined && now < joined.givenUpAt) {
      return this.#join(key, joined, () => this.get(key, factory, ttl))
    }
    return this.#start(key, factory, ttl, now + cache.settings.pendingTtl)
  }

  #start(
    key: string,
    factory: () => unknown,
    ttl: LoadTtl<unknown>,
    givenUpAt: number,
  ): Promise<unknown> {
    let settle: (outcome: unknown) => void = () => {}
    const outcome = new Promise<unknown>((resolve) => {
      settle = resolve
    })
    const promise = outcome.then((value) => {
      this.#keep(key, load, value, ttl)
      return value
    })
    const load: Load = { promise, givenUpAt }
    this.#loads.set(key, load)
    promise.then(
      () => this.#forget(key, load),
      () => this.#forget(key, load),
    )
    // Registered before it runs, since the factory may ask for the same key.
    settle(run(factory))
    return promise
  }

  // A load that failed has been forgotten, unless the request of a Worker that began it has ended:
  // then it fails only for those who join it later, and may be begun again.
  #join(key: string, load: Load, again: () => Promise<unknown>): Promise<unknown> {
    const promise = load.promise.catch((error) => {
      if (this.#loads.get(key) !== load) throw error
      this.#loads.delete(key)
      return again()
    })
    // As the load itself: one that nobody awaits raises nothing.
    promise.catch(() => {})
    return promise
  }

  #keep(key: string, load: Load, value: unknown, ttl: LoadTtl<unknown>): void {
    const cache = this.#cache
    if (this.#loads.get(key) !== load) return
    this.#loads.delete(key)
    if (cache.clock.now() >= load.givenUpAt) return
    const chosen = typeof ttl === 'function' ? ttl(value) : ttl
    const terms = {
      ttl: chosen === undefined ? undefined : milliseconds('ttl', chosen),
      expiresAt: undefined,
      sizeBytes: undefined,
    }
    cache.writeIfItFits(key, value, terms)
  }

  #forget(key: string, load: Load): void {
    if (this.#loads.get(key) === load) this.#loads.delete(key)
  }
}

async function run(factory: () => unknown): Promise<unknown> {
  return factory()
}
