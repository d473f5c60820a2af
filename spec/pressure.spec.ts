import { type CacheOptions, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { cacheWith, type Values } from './support/cache.ts'
import { EMPTY_BYTES } from './support/charges.ts'
import { deferred, nextTurn } from './support/promises.ts'
import { GUARD, installGuard, MIB, simulatedProcess, type TestGauge } from './support/test-gauge.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** What each entry of these specs is charged, nearly. */
const ENTRY = 16_384

const guardedCache = (options: CacheOptions = {}) => {
  const made = cacheWith({ sizeOf: () => ENTRY - 70, ...options })
  return { ...made, most: () => made.controller.effectiveMaxSizeBytes as number }
}

let written = 0

/** Writes so many bytes of new entries. */
function write(cache: Values, bytes: number, prefix = 'key'): void {
  for (let left = bytes; left > 0; left -= ENTRY) cache[`${prefix}-${written++}`] = true
}

/** The next look cuts a cache of 24 MiB. */
function makeMemoryShort(gauge: TestGauge): void {
  gauge.live = 34 * MIB
  gauge.garbage = 6 * MIB
}

/** Has the guard look, as the first writes of any cache do. */
function look(): void {
  write(guardedCache({ maxSizeBytes: '1M' }).cache, 6 * ENTRY)
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
    const { cache } = guardedCache({ sizeOf: () => 500 })
    for (let at = 0; at < 3; at++) cache[at] = true
    expect(gauge.readings).toBe(0)
    for (let at = 3; at < 6; at++) cache[at] = true
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
  const gauge = simulatedProcess({ heapLimit: 4096 * MIB })
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
    expect(pressureEvictions).toBeGreaterThan(60)
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
    expect(controller.stats().evictions).toBeGreaterThan(150)
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
    controller.resize({ maxItems: 30 })
    write(cache, MIB)
    expect(controller.stats().pressureEvictions).toBe(pressureEvictions)
    expect(controller.size).toBe(30)
  })
})

it('an entry that fits the budget that was set, but not the one in force, takes no other entry with it', () => {
  const gauge = simulatedProcess()
  const { cache, controller, most } = guardedCache({
    maxSizeBytes: '16M',
    sizeOf: (value) => (value === 'large' ? 12 * MIB : ENTRY - 70),
  })
  write(cache, 16 * MIB)
  gauge.live = 46 * MIB
  write(cache, 16 * MIB)
  expect(most()).toBeLessThan(12 * MIB)
  const { size } = controller
  cache['a'] = 'large'
  expect(controller.has('a')).toBe(false)
  expect(controller.size).toBe(size)
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
    expect(controller.sizeBytes).toBeGreaterThan(14 * MIB)
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
      look()
      write(cache, 16 * MIB)
      expect(controller.sizeBytes).toBeLessThan(MIB)
      gauge.live = 4 * MIB
      // Twenty times the budget.
      for (let at = 0; at * bytes < 320 * MIB; at++) cache[at] = true
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

  it('the budget in force does not fall as entries are deleted', () => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    gauge.live = 40 * MIB
    write(cache, 24 * MIB)
    const squeezed = most()
    expect(squeezed).toBeGreaterThan(MIB)
    for (const key of controller.keys()) delete cache[key]
    gauge.engineCollects()
    look()
    expect(most()).toBeGreaterThanOrEqual(squeezed)
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
    // Less than it would be worth to collect for.
    expect(most()).toBeLessThan(gauge.heapLimit / 32)
    expect(controller.sizeBytes).toBeLessThan(gauge.heapLimit / 32)
    expect(() => controller.set('a', 1)).not.toThrow()
    expect(controller.stats().refusals).toBe(0)
    expect(gauge.collections).toBeLessThan(150)
  })

  it('does not make the engine collect again and again for a cache that is empty', () => {
    const gauge = simulatedProcess({ live: 63 * MIB })
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 64 * MIB)
    expect(controller.size).toBe(0)
    expect(controller.effectiveMaxSizeBytes).toBeGreaterThanOrEqual(EMPTY_BYTES)
    expect(gauge.collections).toBeLessThan(20)
  })
})

