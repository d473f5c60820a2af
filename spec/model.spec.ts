import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'
import { Model } from './support/model.ts'

const RUNS = Number(process.env.MODEL_RUNS ?? 300)
const SEED = Number(process.env.MODEL_SEED ?? 20_261_124)

const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', '', '0', 'toJSON', '\ud800')
const values = fc.constantFrom<unknown>(1, 'x', undefined, null, Number.NaN, 'a longer value')
const ttls = fc.constantFrom(0.001, 0.5, 1, 10, 3_600)
const steps = fc.constantFrom(1, 499, 500, 1_000, 9_999, 3_600_000)

const operations = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('write' as const), key: keys, value: values }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('set' as const), key: keys, value: values, ttl: ttls }),
  },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('read' as const), key: keys }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('pop' as const), key: keys }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('has' as const), key: keys }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('setDefault' as const), key: keys, value: values }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('promote' as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('demote' as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('setTtl' as const), key: keys, ttl: ttls }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('expireAt' as const),
      key: keys,
      by: fc.integer({ min: -5, max: 5_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('popEnd' as const), isNewest: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('resize' as const),
      maxItems: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('evict' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('purge' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('spread' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reload' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('wait' as const), time: steps }) },
)

type Operation = typeof operations extends fc.Arbitrary<infer T> ? T : never

const reasonsSeen = new Set<string>()

function compare(program: Operation[], maxItems: number, defaultTtl: number | null): void {
  const clock = new FakeClock()
  const left: unknown[][] = []
  const cache = new FaaSCacheDict<Record<string, unknown>>({
    now: clock.now,
    maxItems,
    defaultTtl,
    sweepInterval: null,
    onDelete: (key, value, reason) => left.push([key, value, reason]),
  })
  const controller = controllerOf(cache)
  const ttl = defaultTtl === null ? Number.POSITIVE_INFINITY : defaultTtl * 1_000
  const model = new Model(clock.now, ttl, maxItems)

  const run = (operation: Operation): void => {
    const key = 'key' in operation ? operation.key : ''
    const live = model.live(key)
    switch (operation.op) {
      case 'write':
        cache[key] = operation.value
        model.write(key, operation.value)
        return
      case 'set':
        controller.set(key, operation.value, { ttl: operation.ttl })
        model.write(key, operation.value, operation.ttl * 1_000)
        return
      case 'read': {
        // Asking whether it is written in its own way is no use.
        const isAsked = key === 'toJSON' && live === undefined
        expect(cache[key]).toBe(isAsked ? undefined : model.use(key))
        return
      }
      case 'delete':
        expect(delete cache[key]).toBe(true)
        model.delete(key)
        return
      case 'pop':
        expect(controller.pop(key)).toBe(live?.value)
        model.delete(key)
        return
      case 'has':
        expect(key in cache).toBe(live !== undefined)
        expect(controller.isExpired(key)).toBe(model.stored(key) && live === undefined)
        return
      case 'setDefault':
        expect(controller.setDefault(key, operation.value)).toBe(
          live ? live.value : operation.value,
        )
        model.use(key)
        if (live === undefined) model.write(key, operation.value)
        return
      case 'promote':
      case 'demote':
        if (live === undefined) expect(() => controller[operation.op](key)).toThrow()
        else {
          controller[operation.op](key)
          model[operation.op](live)
        }
        return
      case 'setTtl':
        if (live === undefined) return
        controller.setTtl(key, operation.ttl)
        live.deadline = clock.time + operation.ttl * 1_000
        model.purge()
        return
      case 'expireAt':
        if (live === undefined) return
        controller.expireAt(key, clock.time + operation.by)
        live.deadline = clock.time + operation.by
        model.purge()
        return
      case 'popEnd': {
        model.purge()
        const end = model.entries.at(operation.isNewest ? -1 : 0)
        expect(operation.isNewest ? controller.popNewest() : controller.popOldest()).toEqual(
          end && [end.key, end.value],
        )
        if (end) model.delete(end.key)
        return
      }
      case 'resize':
        controller.resize({ maxItems: operation.maxItems })
        model.maxItems = operation.maxItems
        model.makeRoom()
        return
      case 'evict':
        expect(controller.evictOldest()).toBe(model.evict())
        return
      case 'purge':
        expect(controller.purgeExpired()).toBe(model.purge())
        return
      case 'spread': {
        model.purge()
        const shown = Object.entries({ ...cache })
        expect(new Map(shown)).toEqual(
          new Map(model.entries.map((entry) => [entry.key, entry.value])),
        )
        for (const entry of [...model.entries]) model.use(entry.key)
        return
      }
      case 'reload': {
        model.purge()
        const snapshot = structuredClone(controller.dump())
        const copy = new FaaSCacheDict({ now: clock.now })
        controllerOf(copy).load(snapshot)
        expect([...controllerOf(copy)]).toEqual([...controller])
        for (const { key } of model.entries) {
          expect(controllerOf(copy).ttl(key)).toBe(controller.ttl(key))
        }
        return
      }
      case 'clear':
        controller.clear()
        model.clear()
        return
      case 'wait':
        clock.advance(operation.time)
        return
    }
  }

  const sortedTail = (list: unknown[][]) =>
    list.map((row) => JSON.stringify(row.map(String))).sort()
  for (const operation of program) {
    run(operation)
    // What expires at once has no order of its own, so each step is compared as a set.
    expect(sortedTail(left)).toEqual(sortedTail(model.left))
    for (const [, , reason] of model.left) reasonsSeen.add(reason)
    left.length = 0
    model.left = []
    const { hits, misses, writes } = controller.stats()
    model.purge()
    expect({ hits, misses, writes }).toEqual(model.counts)
    expect([...controller]).toEqual(model.entries.map((entry) => [entry.key, entry.value]))
    expect(sortedTail(left)).toEqual(sortedTail(model.left))
    left.length = 0
    model.left = []
    expectInvariants(controller)
  }
}

test(`the cache does what a naive model does, in ${RUNS} random programs`, () => {
  const lengths: number[] = []
  fc.assert(
    fc.property(
      fc.array(operations, { minLength: 20, maxLength: 120, size: 'max' }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(null, 0.5, 10),
      (program, maxItems, defaultTtl) => {
        lengths.push(program.length)
        compare(program, maxItems, defaultTtl)
      },
    ),
    { numRuns: RUNS, seed: SEED },
  )
  expect(lengths.sort((a, b) => a - b)[lengths.length >> 1]).toBeGreaterThanOrEqual(40)
  expect([...reasonsSeen].sort()).toEqual(['cleared', 'deleted', 'evicted', 'expired', 'replaced'])
})

test('a budget of bytes evicts the least recently used, and no more than it must', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.nat(60), length: fc.nat(900), isRead: fc.boolean() }), {
        minLength: 40,
        maxLength: 200,
        size: 'max',
      }),
      (program) => {
        const order: string[] = []
        const cache = new FaaSCacheDict<Record<string, string>>({
          maxSizeBytes: '8K',
          onTooLarge: 'skip',
          onDelete(key, _value, reason) {
            if (reason === 'evicted') expect(order.shift()).toBe(key)
          },
        })
        const controller = controllerOf(cache)
        for (const { key, length, isRead } of program) {
          const name = `key-${key}`
          const at = order.indexOf(name)
          if (isRead) {
            if (cache[name] !== undefined) order.push(...order.splice(at, 1))
          } else {
            if (at !== -1) order.splice(at, 1)
            order.push(name)
            cache[name] = 'x'.repeat(length)
          }
          expect([...controller.keys()]).toEqual(order)
          expectInvariants(controller)
        }
      },
    ),
    { numRuns: Math.ceil(RUNS / 6), seed: SEED },
  )
})
