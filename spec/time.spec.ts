import { createContext, runInContext } from 'node:vm'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { scriptOf } from './support/child.ts'
import { libraryOnClocks } from './support/clocks.ts'
import { FakeClock } from './support/fake-clock.ts'
import { nextTurn } from './support/promises.ts'

const native = { now: Date.now, monotonic: performance.now }

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  Date.now = native.now
  performance.now = native.monotonic
})

describe('an entry is not served past its TTL', () => {
  const withEntry = async () => {
    const { clocks, library } = await libraryOnClocks(1_700_000_000_000, 1234.5)
    const cache = new library.FaaSCacheDict({ defaultTtl: '10s' })
    cache['a'] = 1
    await nextTurn()
    return { cache, clocks }
  }

  it('after a freeze that stopped the monotonic clock', async () => {
    const { cache, clocks } = await withEntry()
    clocks.wall += 3_600_000
    expect(cache['a']).toBeUndefined()
  })

  it('after a freeze during which both clocks ran', async () => {
    const { cache, clocks } = await withEntry()
    clocks.wall += 3_600_000
    clocks.monotonic += 3_600_000
    expect(cache['a']).toBeUndefined()
  })

  it('after the wall clock was set back, and lives its full TTL', async () => {
    const { cache, clocks } = await withEntry()
    clocks.wall -= 3_600_000
    expect(cache['a']).toBe(1)
    await nextTurn()
    clocks.wall += 9970
    clocks.monotonic += 9970
    expect(cache['a']).toBe(1)
    await nextTurn()
    clocks.wall += 40
    clocks.monotonic += 40
    expect(cache['a']).toBeUndefined()
  })

  it('if it has an absolute expiry and the wall clock was set back', async () => {
    const { clocks, library } = await libraryOnClocks(1_700_000_000_000, 0)
    const cache = new library.FaaSCacheDict()
    clocks.wall -= 3_600_000
    library.controllerOf(cache).set('a', 1, { expiresAt: clocks.wall + 5000 })
    await nextTurn()
    clocks.wall += 4990
    clocks.monotonic += 4990
    expect(cache['a']).toBe(1)
    await nextTurn()
    clocks.wall += 10
    clocks.monotonic += 10
    expect(cache['a']).toBeUndefined()
  })

  it('by the date in a dump made after the wall clock was set back', async () => {
    const { cache, clocks } = await withEntry()
    clocks.wall -= 3_600_000
    clocks.monotonic += 2000
    const { entries } = controllerOf(cache).dump()
    expect(entries.map(({ expiresAt }) => expiresAt)).toEqual([clocks.wall + 8000])
  })

  it('in a later microtask', async () => {
    const { cache, clocks } = await withEntry()
    expect(cache['a']).toBe(1)
    await null
    clocks.wall += 10_000
    await null
    expect(cache['a']).toBeUndefined()
  })
})

describe('in a queue of 500 callbacks that take a millisecond each', () => {
  const inMicrotasks = async (callback: () => void) => {
    let start: () => void = () => {}
    const shared = new Promise<void>((resolve) => {
      start = resolve
    })
    const awaiters = Array.from({ length: 500 }, async () => {
      await shared
      callback()
    })
    start()
    await Promise.all(awaiters)
  }
  const inTicks = (callback: () => void) =>
    new Promise<void>((resolve) => {
      for (let at = 0; at < 500; at++) process.nextTick(callback)
      process.nextTick(resolve)
    })

  it.each([
    ['microtasks', inMicrotasks],
    ['process.nextTick', inTicks],
  ])('of %s, an entry with a TTL of 50 ms is served for 40 to 80 ms', async (_which, run) => {
    const { clocks, library } = await libraryOnClocks(1_700_000_000_000, 0)
    const cache = new library.FaaSCacheDict({ defaultTtl: '50ms' }, { a: 1 })
    let age = 0
    let oldest = 0
    await run(() => {
      if (cache['a'] === 1) oldest = age
      age++
      clocks.wall++
      clocks.monotonic++
    })
    expect(oldest).toBeGreaterThan(40)
    expect(oldest).toBeLessThan(80)
  })
})

