import { type Entry, ModelError } from './entry.ts'
import type { Factory, Load, LoadOutcome, LoadTerms, Pairs, Waiter } from './load.ts'
import type { Model } from './model.ts'
import {
  contentOf,
  fulfilledWith,
  NaivePromise,
  NaiveSignal,
  outcomeOf,
  rejectedWith,
  settled,
} from './promise.ts'

/** What the cache does for one key that a caller asks for. */
interface Answer {
  readonly value?: NaivePromise
  /** The stale entry that has the value. */
  readonly stale?: Entry
  readonly joined?: Load
  readonly needsLoad?: boolean
}

/** A value that a call has found, and the epoch milliseconds from which on it is not given out. */
interface AtHand {
  readonly value: unknown
  readonly until: number
}

/** `getOrSet` and `getOrSetMany`, on top of the model. */
export class ModelLoads {
  /** Called with the name of everything that can become of a call. */
  note: (outcome: LoadOutcome) => void = () => {}
  /** The loads that may be joined, by key. */
  readonly #underWay = new Map<string, Load>()
  /** The keys of the factories that run right now. */
  #starting: readonly string[] = []
  readonly #model: Model

  constructor(model: Model) {
    this.#model = model
    model.onOverride = (key) => {
      if (key === undefined) this.#underWay.clear()
      else this.#underWay.delete(key)
    }
  }

  /** The keys of the loads under way. */
  get keys(): string[] {
    return [...this.#underWay.keys()]
  }

  get(key: string, factory: Factory, terms: LoadTerms): NaivePromise {
    if (terms.signal?.isAborted) return this.#refused(terms.signal)
    const live = this.#use(key, terms)
    return live ? promised(live.value) : this.#getMissing(key, factory, terms)
  }

  #getMissing(key: string, factory: Factory, terms: LoadTerms): NaivePromise {
    const { value, joined, needsLoad } = this.#miss(key, terms)
    if (joined) this.note(joined.isBatch ? 'one joined many' : 'one joined one')
    const begun = needsLoad ? this.#begin([key], factory, terms, value !== undefined) : undefined
    return (
      value ??
      this.#wait(key, terms, (joined ?? begun) as Load, () => this.#getAbsent(key, factory, terms))
    )
  }