describe('beside a heap that the program itself fills', () => {
  it('a small cache keeps its budget', () => {
    const gauge = simulatedProcess({ live: 54 * MIB })
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '128K', sizeOf: () => 500 })
    for (let at = 0; at < 2_000; at++) cache[at] = true
    expect(most()).toBe(128 * 1024)
    expect(controller.sizeBytes).toBeGreaterThan(120 * 1024)
    expect(gauge.collections).toBeLessThan(5)
  })

  it('a cache that was cut to nothing may hold a little', () => {
    simulatedProcess({ live: 54 * MIB })
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M', sizeOf: () => 1_000 })
    for (let at = 0; at < 4; at++) cache[at] = true
    controller.clear()
    look()
    for (let at = 0; at < 10_000; at++) cache[at] = true
    expect(controller.size).toBeGreaterThan(20)
  })

  it('a large cache keeps about 1/64 of the limit', () => {
    const gauge = simulatedProcess({ live: 54 * MIB })
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M', sizeOf: () => 500 })
    for (let at = 0; at < 400_000; at++) cache[at % 20_000] = true
    expect(controller.sizeBytes).toBeGreaterThan(gauge.heapLimit / 100)
    expect(controller.sizeBytes).toBeLessThan(gauge.heapLimit / 32)
    expect(gauge.collections).toBeLessThan(20)
  })

  it('a cache whose values take far more than is charged is cut all the same', () => {
    const gauge = simulatedProcess({ live: 50 * MIB, factor: 100 })
    const { cache } = guardedCache({ maxSizeBytes: '32M', sizeOf: () => 500 })
    for (let at = 0; at < 100_000; at++) {
      cache[at] = true
      if (at % 1_000 === 0) {
        gauge.engineCollects()
        gauge.turn()
      }
    }
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
  })
})