describe('after a long synchronous run', () => {
  const afterOneSecond = async () => {
    const { clocks, library } = await libraryOnClocks(1_700_000_000_000, 0)
    const cache = new library.FaaSCacheDict({ defaultTtl: '10s' }, { a: 1 })
    const controller = library.controllerOf(cache)
    clocks.wall += 1000
    clocks.monotonic += 1000
    return { clocks, controller, cache }
  }

  it('dump counts the TTL from the write, and omits expired entries', async () => {
    const { clocks, controller } = await afterOneSecond()
    const expiresAt = clocks.wall + 9000
    expect(controller.dump().entries).toEqual([{ key: 'a', value: 1, expiresAt }])
    clocks.wall += 9000
    clocks.monotonic += 9000
    expect(controller.dump().entries).toEqual([])
  })

  it('ttl returns the seconds left at this moment', async () => {
    const { controller } = await afterOneSecond()
    expect(controller.ttl('a')).toBe(9)
  })

  it('ttl still returns a new TTL in full a few milliseconds later', async () => {
    const { clocks, controller } = await afterOneSecond()
    controller.setTtl('a', '5s')
    clocks.wall += 20
    clocks.monotonic += 20
    expect(controller.ttl('a')).toBe(5)
  })

  it.each([
    ['set', 1],
    ['expireAt', 1],
    ['setTtl', 1],
    ['load', 2],
  ] as const)('%s counts from this moment', async (how, value) => {
    const { clocks, controller, cache } = await afterOneSecond()
    const expiresAt = clocks.wall + 5000
    if (how === 'set') controller.set('a', 1, { expiresAt })
    else if (how === 'expireAt') controller.expireAt('a', expiresAt)
    else if (how === 'setTtl') controller.setTtl('a', '5s')
    else {
      const entries = [{ key: 'a', value: 2, expiresAt }]
      controller.load({ format: 'faas-cache-dict', version: 1, entries })
    }
    await nextTurn()
    clocks.wall += 4990
    clocks.monotonic += 4990
    expect(cache['a']).toBe(value)
    await nextTurn()
    clocks.wall += 10
    clocks.monotonic += 10
    expect(cache['a']).toBeUndefined()
  })
})

// A function of this context, called from outside, does not run the microtasks that it queues.
describe.runIf('Deno' in globalThis === false && 'Bun' in globalThis === false)(
  'in a vm context that runs microtasks only after an evaluation',
  () => {
    it('an expired entry is served fewer than 8 times in 100', async () => {
      const script = await scriptOf(`
        import { FaaSCacheDict } from 'faas-cache-dict'
        globalThis.makeCache = (options) => new FaaSCacheDict(options)
      `)
      const context = createContext({}, { microtaskMode: 'afterEvaluate' })
      const clocks = runInContext(
        `const clocks = { wall: 1_700_000_000_000 }
        const now = () => clocks.wall
        const { toString } = Function.prototype
        Function.prototype.toString = function () {
          return this === now ? 'function now() { [native code] }' : toString.call(this)
        }
        Date.now = now
        clocks`,
        context,
      )
      runInContext(script, context)
      const cache = context['makeCache']({ defaultTtl: '1s' })
      let served = 0
      for (let minute = 0; minute < 100; minute++) {
        cache.a = 1
        clocks.wall += 60_000
        if (cache.a === 1) served++
      }
      expect(served).toBeLessThan(8)
    })
  },
)

