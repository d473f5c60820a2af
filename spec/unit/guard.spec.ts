import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Guard, type Guarded, processGuard } from '../../lib/memory/guard.ts'
import { FIRST_LOOK } from '../../lib/memory/pace.ts'
import { inChild } from '../support/child.ts'
import { installGuard, MIB, TestGauge } from '../support/test-gauge.ts'

/** A cache that gives back `perCall` bytes each time that it is asked, until it holds its goal. */
class TestCache implements Guarded {
  heldBytes: number
  nextGrowthBytes = 0
  goal = Number.POSITIVE_INFINITY
  readonly parts: number[] = []
  readonly allowed: number[] = []
  isSqueezed = false
  readonly #perCall: number

  constructor(heldBytes: number, perCall = Number.POSITIVE_INFINITY) {
    this.heldBytes = heldBytes
    this.#perCall = perCall
  }

  keepOnly(part: number): void {
    this.parts.push(part)
    this.goal = part * this.heldBytes
    this.isSqueezed = true
  }

  evict(): boolean {
    this.heldBytes = Math.max(Math.min(this.goal, this.heldBytes), this.heldBytes - this.#perCall)
    return this.heldBytes <= this.goal
  }

  allow(bytes: number): boolean {
    this.allowed.push(bytes)
    return this.isSqueezed
  }

  deref(): Guarded {
    return this
  }
}

function guardOf(gauge: TestGauge, ...caches: TestCache[]): Guard {
  const guard = new Guard(gauge)
  for (const cache of caches) {
    gauge.caches.push(cache)
    guard.join(cache)
  }
  return guard
}

const gaugeWith = (state: Partial<TestGauge>) => Object.assign(new TestGauge(), state)

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('a look', () => {
  it('comes after fewer bytes are written, the less is free', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge, new TestCache(0))
    for (let look = 0; look < 10; look++) guard.look()
    const rooms = [8, 16, 24, 32, 40].map((mebibytes) => {
      gauge.live = mebibytes * MIB
      return guard.count(8 * MIB)
    })
    expect(rooms).toEqual(rooms.toSorted((a, b) => b - a))
    expect(rooms[0]).toBeLessThan(gauge.heapLimit / 8)
    expect(rooms[4]).toBeGreaterThan(0)
  })

  it('comes once for what all caches write', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge, ...Array.from({ length: 100 }, () => new TestCache(0)))
    for (let look = 0; look < 10; look++) guard.look()
    const { readings } = gauge
    const writable = guard.count(0)
    expect(writable).toBeGreaterThan(0)
    for (let cache = 0; cache < 99; cache++) expect(guard.count(writable)).toBe(writable)
    expect(gauge.readings).toBe(readings)
    guard.count(writable)
    expect(gauge.readings).toBe(readings + 1)
  })

  it('comes once for the sweeps of many caches that come together', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge, new TestCache(0))
    for (let sweeps = 0; sweeps < 1_000; sweeps++) guard.lookIfRested()
    expect(gauge.readings).toBe(1)
    vi.advanceTimersByTime(50)
    guard.lookIfRested()
    expect(gauge.readings).toBe(2)
  })

  it('comes at once for a cache that is new', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge, new TestCache(0))
    for (let look = 0; look < 10; look++) guard.look()
    expect(guard.count(0)).toBeGreaterThan(MIB)
    const { readings } = gauge
    vi.advanceTimersByTime(50)
    guard.join(new TestCache(0))
    expect(guard.count(0)).toBe(FIRST_LOOK / 2)
    expect(gauge.readings).toBe(readings + 1)
  })

  it('comes rarely for many caches that are new in one turn', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge)
    for (let caches = 0; caches < 1_000; caches++) {
      guard.join(new TestCache(0))
      guard.count(FIRST_LOOK / 100)
    }
    expect(gauge.readings).toBeLessThan(20)
    expect(gauge.readings).toBeGreaterThan(5)
  })

  it('is not taken while another one is under way', () => {
    const cache = new TestCache(40 * MIB)
    const gauge = gaugeWith({ live: 20 * MIB })
    const guard = guardOf(gauge, cache)
    const inner: number[] = []
    vi.spyOn(cache, 'evict').mockImplementation(() => {
      inner.push(guard.count(MIB))
      return true
    })
    guard.look()
    expect(cache.evict).toHaveBeenCalledTimes(1)
    expect(inner[0]).toBeGreaterThan(0)
    expect(gauge.collections).toBe(1)
  })

  it('is rare where no limit is known', () => {
    const guard = guardOf(gaugeWith({ heapLimit: Number.POSITIVE_INFINITY }), new TestCache(0))
    for (let look = 0; look < 20; look++) guard.look()
    expect(guard.count(0)).toBe(2 ** 30)
  })

  it('never throws, and comes again', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge, new TestCache(0))
    vi.spyOn(gauge, 'read').mockImplementation(() => {
      throw new Error('no reading')
    })
    const room = guard.count(MIB)
    expect(room).toBeGreaterThan(0)
    expect(room).toBeLessThan(4 * MIB)
  })

  it('counts what tables are about to take in a container', () => {
    const cache = new TestCache(MIB)
    const limits = { heapLimit: 1024 * MIB, containerLimit: 64 * MIB }
    const gauge = gaugeWith({ ...limits, live: 42 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    expect(gauge.collections).toBe(0)
    cache.nextGrowthBytes = 16 * MIB
    guard.look()
    expect(gauge.collections).toBe(1)
    expect(cache.parts).toHaveLength(1)
  })

  it('counts what tables are about to take', () => {
    const cache = new TestCache(MIB)
    const gauge = gaugeWith({ live: 46 * MIB })
    const guard = guardOf(gauge, cache)
    gauge.garbage = 4 * MIB
    guard.look()
    expect(gauge.collections).toBe(0)
    cache.nextGrowthBytes = 16 * MIB
    gauge.garbage = 7 * MIB
    guard.look()
    expect(gauge.collections).toBe(1)
    expect(cache.parts).toHaveLength(1)
  })
})

