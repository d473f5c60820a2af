import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, test } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'
import { deferred } from './support/promises.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ORDERS = permutations(KEYS)
const PATTERNS = Array.from({ length: 2 ** KEYS.length }, (_, bits) =>
  KEYS.map((_, at) => ((bits >> at) & 1) === 1),
)

/** Bytes. The structure of the cache is small beside it. */
const UNIT = 100_000

interface Value {
  readonly units: number
}
type Values = Partial<Record<string, Value | Promise<Value>>>

interface Entry {
  readonly key: string
  readonly units: number
  readonly isExpired: boolean
}

function permutations(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  )
}

/** The rule of the contract: expired entries leave first, then the least recently used ones. */
function evictedFrom(entries: readonly Entry[], maxUnits: number, maxItems: number): string[] {
  const kept = [...entries]
  const evicted: string[] = []
  const units = () => kept.reduce((sum, entry) => sum + entry.units, 0)
  while (units() > maxUnits || kept.length > maxItems) {
    const expired = kept.findIndex((entry) => entry.isExpired)
    const [victim] = kept.splice(Math.max(expired, 0), 1)
    if (victim !== undefined && !victim.isExpired) evicted.push(victim.key)
  }
  return evicted
}

let comparisons = 0

class Case {
  readonly clock = new FakeClock()
  readonly removals: [string, string][] = []
  readonly cache: FaaSCacheDict<Values>
  readonly controller
  entries: Entry[]

  /** Five entries of one unit, used in this order. The pattern says which of them have expired. */
  constructor(order: readonly string[], pattern: readonly boolean[], options: CacheOptions = {}) {
    this.cache = new FaaSCacheDict<Values>({
      maxSizeBytes: null,
      sweepInterval: null,
      sizeOf: (value) => (value as Value).units * UNIT,
      onDelete: (key, _value, reason) => this.removals.push([key, reason]),
      now: this.clock.now,
      ...options,
    })
    this.controller = controllerOf(this.cache)
    KEYS.forEach((key, at) => {
      const ttl = pattern[at] ? 1 : at % 2 === 0 ? 100 : null
      this.controller.set(key, { units: 1 }, { ttl })
    })
    for (const key of order) this.controller.get(key)
    this.clock.advance(1_000)
    this.entries = order.map((key) => ({
      key,
      units: 1,
      isExpired: pattern[KEYS.indexOf(key)] === true,
    }))
  }

  get expired(): string[] {
    return this.entries.filter((entry) => entry.isExpired).map((entry) => entry.key)
  }

  /** Makes the same change to `entries` as a write makes to the cache. */
  write(key: string, units: number): void {
    this.entries = [
      ...this.entries.filter((entry) => entry.key !== key),
      { key, units, isExpired: false },
    ]
  }

  /** Purges, then compares every removal and every entry that stays. */
  expectEvicted(evicted: readonly string[], expired: readonly string[], replaced?: string): void {
    const { removals, controller } = this
    controller.purgeExpired()
    const removedAs = (reason: string) =>
      removals.filter(([, other]) => other === reason).map(([key]) => key)
    const seen = [
      removedAs('evicted'),
      removedAs('expired').sort(),
      removedAs('replaced'),
      removals.length,
      [...controller.keys()],
    ]
    const replacements = replaced === undefined ? [] : [replaced]
    const total = evicted.length + expired.length + replacements.length
    const stays = this.entries.filter(({ key, isExpired }) => !isExpired && !evicted.includes(key))
    const wanted = [evicted, [...expired].sort(), replacements, total, stays.map(({ key }) => key)]
    // A matcher is slow: calling one only on a difference keeps 146,000 cases fast.
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) expect(seen).toEqual(wanted)
    if (comparisons++ % 31 === 0) expectInvariants(controller)
  }
}

/** A budget that holds this many units of entries, and half of another. */
const bytesFor = (units: number) => units * UNIT + UNIT / 2

/** Runs every order with every pattern, and counts the cases. */
function everyCase(each: (order: string[], pattern: boolean[]) => number): number {
  let cases = 0
  for (const order of ORDERS) for (const pattern of PATTERNS) cases += each(order, pattern)
  return cases
}

