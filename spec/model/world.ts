import { type CacheController, controllerOf, FaaSCacheDict, type Snapshot } from 'faas-cache-dict'
import { FakeClock } from '../support/fake-clock.ts'
import { ModelController, type ModelSnapshotEntry } from './naive/controller.ts'
import type { Departure, Entry } from './naive/entry.ts'
import {
  fulfilledWith,
  NaivePromise,
  type Outcome,
  rejectedWith,
} from './naive/promise.ts'
import type { Scenario } from './scenario.ts'
import type { Step } from './steps/step.ts'
import { ENTRY } from './charges.ts'
import { Timers } from './timers.ts'
import { attempt, type Happening } from './events.ts'
import { type Deferred, isGrowable, UNIT, type ValueSpec, weigh } from './values.ts'

type Cache = Record<string, unknown>

/** A call of `getOrSet`, and how it ended. */
export class Call {
  real: Outcome | undefined
  model = new NaivePromise()

  follow(real: Promise<unknown>): void {
    real.then(
      (value) => {
        this.real = fulfilledWith(value)
      },
      (error) => {
        this.real = rejectedWith(error)
      },
    )
  }
}

/** A cache and the model of it, through the same program. */
export class World {
  readonly clock = new FakeClock()
  readonly timers = new Timers()
  readonly cache: Cache
  readonly controller: CacheController
  readonly model: ModelController
  readonly scenario: Scenario
  readonly trace: { real: Happening[]; model: Happening[] } = { real: [], model: [] }
  /** The keys of what has left, in order. */
  readonly departed: string[] = []
  /** Promises that may be stored. */
  deferreds: Deferred[] = []
  /** What factories wait for. */
  readonly loading: Deferred[] = []
  calls: Call[] = []
  readonly snapshots: { real: Snapshot; model: ModelSnapshotEntry[] }[] = []
  isClosed = false
  commands = 0
  /** What has yet to happen in microtasks. */
  inFlight: Step['starts']
  readonly #reactions: { real: () => void; model: () => void }[] = []
  readonly #reacted = { real: 0, model: 0 }
  readonly #fuel = { real: 0, model: 0 }

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.timers.install()
    this.model = new ModelController(this.#modelOptions())
    this.cache = new FaaSCacheDict<Cache>(this.#options())
    this.controller = controllerOf(this.cache)
  }

  make(spec: ValueSpec) {
    return spec.make(this.deferreds)
  }

  /** Whether a step would set going what has no order among the rest. */
  mustDrainBefore({ starts }: Step): boolean {
    const isApart = starts === 'load' || this.inFlight === 'load'
    return starts !== undefined && this.inFlight !== undefined && isApart
  }

  /** Runs a step on both sides, and notes what came of it. */
  run(step: Step): void {
    this.refuel()
    this.inFlight = step.starts ?? this.inFlight
    const pair = step.pair(this)
    attempt(this.trace.real, step.text, pair.real)
    attempt(this.trace.model, step.text, pair.model)
    this.#excuse()
  }

  /** Until nothing is left to do in microtasks. */
  async drain(): Promise<void> {
    this.refuel()
    await new Promise((turn) => setImmediate(turn))
    this.model.model.microtasks.drain()
    this.inFlight = undefined
    this.#excuse()
  }

  // The cache handles the failures of what it stored, and nobody those of what it did not take.
  #excuse(): void {
    for (const { promise, naive } of [...this.deferreds, ...this.loading]) {
      if (!naive.isSubscribedTo && !naive.isHostile) promise.catch(() => {})
    }
    this.deferreds = this.deferreds.filter(({ naive }) => naive.outcome === undefined)
  }

  refuel(): void {
    this.#fuel.real = 4
    this.#fuel.model = 4
  }

  end(): void {
    this.controller.close()
    this.timers.uninstall()
  }

  #options() {
    const { defaultTtl, pendingTtl, maxItems, budget, isSkipping, isWeighedByHeap, sweeps } =
      this.scenario
    const { trace } = this
    return {
      now: this.clock.now,
      defaultTtl,
      pendingTtl,
      maxItems,
      maxSizeBytes: budgetOf(budget),
      onTooLarge: isSkipping ? ('skip' as const) : ('throw' as const),
      sizeOf: isWeighedByHeap ? undefined : weigh,
      sweepInterval: sweeps ? '5s' : null,
      onDelete: (key: string, value: unknown, reason: string, bytes: number) => {
        trace.real.push({ kind: 'left', key, value, reason, bytes })
        this.departed.push(key)
        this.#react('real', true)
      },
      onError: (_error: unknown, { source, key }: { source: string; key?: string }) => {
        trace.real.push({ kind: 'failed', source, key })
        this.#react('real', false)
      },
    }
  }

  #modelOptions() {
    const { defaultTtl, pendingTtl, maxItems, budget, isSkipping, isWeighedByHeap } = this.scenario
    const { trace } = this
    return {
      now: this.clock.now,
      defaultTtl: (defaultTtl ?? Number.POSITIVE_INFINITY) * 1_000,
      pendingTtl: (pendingTtl ?? Number.POSITIVE_INFINITY) * 1_000,
      maxItems: maxItems ?? Number.POSITIVE_INFINITY,
      maxBytes: budgetOf(budget) ?? Number.POSITIVE_INFINITY,
      skipsTooLarge: isSkipping,
      sizeOf: isWeighedByHeap ? weighText : weigh,
      onDelete: ({ key, value, reason, bytes }: Departure) => {
        const isExact = !isWeighedByHeap && !(value instanceof NaivePromise)
        const charge = isExact ? bytes + ENTRY : bytes
        trace.model.push({ kind: 'left', key, value, reason, bytes: charge, isExact })
        this.#react('model', true)
      },
      onError: (source: string, key?: string) => {
        trace.model.push({ kind: 'failed', source, key })
        this.#react('model', false)
      },
      // The contract does not say in which order those leave that have expired, so the cache is asked.
      choose: (expired: readonly Entry[], departures: number): Entry => {
        const next = this.departed[departures]
        return expired.find(({ key }) => key === next) ?? (expired[0] as Entry)
      },
    }
  }

  // What a hook does is a step of the program as well, the same on both sides.
  #react(side: 'real' | 'model', mayThrow: boolean): void {
    const { reactions } = this.scenario
    const index = this.#reacted[side]++
    const step = reactions[index % reactions.length]
    if (step === undefined || this.#fuel[side]-- <= 0) return
    this.#reactions[index] ??= step.pair(this)
    const run = this.#reactions[index][side]
    if (step.isThrowing) {
      if (mayThrow) run()
    } else attempt(this.trace[side], step.text, run)
  }
}

/** A whole number of units, and half of one for the cache's own structure. */
export const budgetOf = (units: number | null): number | null =>
  units === null ? null : (units + 0.5) * UNIT

// What cannot be weighed by the program's own function can be by its heap.
function weighText(value: unknown): number {
  if (typeof value === 'string') return value.length
  return isGrowable(value) ? value.text.length : 0
}
