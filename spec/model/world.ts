import { type CacheController, controllerOf, FaaSCacheDict, type Snapshot } from 'faas-cache-dict'
import { type Advisor, advise } from 'faas-cache-dict/advisor'
import type { Weakly } from '../../lib/engine.ts'
import type { Guarded } from '../../lib/memory/guard.ts'
import { ENTRY_BYTES } from '../support/charges.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { nextTurn } from '../support/promises.ts'
import { installGuard } from '../support/test-gauge.ts'
import { type Call, type CallerSignal, millisecondsOf, waitUntilFor } from './calls.ts'
import { attempt, count, type TraceEvent } from './events.ts'
import { ModelController, type ModelSnapshotEntry } from './naive/controller.ts'
import type { Removal } from './naive/entry.ts'
import { NaivePromise, type NaiveSignal } from './naive/promise.ts'
import type { EntryLimit, Scenario } from './scenario.ts'
import type { Step } from './steps/step.ts'
import { Timers } from './timers.ts'
import { type Deferred, exactSize, isGrowable, UNIT, type ValueSpec } from './values.ts'

type Cache = Record<string, unknown>

/** A factory that has returned a pending promise. */
interface PendingLoad {
  readonly deferred: Deferred
  /** The keys that `loadMany` was called with; `undefined` for a factory of one key. */
  readonly missing: readonly string[] | undefined
}

/** A guard that never finds memory short: steps say when it is. */
class IdleGuard {
  cache: Weakly<Guarded> | undefined

  join(cache: Weakly<Guarded>): void {
    this.cache = cache
  }

  count(): number {
    return 2 ** 30
  }

  look(): void {}
}

/** A cache and its model, which run the same program. */
export class World {
  readonly clock = new FakeClock()
  readonly timers = new Timers(this.clock)
  readonly cache: FaaSCacheDict<Cache>
  readonly controller: CacheController
  readonly model: ModelController
  readonly scenario: Scenario
  advisor: Advisor | undefined
  readonly trace: { real: TraceEvent[]; model: TraceEvent[] } = { real: [], model: [] }
  /** The keys of removed entries, in order. */
  readonly removedKeys: string[] = []
  /** Pending promises that were created to be stored. */
  deferreds: Deferred[] = []
  /** Pending promises that factories returned. */
  readonly loading: PendingLoad[] = []
  calls: Call[] = []
  /** The signals that callers have not aborted yet. */
  readonly callerSignals: CallerSignal[] = []
  /** The signals that factories were given, in the order of their calls. */
  readonly factorySignals = { real: [] as AbortSignal[], model: [] as NaiveSignal[] }
  /** What `waitUntil` was given. */
  readonly handedOver = { real: [] as Call[], model: [] as NaivePromise[] }
  /** Bytes of the evicted entries, as `onDelete` was told. */
  evictedBytes = 0
  readonly snapshots: { real: Snapshot; model: ModelSnapshotEntry[] }[] = []
  isClosed = false
  commands = 0
  /** What the steps since the last drain have started in microtasks. */
  started: Step['starts']
  readonly #guard = new IdleGuard()
  readonly #uninstallGuard = installGuard(this.#guard)
  readonly #chance = { random: Math.random, now: performance.now }
  readonly #hookPairs: { real: () => void; model: () => void }[] = []
  readonly #hookCalls = { real: 0, model: 0 }
  readonly #hookStepsLeft = { real: 0, model: 0 }

  /** `isAdvised`: the cache has an advisor, which must change nothing. */
  constructor(scenario: Scenario, isAdvised = false) {
    this.scenario = scenario
    this.timers.install()
    this.#fixChance()
    this.model = new ModelController(this.#modelOptions())
    this.cache = new FaaSCacheDict<Cache>(this.#options())
    this.controller = controllerOf(this.cache)
    if (isAdvised && scenario.budget !== null) this.advisor = advise(this.cache, { sample: 1 })
    this.model.loads.note = count
  }

  /** Jitter is the fraction of a random number and the time of the process. */
  #fixChance(): void {
    const { now } = this.#chance
    Math.random = () => this.scenario.jitter.random
    performance.now = () => Math.floor(now.call(performance))
  }

  make(spec: ValueSpec) {
    return spec.make(this.deferreds)
  }

  /** Whether a step would mix promises and loads, whose order is not specified. */
  mustDrainBefore({ starts }: Step): boolean {
    const isApart = starts === 'load' || this.started === 'load'
    return starts !== undefined && this.started !== undefined && isApart
  }

  /** Runs a step on both sides and records the results. */
  run(step: Step): void {
    this.allowHookSteps()
    this.started = step.starts ?? this.started
    const pair = step.pair(this)
    attempt(this.trace.real, step.text, pair.real)
    attempt(this.trace.model, step.text, pair.model)
    this.#handleRejections()
  }

  /** Runs all microtasks, and the timers that are due. */
  async drain(): Promise<void> {
    this.allowHookSteps()
    for (;;) {
      await nextTurn()
      this.model.model.microtasks.drain()
      this.#handleRejections()
      if (this.#nextTimer > this.clock.time) break
      if (this.timers.next <= this.clock.time) this.timers.runNext()
      // First, since the model follows the cache in the order of some events.
      await nextTurn()
      if (this.model.model.timers.next <= this.clock.time) this.model.model.timers.runNext()
    }
    this.started = undefined
  }

  hasTimersUntil(time: number): boolean {
    return this.#nextTimer <= time
  }

  /** Lets time pass, and runs each timer when it is due, or all of them after a freeze. */
  async passTimers(end: number, isFrozen: boolean): Promise<void> {
    await this.drain()
    while (this.hasTimersUntil(end)) {
      this.clock.time = isFrozen ? end : this.#nextTimer
      await this.drain()
    }
    this.clock.time = end
  }

  get #nextTimer(): number {
    return Math.min(this.timers.next, this.model.model.timers.next)
  }

  // The cache handles the rejections of stored promises only. The others are handled here.
  #handleRejections(): void {
    const loading = this.loading.map(({ deferred }) => deferred)
    for (const { promise, naive } of [...this.deferreds, ...loading]) {
      if (!naive.isSubscribedTo && !naive.isUnsubscribable) promise.catch(() => {})
    }
    this.deferreds = this.deferreds.filter(({ naive }) => naive.outcome === undefined)
  }

