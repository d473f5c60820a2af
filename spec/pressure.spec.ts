import { type CacheOptions, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheWith, type Values } from './support/cache.ts'
import { EMPTY_BYTES } from './support/charges.ts'
import { MIB, simulatedProcess } from './support/test-gauge.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** What each entry of these specs is charged, nearly. */
const ENTRY = 4_096

const guardedCache = (options: CacheOptions = {}) => {
  const made = cacheWith({ sizeOf: () => ENTRY - 60, ...options })
  return { ...made, most: () => made.controller.effectiveMaxSizeBytes as number }
}

let written = 0

/** Writes so many bytes of new entries. */
function write(cache: Values, bytes: number, prefix = 'key'): void {
  for (let left = bytes; left > 0; left -= ENTRY) cache[`${prefix}-${written++}`] = true
}

/** From here on, a slice is over after a few steps. */
function makeSlicesShort(): void {
  let time = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => (time += 0.1))
}

describe('with memory to spare', () => {
  it('a cache fills its budget, and the engine is left alone', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, 40 * MIB)
    expect(controller.sizeBytes).toBeGreaterThan(15 * MIB)
    expect(most()).toBe(16 * MIB)
    expect(controller.stats().pressureEvictions).toBe(0)
    expect(gauge.collections).toBe(0)
  })

  it('a cache without a budget has no limit', () => {
    simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: null })
    write(cache, 16 * MIB)
    expect(controller.effectiveMaxSizeBytes).toBeNull()
  })

  it('the process is looked at once some kilobytes are written', () => {
    const gauge = simulatedProcess()
    const { cache } = guardedCache()
    write(cache, 2 * ENTRY)
    expect(gauge.readings).toBe(0)
    write(cache, 4 * ENTRY)
    expect(gauge.readings).toBe(1)
  })

  it('looks become rare', () => {
    const gauge = simulatedProcess()
    const { cache } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, 64 * MIB)
    expect(gauge.readings).toBeLessThan(100)
  })
})

it('a look does not go through all caches while there is memory to spare', () => {
  const gauge = simulatedProcess()
  for (let at = 0; at < 1_000; at++) write(guardedCache().cache, 6 * ENTRY)
  expect(gauge.readings).toBeGreaterThanOrEqual(1_000)
  expect(gauge.visits).toBeLessThan(100_000)
})

describe('garbage', () => {
  it('makes the engine collect, and the cache loses nothing', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '16M' })
    for (let request = 0; request < 100; request++) {
      gauge.garbage += 10 * MIB
      write(cache, 64 * 1024)
    }
    expect(gauge.collections).toBeGreaterThan(0)
    expect(gauge.collections).toBeLessThan(50)
    expect(most()).toBe(16 * MIB)
    expect(controller.stats().evictions).toBe(0)
  })

  it('of 64 MB in a container makes the engine collect, and the cache loses nothing', () => {
    const gauge = simulatedProcess({ heapLimit: 1024 * MIB, containerLimit: 128 * MIB })
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '32M' })
    for (let request = 0; request < 100; request++) {
      gauge.garbage += 4 * MIB
      write(cache, 64 * 1024)
    }
    expect(gauge.mostResident).toBeLessThan(128 * MIB)
    expect(most()).toBe(32 * MIB)
    expect(controller.stats().evictions).toBe(0)
  })

  it('that comes while nothing is written is found by the sweep', () => {
    const gauge = simulatedProcess()
    const { cache } = guardedCache({ maxSizeBytes: '16M', defaultTtl: '1h' })
    write(cache, 8 * MIB)
    gauge.garbage += 60 * MIB
    vi.advanceTimersByTime(6_000)
    expect(gauge.collections).toBe(1)
    expect(gauge.garbage).toBe(0)
  })
})