describe('for every order of five keys and every set of expired ones, expired entries leave first, then the oldest, at', () => {
  test('a write at the item limit', () => {
    const cases = everyCase((order, pattern) => {
      const example = new Case(order, pattern, { maxItems: 5 })
      const { expired } = example
      example.controller.set('new', { units: 1 })
      example.write('new', 1)
      example.expectEvicted(evictedFrom(example.entries, Infinity, 5), expired)
      return 1
    })
    expect(cases).toBe(3_840)
  })

  test('a write at the byte limit of an entry of one to five units', () => {
    const cases = everyCase((order, pattern) => {
      for (let units = 1; units <= 5; units++) {
        const example = new Case(order, pattern, { maxSizeBytes: bytesFor(5) })
        const { expired } = example
        example.controller.set('new', { units })
        example.write('new', units)
        example.expectEvicted(evictedFrom(example.entries, 5, Infinity), expired)
      }
      return 5
    })
    expect(cases).toBe(19_200)
  })

  test('a resize to fewer items', () => {
    const cases = everyCase((order, pattern) => {
      for (let maxItems = 1; maxItems <= 5; maxItems++) {
        const example = new Case(order, pattern)
        example.controller.resize({ maxItems })
        example.expectEvicted(evictedFrom(example.entries, Infinity, maxItems), example.expired)
      }
      return 5
    })
    expect(cases).toBe(19_200)
  })

  test('a resize to fewer bytes', () => {
    const cases = everyCase((order, pattern) => {
      for (let units = 0; units <= 5; units++) {
        const example = new Case(order, pattern)
        example.controller.resize({ maxSizeBytes: bytesFor(units) })
        example.expectEvicted(evictedFrom(example.entries, units, Infinity), example.expired)
      }
      return 6
    })
    expect(cases).toBe(23_040)
  })

  test('one to six calls of evictOldest', () => {
    const cases = everyCase((order, pattern) => {
      for (let times = 1; times <= 6; times++) {
        const example = new Case(order, pattern)
        let evictions = 0
        for (let time = 1; time <= times; time++) if (example.controller.evictOldest()) evictions++
        if (evictions !== Math.min(times, 5)) expect(evictions).toBe(Math.min(times, 5))
        const remaining = Math.max(5 - times, 0)
        example.expectEvicted(evictedFrom(example.entries, Infinity, remaining), example.expired)
      }
      return 6
    })
    expect(cases).toBe(23_040)
  })

  test('a larger value under an existing key', () => {
    const cases = everyCase((order, pattern) => {
      for (const key of KEYS) {
        for (const units of [2, 5]) {
          const example = new Case(order, pattern, { maxSizeBytes: bytesFor(5) })
          const { expired } = example
          example.controller.set(key, { units })
          example.write(key, units)
          const replaced = expired.includes(key) ? undefined : key
          example.expectEvicted(evictedFrom(example.entries, 5, Infinity), expired, replaced)
        }
      }
      return 10
    })
    expect(cases).toBe(38_400)
  })

  test('a stored promise that fulfils with a larger value', async () => {
    let cases = 0
    for (const order of ORDERS) {
      for (const pattern of PATTERNS) {
        for (const [at, key] of KEYS.entries()) {
          if (pattern[at]) continue
          for (const units of [2, 5]) {
            await expectRoomMade(order, pattern, key, units)
            cases++
          }
        }
      }
    }
    expect(cases).toBe(120 * 16 * 5 * 2)
  })

  async function expectRoomMade(
    order: readonly string[],
    pattern: readonly boolean[],
    pendingKey: string,
    units: number,
  ): Promise<void> {
    const example = new Case(order, pattern, { maxSizeBytes: bytesFor(5) })
    const { expired } = example
    const { promise, resolve } = deferred<Value>()
    example.controller.set(pendingKey, promise)
    // The write made the promise the newest: using each later key restores the order.
    for (const key of order.slice(order.indexOf(pendingKey) + 1)) {
      if (!expired.includes(key)) example.controller.get(key)
    }
    resolve({ units })
    await promise
    const grown = example.entries.map((entry) =>
      entry.key === pendingKey ? { ...entry, units } : entry,
    )
    example.expectEvicted(evictedFrom(grown, 5, Infinity), expired, pendingKey)
  }
})
