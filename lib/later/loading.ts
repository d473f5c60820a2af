import { isWorker, type Weakly, weakly } from '../engine.ts'
import { type Entries, MISSING } from '../entries.ts'
import { attempt, type Hooks } from '../hooks.ts'
import { formatValue } from '../options/check.ts'
import type { LoadContext, LoadTerms } from '../options/load-terms.ts'
import { fulfilled, handleRejection, isNativePromise, isSame } from '../promise.ts'
import type { Stale } from '../stale.ts'
import type { Statistics } from '../statistics.ts'
import { NONE } from '../table/records.ts'
import type { Clock } from '../time/clock.ts'
import { ABSENT, batchFrom, resultFor } from './batch.ts'
import { type Caller, raced } from './caller.ts'
import { Load, type Loader } from './load.ts'
import type { LoadOutcomes } from './outcomes.ts'
import type { SingleFlight } from './single-flight.ts'
import type { Sweep } from './sweep.ts'

export type Factory = (key: string, context: LoadContext) => unknown
export type LoadMany = (keys: string[], context: { readonly signal: AbortSignal }) => unknown

type Weak = Weakly<Loading>
/** What a caller gets if the load that it waited for gives nothing. */
type Again = (loading: Loading) => unknown

/** A value that a call has found, and the virtual time from which on it is not given out. */
interface AtHand {
  readonly value: unknown
  readonly until: number
}

/** What becomes of a call that found no live value. */
interface Miss {
  /** What it gets without a load of its own; `undefined` if it has to wait for one. */
  readonly served: Promise<unknown> | undefined
  /** Whether that is the stale value. */
  readonly isStale: boolean
  readonly needsLoad: boolean
  readonly stale: Stale | undefined
}

/**
 * What callers of `getOrSet` get: the live value, a stale one, what a load under way gives, or a load of
 * their own. Promises refer to this object weakly, since a load may never end.
 */
export class Loading {
  readonly #entries: Entries
  readonly #loads: SingleFlight
  readonly #sweep: Sweep
  readonly #statistics: Statistics
  readonly #hooks: Hooks
  readonly #clock: Clock
  readonly #pendingTtl: number
  /** A use of a key; `MISSING` on a miss. */
  readonly #read: (key: string) => unknown
  readonly #outcomes: LoadOutcomes
  /** For traces. */
  readonly #controller: object
  readonly #weak: Weak = weakly(this)

  constructor(
    entries: Entries,
    loads: SingleFlight,
    outcomes: LoadOutcomes,
    sweep: Sweep,
    statistics: Statistics,
    hooks: Hooks,
    clock: Clock,
    pendingTtl: number,
    read: (key: string) => unknown,
    controller: object,
  ) {
    this.#entries = entries
    this.#loads = loads
    this.#sweep = sweep
    this.#statistics = statistics
    this.#hooks = hooks
    this.#clock = clock
    this.#pendingTtl = pendingTtl
    this.#read = read
    this.#outcomes = outcomes
    this.#controller = controller
  }

  /** The live value, as a use, or what a load of the key gives. */
  getOrLoad(key: string, factory: Factory, terms: LoadTerms): Promise<unknown> {
    if (terms.signal?.aborted) return silence(Promise.reject(terms.signal.reason))
    const value = this.#use(key, terms)
    return value === MISSING ? this.#load(key, factory, terms) : Promise.resolve(value)
  }

