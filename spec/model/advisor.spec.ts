import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ExactRuns, type Run } from '../support/exact-runs.ts'
import { expectPrograms } from './programs.ts'
import { textOf, UNIT } from './values.ts'

const RUNS = process.env.MODEL_RUNS === undefined ? 150 : Number(process.env.MODEL_RUNS) / 10
const SEED = process.env.MODEL_SEED === 'random' ? Date.now() | 0 : 20_261_128

/** So few that each write of the simulation looks at all of them for those that have expired. */
const KEYS = ['a', 'b', 'c', 'd', '__proto__', 'then', '']

/** How a handler gets the value of a key, and what it does if the cache misses it. */
const WAYS = ['property', 'get', 'getOrSet', 'async getOrSet', 'promise'] as const

/** What the origin has under a key, and how its handler gets it. */
interface Source {
  readonly way: (typeof WAYS)[number]
  /** Seconds. Ways that cannot give a TTL have that of the cache. */
  readonly ttl: number | undefined
  readonly isGiven: boolean
  units: number
}

class Origin {
  readonly #sources: readonly Source[]

  constructor(sources: readonly Source[]) {
    // A read of an absent `then` or `toJSON` is no use, so a cache that has one would count more uses.
    const wayOf = (way: Source['way'], key: string | undefined) =>
      key === 'then' || key === 'toJSON' ? 'get' : way
    this.#sources = sources.map((source, index) => ({
      ...source,
      way: wayOf(source.way, KEYS[index]),
    }))
    for (const key of KEYS) this.of(key).units = this.fitting(key, this.of(key).units)
  }

  of(key: string): Source {
    return this.#sources[KEYS.indexOf(key)] as Source
  }

  /** A promise fits each budget, since one of a value that does not takes a place until it fulfils. */
  fitting(key: string, units: number): number {
    return this.of(key).way === 'promise' ? Math.min(units, 1) : units
  }

  /** Whether writes give the size of the key. */
  isGiven(key: string): boolean {
    const { way, isGiven } = this.of(key)
    return way === 'get' && isGiven
  }

  write({ cache, controller }: Run, key: string): void {
    const { way, units, ttl } = this.of(key)
    const value = { text: textOf(units) }
    if (way === 'property' || way === 'promise') cache[key] = value
    else controller.set(key, value, { ttl, ...(this.isGiven(key) && { sizeBytes: units * UNIT }) })
  }

  /** As a handler: a miss is followed by a load and a write. */
  async use(run: Run, key: string, isRefreshed = false): Promise<void> {
    const { cache, controller } = run
    const { way, ttl } = this.of(key)
    const load = () => ({ text: textOf(this.of(key).units) })
    const options = { ttl, refresh: isRefreshed }
    if (way === 'getOrSet') await controller.getOrSet(key, load, options)
    else if (way === 'async getOrSet') await controller.getOrSet(key, async () => load(), options)
    else if (way === 'promise') await (cache[key] ??= Promise.resolve(load()))
    else if ((way === 'property' ? cache[key] : controller.get(key)) === undefined) {
      this.write(run, key)
    }
  }
}

interface Step {
  readonly text: string
  /** On each cache. */
  each?(origin: Origin, run: Run): unknown
  once?(origin: Origin, runs: ExactRuns): unknown
  after?(origin: Origin): void
}

const keys = fc.constantFrom(...KEYS)
const stepOf = (text: string, each: NonNullable<Step['each']>): Step => ({ text, each })

const uses = keys.map((key) => stepOf(`use ${key}`, (origin, run) => origin.use(run, key)))
const refreshes = keys.map((key) =>
  stepOf(`refresh ${key}`, (origin, run) => origin.use(run, key, true)),
)
const writes = fc.record({ key: keys, units: fc.nat(3) }).map(({ key, units }) => ({
  text: `write ${units} units under ${key}`,
  once(origin: Origin) {
    origin.of(key).units = origin.fitting(key, units)
  },
  each: (origin: Origin, run: Run) => origin.write(run, key),
}))
const deletions = keys.map((key) => stepOf(`delete ${key}`, (_, { cache }) => delete cache[key]))
const pops = keys.map((key) => stepOf(`pop(${key})`, (_, { controller }) => controller.pop(key)))
const reads = fc.constantFrom(
  stepOf('in', (_, { cache }) => KEYS.map((key) => key in cache)),
  stepOf('peek', (_, { controller }) => KEYS.map((key) => controller.peek(key))),
  stepOf('purgeExpired', (_, { controller }) => controller.purgeExpired()),
)
const clears = fc.constant(stepOf('clear', (_, { controller }) => controller.clear()))
const resets = fc.constant(stepOf('resetStats', (_, { controller }) => controller.resetStats()))
const waits = fc
  .constantFrom(1, 499, 500, 999, 1_000, 9_999, 3_600_000)
  .map((time) => stepOf(`${time} ms pass`, (_, { clock }) => clock.advance(time)))
