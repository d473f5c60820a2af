import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv, KeyvCacheDict } from 'faas-cache-dict/keyv'
import fc from 'fast-check'
import { Keyv } from 'keyv'
import { expect, test } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'

const RUNS = Number(process.env.MODEL_RUNS ?? 300)
const isKeyv6 = !('useKeyPrefix' in Keyv.prototype)
const DEFAULT_TTL = 3_600_500

type Held = Map<string, { value: unknown; deadline: number }>
type Entry = { key: string; value: unknown; ttl?: number | undefined }

const keys = fc.constantFrom('a', 'b', 'one', 'one:', 'one:a', '__proto__', 'then')
const values = fc.constantFrom<unknown>(
  0,
  'text',
  '',
  null,
  '{"value":1}',
  { value: 1 },
  { value: 1, expires: 2 },
  ['row', { deep: true }],
)
// Keyv reads the real clock, so no wait ends within half a second of an expiry.
const ttls = fc.constantFrom(undefined, 0, 60_500, 600_500)
const entries = fc.record({ key: keys, value: values, ttl: ttls })
const space = fc.nat({ max: 2 })
const few = { maxLength: 4 }

const operations = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('set' as const), space, entry: entries }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('setMany' as const),
      space,
      entries: fc.uniqueArray(entries, { ...few, selector: ({ key }) => key }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('get' as const), space, key: keys }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('has' as const), space, key: keys }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('getMany' as const, 'hasMany' as const, 'deleteMany' as const),
      space,
      keys: fc.uniqueArray(keys, few),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), space, key: keys }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const), space }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('iterate' as const), space }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('wait' as const), seconds: fc.nat({ max: 900 }) }),
  },
)

type Operation = typeof operations extends fc.Arbitrary<infer T> ? T : never

/** What a Keyv does, in terms of a Map. */
class Model {
  readonly #held: Held
  readonly #clock: FakeClock
  readonly #prefix: string

  constructor(held: Held, clock: FakeClock, prefix: string) {
    this.#held = held
    this.#clock = clock
    this.#prefix = prefix
  }

  set({ key, value, ttl }: Entry): void {
    this.#held.set(this.#prefix + key, {
      value,
      deadline: this.#clock.now() + (ttl || DEFAULT_TTL),
    })
  }

  has(key: string): boolean {
    const entry = this.#held.get(this.#prefix + key)
    return entry !== undefined && entry.deadline > this.#clock.now()
  }

  get(key: string): unknown {
    return this.has(key) ? this.#held.get(this.#prefix + key)?.value : undefined
  }

  delete(key: string): boolean {
    const had = this.has(key)
    this.#held.delete(this.#prefix + key)
    return had
  }

  keys(): string[] {
    return [...this.#held.keys()]
      .filter((name) => name.startsWith(this.#prefix))
      .map((name) => name.slice(this.#prefix.length))
      .filter((key) => this.has(key))
  }
}

async function collect(keyv: Keyv): Promise<Map<string, unknown>> {
  const seen = new Map<string, unknown>()
  for await (const [key, value] of keyv.iterator?.(undefined) ?? []) seen.set(key, value)
  return seen
}

async function play(keyv: Keyv, model: Model, operation: Operation): Promise<void> {
  switch (operation.op) {
    case 'set': {
      const { key, value, ttl } = operation.entry
      expect(await keyv.set(key, value, ttl)).toBe(true)
      model.set(operation.entry)
      return
    }
    case 'setMany':
      expect(await keyv.setMany(operation.entries as never)).toEqual(
        operation.entries.map(() => true),
      )
      for (const entry of operation.entries) model.set(entry)
      return
    case 'get':
      expect(await keyv.get(operation.key)).toEqual(model.get(operation.key))
      return
    case 'has':
      expect(await keyv.has(operation.key)).toBe(model.has(operation.key))
      return
    case 'getMany':
      expect(await keyv.getMany(operation.keys)).toEqual(
        operation.keys.map((key) => model.get(key)),
      )
      return
    case 'hasMany':
      expect(await keyv.hasMany(operation.keys)).toEqual(
        operation.keys.map((key) => model.has(key)),
      )
      return
    case 'deleteMany': {
      const each = operation.keys.map((key) => model.delete(key))
      expect(await keyv.deleteMany(operation.keys)).toEqual(isKeyv6 ? each : each.every(Boolean))
      return
    }
    case 'delete':
      expect(await keyv.delete(operation.key)).toBe(model.delete(operation.key))
      return
    case 'clear':
      await keyv.clear()
      for (const key of model.keys()) model.delete(key)
      return
    case 'iterate':
      expect(await collect(keyv)).toEqual(new Map(model.keys().map((key) => [key, model.get(key)])))
  }
}

/** Runs the program on Keyvs over one dictionary, one for each namespace, and on models of them. */
async function compare(program: Operation[], spaces: Space[], of: KeyvOf): Promise<void> {
  const clock = new FakeClock()
  const cache = new FaaSCacheDict({
    defaultTtl: DEFAULT_TTL / 1_000,
    now: clock.now,
    sweepInterval: null,
  })
  const held: Held = new Map()
  const players = spaces.map(
    (namespace) =>
      [of(cache, namespace), new Model(held, clock, namespace ? `${namespace}:` : '')] as const,
  )
  for (const operation of program) {
    if (operation.op === 'wait') clock.advance(operation.seconds * 1_000)
    else {
      const [keyv, model] = players[operation.space % players.length] as (typeof players)[number]
      await play(keyv, model, operation)
    }
    expect(controllerOf(cache).size).toBe(new Model(held, clock, '').keys().length)
  }
}

type Space = string | undefined
type KeyvOf = (cache: FaaSCacheDict, namespace: Space) => Keyv

test('a Keyv of createKeyv behaves as a Map with expiry, in three namespaces of one dictionary', async () => {
  const spaces = [undefined, 'one', 'two']
  await fc.assert(
    fc.asyncProperty(
      fc.array(operations, { minLength: 1, maxLength: 40, size: 'max' }),
      (program) => compare(program, spaces, (cache, namespace) => createKeyv(cache, { namespace })),
    ),
    { numRuns: RUNS, seed: 20_261_125 },
  )
})

test("a program's own Keyv that serialises behaves as a Map with expiry", async () => {
  const spaces = ['own', 'two']
  await fc.assert(
    fc.asyncProperty(
      fc.array(operations, { minLength: 1, maxLength: 40, size: 'max' }),
      (program) =>
        compare(
          program,
          spaces,
          (cache, namespace) =>
            new Keyv({ store: new KeyvCacheDict(cache), ...(namespace && { namespace }) }),
        ),
    ),
    { numRuns: RUNS, seed: 20_261_125 },
  )
})