describe('if the clock reads 0 until the first request', () => {
  const start = 1_700_000_000_000
  /** A cache made at the module scope of a Worker. */
  const atModuleScope = async () => {
    const { clocks, library } = await libraryOnClocks(0, 0)
    const cache = new library.FaaSCacheDict({ defaultTtl: '10s' }, { initial: 1 })
    const beginRequests = async () => {
      await nextTurn()
      clocks.wall = start
      clocks.monotonic = start
    }
    const pass = async (milliseconds: number) => {
      await nextTurn()
      clocks.wall += milliseconds
      clocks.monotonic += milliseconds
    }
    return { cache, controller: library.controllerOf(cache), beginRequests, pass }
  }

  it('a TTL starts at the first reading that is not 0', async () => {
    const { cache, beginRequests, pass } = await atModuleScope()
    await beginRequests()
    expect(cache['initial']).toBe(1)
    await pass(9999)
    expect(cache['initial']).toBe(1)
    await pass(1)
    expect(cache['initial']).toBeUndefined()
  })

  it('a TTL starts at the write if only the monotonic clock reads 0', async () => {
    const { clocks, library } = await libraryOnClocks(start, 0)
    const cache = new library.FaaSCacheDict({ defaultTtl: '10s' }, { initial: 1 })
    const at = async (milliseconds: number) => {
      await nextTurn()
      clocks.wall = clocks.monotonic = start + milliseconds
      return cache['initial']
    }
    expect(await at(1)).toBe(1)
    expect(await at(9999)).toBe(1)
    expect(await at(10_000)).toBeUndefined()
  })

  it('an absolute expiry applies once the clock runs', async () => {
    const { cache, controller, beginRequests, pass } = await atModuleScope()
    controller.set('past', 1, { expiresAt: start - 1 })
    controller.set('future', 1, { expiresAt: start + 5000 })
    cache['moved'] = 1
    controller.expireAt('moved', start + 6000)
    expect(cache['past']).toBe(1)
    await beginRequests()
    expect(Object.keys(cache)).toEqual(['initial', 'future', 'moved'])
    expect(controller.ttl('future')).toBe(5)
    await pass(5000)
    expect(Object.keys(cache)).toEqual(['initial', 'moved'])
    await pass(1000)
    expect(Object.keys(cache)).toEqual(['initial'])
  })

  it.each(['get', 'getOrThrow', 'setDefault', 'getOrSet'] as const)(
    '%s as the first call of a request serves no entry past its absolute expiry',
    async (call) => {
      const { controller, beginRequests } = await atModuleScope()
      controller.set('past', 1, { expiresAt: start - 1 })
      await beginRequests()
      const read = async () =>
        (controller[call] as (...given: unknown[]) => unknown)('past', () => 2)
      expect(await read().catch(String)).not.toBe(1)
    },
  )

  it('the absolute expiry of a pending promise applies once the clock runs', async () => {
    const { controller, beginRequests, pass } = await atModuleScope()
    const promise = new Promise(() => {})
    controller.set('past', promise, { expiresAt: start - 1 })
    controller.set('future', promise, { expiresAt: start + 5000 })
    controller.set('moved', promise)
    controller.expireAt('moved', start + 6000)
    controller.set('rewritten', promise, { expiresAt: start + 5000 })
    controller.set('rewritten', promise)
    await beginRequests()
    expect([...controller.keys()]).toEqual(['initial', 'future', 'moved', 'rewritten'])
    await pass(5000)
    expect([...controller.keys()]).toEqual(['initial', 'moved', 'rewritten'])
    await pass(1000)
    expect([...controller.keys()]).toEqual(['initial', 'rewritten'])
  })

  it('a pending promise with a date expires after a pendingTtl of a fraction of a millisecond', async () => {
    const { clocks, library } = await libraryOnClocks(0, 0)
    const cache = new library.FaaSCacheDict({ pendingTtl: '1004.5ms' })
    const controller = library.controllerOf(cache)
    controller.set('a', new Promise(() => {}), { expiresAt: start + 60_000 })
    const purgeAt = async (milliseconds: number) => {
      await nextTurn()
      clocks.wall = clocks.monotonic = start + milliseconds
      return controller.purgeExpired()
    }
    const purged = [
      await purgeAt(0),
      await purgeAt(1001),
      await purgeAt(1003),
      await purgeAt(9_000),
    ]
    expect(purged).toEqual([0, 0, 0, 1])
  })

  it.runIf(globalThis.gc)(
    'the values of a cache that was dropped before the first request are collected',
    async () => {
      const { library } = await libraryOnClocks(0, 0)
      const dropped = Array.from({ length: 10 }, () => {
        const value = {}
        library.controllerOf(new library.FaaSCacheDict()).set('a', value, { expiresAt: start })
        return new WeakRef(value)
      })
      await nextTurn()
      globalThis.gc?.()
      // The last one may still be in a register.
      expect(dropped.filter((each) => each.deref()).length).toBeLessThan(3)
      // The clock, which the library holds, was alive until here.
      expect(Object.keys(new library.FaaSCacheDict())).toEqual([])
    },
  )

  it('the absolute expiry of a cleared entry does not apply to a later one', async () => {
    const { controller, beginRequests } = await atModuleScope()
    controller.set('value', 1, { expiresAt: start + 5000 })
    controller.set('pending', new Promise(() => {}), { expiresAt: start + 5000 })
    controller.clear()
    controller.set('value', 2)
    await beginRequests()
    expect([...controller.entries()]).toEqual([['value', 2]])
  })

  it('the absolute expiry of a loaded entry applies once the clock runs', async () => {
    const clock = new FakeClock()
    clock.time = start - 5000
    const source = controllerOf(new FaaSCacheDict({ now: clock.now }))
    source.set('past', 1, { ttl: '1s' }).set('future', 2, { ttl: '10s' }).set('ever', 3)
    const { cache, controller, beginRequests, pass } = await atModuleScope()
    controller.load(source.dump())
    await beginRequests()
    expect(Object.keys(cache)).toEqual(['initial', 'future', 'ever'])
    await pass(5000)
    expect(Object.keys(cache)).toEqual(['initial', 'ever'])
  })

  it('dump omits entries with a TTL, since their expiry is unknown', async () => {
    const { cache, controller, beginRequests } = await atModuleScope()
    controller.set('ever', 1, { ttl: null })
    expect(controller.dump().entries).toEqual([{ key: 'ever', value: 1, expiresAt: null }])
    await beginRequests()
    expect(Object.keys(cache)).toEqual(['initial', 'ever'])
    expect(controller.dump().entries).toEqual([
      { key: 'initial', value: 1, expiresAt: start + 10_000 },
      { key: 'ever', value: 1, expiresAt: null },
    ])
  })

  it('the last expiry given to an entry applies', async () => {
    const { cache, controller, beginRequests, pass } = await atModuleScope()
    controller.set('a', 1, { expiresAt: start + 5000 }).set('a', 1)
    controller.set('b', 1, { expiresAt: start + 5000 }).set('b', 1, { expiresAt: start + 7000 })
    controller.set('c', 1, { expiresAt: start + 5000 })
    controller.setTtl('c', null)
    controller.set('d', 1, { expiresAt: start + 5000 }).delete('d')
    await beginRequests()
    expect(Object.keys(cache)).toEqual(['initial', 'a', 'b', 'c'])
    await pass(5000)
    expect(Object.keys(cache)).toEqual(['initial', 'a', 'b', 'c'])
    await pass(2000)
    expect(Object.keys(cache)).toEqual(['initial', 'a', 'c'])
    await pass(3000)
    expect(Object.keys(cache)).toEqual(['c'])
  })
})

