import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, test } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']
const ORDERS = permutations(KEYS)
const PATTERNS = Array.from({ length: 2 ** KEYS.length }, (_, bits) =>
  KEYS.map((_, at) => ((bits >> at) & 1) === 1),
)

/** Large enough for what the tables cost to be no more than a fraction of it. */
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

/** What the contract says of eviction, and nothing else: the expired first, then the oldest. */
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

let compared = 0

class Case {
  readonly clock = new FakeClock()
  readonly left: [string, string][] = []
  readonly cache: Values
  readonly controller
  entries: Entry[]

  /** Five entries of a unit each, used in this order; those of the pattern have expired. */
  constructor(order: readonly string[], pattern: readonly boolean[], options: CacheOptions = {}) {
    this.cache = new FaaSCacheDict<Values>({
      maxSizeBytes: null,
      sweepInterval: null,
      sizeOf: (value) => (value as Value).units * UNIT,
      onDelete: (key, _value, reason) => this.left.push([key, reason]),
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

  /** As a write does: what has expired under the key has left by then, and what has not moves. */
  write(key: string, units: number): void {
    this.entries = [
      ...this.entries.filter((entry) => entry.key !== key),
      { key, units, isExpired: false },
    ]
  }

  /** All that left, and all that stayed, once what has expired is gone as well. */
  expectEvicted(evicted: readonly string[], expired: readonly string[], replaced?: string): void {
    const { left, controller } = this
    controller.purgeExpired()
    const leftBy = (reason: string) => left.filter(([, by]) => by === reason).map(([key]) => key)
    const seen = [
      leftBy('evicted'),
      leftBy('expired').sort(),
      leftBy('replaced'),
      left.length,
      [...controller.keys()],
    ]
    const replacements = replaced === undefined ? [] : [replaced]
    const total = evicted.length + expired.length + replacements.length
    const stays = this.entries.filter(({ key, isExpired }) => !isExpired && !evicted.includes(key))
    const wanted = [evicted, [...expired].sort(), replacements, total, stays.map(({ key }) => key)]
    // Matchers for each of so many cases would take most of the time.
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) expect(seen).toEqual(wanted)
    if (compared++ % 31 === 0) expectInvariants(controller)
  }
}

/** Room for so many units of entries, and not for one more. */
const bytesFor = (units: number) => units * UNIT + UNIT / 2

function everyCase(each: (order: string[], pattern: boolean[]) => number): number {
  let cases = 0
  for (const order of ORDERS) for (const pattern of PATTERNS) cases += each(order, pattern)
  return cases
}

describe('for every order of five keys and every pattern of expired ones, the expired leave first and then the least recently used, by', () => {
  test('the limit of items', () => {
    const cases = everyCase((order, pattern) => {
      const it = new Case(order, pattern, { maxItems: 5 })
      const { expired } = it
      it.controller.set('new', { units: 1 })
      it.write('new', 1)
      it.expectEvicted(evictedFrom(it.entries, Infinity, 5), expired)
      return 1
    })
    expect(cases).toBe(3_840)
  })

  test('the limit of bytes, for a new entry as large as one to five of them', () => {
    const cases = everyCase((order, pattern) => {
      for (let units = 1; units <= 5; units++) {
        const it = new Case(order, pattern, { maxSizeBytes: bytesFor(5) })
        const { expired } = it
        it.controller.set('new', { units })
        it.write('new', units)
        it.expectEvicted(evictedFrom(it.entries, 5, Infinity), expired)
      }
      return 5
    })
    expect(cases).toBe(19_200)
  })

  test('a new limit of items', () => {
    const cases = everyCase((order, pattern) => {
      for (let maxItems = 1; maxItems <= 5; maxItems++) {
        const it = new Case(order, pattern)
        it.controller.resize({ maxItems })
        it.expectEvicted(evictedFrom(it.entries, Infinity, maxItems), it.expired)
      }
      return 5
    })
    expect(cases).toBe(19_200)
  })

  test('a new limit of bytes', () => {
    const cases = everyCase((order, pattern) => {
      for (let units = 0; units <= 5; units++) {
        const it = new Case(order, pattern)
        it.controller.resize({ maxSizeBytes: bytesFor(units) })
        it.expectEvicted(evictedFrom(it.entries, units, Infinity), it.expired)
      }
      return 6
    })
    expect(cases).toBe(23_040)
  })

  test('evictOldest, once to six times', () => {
    const cases = everyCase((order, pattern) => {
      for (let times = 1; times <= 6; times++) {
        const it = new Case(order, pattern)
        let evictions = 0
        for (let time = 1; time <= times; time++) if (it.controller.evictOldest()) evictions++
        if (evictions !== Math.min(times, 5)) expect(evictions).toBe(Math.min(times, 5))
        const remaining = Math.max(5 - times, 0)
        it.expectEvicted(evictedFrom(it.entries, Infinity, remaining), it.expired)
      }
      return 6
    })
    expect(cases).toBe(23_040)
  })

  test('a larger value under any of the keys', () => {
    const cases = everyCase((order, pattern) => {
      for (const key of KEYS) {
        for (const units of [2, 5]) {
          const it = new Case(order, pattern, { maxSizeBytes: bytesFor(5) })
          const { expired } = it
          it.controller.set(key, { units })
          it.write(key, units)
          const replaced = expired.includes(key) ? undefined : key
          it.expectEvicted(evictedFrom(it.entries, 5, Infinity), expired, replaced)
        }
      }
      return 10
    })
    expect(cases).toBe(38_400)
  })

  test('a promise under any of the keys that fulfils with more than there is room for', async () => {
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
    const it = new Case(order, pattern, { maxSizeBytes: bytesFor(5) })
    const { expired } = it
    // Stored without a use, so that it keeps its place: each key after it is used once more.
    let fulfil: (value: Value) => void = () => {}
    const promise = new Promise<Value>((resolve) => {
      fulfil = resolve
    })
    it.controller.set(pendingKey, promise)
    for (const key of order.slice(order.indexOf(pendingKey) + 1)) {
      if (!expired.includes(key)) it.controller.get(key)
    }
    fulfil({ units })
    await promise
    const grown = it.entries.map((entry) =>
      entry.key === pendingKey ? { ...entry, units } : entry,
    )
    it.expectEvicted(evictedFrom(grown, 5, Infinity), expired, pendingKey)
  }
})
