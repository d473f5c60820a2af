import { type CacheController, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectInvariants } from '../support/invariants.ts'
import { EMPTY } from './charges.ts'

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
  /** Milliseconds until it expires. */
  left: fc.constantFrom(-1, 0, 1, 2, 3, 5, 8, 20, 100, 10_000),
  length: fc.constantFrom(10, 100, 800, 2_500),
  isFailing: fc.boolean(),
})

type Act = typeof acts extends fc.Arbitrary<infer T> ? T : never

/** A cache whose clock moves at every reading, and whose values and hook use it as they are used. */
class World {
  readonly controller: CacheController
  /** Of what was written, and has not been given other terms since. */
  readonly expiries = new Map<unknown, number>()
  /** What was seen amiss, since a failure amid a call may be caught by the cache. */
  readonly amiss: string[] = []
  readonly meddlings: readonly Act[]
  readonly ticks: readonly number[]
  time = 1_700_000_000_000
  readings = 0
  isMeddled = true
  #meddled = 0
  #fuel = 0
  #values = 0

  constructor(meddlings: readonly Act[], ticks: readonly number[]) {
    this.meddlings = meddlings
    this.ticks = ticks
    const cache = new FaaSCacheDict<Record<string, unknown>>({
      now: () => {
        if (this.isMeddled) this.time += ticks[this.readings++ % ticks.length] as number
        return this.time
      },
      maxSizeBytes: 5_000,
      onTooLarge: 'skip',
      sweepInterval: null,
      onDelete: () => this.meddle(),
      onError: () => this.meddle(),
    })
    this.controller = controllerOf(cache)
  }

  run(act: Act): void {
    this.#fuel = 3
    this.do(act)
    // The looks of a spec are no part of the program.
    this.isMeddled = false
    expect(this.amiss).toEqual([])
    expectInvariants(this.controller)
    this.isMeddled = true
  }

  meddle(isFailing = false): void {
    if (!this.isMeddled || this.#fuel-- <= 0) return
    const act = this.meddlings[this.#meddled++ % this.meddlings.length]
    if (act !== undefined) this.do(act)
    if (isFailing) throw new Error('a value that fails')
  }

  do({ kind, key, left, length, isFailing }: Act): void {
    const { controller } = this
    const before = this.time
    const set = (value: unknown) => {
      const expiresAt = this.time + left
      this.expiries.set(value, expiresAt)
      controller.set(key, value, { expiresAt })
    }
    const expectLive = (value: unknown) => {
      const expiresAt = this.expiries.get(value) ?? Number.POSITIVE_INFINITY
      if (expiresAt <= before) this.amiss.push(`${kind} gave what expired at ${expiresAt}`)
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
    else if (kind === 'setTtl') this.#renew(key, left)
    else if (kind === 'popOldest') controller.popOldest()
    else if (kind === 'evictOldest') controller.evictOldest()
    else if (kind === 'purge') controller.purgeExpired()
    else if (kind === 'remeasure') controller.remeasure()
    else controller.resize({ maxItems: (left & 3) + 3 })
  }

  #dump(expectLive: (value: unknown) => void): void {
    try {
      const { entries } = this.controller.dump()
      const keys = entries.map(({ key }) => key)
      if (new Set(keys).size !== keys.length) this.amiss.push(`a dump of ${keys}`)
      for (const { value } of entries) expectLive(value)
    } catch (error) {
      if (!String(error).includes('cannot be cloned')) throw error
    }
  }

  #renew(key: string, left: number): void {
    const value = this.controller.peek(key)
    this.expiries.delete(value)
    try {
      this.controller.setTtl(key, Math.max(left, 1) / 1_000)
    } catch {
      // There is none, or it has expired since.
    }
  }

  #literal(isFailing: boolean): object {
    const meddle = () => this.meddle(isFailing)
    return {
      get own() {
        meddle()
        return 1
      },
    }
  }

  #promise(isFailing: boolean): Promise<unknown> {
    const meddle = () => this.meddle(isFailing)
    class Meddling extends Promise<unknown> {
      static override get [Symbol.species](): PromiseConstructor {
        meddle()
        return Promise
      }
    }
    return new Meddling(() => {})
  }
}

test('whatever values and hooks do as they are used, and however time moves, all adds up', () => {
  fc.assert(
    fc.property(
      fc.array(acts, { minLength: 10, maxLength: 60, size: 'max' }),
      fc.array(acts, { maxLength: 12, size: 'max' }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
      (program, meddlings, ticks) => {
        const world = new World(meddlings, ticks)
        for (const act of program) world.run(act)
        world.isMeddled = false
        world.controller.clear()
        const { controller } = world
        expect([controller.size, controller.sizeBytes]).toEqual([0, EMPTY])
      },
    ),
    { numRuns: Math.ceil(RUNS), seed: 20_261_127 },
  )
})