it('the budget in force is never less than an empty cache takes', () => {
  const gauge = simulatedProcess()
  const { cache, controller, most } = guardedCache({ maxSizeBytes: '32M', sizeOf: () => 500 })
  for (let at = 0; at < 100; at++) cache['same'] = at
  gauge.live = 63 * MIB
  gauge.garbage = 2 * MIB
  look()
  expect(controller.size).toBe(0)
  expect(most()).toBe(EMPTY_BYTES)
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
    look()
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
    makeMemoryShort(gauge)
    look()
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
    makeMemoryShort(gauge)
    look()
    expect(empty.controller.stats().pressureEvictions).toBe(0)
    expect(closed.controller.sizeBytes).toBeLessThan(19 * MIB)
    expect(closed.controller.stats().pressureEvictions).toBeGreaterThan(0)
  })

  it('a cache that is made while others are cut keeps what it is given', () => {
    const gauge = simulatedProcess()
    const old = guardedCache({ maxSizeBytes: '32M' })
    write(old.cache, 24 * MIB)
    makeMemoryShort(gauge)
    makeSlicesShort()
    look()
    const young = guardedCache({ maxSizeBytes: '32M' })
    write(young.cache, 8 * ENTRY)
    const { size } = old.controller
    expect(young.controller.size).toBe(8)
    vi.advanceTimersByTime(2_000)
    expect(old.controller.size).toBeLessThan(size)
    expect(young.controller.size).toBe(8)
    expect(young.most()).toBe(32 * MIB)
    gauge.live = 4 * MIB
    look()
    expect(old.most()).toBeLessThan(32 * MIB)
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

describe('a budget that changes while memory is short', () => {
  /** A cache of 16 MiB that was cut to less than 12. */
  const squeezedCache = () => {
    const gauge = simulatedProcess()
    const made = guardedCache({ maxSizeBytes: '16M' })
    write(made.cache, 16 * MIB)
    gauge.live = 46 * MIB
    write(made.cache, 16 * MIB)
    expect(made.most()).toBeLessThan(12 * MIB)
    expect(made.most()).toBeGreaterThan(MIB)
    return { gauge, ...made }
  }

  it('upwards leaves the budget in force as it is', () => {
    const { controller, most } = squeezedCache()
    const before = most()
    controller.resize({ maxSizeBytes: '64M' })
    expect(most()).toBe(before)
    expect(controller.maxSizeBytes).toBe(64 * MIB)
  })

  it('upwards counts once memory comes back', () => {
    const { gauge, cache, controller, most } = squeezedCache()
    controller.resize({ maxSizeBytes: '24M' })
    gauge.live = 4 * MIB
    write(cache, 96 * MIB)
    expect(most()).toBe(24 * MIB)
    expect(controller.sizeBytes).toBeGreaterThan(23 * MIB)
  })

  it('downwards holds at once, for good', () => {
    const { gauge, cache, controller, most } = squeezedCache()
    const { pressureEvictions } = controller.stats()
    controller.resize({ maxSizeBytes: '512K' })
    expect(most()).toBe(512 * 1024)
    expect(controller.sizeBytes).toBeLessThanOrEqual(512 * 1024)
    expect(controller.stats().pressureEvictions).toBe(pressureEvictions)
    gauge.live = 4 * MIB
    write(cache, 16 * MIB)
    expect(most()).toBe(512 * 1024)
  })

  it('down and up again leaves the budget in force no larger than memory allows', () => {
    const { gauge, cache, controller, most } = squeezedCache()
    const before = most()
    controller.resize({ maxSizeBytes: '512K' })
    write(cache, MIB)
    controller.resize({ maxSizeBytes: null })
    expect(most()).toBe(before)
    write(cache, 64 * MIB)
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
  })

  it('down and up again leaves the whole budget once memory has come back', () => {
    const { gauge, cache, controller, most } = squeezedCache()
    controller.resize({ maxSizeBytes: '512K' })
    gauge.live = 4 * MIB
    gauge.engineCollects()
    write(cache, 2 * MIB)
    controller.resize({ maxSizeBytes: '16M' })
    expect(most()).toBe(16 * MIB)
  })

  it.each(['512K', '64M'])(
    'to %s in the middle of a cut leaves a cache in order',
    (maxSizeBytes) => {
      const gauge = simulatedProcess()
      const { cache, controller, most } = guardedCache({ maxSizeBytes: '32M' })
      write(cache, 24 * MIB)
      gauge.live = 34 * MIB
      gauge.garbage = 6 * MIB
      makeSlicesShort()
      vi.advanceTimersByTime(10)
      while (controller.stats().pressureEvictions === 0) write(cache, ENTRY)
      controller.resize({ maxSizeBytes })
      expect(controller.sizeBytes).toBeLessThanOrEqual(most())
      vi.advanceTimersByTime(60_000)
      expect(controller.sizeBytes).toBeLessThanOrEqual(most())
      expect(most()).toBeLessThan(24 * MIB)
    },
  )
})

describe('a cut', () => {
  it('of many entries takes several slices, between which the program goes on', () => {
    const gauge = simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    makeSlicesShort()
    look()
    const sizes = [controller.size]
    for (let slice = 0; slice < 100; slice++) {
      vi.advanceTimersByTime(5)
      sizes.push(controller.size)
    }
    const removed = sizes.slice(1).map((size, at) => (sizes[at] as number) - size)
    expect(Math.max(...removed)).toBeLessThan(32)
    expect(removed.filter(Boolean).length).toBeGreaterThan(3)
  })

  it('holds from its first slice on, so that writes do not take what it has freed', () => {
    const gauge = simulatedProcess()
    const { cache, most } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    makeSlicesShort()
    look()
    expect(most()).toBeLessThan(24 * MIB)
  })

  it('tells the hook of each entry soon, and not only at its end', () => {
    const gauge = simulatedProcess()
    const sizes: number[] = []
    const { cache, controller } = guardedCache({
      maxSizeBytes: '32M',
      onDelete: () => sizes.push(controller.size),
    })
    write(cache, 24 * MIB)
    const before = controller.size
    makeMemoryShort(gauge)
    look()
    expect(sizes[0]).toBeGreaterThan(before - 64)
    expect(controller.size).toBeLessThan(before - 128)
  })

  it('of two caches in slices takes its share of each, and no more', () => {
    const gauge = simulatedProcess()
    const caches = [1, 2].map(() => guardedCache({ maxSizeBytes: '32M' }))
    for (const { cache } of caches) write(cache, 12 * MIB)
    makeMemoryShort(gauge)
    makeSlicesShort()
    look()
    vi.advanceTimersByTime(5_000)
    const [first, second] = caches.map(({ controller }) => controller.sizeBytes / (12 * MIB))
    expect(first).toBeLessThan(0.95)
    expect(first).toBeGreaterThan(0.49)
    expect(second).toBeCloseTo(first as number, 2)
  })

  it('goes on with each write, so that a synchronous program is cut in time', () => {
    const gauge = simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    makeSlicesShort()
    write(cache, 2 * MIB)
    const { pressureEvictions } = controller.stats()
    expect(pressureEvictions).toBeGreaterThan(60)
  })

  it('takes what has expired first, as expired', () => {
    const gauge = simulatedProcess()
    const { cache, controller, clock, removals } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 12 * MIB)
    for (let at = 0; at < 64; at++) controller.set(`short-${at}`, at, { ttl: 1 })
    write(cache, 11 * MIB)
    clock.advance(2_000)
    makeMemoryShort(gauge)
    look()
    const reasons = removals().map((removal) => removal.split(' ')[1])
    expect(reasons.slice(0, 64)).toEqual(Array(64).fill('expired'))
    expect(new Set(reasons.slice(64))).toEqual(new Set(['evicted']))
    const { expirations, evictions, pressureEvictions } = controller.stats()
    expect(expirations).toBe(64)
    expect(pressureEvictions).toBe(evictions)
    expect(pressureEvictions).toBeGreaterThan(30)
  })

  it('takes no live entry if enough has expired', () => {
    const gauge = simulatedProcess()
    const { cache, controller, clock } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 4 * MIB)
    controller.defaultTtl = '1s'
    write(cache, 20 * MIB)
    clock.advance(2_000)
    makeMemoryShort(gauge)
    look()
    expect(controller.stats().pressureEvictions).toBe(0)
    expect(controller.size).toBe((4 * MIB) / ENTRY)
  })

  it('goes on although the hook throws, and onError gets each error', () => {
    const gauge = simulatedProcess()
    const onError = vi.fn()
    const { cache, controller } = guardedCache({
      maxSizeBytes: '32M',
      onDelete: () => {
        throw new Error('the hook failed')
      },
      onError,
    })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    look()
    const { pressureEvictions } = controller.stats()
    expect(pressureEvictions).toBeGreaterThan(60)
    expect(onError).toHaveBeenCalledTimes(pressureEvictions)
    expect(onError.mock.calls[0]?.[1]).toMatchObject({ source: 'onDelete' })
  })

  it('ends although the hook writes another entry for each', () => {
    const gauge = simulatedProcess()
    let left = 20_000
    const { cache, controller, most } = guardedCache({
      maxSizeBytes: '32M',
      onDelete: () => {
        if (--left > 0) write(cache, ENTRY, 'again')
      },
    })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    look()
    vi.advanceTimersByTime(60_000)
    expect(left).toBeLessThan(20_000 - 60)
    expect(controller.sizeBytes).toBeLessThanOrEqual(most())
    expect(most()).toBeLessThan(24 * MIB)
  })

  it('ends if the hook clears the cache', () => {
    const gauge = simulatedProcess()
    const { cache, controller } = guardedCache({
      maxSizeBytes: '32M',
      onDelete: (_key, _value, reason) => {
        if (reason === 'evicted') controller.clear()
      },
    })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    look()
    vi.advanceTimersByTime(1_000)
    expect(controller.stats().clears).toBeGreaterThan(1_000)
    write(cache, MIB)
    expect(controller.size).toBeGreaterThan(0)
  })

  it.each(['1M', '64M'])('ends if the hook resizes the cache to %s', (maxSizeBytes) => {
    const gauge = simulatedProcess()
    const { cache, controller, most } = guardedCache({
      maxSizeBytes: '32M',
      onDelete: () => {
        controller.resize({ maxSizeBytes })
      },
    })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    look()
    vi.advanceTimersByTime(1_000)
    expect(controller.sizeBytes).toBeLessThanOrEqual(most())
    expect(most()).toBeLessThan(24 * MIB)
  })

  it('ends if the hook writes to another cache', () => {
    const gauge = simulatedProcess()
    const second = guardedCache({ maxSizeBytes: '32M' })
    const { cache, controller } = guardedCache({
      maxSizeBytes: '32M',
      onDelete: (key, value) => {
        second.cache[key] = value
      },
    })
    write(cache, 24 * MIB)
    for (let at = 0; at < 20; at++) {
      makeMemoryShort(gauge)
      write(cache, MIB)
    }
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
    expect(second.controller.stats().pressureEvictions).toBeGreaterThan(0)
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
  })

  it('leaves a pending load alone', async () => {
    const gauge = simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    const load = deferred<string>()
    const loaded = controller.getOrSet('load', () => load.promise)
    makeMemoryShort(gauge)
    write(cache, MIB)
    load.resolve('loaded')
    expect(await loaded).toBe('loaded')
    expect(controller.peek('load')).toBe('loaded')
  })
})