it('where caches hold nothing, leaves a full heap to the engine, but not a full container', () => {
  const heap = gaugeWith({ live: 40 * MIB, garbage: 20 * MIB })
  guardOf(heap, new TestCache(0)).look()
  expect(heap.collections).toBe(0)
  const limits = { heapLimit: 1024 * MIB, containerLimit: 64 * MIB }
  const container = gaugeWith({ ...limits, live: 40 * MIB, garbage: 20 * MIB })
  guardOf(container, new TestCache(0)).look()
  expect(container.collections).toBe(1)
})

it('forgets a cache that is gone once the engine has collected', () => {
  const gauge = gaugeWith({ live: 44 * MIB })
  const guard = new Guard(gauge)
  const deref = vi.fn(() => undefined)
  guard.join({ deref })
  guard.look()
  gauge.engineCollects()
  gauge.turn()
  deref.mockClear()
  guard.look()
  expect(deref).not.toHaveBeenCalled()
})

describe('a cut', () => {
  it('takes the same part of each cache', () => {
    const caches = [new TestCache(30 * MIB), new TestCache(3 * MIB), new TestCache(0)]
    const guard = guardOf(gaugeWith({ live: 20 * MIB, garbage: 4 * MIB }), ...caches)
    guard.look()
    const [first, ...others] = caches.map(({ parts }) => parts)
    expect(first).toHaveLength(1)
    for (const other of others) expect(other).toEqual(first)
  })

  it.each([
    ['less than a quarter if a little is missing', 26, 0.75, 1],
    ['a half, and no more, if much is missing', 60, 0.5, 0.5],
  ])('takes %s', (_what, live, least, most) => {
    const cache = new TestCache(24 * MIB)
    const guard = guardOf(gaugeWith({ live: live * MIB, garbage: 8 * MIB }), cache)
    guard.look()
    expect(cache.parts).toHaveLength(1)
    expect(cache.parts[0]).toBeGreaterThanOrEqual(least)
    expect(cache.parts[0]).toBeLessThanOrEqual(most)
  })

  it('counts pages that are half empty, since the engine ends a process for them too', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 16 * MIB, fragmentation: 1.55, garbage: 2 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    expect(gauge.collections).toBe(1)
    expect(cache.parts).toHaveLength(1)
  })

  it('is followed by another only after another collection', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 60 * MIB, garbage: 8 * MIB })
    const guard = guardOf(gauge, cache)
    for (let cut = 1; cut < 6; cut++) {
      guard.look()
      expect(cache.parts.length).toBeLessThanOrEqual(gauge.collections)
    }
    expect(cache.parts.length).toBeGreaterThan(1)
  })

  it('in slices goes on at each look, which then comes at once, and by a timer', () => {
    const cache = new TestCache(24 * MIB, MIB)
    const gauge = gaugeWith({ live: 60 * MIB, garbage: 8 * MIB })
    const guard = guardOf(gauge, cache)
    expect(guard.count(MIB)).toBe(0)
    expect(guard.count(0)).toBe(0)
    expect(cache.heldBytes).toBe(22 * MIB)
    expect(cache.parts).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersToNextTimer()
    expect(cache.heldBytes).toBe(21 * MIB)
    vi.advanceTimersByTime(25)
    expect(cache.heldBytes).toBe(16 * MIB)
    vi.advanceTimersByTime(1_000)
    expect(cache.heldBytes).toBeLessThanOrEqual(cache.goal)
  })

  it('of a cache that fails does not keep others from being cut', () => {
    const failing = new TestCache(12 * MIB)
    const cache = new TestCache(12 * MIB)
    vi.spyOn(failing, 'evict').mockImplementation(() => {
      throw new Error('the clock of the cache fails')
    })
    const gauge = gaugeWith({ live: 40 * MIB, garbage: 8 * MIB })
    const guard = guardOf(gauge, failing, cache)
    for (let look = 0; look < 4; look++) guard.look()
    expect(cache.heldBytes).toBeLessThan(12 * MIB)
  })
})

