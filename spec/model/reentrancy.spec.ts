import { type CacheController, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMPTY_BYTES } from '../support/charges.ts'
import { expectInvariants } from '../support/invariants.ts'

const RUNS = process.env.MODEL_RUNS === undefined ? 200 : Number(process.env.MODEL_RUNS) / 10

const KINDS = [
  'setText',
  'setLiteral',
  'setPromise',
  'get',
  'peek',
  'entries',
  'dump',
  'delete',
  'clear',
  'setTtl',
  'popOldest',
  'evictOldest',
  'purge',
  'remeasure',
  'resize',
] as const

const acts = fc.record({
  kind: fc.constantFrom(...KINDS, 'setText', 'setLiteral', 'setPromise', 'get', 'get'),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  /** Milliseconds until the entry expires. */
  lifetime: fc.constantFrom(-1, 0, 1, 2, 3, 5, 8, 20, 100, 10_000),
  length: fc.constantFrom(10, 100, 800, 2_500),
  isFailing: fc.boolean(),
})

type Act = typeof acts extends fc.Arbitrary<infer T> ? T : never

/** A cache whose clock moves at every reading, and whose values and hooks act on it during calls. */
class ReentrantCache {
  readonly controller: CacheController
  /** The absolute expiry of each value, unless `setTtl` has changed it. */
  readonly expiries = new Map<unknown, number>()
  /** Problems found during calls. The cache might catch an assertion that fails there. */
  readonly problems: string[] = []
  readonly nestedActs: readonly Act[]
  readonly ticks: readonly number[]
  time = 1_700_000_000_000
  readings = 0
  isReentrant = true
  #nestedIndex = 0
  #nestedLeft = 0
  #values = 0

  constructor(nestedActs: readonly Act[], ticks: readonly number[]) {
    this.nestedActs = nestedActs
    this.ticks = ticks
    const cache = new FaaSCacheDict<Record<string, unknown>>({
      now: () => {
        if (this.isReentrant) this.time += ticks[this.readings++ % ticks.length] as number
        return this.time
      },
      maxSizeBytes: 5_000,
      onTooLarge: 'skip',
      sweepInterval: null,
      onDelete: () => this.reenter(),
      onError: () => this.reenter(),
    })
    this.controller = controllerOf(cache)
  }

  run(act: Act): void {
    this.#nestedLeft = 3
    this.do(act)
    // The checks themselves must not move the clock or act on the cache.
    this.isReentrant = false
    expect(this.problems).toEqual([])
    expectInvariants(this.controller)
    this.isReentrant = true
  }

  reenter(isFailing = false): void {
    if (!this.isReentrant || this.#nestedLeft-- <= 0) return
    const act = this.nestedActs[this.#nestedIndex++ % this.nestedActs.length]
    if (act !== undefined) this.do(act)
    if (isFailing) throw new Error('the value fails')
  }

  do({ kind, key, lifetime, length, isFailing }: Act): void {
    const { controller } = this
    const before = this.time
    const set = (value: unknown) => {
      const expiresAt = this.time + lifetime
      this.expiries.set(value, expiresAt)
      controller.set(key, value, { expiresAt })
    }
    const expectLive = (value: unknown) => {
      const expiresAt = this.expiries.get(value) ?? Number.POSITIVE_INFINITY
      if (expiresAt <= before)
        this.problems.push(`${kind} returned a value that expired at ${expiresAt}`)
    }
    if (kind === 'setText') set(`${this.#values++}`.padEnd(length))
    else if (kind === 'setLiteral') set(this.#literal(isFailing))
    else if (kind === 'setPromise') set(this.#promise(isFailing))
    else if (kind === 'get') expectLive(controller.get(key))
    else if (kind === 'peek') expectLive(controller.peek(key))
    else if (kind === 'entries') for (const [, value] of controller) expectLive(value)
    else if (kind === 'dump') this.#dump(expectLive)
    else if (kind === 'delete') controller.delete(key)
    else if (kind === 'clear') controller.clear()
    else if (kind === 'setTtl') this.#renew(key, lifetime)
    else if (kind === 'popOldest') controller.popOldest()
    else if (kind === 'evictOldest') controller.evictOldest()
    else if (kind === 'purge') controller.purgeExpired()
    else if (kind === 'remeasure') controller.remeasure()
    else controller.resize({ maxItems: (lifetime & 3) + 3 })
  }

  #dump(expectLive: (value: unknown) => void): void {
    try {
      const { entries } = this.controller.dump()
      const keys = entries.map(({ key }) => key)
      if (new Set(keys).size !== keys.length)
        this.problems.push(`dump() contained a key twice: ${keys}`)
      for (const { value } of entries) expectLive(value)
    } catch (error) {
      if (!String(error).includes('cannot be cloned')) throw error
    }
  }

  #renew(key: string, lifetime: number): void {
    const value = this.controller.peek(key)
    this.expiries.delete(value)
    try {
      this.controller.setTtl(key, Math.max(lifetime, 1) / 1_000)
    } catch {
      // The entry is missing or has expired.
    }
  }

  #literal(isFailing: boolean): object {
    const reenter = () => this.reenter(isFailing)
    return {
      get own() {
        reenter()
        return 1
      },
    }
  }

  #promise(isFailing: boolean): Promise<unknown> {
    const reenter = () => this.reenter(isFailing)
    class Reentrant extends Promise<unknown> {
      static override get [Symbol.species](): PromiseConstructor {
        reenter()
        return Promise
      }
    }
    return new Reentrant(() => {})
  }
}

test('values and hooks that act on the cache during a call break no invariant', () => {
  fc.assert(
    fc.property(
      fc.array(acts, { minLength: 10, maxLength: 60, size: 'max' }),
      fc.array(acts, { maxLength: 12, size: 'max' }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
      (program, nestedActs, ticks) => {
        const subject = new ReentrantCache(nestedActs, ticks)
        for (const act of program) subject.run(act)
        subject.isReentrant = false
        subject.controller.clear()
        const { controller } = subject
        expect([controller.size, controller.sizeBytes]).toEqual([0, EMPTY_BYTES])
      },
    ),
    { numRuns: Math.ceil(RUNS), seed: 20_261_127 },
  )
})
