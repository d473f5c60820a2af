import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fleet, type FleetTerms, MOST_SIMULATED } from '../../../lib/plan/fleet.ts'

const BUDGETS = [4, 16, 64, 256].map((kibibytes) => kibibytes * 1024)

interface Use {
  key: string
  bytes: number
  time: number
  ttl: number
}

function fleetOf(uses: readonly Use[], terms: Partial<FleetTerms> = {}) {
  const fleet = new Fleet({
    budgets: BUDGETS,
    instances: 1,
    recycle: Infinity,
    scale: 1,
    maxEntry: Infinity,
    ...terms,
  })
  for (const use of uses) fleet.use(use, use.time)
  return fleet
}

/** What an entry is charged beyond its key and value: measured on a real cache. */
const ENTRY_BYTES = (() => {
  const cache = controllerOf(new FaaSCacheDict())
  cache.set('key', 'value', { sizeBytes: 0 })
  return cache.sizeOf('key')
})()

/** The keys of this spec have one byte a character. */
const keyBytes = ({ length }: string) => (length < 2 ? 0 : Math.ceil((16 + length) / 8) * 8)

/** What the dictionary itself does with a budget. */
function real(uses: readonly Use[], maxSizeBytes: number) {
  const start = Date.UTC(2026, 0, 1)
  let time = 0
  const cache = controllerOf(
    new FaaSCacheDict<Record<string, string>>({
      maxSizeBytes,
      onTooLarge: 'skip',
      sweepInterval: null,
      now: () => start + time,
    }),
  )
  const counts = { originCalls: 0, originBytes: 0 }
  for (const use of uses) {
    time = use.time
    if (cache.get(use.key) !== undefined) continue
    counts.originCalls++
    counts.originBytes += use.bytes
    cache.set(use.key, use.key, { ttl: use.ttl / 1_000, sizeBytes: use.bytes + keyBytes(use.key) })
  }
  return counts
}

