import { type CacheController, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'

const RUNS = Number(process.env.MODEL_RUNS ?? 300)
const SEED = Number(process.env.MODEL_SEED ?? 20_261_125)

type Values = Record<string, unknown>

/** Changes of a stored value that the cache is not told of. */
const changes: ((value: Record<string, unknown>) => void)[] = [
  (value) => Object.assign(value, { text: 'grown '.repeat(500) }),
  (value) => Object.assign(value, { list: Array.from({ length: 300 }, (_, at) => at / 7) }),
  (value) => Object.assign(value, Object.fromEntries([...'abcdef'].map((key) => [key, { key }]))),
  (value) => Object.assign(value, { self: value }),
  (value) => Object.assign(value, { seen: new Map([['a', new Set([1, 2, 3])]]) }),
  (value) => {
    for (const key of Object.keys(value)) delete value[key]
  },
  (value) => Object.freeze(value),
]

const LARGE = [2 ** 53, 2 ** 53 - 1, 2 ** 52 + 1, 2 ** 31, 2 ** 31 - 1, 3, 1]

describe('sizes up to 2 ** 53', () => {
  const told = new Map<string, number>()
  const sizeOf = (_value: unknown, key: string) => told.get(key) ?? 1

  it('are given back to the byte after every kind of write and removal', () => {
    const controller = controllerOf(new FaaSCacheDict<Values>({ maxSizeBytes: null, sizeOf }))
    // The tables grow once for five entries, and keep their size.
    for (const key of ['a', 'b', 'c', 'd', 'e']) controller.set(key, 1)
    for (const key of ['b', 'c', 'd', 'e']) controller.delete(key)
    const alone = controller.sizeBytes
    for (const before of LARGE) {
      for (const after of LARGE) {
        controller.set('b', 1, { sizeBytes: before }).set('c', 1, { sizeBytes: before })
        told.set('d', before)
        controller.set('d', 1).set('b', 2, { sizeBytes: after }).set('e', 1, { sizeBytes: 1 })
        told.set('d', after)
        controller.remeasure('d')
        expect(controller.sizeOf('d')).toBe(after + controller.sizeOf('e') - 1)
        for (const key of ['b', 'c', 'd', 'e']) controller.delete(key)
        expect(controller.sizeBytes).toBe(alone)
      }
    }
  })

  it('survive a snapshot', () => {
    const controller = controllerOf(new FaaSCacheDict<Values>({ maxSizeBytes: null }))
    controller.set('a', 1, { sizeBytes: 2 ** 53 })
    const copy = controllerOf(new FaaSCacheDict<Values>({ maxSizeBytes: null }))
    copy.load(structuredClone(controller.dump()))
    expect(copy.sizeOf('a')).toBe(controller.sizeOf('a'))
  })
})

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'a longer key', 'ein schlüssel', '__proto__', '')
const operations = fc.record({
  kind: fc.constantFrom(
    ...['write', 'write', 'write', 'again', 'change', 'change', 'promise', 'given', 'number'],
    ...['delete', 'pop', 'evict', 'expire', 'remeasure', 'sweep', 'clear', 'compact'],
  ),
  key: keys,
  change: fc.nat(changes.length - 1),
})

/** Cache and twin hold the same keys. The twin's values never change and are charged nothing. */
function pair() {
  const clock = new FakeClock()
  const told: [string, number][] = []
  const options = { now: clock.now, maxSizeBytes: '64M', maxItems: 6, sweepInterval: null }
  const cache = controllerOf(
    new FaaSCacheDict<Values>({
      ...options,
      onDelete: (key, _value, _reason, sizeBytes) => told.push([key, sizeBytes]),
    }),
  )
  const twin = controllerOf(new FaaSCacheDict<Values>({ ...options, sizeOf: () => 0 }))
  return { cache, twin, clock, told }
}

const charges = (controller: CacheController<Values>) =>
  [...controller.keys()].reduce((sum, key) => sum + controller.sizeOf(key), 0)

async function play(
  { cache, twin, clock }: ReturnType<typeof pair>,
  { kind, key, change }: { kind: string; key: string; change: number },
) {
  const both = [cache, twin]
  const value = cache.peek(key)
  switch (kind) {
    case 'write':
      cache.set(key, { text: `of ${key}` }, { ttl: 60 + change })
      twin.set(key, {}, { ttl: 60 + change })
      break
    case 'again':
      for (const each of both) if (each.has(key)) each.set(key, each.peek(key))
      break
    case 'change':
      if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
        changes[change]?.(value as Record<string, unknown>)
      }
      break
    case 'promise':
      cache.set(key, Promise.resolve({ text: 'later '.repeat(change * 50) }))
      twin.set(key, Promise.resolve({}))
      await null
      break
    case 'given':
      cache.set(key, { text: 'x' }, { sizeBytes: change * 1_000 })
      twin.set(key, {}, { sizeBytes: 0 })
      break
    case 'number':
      for (const each of both) each.set(key, change + 0.5)
      break
    case 'delete':
      for (const each of both) each.delete(key)
      break
    case 'pop':
      for (const each of both) each.popOldest()
      break
    case 'evict':
      for (const each of both) each.evictOldest()
      break
    case 'expire':
      clock.advance(61_000)
      for (const each of both) each.purgeExpired()
      break
    case 'remeasure':
      for (const each of both) each.remeasure(key)
      break
    case 'sweep':
      for (const each of both) each.remeasure()
      break
    case 'clear':
      for (const each of both) each.clear()
      break
    case 'compact':
      for (const each of both) each.load(each.dump())
  }
}