describe('growth', () => {
  it('is offered to caches only after a cut, in equal parts, less than there is room', () => {
    const caches = [new TestCache(12 * MIB), new TestCache(12 * MIB)]
    const gauge = gaugeWith({ live: 4 * MIB })
    const guard = guardOf(gauge, ...caches)
    guard.look()
    expect(caches[0]?.allowed).toEqual([])
    gauge.live = 44 * MIB
    gauge.garbage = 8 * MIB
    guard.look()
    gauge.live = 4 * MIB
    gauge.engineCollects()
    guard.look()
    const [first, second] = caches.map(({ allowed }) => allowed.at(-1))
    expect(first).toBeGreaterThan(0)
    expect(second).toBe(first)
    expect(2 * Number(first)).toBeLessThan(gauge.heapLimit - 28 * MIB)
  })

  it('is offered no more once each cache has its budget', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 44 * MIB, garbage: 8 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    gauge.live = 4 * MIB
    cache.isSqueezed = false
    guard.look()
    const { length } = cache.allowed
    guard.look()
    expect(cache.allowed).toHaveLength(length)
  })
})

it('a cache that fails to grow once grows later', () => {
  const cache = new TestCache(24 * MIB)
  const gauge = gaugeWith({ live: 44 * MIB, garbage: 8 * MIB })
  const guard = guardOf(gauge, cache)
  guard.look()
  gauge.live = 4 * MIB
  gauge.engineCollects()
  vi.spyOn(cache, 'allow').mockImplementationOnce(() => {
    throw new RangeError('Maximum call stack size exceeded')
  })
  guard.look()
  guard.look()
  expect(cache.allowed.length).toBeGreaterThan(0)
})