  /** After a batch that did not give the key. */
  #getAbsent(key: string, factory: Factory, terms: LoadTerms): NaivePromise {
    this.note('absent in a batch')
    const live = this.#model.live(key)
    return live === undefined ? this.#getMissing(key, factory, terms) : promised(live.value)
  }

  /** The value is an array of pairs. */
  getMany(keys: readonly string[], loadMany: Factory, terms: LoadTerms): NaivePromise {
    if (terms.signal?.isAborted) return this.#refused(terms.signal)
    return this.#getMany(keys, loadMany, terms, true)
  }

  #getMany(
    keys: readonly string[],
    loadMany: Factory,
    terms: LoadTerms,
    isFirst: boolean,
  ): NaivePromise {
    const { microtasks } = this.#model
    const atHand = new Map<string, AtHand>()
    const answers = [...new Set(keys)].map((key) => {
      const live = isFirst ? this.#use(key, terms) : this.#model.live(key)
      const answer: Answer = live ? { value: promised(live.value) } : this.#miss(key, terms)
      const { value, joined, needsLoad } = answer
      const present = live ?? staleValue(answer.stale)
      if (present) this.#noteAtHand(atHand, key, present.value, terms)
      if (joined) this.note(joined.isBatch ? 'many joined many' : 'many joined one')
      return { key, needsLoad, result: joined ? this.#wait(key, terms, joined) : value }
    })
    const wanted = answers.filter(({ needsLoad }) => needsLoad)
    const names = wanted.map(({ key }) => key)
    // Some key has a stale value, which the batch revalidates.
    const isBackground = wanted.some(({ result }) => result !== undefined)
    const batch =
      names.length > 0 ? this.#begin(names, loadMany, terms, isBackground, true) : undefined
    const results = answers.map(({ key, result }) => {
      return { key, result: result ?? this.#wait(key, terms, batch as Load) }
    })
    if (!isFirst || atHand.size === results.length) return this.#pairsOf(results)
    const noted = results.map(({ key, result }) => {
      if (atHand.has(key)) return { key, result }
      const note = (value: unknown) => {
        this.#noteAtHand(atHand, key, value, terms)
        return promised(value)
      }
      return { key, result: microtasks.then(result, note) }
    })
    return microtasks.then(this.#pairsOf(noted), (pairs) => {
      const lost = this.#lost(atHand)
      if (lost.length > 0) this.note('lost while others were loaded')
      const again = this.#getMany(lost, loadMany, terms, false)
      return microtasks.then(again, (found) => {
        const given = new Map(pairs as Pairs)
        for (const key of lost) given.delete(key)
        for (const [key, value] of found as Pairs) given.set(key, value)
        const inOrder = answers.filter(({ key }) => given.has(key))
        return settled(fulfilledWith(inOrder.map(({ key }) => [key, given.get(key)])))
      })
    })
  }

  /** Notes until when a value may be given out, if it is one of the cache. */
  #noteAtHand(atHand: Map<string, AtHand>, key: string, value: unknown, terms: LoadTerms): void {
    const window = Math.max(terms.staleWhileRevalidate, terms.staleIfError)
    const stale = this.#staleFor(key, Number.POSITIVE_INFINITY)
    const live = this.#model.live(key)
    if (live && Object.is(live.value, value)) atHand.set(key, { value, until: live.deadline })
    else if (stale && Object.is(contentOf(stale.value), value)) {
      const until = stale.deadline + Math.min(window, stale.window)
      if (this.#now < until) atHand.set(key, { value, until })
    }
  }

  /** Keys whose value was replaced meanwhile, or may not be given out any more. */
  #lost(atHand: ReadonlyMap<string, AtHand>): string[] {
    return [...atHand.keys()].filter((key) => {
      const { value, until } = atHand.get(key) as AtHand
      const live = this.#model.live(key)
      return live ? !Object.is(live.value, value) : until <= this.#now
    })
  }

  #refused({ reason }: NaiveSignal): NaivePromise {
    this.note('aborted before the call')
    return settled(rejectedWith(reason))
  }

  /** Counts a use of the key, and returns its live entry. */
  #use(key: string, { refresh }: LoadTerms): Entry | undefined {
    const isLive = this.#model.live(key) !== undefined
    if (refresh) {
      this.#model.counts.misses++
      this.note(isLive ? 'refresh of a live value' : 'miss')
      return undefined
    }
    this.note(isLive ? 'hit' : 'miss')
    this.#model.use(key)
    // A hook may have stored another value in place of the expired one.
    return this.#model.live(key)
  }

  /** What a caller gets that finds no live value. */
  #miss(key: string, { refresh, staleWhileRevalidate, staleIfError }: LoadTerms): Answer {
    const stale = this.#staleFor(key, refresh ? 0 : staleWhileRevalidate)
    const live = refresh ? undefined : this.#model.live(key)
    if (live) return { value: promised(live.value) }
    if (this.#starting.includes(key)) {
      this.note('asked for itself')
      return { value: settled(rejectedWith(new ModelError('Error'))) }
    }
    const joined = this.#joinable(key)
    if (stale !== undefined) {
      const needsLoad = joined === undefined && !this.#isLeftAlone(stale)
      const value = this.#serve(stale, 'stale while revalidating')
      return { value, stale, needsLoad }
    }
    if (joined !== undefined) {
      this.#model.counts.loadsJoined++
      return { joined }
    }
    const fallback = this.#staleFor(key, staleIfError)
    if (fallback !== undefined && this.#isLeftAlone(fallback)) {
      const value = this.#serve(fallback, 'stale while the origin is left alone')
      return { value, stale: fallback }
    }
    return { needsLoad: true }
  }

  forgetGivenUp(): void {
    for (const key of this.keys) if (!this.#joinable(key)) this.#underWay.delete(key)
  }

  #joinable(key: string): Load | undefined {
    const load = this.#underWay.get(key)
    return load !== undefined && this.#now < load.givenUpAt ? load : undefined
  }

  /** The stale entry of a key, if it is also within a window of the caller. Removes what is over. */
  #staleFor(key: string, window: number): Entry | undefined {
    this.#model.expireKey(key)
    this.#model.settle()
    const entry = this.#model.staleEntry(key)
    return entry !== undefined && this.#now < entry.deadline + window ? entry : undefined
  }

  #isLeftAlone({ leftAloneUntil }: Entry): boolean {
    return this.#now < leftAloneUntil
  }

  #serve(stale: Entry, outcome: LoadOutcome): NaivePromise {
    this.#model.counts.staleHits++
    this.note(outcome)
    return promised(stale.value)
  }

  #begin(
    keys: readonly string[],
    factory: Factory,
    terms: LoadTerms,
    isBackground = false,
    isBatch = false,
  ): Load {
    const { microtasks, options, counts, timers } = this.#model
    counts.loads++
    const now = options.now()
    const load: Load = {
      keys,
      isBatch,
      terms,
      begunAt: now,
      givenUpAt: now + options.pendingTtl,
      signal: new NaiveSignal(),
      done: new NaivePromise(),
      waiters: [],
      isBackground,
      isOver: false,
    }
    this.forgetGivenUp()
    for (const key of keys) this.#underWay.set(key, load)
    timers.add(now + terms.timeout, () => {
      if (load.isOver) return
      const error = new ModelError('TimeoutError', keys[0], { limit: terms.timeout })
      this.note('timeout')
      load.signal.abort(error)
      this.#failed(load, error)
    })
    const [first = ''] = keys
    const stale = isBatch ? undefined : this.#former(first)
    const outer = this.#starting
    this.#starting = [...outer, ...keys]
    const returned = outcomeOf(() => factory(keys, load.signal, stale))
    this.#starting = outer
    const loaded = returned.isFulfilled ? promised(returned.value) : settled(returned)
    microtasks.subscribe(loaded, ({ isFulfilled, value }) => {
      if (load.isOver) this.note('late')
      else if (!isFulfilled) this.#failed(load, value)
      else this.#loaded(load, isBatch ? (value as Pairs) : [[first, value]])
    })
    if (isBackground) this.#handOver(load, terms)
    return load
  }

  /** What a factory is given of its key: the stale value, or the live one. */
  #former(key: string): unknown {
    return contentOf((this.#model.staleEntry(key) ?? this.#model.live(key))?.value)
  }

  #handOver({ done, keys: [key] }: Load, { waitUntil }: LoadTerms): void {
    try {
      waitUntil?.(done)
    } catch {
      this.#model.fail('waitUntil', key)
      this.#model.settle()
    }
  }

  #wait(key: string, terms: LoadTerms, load: Load, absent?: () => NaivePromise): NaivePromise {
    const { timers, microtasks } = this.#model
    const { signal, softTimeout, staleIfError, timeout } = terms
    const stopsAlone = load.begunAt + load.terms.timeout > this.#now + timeout
    const result = new NaivePromise()
    const waiter: Waiter = {
      key,
      terms,
      load,
      result,
      mayLeave:
        stopsAlone || signal !== undefined || (softTimeout !== undefined && staleIfError > 0),
      absent: () => {
        if (absent) microtasks.follow(result, absent())
        else microtasks.settle(result, fulfilledWith(ABSENT))
      },
    }
    load.waiters.push(waiter)
    const ifWaiting = (run: () => void) => () => {
      if (load.waiters.includes(waiter)) run()
    }
    if (softTimeout !== undefined) {
      timers.add(
        this.#now + softTimeout,
        ifWaiting(() => this.#serveSoon(waiter)),
      )
    }
    if (stopsAlone) {
      timers.add(
        this.#now + timeout,
        ifWaiting(() => {
          const error = new ModelError('TimeoutError', key, { limit: timeout })
          this.note('timeout of one caller')
          this.#endWaiter(waiter, error)
          this.#leave(waiter, error)
        }),
      )
    }
    const abort = ifWaiting(() => {
      microtasks.settle(result, rejectedWith(signal?.reason))
      this.#leave(waiter, signal?.reason)
    })
    signal?.subscribe(abort)
    if (signal?.isAborted) abort()
    return result
  }

  /** The soft timeout: a caller takes the value at hand, and its load goes on. */
  #serveSoon(waiter: Waiter): void {
    const { load, result, terms } = waiter
    const value = this.#atHand(waiter, 'stale by soft timeout')
    if (value === undefined) {
      this.note('nothing at hand by soft timeout')
      return
    }
    this.#model.microtasks.follow(result, value)
    load.waiters = load.waiters.filter((other) => other !== waiter)
    load.isBackground = true
    this.#handOver(load, terms)
  }

  /** A caller goes. A load that nobody waits for any more is aborted. */
  #leave(waiter: Waiter, reason: unknown): void {
    const { load } = waiter
    load.waiters = load.waiters.filter((other) => other !== waiter)
    if (load.waiters.length > 0 || load.isBackground) {
      this.note('one caller left')
      return
    }
    this.note('all callers left')
    this.#end(load)
    load.signal.abort(reason)
  }

  /** The live or stale value that a caller may get in place of what it waits for. */
  #atHand({ key, terms }: Waiter, outcome: LoadOutcome): NaivePromise | undefined {
    if (terms.staleIfError === 0) return undefined
    const live = this.#model.live(key)
    const stale = this.#staleFor(key, terms.staleIfError)
    const isSettled = live !== undefined && live.pendingUntil === undefined
    if (isSettled) this.note('live at hand')
    return isSettled ? promised(contentOf(live.value)) : stale && this.#serve(stale, outcome)
  }

  /** Gives a caller the value at hand, or else the error. Returns whether it got the error. */
  #endWaiter(waiter: Waiter, error: unknown): boolean {
    const { microtasks } = this.#model
    const value = this.#atHand(waiter, 'stale by error')
    if (value) microtasks.follow(waiter.result, value)
    else microtasks.settle(waiter.result, rejectedWith(error))
    return value === undefined
  }

  #loaded(load: Load, pairs: Pairs): void {
    const { counts, microtasks } = this.#model
    counts.loadMs += this.#now - load.begunAt
    const given = new Map(pairs)
    const failures = new Map<string, unknown>()
    const awaited = new Set(load.waiters.map(({ key }) => key))
    for (const key of load.keys) {
      try {
        if (given.has(key)) this.#keep(load, key, given.get(key))
        else if (this.#isCurrent(load, key)) this.#forget(key)
      } catch (error) {
        if (awaited.has(key)) failures.set(key, error)
        else this.#reject([], key, error)
      }
      if (this.#underWay.get(key) === load) this.#underWay.delete(key)
    }
    const waiters = this.#end(load)
    for (const [key, error] of failures) {
      const own = waiters.filter((waiter) => waiter.key === key)
      this.#reject(own, key, error)
    }
    for (const waiter of waiters.filter(({ key }) => !failures.has(key))) {
      if (!given.has(waiter.key)) waiter.absent()
      else microtasks.settle(waiter.result, fulfilledWith(given.get(waiter.key)))
    }
  }

  /** Whether the load is neither overtaken nor given up. */
  #isCurrent(load: Load, key: string): boolean {
    return this.#underWay.get(key) === load && this.#now < load.givenUpAt
  }

  /** The origin has no value for the key any more. */
  #forget(key: string): void {
    if (this.#model.stored(key) !== undefined) this.note('gone from the origin')
    this.#model.delete(key)
  }

  /** Stores a loaded value. Throws if it cannot be stored. */
  #keep(load: Load, key: string, value: unknown): void {
    const { terms } = load
    if (this.#underWay.get(key) !== load) {
      this.note('overtaken')
      return
    }
    if (this.#now >= load.givenUpAt) {
      this.note('given up')
      return
    }
    const ttl = terms.ttlOf(value)
    if (Number.isNaN(ttl)) {
      this.#underWay.delete(key)
      this.note('no ttl')
      this.#model.fail('ttl', key)
      this.#model.settle()
      return
    }
    const window = Math.floor(Math.max(terms.staleWhileRevalidate, terms.staleIfError))
    const refusal = this.#model.store(key, value, { ttl, window })
    this.note(refusal === undefined ? 'kept' : 'refused')
  }

  #failed(load: Load, error: unknown): void {
    const { counts } = this.#model
    counts.loadFailures++
    counts.loadMs += this.#now - load.begunAt
    for (const key of load.keys) {
      if (!this.#isCurrent(load, key)) continue
      this.#model.expireKey(key)
      const stale = this.#model.staleEntry(key)
      if (stale !== undefined) stale.leftAloneUntil = this.#now + load.terms.retryAfter
    }
    const waiters = this.#end(load)
    if (waiters.length > 0) this.#model.settle()
    this.#reject(waiters, load.keys[0], error)
  }

  /** An error that no caller gets is told to `onError`. */
  #reject(waiters: readonly Waiter[], key: string | undefined, error: unknown): void {
    const told = waiters.filter((waiter) => this.#endWaiter(waiter, error))
    if (told.length === 0) {
      this.note('failed in the background')
      this.#model.fail('load', key, error)
    }
    this.#model.settle()
  }

  /** Returns the callers that waited for the load. */
  #end(load: Load): Waiter[] {
    load.isOver = true
    this.#model.microtasks.settle(load.done, fulfilledWith(undefined))
    for (const [key, other] of this.#underWay) if (other === load) this.#underWay.delete(key)
    const { waiters } = load
    load.waiters = []
    // Those that may leave hear of it last.
    return [
      ...waiters.filter(({ mayLeave }) => !mayLeave),
      ...waiters.filter(({ mayLeave }) => mayLeave),
    ]
  }

  /** The pairs of all results, without those that are absent. */
  #pairsOf(
    results: readonly { readonly key: string; readonly result: NaivePromise }[],
  ): NaivePromise {
    const { microtasks } = this.#model
    const all = microtasks.all(results.map(({ result }) => result))
    return microtasks.then(all, (values) => {
      const pairs = results.map(({ key }, index) => [key, (values as unknown[])[index]])
      return settled(fulfilledWith(pairs.filter(([, value]) => value !== ABSENT)))
    })
  }

  get #now(): number {
    return this.#model.options.now()
  }
}

const ABSENT = Symbol('absent')

/** A stale promise stands for the value that it has fulfilled with. */
const staleValue = (entry: Entry | undefined) => entry && { value: contentOf(entry.value) }

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value

function promised(value: unknown): NaivePromise {
  if (value instanceof NaivePromise) return value
  // Resolving a promise with a stored thenable calls its `then`, and in these programs that throws.
  return settled(isThenable(value) ? rejectedWith(new ModelError('Error')) : fulfilledWith(value))
}
