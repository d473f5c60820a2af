import type { Hooks } from './hooks.ts'
import { handle } from './native-promise.ts'
import { type Duration, lifetime } from './options/duration.ts'
import type { Settings } from './options/options.ts'
import { shown } from './options/shown.ts'
import type { WriteTerms } from './options/write-options.ts'
import { requireStack } from './stack.ts'
import type { Statistics } from './statistics.ts'
import type { Table } from './table/table.ts'
import type { Clock } from './time/clock.ts'

/** Seconds, a string with a unit, `null`, or a function of the loaded value that gives one. */
export type LoadTtl<V> = Duration | ((value: V) => Duration | undefined) | undefined

/** A load under way: one for all who ask for its key while it lasts. */
interface Load {
  readonly promise: Promise<unknown>
  /** In virtual time: it is no longer joined then, nor kept. */
  readonly givenUpAt: number
}

/** A factory before its first `await`, and the factory that called `getOrSet` for it, if any. */
interface Starting {
  readonly key: string
  readonly outer: Starting | undefined
}

/** What loads. @internal */
export interface LoadHolder {
  readonly settings: Settings
  readonly clock: Clock
  readonly table: Table
  readonly statistics: Statistics
  readonly hooks: Hooks
  /** For loads, which may be waited for long after the holder was dropped. */
  readonly weak: { deref(): LoadHolder | undefined }
  readonly loads: Loads
  use(key: string): number
  findLive(key: string): number
  writeIfItFits(key: string, value: unknown, terms: WriteTerms): void
  /** For the sweep, which forgets loads that are given up. */
  wake(): void
}

/** Loads under way, by key. @internal */
export class Loads {
  #underWay: Map<string, Load> | undefined
  #starting: Starting | undefined

  get size(): number {
    return this.#underWay === undefined ? 0 : this.#underWay.size
  }

  /** By a write or a removal of the key: nobody joins it any more, nor is it kept. */
  overtake(key: string): void {
    this.#underWay?.delete(key)
  }

  clear(): void {
    this.#underWay = undefined
  }

  /** When the first load is given up: `Infinity` if there is none. */
  get next(): number {
    for (const { givenUpAt } of this.#underWay?.values() ?? []) return givenUpAt
    return Number.POSITIVE_INFINITY
  }

  /** Lets go of loads that nobody joins any more, and so of the requests that began them. */
  forgetGivenUp(now: number): void {
    // They are in the order in which they began, and so in that in which they are given up.
    for (const [key, { givenUpAt }] of this.#underWay ?? []) {
      if (now < givenUpAt) return
      this.#underWay?.delete(key)
    }
  }

  /** The live value, as a use, or what the load of the key gives. */
  getOrLoad(
    holder: LoadHolder,
    key: string,
    factory: () => unknown,
    ttl: LoadTtl<unknown>,
  ): Promise<unknown> {
    const used = holder.use(key)
    if (used === 0) holder.statistics.misses++
    // A hook that heard of the expired entry may have stored a new one.
    const slot = used || holder.findLive(key)
    if (slot !== 0) return Promise.resolve(holder.table.valueAt(slot))
    if (isAmong(this.#starting, key)) return silence(Promise.reject(waitsForItself(key)))
    const now = holder.clock.now()
    const load = this.#underWay?.get(key)
    if (load !== undefined && now < load.givenUpAt) return join(holder, key, load, factory, ttl)
    return this.#begin(holder, key, factory, ttl, now)
  }

  #begin(
    holder: LoadHolder,
    key: string,
    factory: () => unknown,
    ttl: LoadTtl<unknown>,
    now: number,
  ): Promise<unknown> {
    const { weak } = holder
    let resolve!: (outcome: unknown) => void
    let reject!: (error: unknown) => void
    const outcome = new Promise<unknown>((...settle) => {
      ;[resolve, reject] = settle
    })
    const promise = outcome.then(
      (value) => {
        const holder = weak.deref()
        if (holder !== undefined) holder.loads.#keep(holder, key, load, value, ttl)
        return value
      },
      (error) => {
        weak.deref()?.loads.end(key, load)
        throw error
      },
    )
    silence(promise)
    const load: Load = { promise, givenUpAt: now + holder.settings.pendingTtl }
    // A load that was registered and never begun would be joined for all of `pendingTtl`.
    requireStack(this.size)
    this.forgetGivenUp(now)
    this.#underWay ??= new Map()
    this.#underWay.set(key, load)
    holder.wake()
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

  #keep(holder: LoadHolder, key: string, load: Load, value: unknown, ttl: LoadTtl<unknown>): void {
    if (this.#underWay?.get(key) !== load) return
    let isCurrent = false
    let terms: WriteTerms | undefined
    try {
      // While it is still under way: what a function writes or removes under the key wins over it.
      if (holder.clock.now() < load.givenUpAt) terms = termsOf(holder, key, value, ttl)
    } finally {
      isCurrent = this.end(key, load)
    }
    if (isCurrent && terms !== undefined) holder.writeIfItFits(key, value, terms)
    else holder.hooks.run()
  }

  /** Nobody joins it from here on. Whether nothing had overtaken it. */
  end(key: string, load: Load): boolean {
    return this.#underWay?.get(key) === load && this.#underWay.delete(key)
  }
}

// A load that failed has been forgotten, unless the request of a Worker that began it has ended:
// then it fails only for those who join it later, and may be begun again.
function join(
  { weak }: LoadHolder,
  key: string,
  load: Load,
  factory: () => unknown,
  ttl: LoadTtl<unknown>,
): Promise<unknown> {
  const promise = load.promise.catch((error) => {
    const holder = weak.deref()
    if (!holder?.loads.end(key, load)) throw error
    return holder.loads.getOrLoad(holder, key, factory, ttl)
  })
  return silence(promise)
}

/** `undefined` if a function gives no TTL: callers get the value, and it is not kept. */
function termsOf(
  { hooks }: LoadHolder,
  key: string,
  value: unknown,
  ttl: LoadTtl<unknown>,
): WriteTerms | undefined {
  let chosen: unknown
  try {
    chosen = typeof ttl === 'function' ? ttl(value) : ttl
    const life = chosen === undefined ? undefined : lifetime('ttl', chosen)
    return { ttl: life, expiresAt: undefined, sizeBytes: undefined }
  } catch (error) {
    // An async function gives a promise. Nobody else would handle its rejection.
    handle(chosen)
    hooks.failed(error, 'ttl', key)
    return undefined
  }
}

/** A rejection that nobody awaits raises nothing, as with a stored promise. */
function silence(promise: Promise<unknown>): Promise<unknown> {
  promise.catch(() => {})
  return promise
}

function isAmong(starting: Starting | undefined, key: string): boolean {
  for (let each = starting; each !== undefined; each = each.outer) if (each.key === key) return true
  return false
}

function waitsForItself(key: string): Error {
  return new Error(
    `The factory of ${shown(key)} asked for its own key, so it would wait for itself`,
  )
}