describe('when the heap fills up', () => {
  it('the cache evicts the least recently used entries, and the process lives', () => {
    const gauge = simulatedProcess({ factor: 3 })
    const { cache, controller, keys, removed, most } = guardedCache({ maxSizeBytes: '32M' })
    cache['kept'] = true
    for (let turn = 0; turn < 400; turn++) {
      expect(cache['kept']).toBe(true)
      write(cache, 64 * 1024)
    }
    const { evictions, pressureEvictions } = controller.stats()
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
    expect(most()).toBeLessThan(22 * MIB)
    expect(controller.sizeBytes).toBeLessThanOrEqual(most())
    expect(controller.maxSizeBytes).toBe(32 * MIB)
    expect(pressureEvictions).toBeGreaterThan(1_000)
    expect(pressureEvictions).toBe(evictions)
    const numbers = removed().map(([key]) => Number((key as string).slice(4)))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(removed().map(([, , reason]) => reason))).toEqual(new Set(['evicted']))
    expect(keys().at(-1)).toBe(`key-${written - 1}`)
  })

  it('a cache keeps most of what fits', () => {
    const gauge = simulatedProcess({ factor: 3 })
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 200 * MIB)
    expect(gauge.factor * controller.sizeBytes + gauge.live).toBeGreaterThan(0.5 * gauge.heapLimit)
  })

  it('a cache without a budget is cut, and its limit is a number then', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: null })
    write(cache, 200 * MIB)
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
    expect(most()).toBeLessThan(gauge.heapLimit)
    expect(controller.maxSizeBytes).toBeNull()
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
  })

  it('a cache in a container is cut before the container ends the process', () => {
    const gauge = simulatedProcess({
      heapLimit: 1024 * MIB,
      containerLimit: 128 * MIB,
      outside: 40 * MIB,
      factor: 2,
    })
    const { cache, controller } = guardedCache({ maxSizeBytes: '64M' })
    write(cache, 400 * MIB)
    expect(gauge.mostResident).toBeLessThan(128 * MIB)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
    expect(controller.sizeBytes).toBeGreaterThan(8 * MIB)
  })

  it('evictions within the budget that was set are no pressure evictions', () => {
    simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: '1M' })
    write(cache, 4 * MIB)
    expect(controller.stats().evictions).toBeGreaterThan(700)
    expect(controller.stats().pressureEvictions).toBe(0)
  })

  it('evictions for maxItems are no pressure evictions, even while memory is short', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, 16 * MIB)
    gauge.live = 50 * MIB
    write(cache, 16 * MIB)
    expect(most()).toBeLessThan(16 * MIB)
    const { pressureEvictions } = controller.stats()
    controller.resize({ maxItems: 100 })
    write(cache, MIB)
    expect(controller.stats().pressureEvictions).toBe(pressureEvictions)
    expect(controller.size).toBe(100)
  })
})

describe('when memory comes back', () => {
  it('the cache grows up to the budget that was set, and never above', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, 16 * MIB)
    gauge.live = 50 * MIB
    write(cache, 16 * MIB)
    const squeezed = most()
    expect(squeezed).toBeLessThan(10 * MIB)
    gauge.live = 4 * MIB
    let before = squeezed
    for (let step = 0; step < 256; step++) {
      write(cache, 256 * 1024)
      expect(most()).toBeGreaterThanOrEqual(before)
      expect(most()).toBeLessThanOrEqual(16 * MIB)
      before = most()
    }
    expect(most()).toBe(16 * MIB)
    expect(controller.sizeBytes).toBeGreaterThan(15 * MIB)
    const { pressureEvictions } = controller.stats()
    write(cache, 16 * MIB)
    expect(controller.stats().pressureEvictions).toBe(pressureEvictions)
  })

  it('a cache without a budget may hold any size again', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: null })
    write(cache, 16 * MIB)
    gauge.live = 40 * MIB
    write(cache, 16 * MIB)
    expect(most()).toBeLessThan(16 * MIB)
    gauge.live = 4 * MIB
    gauge.heapLimit = 256 * MIB
    write(cache, 256 * MIB)
    expect(controller.sizeBytes).toBeGreaterThan(64 * MIB)
  })

  it.each([1_000, 10_000, 1_000_000])(
    'a cache that was down to nothing grows again, also with entries of %s bytes',
    (bytes) => {
      const gauge = simulatedProcess()
      const { cache, controller } = guardedCache({ maxSizeBytes: '16M', sizeOf: () => bytes })
      write(cache, 16 * MIB)
      gauge.live = 64 * MIB
      write(cache, 16 * MIB)
      expect(controller.size).toBe(0)
      gauge.live = 4 * MIB
      // Ten times the budget.
      for (let at = 0; at * bytes < 160 * MIB; at++) cache[at] = true
      expect(controller.sizeBytes).toBeGreaterThan(14 * MIB)
    },
  )

  it('a cache that a spike has cut is whole again after it', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '24M' })
    for (let spike = 0; spike < 5; spike++) {
      gauge.live = 4 * MIB
      write(cache, 96 * MIB)
      expect(most()).toBe(24 * MIB)
      gauge.live = 40 * MIB
      write(cache, 24 * MIB)
      expect(most()).toBeLessThan(16 * MIB)
    }
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
  })

  it('the cache grows although nothing else is written than it holds', () => {
    const gauge = simulatedProcess()
    const { cache, most } = guardedCache({ maxSizeBytes: '16M', defaultTtl: '1d' })
    write(cache, 16 * MIB)
    gauge.live = 50 * MIB
    write(cache, 16 * MIB)
    const squeezed = most()
    gauge.live = 4 * MIB
    gauge.engineCollects()
    vi.advanceTimersByTime(60_000)
    expect(most()).toBeGreaterThan(squeezed)
  })
})

describe('a leak elsewhere', () => {
  it('takes all memory from the cache, whose writes still work', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    while (gauge.live < gauge.heapLimit) {
      gauge.live += 64 * 1024
      gauge.garbage += 16 * 1024
      write(cache, 16 * 1024)
    }
    expect(gauge.mostAlive).toBeLessThan(1.01 * gauge.heapLimit)
    expect(most()).toBeLessThan(EMPTY_BYTES + 8 * ENTRY)
    expect(controller.size).toBeLessThan(8)
    expect(() => controller.set('a', 1)).not.toThrow()
    expect(controller.stats().refusals).toBe(0)
    expect(gauge.collections).toBeLessThan(150)
  })

  it('does not make the engine collect again and again for a cache that is empty', () => {
    const gauge = simulatedProcess({ live: 63 * MIB })
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 64 * MIB)
    expect(controller.size).toBe(0)
    expect(gauge.collections).toBeLessThan(20)
  })
})