describe('limits that change while the process runs', () => {
  it('a heap limit that falls makes the cache smaller, and one that rises gives it all back', () => {
    const gauge = simulatedProcess()
    const { cache, most } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 32 * MIB)
    gauge.heapLimit = 32 * MIB
    look()
    expect(most()).toBeLessThan(28 * MIB)
    gauge.heapLimit = 128 * MIB
    write(cache, 160 * MIB)
    expect(most()).toBe(32 * MIB)
  })

  it('a container that is resized makes the cache smaller, and later larger', () => {
    const gauge = simulatedProcess({ heapLimit: 1024 * MIB })
    const { cache, most } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 32 * MIB)
    gauge.containerLimit = 32 * MIB
    look()
    expect(most()).toBeLessThan(28 * MIB)
    gauge.containerLimit = 128 * MIB
    write(cache, 160 * MIB)
    expect(most()).toBe(32 * MIB)
  })
})

describe('a gauge that fails', () => {
  it('leaves the cache as it is without a guard', () => {
    const gauge = simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: '16M' })
    for (const method of ['read', 'collect'] as const) {
      vi.spyOn(gauge, method).mockImplementation(() => {
        throw new Error('no reading')
      })
    }
    write(cache, 32 * MIB)
    expect(controller.sizeBytes).toBeGreaterThan(15 * MIB)
    expect(controller.stats().pressureEvictions).toBe(0)
  })

  it('for a while leaves the guard as it was', () => {
    const gauge = simulatedProcess({ factor: 3 })
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    const read = vi.spyOn(gauge, 'read').mockImplementation(() => {
      throw new Error('no reading')
    })
    write(cache, 4 * MIB)
    expect(read).toHaveBeenCalled()
    read.mockRestore()
    write(cache, 64 * MIB)
    expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
  })

  it('and once says that an infinite number of bytes is allocated, looks no more often later', () => {
    const gauge = simulatedProcess()
    const { cache } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, MIB)
    const { read } = gauge
    vi.spyOn(gauge, 'read').mockImplementationOnce(() => ({
      ...read.call(gauge),
      allocated: Number.POSITIVE_INFINITY,
    }))
    write(cache, 16 * MIB)
    const { readings } = gauge
    write(cache, 16 * MIB)
    expect(gauge.readings - readings).toBeLessThan(50)
  })

  const USED = ['old', 'young', 'oldPages', 'allocated', 'resident'] as const
  const LIMITS = ['heapLimit', 'containerLimit'] as const

  it.each(
    [...USED, ...LIMITS].flatMap((field) =>
      [Number.NaN, -1, 0, 2 ** 63, Number.POSITIVE_INFINITY].map(
        (bytes) => [field, bytes] as const,
      ),
    ),
  )('and says that %s is %s breaks no write, and looks stay rare', (field, bytes) => {
    const gauge = simulatedProcess()
    const { read } = gauge
    vi.spyOn(gauge, 'read').mockImplementation(() => ({ ...read.call(gauge), [field]: bytes }))
    const { cache, controller } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, 32 * MIB)
    expect(controller.stats().writes).toBe((32 * MIB) / ENTRY)
    expect(controller.stats().refusals).toBe(0)
    expect(gauge.readings).toBeLessThan(200)
    expect(gauge.collections).toBeLessThan(50)
    const isLimit = field.endsWith('Limit')
    if (isLimit || bytes <= 0 || Number.isNaN(bytes)) {
      expect(controller.sizeBytes).toBeGreaterThan(15 * MIB)
    }
  })
})