describe('the cache gives back exactly what it charged', () => {
  it('after any change of the values: the rest of the size is that of the tables', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operations, { minLength: 20, maxLength: 60 }), async (program) => {
        const caches = pair()
        const { cache, twin, told } = caches
        for (const operation of program) {
          const before = new Map([...cache.keys()].map((key) => [key, cache.sizeOf(key)]))
          told.length = 0
          await play(caches, operation)
          for (const [key, sizeBytes] of told) expect(sizeBytes).toBe(before.get(key) ?? sizeBytes)
          expect([...cache.keys()]).toEqual([...twin.keys()])
          expect(cache.sizeBytes - charges(cache)).toBe(twin.sizeBytes - charges(twin))
          expectInvariants(cache)
        }
        for (const key of cache.keys()) {
          cache.delete(key)
          twin.delete(key)
        }
        expect(cache.sizeBytes).toBe(twin.sizeBytes)
        cache.clear()
        expect(cache.sizeBytes).toBe(controllerOf(new FaaSCacheDict()).sizeBytes)
      }),
      { numRuns: RUNS, seed: SEED },
    )
  })

  it('under a byte budget that evicts and refuses, until the cache is empty', () => {
    const empty = controllerOf(new FaaSCacheDict()).sizeBytes
    fc.assert(
      fc.property(
        fc.array(fc.record({ key: keys, length: fc.nat(3_000), grows: fc.nat(3_000) }), {
          maxLength: 60,
        }),
        (writes) => {
          const cache = controllerOf(
            new FaaSCacheDict<Record<string, string[]>>({
              maxSizeBytes: 4_096,
              onTooLarge: 'skip',
            }),
          )
          for (const { key, length, grows } of writes) {
            const value = ['x'.repeat(length)]
            cache.set(key, value)
            value.push('y'.repeat(grows))
            if (grows % 3 === 0) cache.remeasure(key)
            expectInvariants(cache)
          }
          while (cache.popOldest() !== undefined);
          cache.clear()
          expect(cache.sizeBytes).toBe(empty)
        },
      ),
      { numRuns: RUNS, seed: SEED },
    )
  })

  it('gives back the charge of a replaced entry before it checks the new entry against the budget', () => {
    const cache = controllerOf(new FaaSCacheDict<Values>({ maxSizeBytes: 16_384 }))
    cache.set('other', 1)
    for (let round = 0; round < 5; round++) cache.set('page', `${round}`.repeat(12_000))
    expect([...cache.keys()]).toEqual(['other', 'page'])
    expect(cache.stats()).toMatchObject({ evictions: 0, replacements: 4 })
  })
})

describe('a sizeOf that fails', () => {
  const failures: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('no scale')
      },
    ],
    ['gives NaN', () => Number.NaN],
    ['gives -1', () => -1],
    ['gives Infinity', () => Number.POSITIVE_INFINITY],
    ['gives a string', () => '10'],
    ['gives nothing', () => undefined],
  ]
  it.each(failures)(
    'and %s is reported with its key, and removes only the entry that it would have replaced',
    (_, fail) => {
      let isBroken = false
      const left: unknown[] = []
      const cache = new FaaSCacheDict<Record<string, string>>(
        {
          sizeOf: (value) => (isBroken ? (fail() as number) : value.length),
          onDelete: (key, value, reason) => left.push([key, value, reason]),
        },
        { first: 'aaa', page: 'bb', last: 'c' },
      )
      const controller = controllerOf(cache)
      const charge = controller.sizeOf('page')
      const before = controller.sizeBytes
      const { writes } = controller.stats()
      isBroken = true
      const replace = () => {
        cache.page = 'new'
      }
      expect(replace).toThrow(TypeError)
      expect(replace).toThrow(/sizeOf.*"page"/s)
      expect(left).toEqual([['page', 'bb', 'replaced']])
      expect({ ...cache }).toEqual({ first: 'aaa', last: 'c' })
      expect(controller.stats()).toMatchObject({ writes, refusals: 0, replacements: 1 })
      const slackOfOne = before - charge - controller.sizeBytes
      expect(Math.abs(slackOfOne)).toBeLessThan(200)
      expectInvariants(controller)
      isBroken = false
      cache.page = 'new'
      expect(controller.sizeBytes).toBe(before + 1)
    },
  )

  it('during remeasure is reported with its key, and the charge stays', () => {
    let isBroken = false
    const controller = controllerOf(
      new FaaSCacheDict<Values>({ sizeOf: () => (isBroken ? Number.NaN : 10) }, { a: {}, b: {} }),
    )
    const before = controller.sizeBytes
    isBroken = true
    expect(() => controller.remeasure('b')).toThrow(/sizeOf.*"b"/s)
    expect(controller.sizeBytes).toBe(before)
    expectInvariants(controller)
  })
})