/** Random numbers from 0 to 1 by mulberry32, unlike those of the fleet; the same in every run. */
function seeded() {
  let state = 1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Key of rank n is used about 1/n as often as the first. */
function zipf(uses: number, keys: number, ttl = Infinity): Use[] {
  const random = seeded()
  return Array.from({ length: uses }, (_, at) => {
    const rank = Math.floor(keys ** random())
    return { key: `key-${rank}`, bytes: 100 + ((rank * 7919) % 2_000), time: at * 10, ttl }
  })
}

// Values and budgets are so large that the bytes of keys and structure never decide.
const LARGE_BUDGETS = [250_000, 1_050_000, 4_050_000]
const largeUses = fc.array(
  fc.record({
    key: fc.nat(40).map((rank) => `key-${rank}`),
    // Many fit, some fit only a larger budget, some none.
    bytes: fc.oneof(fc.nat(3), fc.nat(12), fc.nat(50)).map((times) => times * 100_000),
    time: fc.constant(0),
    ttl: fc.constantFrom(Infinity, Infinity, 0),
  }),
  { maxLength: 200 },
)

test('each budget has the origin calls and bytes of the dictionary itself', () => {
  fc.assert(
    fc.property(largeUses, (uses) => {
      const points = fleetOf(uses, { budgets: LARGE_BUDGETS }).points()
      expect(points.map(({ maxSizeBytes }) => maxSizeBytes)).toEqual(LARGE_BUDGETS)
      for (const { maxSizeBytes, originCalls, originBytes } of points) {
        expect({ originCalls, originBytes }).toEqual(real(uses, maxSizeBytes))
      }
    }),
  )
})

test('entries expire at their deadlines', () => {
  const all = zipf(5_000, 1_000, 2_000)
  const [point] = fleetOf(all, { budgets: [2 ** 24] }).points()
  expect(point?.originCalls).toBe(real(all, 2 ** 24).originCalls)
})

test('with small entries and a TTL, the hit rate is near that of the dictionary', () => {
  const all = zipf(20_000, 5_000, 60_000)
  for (const { maxSizeBytes, hitRate } of fleetOf(all).points()) {
    const exact = 1 - real(all, maxSizeBytes).originCalls / all.length
    expect(Math.abs(hitRate - exact)).toBeLessThan(0.005)
  }
})

test('an entry above the limit of one entry is not stored, and pushes no other out', () => {
  const terms = { budgets: [2 ** 20], maxEntry: 100 + keyBytes('key') + ENTRY_BYTES }
  const use = (bytes: number, key = 'key') => ({ key, bytes, time: 0, ttl: Infinity })
  const calls = (...uses: Use[]) => fleetOf(uses, terms).points()[0]?.originCalls
  expect(calls(use(100), use(100))).toBe(1)
  expect(calls(use(101), use(101))).toBe(2)
  expect(calls(use(100), use(2 ** 20 - 2 ** 13, 'large'), use(100))).toBe(2)
})

test('scale multiplies what is charged, not what the origin sends', () => {
  const all = zipf(5_000, 1_000)
  const scaled = fleetOf(all, { scale: 3 })
  const larger = fleetOf(all.map((use) => ({ ...use, bytes: use.bytes * 3 })))
  expect(scaled.points().map(({ hitRate }) => hitRate)).toEqual(
    larger.points().map(({ hitRate }) => hitRate),
  )
  expect(scaled.bytes).toBe(larger.bytes / 3)
})

test('with more keys than it keeps, the estimate is near the truth', () => {
  const all = zipf(200_000, 1_000_000)
  const budgets = [2 ** 18, 2 ** 22, 2 ** 26, 2 ** 30]
  const fleet = fleetOf(all, { budgets })
  const [small, , , large] = fleet.points()
  expect(small?.share).toBe(1)
  expect(large?.share).toBeLessThan(0.5)
  const firsts = new Map(all.map(({ key, bytes }) => [key, bytes]))
  const distinct = firsts.size
  const bytes = [...firsts.values()].reduce((sum, each) => sum + each, 0)
  expect(fleet.keys.isExact).toBe(false)
  expect(Math.abs(fleet.keys.count / distinct - 1)).toBeLessThan(0.03)
  expect(Math.abs((large?.originCalls as number) - distinct) / all.length).toBeLessThan(0.01)
  expect(Math.abs((large?.originBytes as number) - bytes) / fleet.bytes).toBeLessThan(0.01)
})

test('a sample without hits has no hit rate, whatever its size', () => {
  const uses = Array.from({ length: 60_000 }, (_, at) => ({
    key: `key/${at}`,
    bytes: 100,
    time: at,
    ttl: Infinity,
  }))
  const fleet = fleetOf(uses, { budgets: [2 ** 26] })
  const [point] = fleet.points()
  expect(point?.share).toBeLessThan(1)
  expect(point).toMatchObject({ hitRate: 0, byteHitRate: 0, originCalls: 60_000 })
})

test('instances share the uses: each hits what it has seen itself', () => {
  const uses = Array.from({ length: 20_000 }, () => ({
    key: 'key',
    bytes: 1,
    time: 0,
    ttl: Infinity,
  }))
  const [point] = fleetOf(uses, { instances: 20 }).points()
  expect(point?.originCalls).toBe(20)
})

test('of many instances some are simulated, and stand for all', () => {
  const uses = zipf(100_000, 1_000)
  const hitRate = (instances: number) => {
    const fleet = fleetOf(uses.slice(0, (instances / 128) * uses.length), { instances })
    expect(fleet.simulated).toBe(Math.min(instances, MOST_SIMULATED))
    return fleet.points().at(-1)?.hitRate as number
  }
  // As many uses for each instance.
  expect(Math.abs(hitRate(128) - hitRate(64))).toBeLessThan(0.01)
})

test('far more instances than uses: every use is a miss', () => {
  const [point] = fleetOf(zipf(10, 2), { instances: 1e9 }).points()
  expect(point).toMatchObject({ hitRate: 0, byteHitRate: 0, originCalls: 10 })
})

test('a new instance starts empty, and instances are replaced one after the other', () => {
  const hours = Array.from({ length: 24 }, (_, hour) => ({
    key: 'key',
    bytes: 1,
    time: hour * 3_600_000,
    ttl: Infinity,
  }))
  const calls = (terms: Partial<FleetTerms>) => fleetOf(hours, terms).points().at(-1)?.originCalls
  expect(calls({})).toBe(1)
  expect(calls({ recycle: 6 * 3_600_000 })).toBe(4)
  expect(calls({ recycle: 3_600_000 })).toBe(24)

  const minutes = Array.from({ length: 2 * 60 * 100 }, (_, at) => ({
    key: 'key',
    bytes: 1,
    time: at * 600,
    ttl: Infinity,
  }))
  const missesBefore = (time: number) =>
    fleetOf(
      minutes.filter((use) => use.time < time),
      { instances: 10, recycle: 3_600_000 },
    ).points()[0]?.originCalls as number
  const growth = [0, 1, 2, 3, 4, 5].map(
    (sixth) =>
      missesBefore((sixth + 1) * 600_000) - (sixth === 0 ? 0 : missesBefore(sixth * 600_000)),
  )
  // Ten new instances in the first ten minutes, of which the first was replaced after six.
  expect(growth.slice(1).every((misses) => misses >= 1 && misses <= 2)).toBe(true)
})

test('values of no bytes: the byte hit rate is the hit rate', () => {
  const [point] = fleetOf(
    [1, 2, 3, 4].map(() => ({ key: 'key', bytes: 0, time: 0, ttl: Infinity })),
  ).points()
  expect(point).toMatchObject({ hitRate: 0.75, byteHitRate: 0.75, originBytes: 0 })
})

test('keys are counted', () => {
  const fleet = fleetOf(zipf(10_000, 1_000))
  expect(fleet.uses).toBe(10_000)
  expect(fleet.keys.isExact).toBe(true)
  expect(fleet.keys.count).toBe(new Set(zipf(10_000, 1_000).map(({ key }) => key)).size)
})