describe('statistics', () => {
  it('count pressure evictions until they are reset, and leave the budget in force', () => {
    simulatedProcess({ factor: 3 })
    const { cache, controller, most } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 64 * MIB)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
    controller.clear()
    const before = most()
    controller.resetStats()
    expect(controller.stats()).toMatchObject({ evictions: 0, pressureEvictions: 0 })
    expect(most()).toBe(before)
    write(cache, 64 * MIB)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
  })
})

describe('with fake timers', () => {
  it.each(['runAllTimers', 'runAllTimersAsync'] as const)(
    '%s ends while memory is short',
    async (run) => {
      const gauge = simulatedProcess()
      const { cache, controller } = guardedCache({
        maxSizeBytes: '32M',
        defaultTtl: '1h',
        now: undefined,
      })
      write(cache, 24 * MIB)
      gauge.live = 60 * MIB
      write(cache, MIB)
      await vi[run]()
      expect(vi.getTimerCount()).toBe(0)
      expect(controller.size).toBe(0)
    },
  )

  it('runAllTimers ends in the middle of a cut', () => {
    const gauge = simulatedProcess()
    const { cache, controller } = guardedCache({ maxSizeBytes: '32M' })
    write(cache, 24 * MIB)
    makeMemoryShort(gauge)
    makeSlicesShort()
    while (controller.stats().pressureEvictions === 0) write(cache, ENTRY)
    const { pressureEvictions } = controller.stats()
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(pressureEvictions)
  })
})