describe('a collection of the engine', () => {
  it('is told to the guard, which then cuts what is alive, without another collection', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 4 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    gauge.live = 26 * MIB
    gauge.engineCollects()
    gauge.turn()
    expect(cache.parts).toHaveLength(1)
    expect(gauge.collections).toBe(0)
  })

  it('is followed by another in a container, whose memory it may not have given back', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ heapLimit: 1024 * MIB, containerLimit: 64 * MIB, live: 4 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    gauge.live = 24 * MIB
    gauge.engineCollects()
    gauge.turn()
    expect(gauge.collections).toBe(1)
    expect(cache.parts).toHaveLength(1)
  })

  it('is asked for once if it gives nothing back, and again when much more is allocated', () => {
    const gauge = gaugeWith({ live: 16 * MIB, young: 24 * MIB })
    const guard = guardOf(gauge, new TestCache(24 * MIB))
    for (let look = 0; look < 10; look++) guard.look()
    expect(gauge.collections).toBe(1)
    gauge.garbage += 4 * MIB
    guard.look()
    expect(gauge.collections).toBe(2)
  })

  it('is asked for less often, the less it gives back', () => {
    const gauge = gaugeWith({ live: 16 * MIB, young: 16 * MIB })
    const guard = guardOf(gauge, new TestCache(24 * MIB))
    for (let look = 0; look < 20; look++) {
      gauge.garbage += 2.1 * MIB
      guard.look()
    }
    expect(gauge.collections).toBeGreaterThan(3)
    expect(gauge.collections).toBeLessThan(15)
  })

  it('makes the guard forget caches that are gone', () => {
    const gauge = gaugeWith({})
    const guard = guardOf(gauge)
    const deref = vi.fn(() => undefined)
    guard.join({ deref })
    guard.look()
    gauge.engineCollects()
    gauge.turn()
    const { length } = deref.mock.calls
    expect(length).toBeGreaterThan(0)
    guard.look()
    gauge.engineCollects()
    gauge.turn()
    expect(deref).toHaveBeenCalledTimes(length)
  })

  it('is awaited once at a time, and again only from the next look on', () => {
    const gauge = gaugeWith({})
    const onCollection = vi.spyOn(gauge, 'onCollection')
    const guard = guardOf(gauge)
    guard.look()
    guard.look()
    expect(onCollection).toHaveBeenCalledTimes(1)
    gauge.engineCollects()
    gauge.turn()
    expect(onCollection).toHaveBeenCalledTimes(1)
    guard.look()
    expect(onCollection).toHaveBeenCalledTimes(2)
  })

  it('shows in a synchronous loop as well, where nothing is told', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 24.3 * MIB, garbage: 2.5 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    expect(cache.parts).toHaveLength(0)
    gauge.engineCollects()
    guard.look()
    expect(cache.parts).toHaveLength(1)
    expect(gauge.collections).toBe(0)
  })
})

describe('what is evicted', () => {
  it('is garbage, and not cut again when a collection before it is told', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 4 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    gauge.live = 30 * MIB
    gauge.garbage = 6 * MIB
    guard.look()
    expect(cache.parts).toHaveLength(1)
    gauge.turn()
    expect(cache.parts).toHaveLength(1)
  })

  it('is not cut again for a collection that showed before it was told', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 25.5 * MIB, garbage: 4 * MIB })
    const guard = guardOf(gauge, cache)
    guard.look()
    gauge.engineCollects()
    guard.look()
    expect(cache.parts).toHaveLength(1)
    gauge.turn()
    expect(cache.parts).toHaveLength(1)
  })
})

describe('in a container that the program itself fills', () => {
  const filled = { heapLimit: 1024 * MIB, containerLimit: 64 * MIB, live: 48 * MIB }

  it('the engine is left alone after a collection, if caches hold nothing', () => {
    const gauge = gaugeWith(filled)
    const guard = guardOf(gauge, new TestCache(0))
    guard.look()
    for (let collection = 0; collection < 20; collection++) {
      gauge.engineCollects()
      gauge.turn()
      guard.look()
    }
    expect(gauge.collections).toBeLessThan(3)
  })

  it('the engine is made to collect again once native code has allocated much', () => {
    const gauge = gaugeWith({ ...filled, live: 20 * MIB, garbage: 32 * MIB })
    const guard = guardOf(gauge, new TestCache(0))
    guard.look()
    expect(gauge.collections).toBe(1)
    gauge.native = 34 * MIB
    guard.look()
    expect(gauge.collections).toBe(2)
  })

  it('a collection that the guard asked for is not followed by another when it is told', () => {
    const gauge = gaugeWith({ ...filled, live: 4 * MIB })
    const guard = guardOf(gauge, new TestCache(MIB))
    guard.look()
    gauge.live = 44 * MIB
    gauge.garbage = 8 * MIB
    guard.look()
    expect(gauge.collections).toBe(1)
    gauge.turn()
    expect(gauge.collections).toBe(1)
  })
})