describe('several caches', () => {
  it('of the same size are cut by the same share', () => {
    const gauge = simulatedProcess()
    const first = guardedCache({ maxSizeBytes: '16M' })
    const second = guardedCache({ maxSizeBytes: '16M' })
    write(first.cache, 12 * MIB)
    write(second.cache, 12 * MIB)
    gauge.live = 32 * MIB
    gauge.garbage = 6 * MIB
    vi.advanceTimersByTime(5_001)
    const third = guardedCache({ maxSizeBytes: '1M' })
    write(third.cache, 64 * 1024)
    expect(first.controller.sizeBytes).toBeLessThan(11 * MIB)
    expect(second.controller.sizeBytes / first.controller.sizeBytes).toBeCloseTo(1, 2)
  })

  it('of different sizes are cut by the same share', () => {
    const gauge = simulatedProcess()
    const large = guardedCache({ maxSizeBytes: '32M' })
    const small = guardedCache({ maxSizeBytes: '32M' })
    write(large.cache, 20 * MIB)
    write(small.cache, 2 * MIB)
    const before = [large.controller.sizeBytes, small.controller.sizeBytes] as const
    gauge.live = 34 * MIB
    gauge.garbage = 6 * MIB
    const third = guardedCache({ maxSizeBytes: '1M' })
    write(third.cache, 64 * 1024)
    const shareOfLarge = large.controller.sizeBytes / before[0]
    const shareOfSmall = small.controller.sizeBytes / before[1]
    expect(shareOfLarge).toBeLessThan(0.95)
    expect(shareOfSmall).toBeCloseTo(shareOfLarge, 2)
  })

  it('include one that is empty, and one that was closed', () => {
    const gauge = simulatedProcess()
    const empty = guardedCache({ maxSizeBytes: '32M' })
    write(empty.cache, MIB)
    empty.controller.clear()
    const closed = guardedCache({ maxSizeBytes: '32M' })
    write(closed.cache, 20 * MIB)
    closed.controller.close()
    gauge.live = 34 * MIB
    gauge.garbage = 6 * MIB
    write(empty.cache, MIB)
    expect(closed.controller.sizeBytes).toBeLessThan(19 * MIB)
    expect(closed.controller.stats().pressureEvictions).toBeGreaterThan(0)
  })

  it('a cache that is made while others are cut keeps what it is given', () => {
    const gauge = simulatedProcess()
    const old = guardedCache({ maxSizeBytes: '32M' })
    write(old.cache, 24 * MIB)
    gauge.live = 34 * MIB
    gauge.garbage = 6 * MIB
    makeSlicesShort()
    write(old.cache, MIB)
    const young = guardedCache({ maxSizeBytes: '32M' })
    write(young.cache, 8 * ENTRY)
    const { size } = old.controller
    expect(young.controller.size).toBe(8)
    vi.advanceTimersByTime(2_000)
    expect(old.controller.size).toBeLessThan(size)
    expect(young.controller.size).toBe(8)
    expect(young.most()).toBe(32 * MIB)
  })
})

describe('memoryGuard: false', () => {
  it('leaves the cache alone, and the process is not looked at for it', () => {
    const gauge = simulatedProcess({ live: 60 * MIB })
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '16M', memoryGuard: false })
    write(cache, 40 * MIB)
    vi.advanceTimersByTime(60_000)
    expect(controller.sizeBytes).toBeGreaterThan(15 * MIB)
    expect(most()).toBe(16 * MIB)
    expect(controller.stats().pressureEvictions).toBe(0)
    expect(gauge.readings).toBe(0)
  })

  it('leaves the cache alone while others are cut', () => {
    const gauge = simulatedProcess()
    const alone = guardedCache({ maxSizeBytes: '16M', memoryGuard: false })
    const guarded = guardedCache({ maxSizeBytes: '16M' })
    write(alone.cache, 12 * MIB)
    write(guarded.cache, 12 * MIB)
    // The gauge counts what guarded caches hold.
    gauge.live = 12 * MIB + 36 * MIB
    write(guarded.cache, 8 * MIB)
    expect(guarded.controller.stats().pressureEvictions).toBeGreaterThan(0)
    expect(alone.controller.stats().evictions).toBe(0)
    expect(alone.most()).toBe(16 * MIB)
  })
})

it('a cache that is written at once while it is made is guarded', () => {
  const gauge = simulatedProcess({ factor: 4 })
  const entries = Object.fromEntries(Array.from({ length: 8_000 }, (_, at) => [at, at]))
  const cache = new FaaSCacheDict({ sizeOf: () => ENTRY, maxSizeBytes: '64M' }, entries)
  expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
  expect(Object.keys(cache).length).toBeLessThan(4_000)
})