  #load(key: string, factory: Factory, terms: LoadTerms): Promise<unknown> {
    const again: Again = (loading) => loading.#loadAgain(key, factory, terms)
    const { served, needsLoad, stale } = this.#miss(key, terms, again)
    if (served !== undefined && !needsLoad) return served
    const former = stale === undefined ? this.#present(key) : stale.value
    const given = former === MISSING ? undefined : former
    const load = this.#begin([key], (context) => factory(key, context), given, terms)
    if (served === undefined) return this.#wait(load, key, terms, again)
    this.#goOn(load, terms)
    return served
  }

  /** Not a use, since the caller has been counted. */
  #loadAgain(key: string, factory: Factory, terms: LoadTerms): unknown {
    const value = this.#entries.peek(key)
    return value === MISSING ? this.#load(key, factory, terms) : value
  }

  /** As `getOrLoad` for each key, with one call for all that have to be loaded. */
  getOrLoadMany(
    keys: Iterable<string>,
    loadMany: LoadMany,
    terms: LoadTerms,
  ): Promise<Map<string, unknown>> {
    if (terms.signal?.aborted) return silence(Promise.reject(terms.signal.reason))
    return this.#loadMany(keys, loadMany, terms, true)
  }

  /** Keys that are asked for a second time count no use, and are not looked at again. */
  #loadMany(
    keys: Iterable<string>,
    loadMany: LoadMany,
    terms: LoadTerms,
    isFirst: boolean,
  ): Promise<Map<string, unknown>> {
    const results = new Map<string, Promise<unknown> | undefined>()
    const atHand = new Map<string, AtHand>()
    const missing: string[] = []
    for (const key of new Set(keys)) {
      const value = isFirst ? this.#use(key, terms) : this.#entries.peek(key)
      if (value !== MISSING) {
        results.set(key, Promise.resolve(value))
        this.note(atHand, key, value, terms)
      } else {
        const { served, isStale, needsLoad, stale } = this.#miss(key, terms, absent)
        results.set(key, served)
        if (isStale) this.note(atHand, key, stale?.value, terms)
        if (needsLoad) missing.push(key)
      }
    }
    if (missing.length !== 0) {
      // A copy of the keys, which the program may change.
      const call = async (context: LoadContext) =>
        batchFrom(missing, await loadMany([...missing], context))
      const load = this.#begin(missing, call, undefined, terms)
      const awaited = missing.filter((key) => results.get(key) === undefined)
      for (const key of awaited) results.set(key, this.#wait(load, key, terms, absent))
      // Some key has a stale value, which it revalidates.
      if (awaited.length !== missing.length) this.#goOn(load, terms)
    }
    if (!isFirst || atHand.size === results.size) return silence(mapOf(results))
    const weak = this.#weak
    for (const [key, awaited] of results) {
      if (atHand.has(key)) continue
      const noted = (value: unknown) => {
        weak.deref()?.note(atHand, key, value, terms)
        return value
      }
      results.set(key, (awaited as Promise<unknown>).then(noted))
    }
    const lost = () => weak.deref()?.lost(atHand) ?? []
    const again = (gone: readonly string[]) => weak.deref()?.loadLost(gone, loadMany, terms)
    return silence(renewed(mapOf(results), lost, again))
  }

  loadLost(keys: readonly string[], loadMany: LoadMany, terms: LoadTerms) {
    return this.#loadMany(keys, loadMany, terms, false)
  }

  /** Notes until when a value of the cache may be given out, if it is one. */
  note(atHand: Map<string, AtHand>, key: string, value: unknown, { window }: LoadTerms): void {
    const now = this.#clock.now()
    const stale = this.#entries.staleOf(key, now)
    this.#hooks.run()
    const { table } = this.#entries
    const slot = table.find(key)
    if (slot !== NONE && isSame(table.valueAt(slot), value)) {
      atHand.set(key, { value, until: table.deadlineOf(slot) })
    } else if (isWithin(stale, window, now) && isSame(stale.value, value)) {
      atHand.set(key, { value, until: Math.min(stale.until, stale.expiredAt + window) })
    }
  }

  /** Keys whose value has expired or was replaced meanwhile. Nothing is loaded again that was evicted. */
  lost(atHand: ReadonlyMap<string, AtHand>): string[] {
    const now = this.#clock.now()
    return [...atHand.keys()].filter((key) => {
      const { value, until } = atHand.get(key) as AtHand
      const live = this.#entries.peek(key)
      return live === MISSING ? until <= now : !isSame(live, value)
    })
  }

  /** With `refresh`, always a miss. */
  #use(key: string, terms: LoadTerms): unknown {
    if (!terms.refresh) return this.#read(key)
    this.#statistics.misses++
    this.#entries.observer?.missed(key, this.#clock.now(), true)
    return MISSING
  }

  /** The live value, that of a promise if it has fulfilled, or `MISSING`. */
  #present(key: string): unknown {
    const live = this.#entries.peek(key)
    if (!isNativePromise(live)) return live
    const kept = fulfilled(live)
    return kept === undefined ? MISSING : kept.value
  }

  #miss(key: string, terms: LoadTerms, again: Again): Miss {
    const { staleWhileRevalidate, staleIfError, refresh } = terms
    const now = this.#clock.now()
    const stale = this.#entries.staleOf(key, now)
    const miss = (served?: Promise<unknown>, needsLoad = false, isStale = false): Miss => ({
      served,
      isStale,
      needsLoad,
      stale,
    })
    if (this.#hooks.isWaiting) {
      this.#hooks.run()
      // A hook that heard of a value past its window may have stored a new one.
      const live = refresh ? MISSING : this.#entries.peek(key)
      if (live !== MISSING) return miss(Promise.resolve(live))
    }
    if (this.#loads.isStarting(key)) {
      return miss(silence(Promise.reject(waitsForItself(key))))
    }
    const load = this.#loads.underWay(key, now)
    const isPaused = this.#entries.isOriginPaused(key, now)
    if (!refresh && isWithin(stale, staleWhileRevalidate, now)) {
      return miss(this.#serve(stale), load === undefined && !isPaused, true)
    }
    if (load !== undefined) {
      this.#statistics.loading.loadsJoined++
      // The timer of a load ends with the request of a Worker that began it.
      const timesOutAt = isWorker() ? Infinity : load.timesOutAt
      return miss(this.#wait(load, key, terms, again, timesOutAt))
    }
    if (isPaused && isWithin(stale, staleIfError, now)) return miss(this.#serve(stale), false, true)
    return miss(undefined, true)
  }

  #serve({ value }: Stale): Promise<unknown> {
    this.#statistics.loading.staleHits++
    return Promise.resolve(value)
  }

  #begin(keys: readonly string[], factory: Loader, former: unknown, terms: LoadTerms): Load {
    const now = this.#clock.now()
    const load = new Load(keys, now, now + this.#pendingTtl, terms, this.#outcomes.weak)
    this.#loads.begin(load, factory, former, this.#controller)
    this.#statistics.loading.loads++
    this.#sweep.wake()
    if (terms.timeout !== Infinity) load.failAfter(terms.timeout)
    return load
  }

  /** The load goes on, with or without callers. */
  #goOn(load: Load, { waitUntil }: LoadTerms): void {
    load.isInBackground = true
    if (waitUntil === undefined) return
    const failed = (error: unknown) => {
      this.#hooks.failed(error, 'waitUntil', load.keys[0])
      this.#hooks.run()
    }
    attempt(() => waitUntil(load.promise.then(nothing, nothing)), failed)
  }

  #wait(
    load: Load,
    key: string,
    terms: LoadTerms,
    again: Again,
    timesOutAt = load.timesOutAt,
  ): Promise<unknown> {
    const weak = this.#weak
    const hasOwnTimeout = this.#clock.now() + terms.timeout < timesOutAt
    const takesStale = terms.softTimeout !== Infinity && terms.staleIfError !== 0
    const caller: Caller = { key, load, terms, hasLeft: false }
    load.enter(key)
    const mayLeave = hasOwnTimeout || takesStale || terms.signal !== undefined
    const shared = mayLeave ? load.outcomeFor(caller) : load.promise
    const outcome = silence(
      shared.then(
        (result) => {
          const loading = weak.deref()
          const value = resultFor(key, result)
          if (!loading || caller.hasLeft) return value
          const failure = load.failureOf(key)
          if (failure !== undefined) return loading.#afterFailure(caller, failure.error, again)
          load.leave(key)
          return value === ABSENT ? again(loading) : value
        },
        (error) => {
          const loading = weak.deref()
          if (!loading || caller.hasLeft) throw error
          return loading.#afterFailure(caller, error, again)
        },
      ),
    )
    if (!mayLeave) return outcome
    return silence(raced(shared, outcome, caller, hasOwnTimeout, takesStale, weak))
  }

  /** What a caller gets in place of an error: the live value or a stale one, or `MISSING`. */
  atHand({ key, terms: { staleIfError } }: Caller): unknown {
    if (staleIfError === 0) return MISSING
    const live = this.#present(key)
    if (live !== MISSING) return live
    const now = this.#clock.now()
    const stale = this.#entries.staleOf(key, now)
    this.#hooks.run()
    if (!isWithin(stale, staleIfError, now)) return MISSING
    this.#statistics.loading.staleHits++
    return stale.value
  }

  /** The caller goes. The load stays. */
  goOn({ key, load, terms }: Caller): void {
    this.#goOn(load, terms)
    this.#leave(load, key)
  }

  /** The caller goes, and the load with its last one. */
  leave({ key, load }: Caller, reason: unknown): void {
    this.#leave(load, key)
    if (load.isOver || load.isInBackground || load.isAwaited()) return
    for (const each of load.keys) this.#loads.end(each, load)
    load.abandon(reason)
  }

  #leave(load: Load, key: string): void {
    load.leave(key)
    const failure = load.failureOf(key)
    if (failure !== undefined) this.#outcomes.reportUnheard(load, failure)
  }

  #afterFailure(caller: Caller, error: unknown, again: Again): unknown {
    const { key, load } = caller
    load.leave(key)
    // It is still under way only if the request of a Worker that began it has ended. Then it fails for
    // later callers alone, of whom the first starts a new one.
    if (this.#loads.end(key, load)) return again(this)
    const failure = load.failureOf(key) ?? load.noteFailure(error)
    const value = this.atHand(caller)
    if (value === MISSING) {
      failure.isReported = true
      throw failure.error
    }
    this.#outcomes.reportUnheard(load, failure)
    return value
  }
}