describe('in a heap that something else fills', () => {
  /** The first cut has brought nothing. */
  const afterCut = () => {
    const gauge = gaugeWith({ live: 54 * MIB })
    const cache = new TestCache(16_384)
    const guard = guardOf(gauge, cache)
    guard.look()
    guard.look()
    expect(cache.parts).toHaveLength(1)
    return { gauge, cache, guard }
  }

  it('caches are offered a little, up to 1/64 of the limit', () => {
    const { gauge, cache, guard } = afterCut()
    expect(cache.allowed.at(-1)).toBeGreaterThan(0)
    cache.heldBytes = gauge.heapLimit / 64
    const { length } = cache.allowed
    guard.look()
    expect(cache.allowed).toHaveLength(length)
    expect(cache.parts).toHaveLength(1)
  })

  it('they are offered nothing while more may be alive', () => {
    const { gauge, cache, guard } = afterCut()
    const { length } = cache.allowed
    gauge.garbage = 4 * MIB
    guard.look()
    expect(cache.allowed).toHaveLength(length)
    expect(gauge.collections).toBe(2)
  })

  it('young objects do not count, since many of them are garbage', () => {
    const { gauge, cache, guard } = afterCut()
    gauge.turn()
    const { length } = cache.allowed
    gauge.young = 8 * MIB
    guard.look()
    expect(cache.allowed).toHaveLength(length + 1)
    gauge.engineCollects()
    gauge.turn()
    expect(cache.parts).toHaveLength(1)
  })

  it('the next cut that brings nothing is noticed as well', () => {
    const { gauge, cache, guard } = afterCut()
    for (let cut = 2; cut < 5; cut++) {
      gauge.turn()
      gauge.live += 1.5 * MIB
      guard.look()
      gauge.engineCollects()
      gauge.turn()
      expect(cache.parts).toHaveLength(cut)
      const { collections } = gauge
      for (let look = 0; look < 5; look++) guard.look()
      expect(gauge.collections).toBe(collections + 1)
      expect(cache.parts).toHaveLength(cut)
    }
  })

  it('a cut may bring something again once less was used', () => {
    const { gauge, cache, guard } = afterCut()
    gauge.live = 50 * MIB
    gauge.engineCollects()
    guard.look()
    gauge.live = 54 * MIB
    gauge.garbage = 4 * MIB
    guard.look()
    expect(cache.parts).toHaveLength(2)
  })

  it('they are cut again once the engine has collected and more is alive', () => {
    const { gauge, cache, guard } = afterCut()
    // The engine tells of the collections that the guard has asked for.
    gauge.turn()
    gauge.live += 2 * MIB
    guard.look()
    expect(cache.parts).toHaveLength(1)
    gauge.engineCollects()
    gauge.turn()
    expect(cache.parts).toHaveLength(2)
  })
})

it('tables that no longer grow do not look like a collection', () => {
  const cleared = new TestCache(0)
  const cache = new TestCache(24 * MIB)
  cleared.nextGrowthBytes = 8 * MIB
  const gauge = gaugeWith({ live: 20 * MIB })
  const guard = guardOf(gauge, cleared, cache)
  guard.look()
  cleared.nextGrowthBytes = 0
  gauge.garbage = 4.5 * MIB
  guard.look()
  expect(gauge.collections).toBe(0)
  expect(cache.parts).toHaveLength(0)
})

it('after a spike has gone, the guard makes the engine collect as early as before it', () => {
  const cache = new TestCache(1)
  const gauge = gaugeWith({ heapLimit: 1024 * MIB, containerLimit: 64 * MIB, live: 60 * MIB })
  const guard = guardOf(gauge, cache)
  guard.look()
  cache.heldBytes = 0
  gauge.garbage = 2 * MIB
  for (let look = 0; look < 3; look++) guard.look()
  gauge.live = 4 * MIB
  gauge.engineCollects()
  gauge.turn()
  guard.look()
  const { collections } = gauge
  cache.heldBytes = 8 * MIB
  gauge.garbage = 0.85 * gauge.containerLimit - 12 * MIB
  guard.look()
  expect(gauge.collections).toBe(collections + 1)
})