describe('the guard of a process', () => {
  it.runIf(globalThis.gc)('lets go of a cache that the program has dropped', async () => {
    vi.useRealTimers()
    const gauge = simulatedProcess()
    const dropped = (() => {
      const cache = new FaaSCacheDict<Values>({ sizeOf: () => ENTRY })
      write(cache, MIB)
      return new WeakRef(cache)
    })()
    expect(gauge.caches).toHaveLength(1)
    for (let pass = 0; pass < 200 && dropped.deref() !== undefined; pass++) {
      await nextTurn()
      globalThis.gc?.()
    }
    expect(dropped.deref()).toBeUndefined()
    expect(gauge.caches[0]?.deref()).toBeUndefined()
    gauge.live = 60 * MIB
    const { cache, controller } = guardedCache({ maxSizeBytes: '16M' })
    write(cache, 8 * MIB)
    expect(controller.stats().pressureEvictions).toBeGreaterThan(0)
  })

  it('is one for several copies of the package', async () => {
    const gauge = simulatedProcess()
    vi.resetModules()
    const copy = await import('faas-cache-dict')
    expect(copy.FaaSCacheDict).not.toBe(FaaSCacheDict)
    const theirs = new copy.FaaSCacheDict<Values>({ sizeOf: () => ENTRY, maxSizeBytes: '16M' })
    const ours = guardedCache({ maxSizeBytes: '16M' })
    write(theirs, 12 * MIB)
    write(ours.cache, 12 * MIB)
    expect(gauge.caches).toHaveLength(2)
    makeMemoryShort(gauge)
    look()
    expect(copy.controllerOf(theirs).stats().pressureEvictions).toBeGreaterThan(0)
    expect(ours.controller.stats().pressureEvictions).toBeGreaterThan(0)
  })
})

it('a cache that is written at once while it is made is guarded', () => {
  const gauge = simulatedProcess({ factor: 4 })
  const entries = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [at, at]))
  const cache = new FaaSCacheDict({ sizeOf: () => ENTRY, maxSizeBytes: '64M' }, entries)
  expect(gauge.mostAlive).toBeLessThan(gauge.heapLimit)
  expect(Object.keys(cache).length).toBeLessThan(1_000)
})

// On Bun there is no guard at any time.
it.runIf(!('Bun' in globalThis))(
  'a young process has no guard before it has allocated some megabytes',
  async () => {
    onTestFinished(installGuard(undefined))
    vi.resetModules()
    const { FaaSCacheDict } = await import('faas-cache-dict')
    const guard = () => (globalThis as { [GUARD]?: unknown })[GUARD]
    let heapUsed = 1
    vi.spyOn(process, 'memoryUsage').mockImplementation(
      () => ({ heapUsed, external: 0 }) as NodeJS.MemoryUsage,
    )
    const cache: Values = new FaaSCacheDict({ sizeOf: () => 900, maxSizeBytes: '1M' })
    for (let at = 0; at < 20; at++) cache[at] = true
    expect(guard()).toBeUndefined()
    for (let at = 0; at < 100 && guard() === undefined; at++) {
      cache[at] = true
      heapUsed += MIB / 8
    }
    expect(guard()).toBeDefined()
    // It has looked the sooner for what each byte written takes.
    expect(heapUsed).toBeLessThan(4 * MIB)
  },
)