const growths = fc.record({ key: keys, units: fc.nat(3) }).map(({ key, units }) => ({
  text: `${key} grows to ${units} units`,
  async each(origin: Origin, run: Run) {
    await origin.use(run, key)
    const value = await run.controller.peek(key)
    if (value !== undefined) value.text = textOf(origin.fitting(key, units))
    run.controller.remeasure(key)
  },
  after(origin: Origin) {
    // A given size stays, whatever the value grows to.
    if (!origin.isGiven(key)) origin.of(key).units = origin.fitting(key, units)
  },
}))
/** As long as a load of the key would give it, since the advisor cannot know more. */
const renewals = fc.record({ key: keys, isDate: fc.boolean() }).map(({ key, isDate }) =>
  stepOf(`renew ${key}${isDate ? ' with expireAt' : ''}`, async (origin, run) => {
    const { controller, clock } = run
    await origin.use(run, key)
    if (!controller.has(key)) return
    const { way, ttl } = origin.of(key)
    const own = way === 'property' || way === 'promise' ? undefined : ttl
    const seconds = own ?? controller.defaultTtl ?? 3_600_000
    if (isDate) controller.expireAt(key, clock.time + seconds * 1_000)
    else controller.setTtl(key, seconds)
  }),
)
const selections = fc.nat(2).map((part) => ({
  text: `deleteWhere, ${part}`,
  once(_: Origin, runs: ExactRuns) {
    // The advisor does not hear of keys that the watched cache has not.
    const held = [...runs.watched.controller.keys()].filter((_key, index) => index % 3 === part)
    for (const { controller } of runs.all) controller.deleteWhere((key) => held.includes(key))
  },
}))
const resizes = fc.constantFrom(6, 10, 18).map((units) => ({
  text: `resize to ${units} units`,
  once(origin: Origin, runs: ExactRuns) {
    // The advisor does not know how long an entry lives that was written before.
    const { defaultTtl } = runs.watched.controller
    const hasTtls = KEYS.some((key) => origin.of(key).ttl !== undefined)
    if (defaultTtl === null && !hasTtls) runs.resize(units * UNIT)
  },
}))

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: uses },
  { weight: 4, arbitrary: writes },
  { weight: 2, arbitrary: refreshes },
  { weight: 2, arbitrary: deletions },
  { weight: 1, arbitrary: pops },
  { weight: 2, arbitrary: reads },
  { weight: 1, arbitrary: clears },
  { weight: 1, arbitrary: resets },
  { weight: 6, arbitrary: waits },
  { weight: 3, arbitrary: growths },
  { weight: 2, arbitrary: renewals },
  { weight: 2, arbitrary: selections },
  { weight: 1, arbitrary: resizes },
)

const programs = fc.record({
  /** A quarter of them is one unit and a half, or more. */
  units: fc.constantFrom(6, 10, 18),
  maxItems: fc.constantFrom(null, null, 3, 6),
  defaultTtl: fc.constantFrom(null, 1, 10),
  staleWhileRevalidate: fc.constantFrom(0, 0, 5),
  sources: fc.array(
    fc.record({
      way: fc.constantFrom(...WAYS),
      ttl: fc.constantFrom(undefined, undefined, 0.5, 60),
      isGiven: fc.boolean(),
      units: fc.nat(3),
    }),
    { minLength: KEYS.length, maxLength: KEYS.length },
  ),
  steps: fc
    .array(steps, { minLength: 20, maxLength: 120, size: 'max' })
    .map((list) => Object.assign(list, { [fc.toStringMethod]: () => textsOf(list) })),
})

const textsOf = (list: readonly Step[]) => `\n${list.map(({ text }) => text).join('\n')}\n`

async function play(program: typeof programs extends fc.Arbitrary<infer T> ? T : never) {
  const { units, sources, maxItems, defaultTtl, staleWhileRevalidate } = program
  const origin = new Origin(sources)
  const runs = new ExactRuns(units * UNIT, { maxItems, defaultTtl, staleWhileRevalidate })
  for (const step of program.steps) {
    await step.once?.(origin, runs)
    if (step.each !== undefined) await runs.each((run) => step.each?.(origin, run))
    step.after?.(origin)
    const { sizeBytes, maxSizeBytes } = runs.watched.controller
    expect(sizeBytes).toBeLessThanOrEqual(maxSizeBytes as number)
    runs.expectExact()
  }
  return runs
}

test('with all keys watched, the estimate equals runs with each budget', async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      await play(program)
    }),
    { numRuns: RUNS, seed: SEED },
  )
})

test('a cache with an advisor behaves like the naive model in random programs of every kind of step', async () => {
  const weights = {
    writes: 12,
    uses: 8,
    peeks: 2,
    deletions: 3,
    renewals: 2,
    waits: 4,
    measurements: 10,
    pressure: 3,
    promises: 5,
    loads: 8,
    snapshots: 3,
  }
  await expectPrograms(weights, 20_261_129, { isAdvised: true })
})