describe('while little is free', () => {
  it('the guard looks by a timer, for some seconds, if no cache asks for a look', () => {
    const gauge = gaugeWith({ live: 44 * MIB })
    const guard = guardOf(gauge)
    guard.look()
    const { readings } = gauge
    vi.advanceTimersByTime(1_000)
    expect(gauge.readings).toBeGreaterThan(readings + 4)
    vi.runAllTimers()
    expect(gauge.readings).toBeLessThan(readings + 200)
    expect(vi.getTimerCount()).toBe(0)
    const { readings: before } = gauge
    guard.look()
    vi.runAllTimers()
    expect(gauge.readings).toBeGreaterThan(before + 20)
  })

  it('the timer rests as soon as there is memory again', () => {
    const gauge = gaugeWith({ live: 44 * MIB })
    const guard = guardOf(gauge)
    guard.look()
    gauge.live = 4 * MIB
    vi.advanceTimersByTime(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('while no cache is used', () => {
  it('the guard hears of each collection, and cuts when too much is alive', () => {
    const cache = new TestCache(24 * MIB)
    const gauge = gaugeWith({ live: 4 * MIB })
    guardOf(gauge, cache).look()
    for (const live of [6, 8, 26]) {
      expect(cache.parts).toHaveLength(0)
      vi.runAllTimers()
      gauge.live = live * MIB
      gauge.engineCollects()
      gauge.turn()
    }
    expect(cache.parts).toHaveLength(1)
  })

  it('the timer looks again once a collection shows that more is allocated', () => {
    const gauge = gaugeWith({ live: 40 * MIB })
    guardOf(gauge).look()
    vi.runAllTimers()
    gauge.live += 2 * MIB
    gauge.engineCollects()
    gauge.turn()
    const { readings } = gauge
    vi.advanceTimersByTime(900)
    expect(gauge.readings).toBeGreaterThan(readings + 10)
  })

  it('the guard looks once a second if the engine collects again and again', () => {
    const gauge = gaugeWith({ live: 40 * MIB })
    guardOf(gauge).look()
    vi.runAllTimers()
    const { readings } = gauge
    for (let turn = 0; turn < 100; turn++) {
      gauge.engineCollects()
      gauge.turn()
      vi.advanceTimersByTime(50)
    }
    expect(gauge.readings).toBeGreaterThan(readings + 5)
    expect(gauge.readings).toBeLessThan(readings + 15)
  })
})

describe('the guard of this process', () => {
  it('is the one under the registered symbol', () => {
    const guard = new Guard(new TestGauge())
    const restore = installGuard(guard)
    expect(processGuard()).toBe(guard)
    restore()
    expect(processGuard()).not.toBe(guard)
    expect(processGuard()).toBe(processGuard())
  })

  it('is one for this copy of the package if globalThis takes no property', async () => {
    const restore = installGuard(undefined as never)
    vi.resetModules()
    const copy = await import('../../lib/memory/guard.ts')
    vi.spyOn(Reflect, 'defineProperty').mockReturnValue(false)
    const guard = copy.processGuard()
    expect(guard).toBeInstanceOf(copy.Guard)
    expect(copy.processGuard()).toBe(guard)
    vi.restoreAllMocks()
    restore()
  })

  it('is none where the platform has no gauge, for every copy of the package', async () => {
    const restore = installGuard(undefined as never)
    vi.stubGlobal('process', { versions: { bun: '1.3.0' } })
    vi.resetModules()
    const copy = await import('../../lib/memory/guard.ts')
    expect(copy.processGuard()).toBeNull()
    vi.unstubAllGlobals()
    expect(copy.processGuard()).toBeNull()
    expect(processGuard()).toBeNull()
    restore()
  })

  it.each([
    ['has no gauge', 'delete process.memoryUsage'],
    ['is frozen', 'Object.freeze(globalThis)'],
  ])('does no harm where the platform %s', async (_what, prepare) => {
    const seen = await inChild(`
      ${prepare}
      const { controllerOf, FaaSCacheDict } = await import('faas-cache-dict')
      const cache = new FaaSCacheDict({ maxSizeBytes: '4M' })
      for (let at = 0; at < 20_000; at++) cache[at] = { at }
      const { size, effectiveMaxSizeBytes } = controllerOf(cache)
      const guard = globalThis[Symbol.for('faas-cache-dict.guard.1')]
      console.log(JSON.stringify([size, effectiveMaxSizeBytes, typeof guard]))
    `)
    const guard = prepare.startsWith('delete') ? 'object' : 'undefined'
    expect(seen).toEqual([20_000, 4 * MIB, guard])
  })
})