describe('fake timers', () => {
  it('expire an entry when they advance', () => {
    vi.useFakeTimers()
    const cache = new FaaSCacheDict({ defaultTtl: '10s' })
    cache['a'] = 1
    vi.advanceTimersByTime(9_900)
    expect(cache['a']).toBe(1)
    vi.advanceTimersByTime(200)
    expect(cache['a']).toBeUndefined()
  })

  it('expire an entry when they set the system time', () => {
    vi.useFakeTimers()
    const cache = new FaaSCacheDict({ defaultTtl: '10s' })
    cache['a'] = 1
    vi.setSystemTime(Date.now() + 10_100)
    expect(cache['a']).toBeUndefined()
  })

  it('run the sweep', () => {
    vi.useFakeTimers()
    const onDelete = vi.fn()
    const cache = new FaaSCacheDict({ defaultTtl: '2s', onDelete, sweepInterval: '5s' })
    cache['a'] = 1
    vi.advanceTimersByTime(5_000)
    expect(onDelete.mock.calls.map(([key, value, reason]) => [key, value, reason])).toEqual([
      ['a', 1, 'expired'],
    ])
    controllerOf(cache).close()
  })
})

describe('the option now', () => {
  it('can go back, and an entry then lives exactly the rest of its TTL', () => {
    const clock = new FakeClock()
    const cache = new FaaSCacheDict({ now: clock.now, defaultTtl: '10s' })
    cache['a'] = 1
    clock.advance(4000)
    expect(cache['a']).toBe(1)
    clock.advance(-3_600_000)
    expect(cache['a']).toBe(1)
    clock.advance(5999)
    expect(cache['a']).toBe(1)
    clock.advance(1)
    expect(cache['a']).toBeUndefined()
  })

  it('is the date for an absolute expiry after it went back', () => {
    const clock = new FakeClock()
    const cache = new FaaSCacheDict({ now: clock.now, defaultTtl: '10s' })
    cache['a'] = 1
    clock.advance(-3_600_000)
    controllerOf(cache).set('b', 2, { expiresAt: clock.time + 500 })
    expect(controllerOf(cache).dump()).toMatchObject({
      entries: [{ expiresAt: clock.time + 10_000 }, { expiresAt: clock.time + 500 }],
    })
    clock.advance(500)
    expect({ ...cache }).toEqual({ a: 1 })
  })

  it('is read once in each call', () => {
    let readings = 0
    const now = () => 1_700_000_000_000 + readings++
    const cache = new FaaSCacheDict<Record<string, unknown>>({ now, defaultTtl: '10s' })
    const controller = controllerOf(cache)
    const expiresAt = 1_800_000_000_000
    const pending = new Promise(() => {})
    const calls: [string, () => unknown][] = [
      ['a write', () => controller.set('a', 1)],
      ['a write that replaces', () => controller.set('a', 2)],
      ['a write with an absolute expiry', () => controller.set('b', 1, { expiresAt })],
      ['a write of a promise', () => controller.set('p', pending, { expiresAt })],
      ['a read', () => controller.get('a')],
      ['has', () => controller.has('a')],
      ['ttl', () => controller.ttl('a')],
      ['setTtl', () => controller.setTtl('a', '20s')],
      ['expireAt', () => controller.expireAt('a', expiresAt)],
      ['expireAt of a promise', () => controller.expireAt('p', expiresAt)],
      ['size', () => controller.size],
      ['dump', () => controller.dump()],
      ['evictOldest', () => controller.evictOldest()],
      ['delete', () => controller.delete('a')],
      ['resize', () => controller.resize({ maxItems: 1 })],
      ['clear', () => controller.clear()],
    ]
    const counts = calls.map(([name, call]) => {
      const before = readings
      call()
      return [name, readings - before]
    })
    expect(counts).toEqual(calls.map(([name]) => [name, 1]))
  })

  it('can move at every reading, and no entry outlives its absolute expiry', () => {
    for (let left = -1; left < 6; left++) {
      let time = 1_700_000_000_000
      const now = () => time++
      const options = { now, maxSizeBytes: 5620, sweepInterval: null }
      const cache = new FaaSCacheDict<Record<string, unknown>>(options)
      const controller = controllerOf(cache)
      for (let at = 0; at < 8; at++) cache[`k${at}`] = 'v'.repeat(100)
      const expiresAt = time + left
      controller.set('k5', 'w'.repeat(2500), { expiresAt })
      for (let at = 0; at < 8; at++) {
        const isOver = time >= expiresAt
        expect(cache['k5'] === undefined).toBe(isOver)
      }
      expect(controller.stats()).toMatchObject({ expirations: 1 })
    }
  })

  it('can start at 0', () => {
    const clock = new FakeClock()
    clock.time = 0
    const cache = new FaaSCacheDict({ now: clock.now, defaultTtl: '10s' })
    cache['a'] = 1
    clock.advance(10_000)
    expect(cache['a']).toBeUndefined()
  })

  it('causes a TypeError that names it if it returns NaN, and changes nothing', () => {
    const clock = new FakeClock()
    const cache = new FaaSCacheDict({ now: clock.now, defaultTtl: '10s' })
    cache['a'] = 1
    const { time } = clock
    clock.time = Number.NaN
    expect(() => cache['a']).toThrow(TypeError)
    expect(() => {
      cache['b'] = 1
    }).toThrow(/now.*NaN/)
    clock.time = time
    expect({ ...cache }).toEqual({ a: 1 })
    expect(controllerOf(cache).stats()).toMatchObject({ items: 1, writes: 1 })
  })

  it.each([5, 'now', null, {}])('cannot be %s', (now) => {
    expect(() => new FaaSCacheDict({ now: now as () => number })).toThrow(/now/)
  })
})