  /** Lets the hooks run a few more steps, on each side. */
  allowHookSteps(): void {
    this.#hookStepsLeft.real = 4
    this.#hookStepsLeft.model = 4
  }

  /** From now on, the advisor takes no bytes of the cache. */
  endAdvice(): void {
    this.advisor?.close()
    this.advisor = undefined
  }

  end(): void {
    this.controller.close()
    this.timers.uninstall()
    Math.random = this.#chance.random
    performance.now = this.#chance.now
    this.#uninstallGuard()
  }

  /** The cache, as the guard sees it; `undefined` before its first look. */
  get guarded(): Guarded | undefined {
    return this.#guard.cache?.deref()
  }

  #options() {
    const { defaultTtl, pendingTtl, maxItems, budget, skipsTooLarge, usesHeapSize, sweeps } =
      this.scenario
    const { maxEntry, jitter, loading } = this.scenario
    const { trace } = this
    return {
      ...loading,
      waitUntil: waitUntilFor(this, loading.waitUntil),
      ttlJitter: jitter.fraction,
      maxEntrySizeBytes: typeof maxEntry === 'number' ? budgetOf(maxEntry) : maxEntry,
      now: this.clock.now,
      defaultTtl,
      pendingTtl,
      maxItems,
      maxSizeBytes: budgetOf(budget),
      onTooLarge: skipsTooLarge ? ('skip' as const) : ('throw' as const),
      sizeOf: usesHeapSize ? undefined : exactSize,
      sweepInterval: sweeps ? '5s' : null,
      onDelete: (key: string, value: unknown, reason: string, bytes: number) => {
        trace.real.push({ kind: 'removed', key, value, reason, bytes })
        if (reason === 'evicted') this.evictedBytes += bytes
        this.removedKeys.push(key)
        this.#runHookStep('real', true)
      },
      onError: (error: unknown, { source, key }: { source: string; key?: string }) => {
        trace.real.push({ kind: 'failed', source, key, error })
        this.#runHookStep('real', false)
      },
    }
  }

  #modelOptions() {
    const { defaultTtl, pendingTtl, maxItems, budget, skipsTooLarge, usesHeapSize } = this.scenario
    const { maxEntry, jitter, loading } = this.scenario
    const { trace } = this
    return {
      maxEntryBytes: entryLimitOf(maxEntry),
      jitter: jitter.fraction * jitter.random,
      window: Math.max(
        millisecondsOf(loading.staleWhileRevalidate),
        millisecondsOf(loading.staleIfError),
      ),
      now: this.clock.now,
      defaultTtl: (defaultTtl ?? Number.POSITIVE_INFINITY) * 1_000,
      pendingTtl: (pendingTtl ?? Number.POSITIVE_INFINITY) * 1_000,
      maxItems: maxItems ?? Number.POSITIVE_INFINITY,
      maxBytes: budgetOf(budget) ?? Number.POSITIVE_INFINITY,
      skipsTooLarge,
      sizeOf: usesHeapSize ? textSize : exactSize,
      onDelete: ({ key, value, reason, bytes }: Removal) => {
        const isExact = !usesHeapSize && !(value instanceof NaivePromise)
        const charge = isExact ? bytes + ENTRY_BYTES : bytes
        trace.model.push({ kind: 'removed', key, value, reason, bytes: charge, isExact })
        this.#runHookStep('model', true)
      },
      onError: (source: string, key?: string, error?: unknown) => {
        trace.model.push({ kind: 'failed', source, key, error })
        this.#runHookStep('model', false)
      },
      // The contract does not order the removal of expired entries, so the model follows the cache.
      removedKey: (removals: number) => this.removedKeys[removals],
    }
  }

  // Hooks run steps of the scenario, the same on both sides.
  #runHookStep(side: 'real' | 'model', mayThrow: boolean): void {
    const { hookSteps } = this.scenario
    const index = this.#hookCalls[side]++
    const step = hookSteps[index % hookSteps.length]
    if (step === undefined || this.#hookStepsLeft[side]-- <= 0) return
    this.#hookPairs[index] ??= step.pair(this)
    const run = this.#hookPairs[index][side]
    if (step.isThrowing) {
      if (mayThrow) run()
    } else attempt(this.trace[side], step.text, run)
  }
}

/** Bytes for a number of units, plus half a unit for the structure of the cache. */
export const budgetOf = (units: number | null): number | null =>
  units === null ? null : (units + 0.5) * UNIT

export const entryLimitOf =
  (limit: EntryLimit) =>
  (maxBytes: number): number =>
    limit === '50%' ? maxBytes / 2 : (budgetOf(limit) ?? Number.POSITIVE_INFINITY)

/** `heapSize` for the model: it also measures values for which `exactSize` throws. */
function textSize(value: unknown): number {
  if (typeof value === 'string') return value.length
  return isGrowable(value) ? value.text.length : 0
}
