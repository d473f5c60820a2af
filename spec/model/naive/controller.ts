import { ModelError, type ModelOptions, type Terms } from './entry.ts'
import { ModelLoads } from './loads.ts'
import { type Limits, Model } from './model.ts'
import { contentOf, NaivePromise } from './promise.ts'

export interface ModelSnapshotEntry {
  readonly key: string
  readonly value: unknown
  readonly deadline: number
  readonly isPromise: boolean
  readonly sizeBytes: number | undefined
}

type Pairs = readonly (readonly [string, unknown])[]

/** The members of the controller, on top of the model. */
export class ModelController {
  readonly model: Model
  readonly loads: ModelLoads
  #itemsAtReset = 0

  constructor(options: ModelOptions) {
    this.model = new Model(options)
    this.loads = new ModelLoads(this.model)
  }

  getOrThrow(key: string): unknown {
    const isLive = this.model.live(key) !== undefined
    const value = this.model.use(key)
    if (!isLive) throw new ModelError('KeyError', key)
    return value
  }

  setDefault(key: string, value: unknown): unknown {
    this.model.use(key)
    // A hook may have stored another value in place of the expired one.
    const present = this.model.live(key)
    if (present !== undefined) return present.value
    this.model.write(key, value)
    return value
  }

  update(pairs: Pairs): void {
    for (const [key, value] of pairs) this.model.write(key, value)
  }

  pop(key: string): unknown {
    const value = this.model.live(key)?.value
    this.model.delete(key)
    return value
  }

  popOldest(): readonly [string, unknown] | undefined {
    return this.#popAt(0)
  }

  popNewest(): readonly [string, unknown] | undefined {
    return this.#popAt(-1)
  }

  #popAt(index: number): readonly [string, unknown] | undefined {
    this.model.purge()
    const entry = this.model.entries.at(index)
    if (entry === undefined) return undefined
    this.model.delete(entry.key)
    return [entry.key, entry.value]
  }

  *entries(): Generator<[string, unknown]> {
    yield* this.#pairsOf(this.#keys())
  }

  *reversed(): Generator<[string, unknown]> {
    yield* this.#pairsOf(this.#keys().reverse())
  }

  #keys(): string[] {
    this.model.purge()
    return this.model.entries.map((entry) => entry.key)
  }

  /** Skips entries removed before their turn. */
  *#pairsOf(keys: readonly string[]): Generator<[string, unknown]> {
    for (const key of keys) {
      const entry = this.model.live(key)
      if (entry !== undefined) yield [key, entry.value]
    }
  }

  /** Seconds left, or `null`. */
  ttl(key: string): number | null {
    const { deadline } = this.model.require(key)
    return deadline === Number.POSITIVE_INFINITY
      ? null
      : (deadline - this.model.options.now()) / 1_000
  }

  /** A TTL given to a pending promise starts when it fulfils. */
  renew(key: string, terms: Terms): void {
    const { model } = this
    const entry = model.require(key)
    entry.terms = { ...terms, sizeBytes: entry.terms.sizeBytes }
    model.schedule(entry)
    // A TTL that has passed leaves nothing stale.
    if (terms.ttl !== undefined && model.isExpired(entry)) entry.window = 0
    model.purge()
  }

  isExpired(key: string): boolean | undefined {
    const entry = this.model.stored(key)
    return entry && this.model.isExpired(entry)
  }

  deleteWhere(test: (key: string) => boolean): number {
    return this.model.deleteWhere(() => this.loads.keys, test)
  }

  evictOldest(): boolean {
    const hasRemoved = this.model.removeOne()
    this.model.settle()
    return hasRemoved
  }

  resize(limits: Limits): void {
    this.model.setLimits(limits)
    this.model.settle()
  }

  squeezeTo(bytes: number): void {
    this.model.squeezeTo(bytes)
    this.model.settle()
  }

  remeasure(key?: string): void {
    const { model } = this
    if (key === undefined) model.purge()
    const keys = key === undefined ? model.entries.map((entry) => entry.key) : [key]
    try {
      for (const name of keys) {
        const entry = model.live(name)
        if (entry !== undefined) model.remeasure(entry)
      }
    } finally {
      model.settle()
    }
  }

  /** A background sweep. */
  sweep(): void {
    const { model } = this
    this.loads.forgetGivenUp()
    model.purge()
    for (const entry of model.entries.filter(({ value }) => typeof value === 'object' && value)) {
      try {
        if (model.entries.includes(entry)) model.remeasure(entry)
      } catch {
        model.fail('sweep', entry.key)
      }
    }
    model.settle()
  }

  limits(): (number | null)[] {
    const { effectiveMaxBytes, options } = this.model
    return [options.maxBytes, options.maxItems, effectiveMaxBytes].map((limit) =>
      limit === Number.POSITIVE_INFINITY ? null : limit,
    )
  }

  size(): number {
    this.model.purge()
    return this.model.entries.length
  }

  stats(): Record<string, number> {
    this.model.purge()
    const { deleted, evicted, expired, replaced, cleared, rejected, pressure, ...counts } =
      this.model.counts
    const { hits, misses, writes } = counts
    return {
      ...counts,
      hitRate: hits === 0 ? 0 : hits / (hits + misses),
      replacements: replaced,
      evictions: evicted,
      expirations: expired,
      deletions: deleted,
      clears: cleared,
      rejections: rejected,
      pressureEvictions: pressure,
      items:
        this.#itemsAtReset + writes - deleted - evicted - expired - replaced - cleared - rejected,
    }
  }

  resetStats(): void {
    this.model.purge()
    this.#itemsAtReset = this.model.entries.length
    for (const name of Object.keys(this.model.counts)) {
      this.model.counts[name as keyof Model['counts']] = 0
    }
  }

  /** Throws at the first value that is not cloneable. */
  dump(isCloneable: (value: unknown) => boolean): ModelSnapshotEntry[] {
    this.model.purge()
    return (
      this.model.entries
        // A hook that ran during the purge may have written an entry that has expired since.
        .filter((entry) => entry.pendingUntil === undefined && !this.model.isExpired(entry))
        .map((entry) => {
          const value = contentOf(entry.value)
          if (!isCloneable(value)) throw new ModelError('TypeError')
          return {
            key: entry.key,
            value,
            deadline: entry.deadline,
            isPromise: entry.value instanceof NaivePromise,
            sizeBytes: entry.terms.sizeBytes,
          }
        })
    )
  }

  load(snapshot: readonly ModelSnapshotEntry[]): void {
    for (const { key, value, deadline, isPromise, sizeBytes } of snapshot) {
      if (deadline <= this.model.options.now()) continue
      let stored = value
      if (isPromise) {
        const promise = new NaivePromise()
        promise.outcome = { isFulfilled: true, value }
        stored = promise
      }
      const terms =
        deadline === Number.POSITIVE_INFINITY ? { ttl: deadline } : { expiresAt: deadline }
      this.model.store(key, stored, { ...terms, sizeBytes })
    }
  }
}