// Outside the class, so that no closure refers to the cache.

const absent = () => ABSENT
const nothing = () => {}

/** What was at hand at the call may not be any more once all loads have ended. Then it is asked for again. */
async function renewed(
  values: Promise<Map<string, unknown>>,
  lost: () => readonly string[],
  again: (keys: readonly string[]) => Promise<Map<string, unknown>> | undefined,
): Promise<Map<string, unknown>> {
  const results = await values
  const keys = lost()
  const found = await again(keys)
  for (const key of keys) {
    if (found?.has(key)) results.set(key, found.get(key))
    else results.delete(key)
  }
  return results
}

const isWithin = (stale: Stale | undefined, window: number, now: number): stale is Stale =>
  stale !== undefined && now - stale.expiredAt < window

async function mapOf(
  results: ReadonlyMap<string, Promise<unknown> | undefined>,
): Promise<Map<string, unknown>> {
  const values = await Promise.all(results.values())
  const given = [...results.keys()].map((key, index): [string, unknown] => [key, values[index]])
  return new Map(given.filter(([, value]) => value !== ABSENT))
}

function waitsForItself(key: string): Error {
  return new Error(
    `The factory of ${formatValue(key)} called getOrSet with its own key, so it would wait for itself`,
  )
}

/** A rejection that nobody awaits raises nothing, as with a stored promise. */
function silence<T>(promise: Promise<T>): Promise<T> {
  handleRejection(promise)
  return promise
}
