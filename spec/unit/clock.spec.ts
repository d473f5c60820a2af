import { mock } from 'node:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Clock } from '../../lib/time/clock.ts'
import { clockFrom } from '../../lib/time/clock.ts'

const newRun = () => new Promise((resolve) => setImmediate(resolve))

/** A clock of its own, over a wall and a monotonic clock that move only when told. */
const clockOver = async (wall: number, monotonic: number) => {
  const hands = { wall, monotonic }
  vi.spyOn(Date, 'now').mockImplementation(() => hands.wall)
  vi.spyOn(performance, 'now').mockImplementation(() => hands.monotonic)
  return { hands, clock: await freshClock() }
}

const freshClock = async (): Promise<Clock> => {
  vi.resetModules()
  return (await import('../../lib/time/clock.ts')).systemClock
}

/** Two hands that pass for the platform's own clocks. */
const nativeHands = async (wall: number, monotonic: number) => {
  const hands = { wall, monotonic }
  const now = () => hands.wall
  const sourceOf = Function.prototype.toString
  vi.spyOn(Function.prototype, 'toString').mockImplementation(function (this: () => unknown) {
    return this === now ? 'function now() { [native code] }' : sourceOf.call(this)
  })
  Date.now = now
  performance.now = () => hands.monotonic
  return { hands, clock: await freshClock() }
}

const natives = {
  now: Date.now,
  monotonic: performance.now,
  then: Promise.prototype.then,
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  Date.now = natives.now
  performance.now = natives.monotonic
  Promise.prototype.then = natives.then
})

describe('virtual time', () => {
  it('starts at 0', async () => {
    const { clock } = await clockOver(1_700_000_000_000, 50)
    expect(clock.now()).toBe(0)
  })

  it('moves as far as the clocks do', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall += 10_000
    hands.monotonic += 10_000
    expect(clock.now()).toBe(10_000)
  })

  it('goes on by the wall clock while the monotonic one stands still', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall += 3_600_000
    expect(clock.now()).toBe(3_600_000)
    hands.wall += 1000
    hands.monotonic += 1000
    expect(clock.now()).toBe(3_601_000)
  })

  it('goes on by the wall clock in a freeze after the wall clock was set back', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall -= 3_600_000
    hands.monotonic += 1_000
    expect(clock.now()).toBe(1_000)
    hands.wall += 1_800_000
    expect(clock.now()).toBe(1_801_000)
  })

  it('goes on by the monotonic clock once the wall clock is set back after a freeze', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall += 3_600_000
    expect(clock.now()).toBe(3_600_000)
    hands.wall -= 86_400_000
    hands.monotonic += 5_000
    expect(clock.now()).toBe(3_605_000)
  })

  it('goes on by the monotonic clock while the wall clock is set back', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall -= 3_600_000
    hands.monotonic += 1000
    expect(clock.now()).toBe(1000)
    hands.wall += 500
    hands.monotonic += 500
    expect(clock.now()).toBe(1500)
  })

  it('never goes back', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall += 1000
    hands.monotonic += 1000
    clock.now()
    hands.wall -= 5
    hands.monotonic -= 5
    expect(clock.now()).toBe(1000)
    hands.wall -= 5000
    hands.monotonic -= 7000
    expect(clock.now()).toBe(1000)
  })

  it('runs on at once where both clocks went back, as at the end of fake timers', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50_000)
    clock.now()
    hands.wall += 60_000
    hands.monotonic += 60_000
    clock.now()
    hands.wall -= 60_000
    hands.monotonic -= 60_000
    expect(clock.now()).toBe(60_000)
    hands.wall += 1000
    hands.monotonic += 1000
    expect(clock.now()).toBe(61_000)
  })

  it('does not count an hour twice that the wall clock lost and found again', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 50)
    clock.now()
    hands.wall += 3_600_000
    clock.now()
    hands.wall -= 3_600_000
    hands.monotonic += 10
    expect(clock.now()).toBeLessThanOrEqual(3_600_010)
  })

  it('runs at the speed of real time although one clock moves in whole milliseconds', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 0.9)
    const start = hands.wall
    clock.now()
    for (let elapsed = 0; elapsed <= 10_000; elapsed += 0.37) {
      hands.wall = start + Math.floor(elapsed + 0.5)
      hands.monotonic = 0.9 + elapsed
      clock.now()
    }
    expect(clock.now()).toBeGreaterThan(9_999)
    expect(clock.now()).toBeLessThan(10_002)
  })

  it('keeps to a thousandth where the clocks drift apart', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 0)
    const start = hands.wall
    clock.now()
    for (let second = 1; second <= 3600; second++) {
      hands.monotonic = second * 1000
      hands.wall = start + Math.floor(second * 1000.5)
      clock.now()
    }
    expect(clock.now()).toBeGreaterThan(3_600_000)
    expect(clock.now()).toBeLessThan(3_603_600)
  })

  it('is not led astray by a pause between the readings of the two clocks', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 0)
    clock.now()
    vi.spyOn(performance, 'now').mockImplementationOnce(() => {
      hands.wall += 5000
      hands.monotonic += 5000
      return hands.monotonic
    })
    expect(clock.now()).toBe(5000)
    expect(clock.now()).toBe(5000)
  })

  it('is right where there is no monotonic clock', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 0)
    vi.stubGlobal('performance', undefined)
    try {
      clock.now()
      hands.wall += 1234
      expect(clock.now()).toBe(1234)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('stands still while the wall clock says NaN', async () => {
    const { clock, hands } = await clockOver(1_700_000_000_000, 0)
    clock.now()
    const { wall } = hands
    hands.wall = Number.NaN
    expect(clock.now()).toBe(0)
    hands.wall = wall + 1000
    expect(clock.now()).toBe(1000)
  })
})

describe('reading the clock', () => {
  it('is done once in a synchronous run', async () => {
    const { clock, hands } = await nativeHands(1_700_000_000_000, 0)
    clock.now()
    hands.wall += 1000
    expect(clock.now()).toBe(0)
    await newRun()
    expect(clock.now()).toBe(1000)
  })

  it('is exact in the microtasks of a new run', async () => {
    const { clock, hands } = await nativeHands(1_700_000_000_000, 0)
    clock.now()
    await null
    hands.wall += 1000
    await null
    expect(clock.now()).toBe(1000)
  })

  it('is done anew for a fresh time, which gives the present wall clock', async () => {
    const { clock, hands } = await nativeHands(1_700_000_000_000, 0)
    clock.now()
    hands.wall += 5000
    hands.monotonic += 5000
    expect(clock.fresh()).toBe(5000)
    hands.wall -= 1000
    expect(clock.wallAt(clock.fresh())).toBe(1_700_000_004_000)
    expect(clock.now()).toBe(5000)
  })

  /** How far the time that is told lies behind, at the worst, while each use takes so long. */
  const stalest = (
    { clock, hands }: { clock: Clock; hands: { wall: number; monotonic: number } },
    milliseconds: number,
    uses: number,
  ) => {
    const lead = hands.monotonic - clock.now()
    let worst = 0
    for (let use = 0; use < uses; use++) {
      hands.wall += milliseconds
      hands.monotonic += milliseconds
      worst = Math.max(worst, hands.monotonic - lead - clock.now())
    }
    return worst
  }

  it('is done again after 8 uses in a queue of microtasks where each takes a millisecond', async () => {
    const native = await nativeHands(1_700_000_000_000, 0)
    expect(stalest(native, 1, 500)).toBe(8)
  })

  it('is done again after 256 uses at most, even if they were dense before', async () => {
    const native = await nativeHands(1_700_000_000_000, 0)
    for (let use = 0; use < 10_000; use++) native.clock.now()
    expect(stalest(native, 1, 500)).toBeLessThanOrEqual(256)
  })

  it('is done rarely while no time passes', async () => {
    const { clock } = await nativeHands(1_700_000_000_000, 0)
    const read = vi.spyOn(Object.getPrototypeOf(clock), 'read')
    for (let use = 0; use < 256_000; use++) clock.now()
    expect(read.mock.calls.length).toBeLessThan(1010)
  })

  it('is done at each use after a pause, until microtasks have run', async () => {
    const native = await nativeHands(1_700_000_000_000, 0)
    expect(stalest(native, 60_000, 8)).toBe(480_000)
    expect(stalest(native, 60_000, 100)).toBe(0)
    expect(stalest(native, 1, 100)).toBe(0)
    await newRun()
    expect(stalest(native, 1, 100)).toBe(8)
  })

  it('is not remembered if no microtask can forget it, and no use fails', async () => {
    let isThrowing = false
    Promise.prototype.then = function (...reactions) {
      if (isThrowing) throw new Error('no microtask')
      return natives.then.apply(this, reactions) as never
    }
    const { clock, hands } = await nativeHands(1_700_000_000_000, 0)
    isThrowing = true
    const times = [clock.now()]
    hands.wall += 1000
    times.push(clock.now())
    isThrowing = false
    hands.wall += 1000
    times.push(clock.now())
    hands.wall += 1000
    times.push(clock.now())
    await newRun()
    times.push(clock.now())
    expect(times).toEqual([0, 1000, 2000, 2000, 3000])
  })

  it('calls no then that replaced the language’s', async () => {
    const { clock } = await nativeHands(1_700_000_000_000, 0)
    const patched = vi.fn()
    Promise.prototype.then = patched
    clock.now()
    Promise.prototype.then = natives.then
    expect(patched).not.toHaveBeenCalled()
  })
})

describe('a clock that reads 0', () => {
  it('has not started: time stands still until the first real reading', async () => {
    const { clock, hands } = await nativeHands(0, 0)
    expect(clock.now()).toBe(0)
    await newRun()
    hands.monotonic = 70
    expect(clock.now()).toBe(0)
    await newRun()
    hands.wall = 1_700_000_000_000
    hands.monotonic = 1_700_000_000_000
    expect(clock.now()).toBe(0)
    await newRun()
    hands.wall += 1000
    hands.monotonic += 1000
    expect(clock.now()).toBe(1000)
  })

  it('runs what awaits its start before the first real reading returns, once', async () => {
    const { clock, hands } = await nativeHands(0, 0)
    const walls: number[] = []
    clock.now()
    expect(clock.hasStarted).toBe(false)
    clock.onStart((now) => walls.push(clock.wallAt(now), now, clock.now()))
    clock.now()
    expect(walls).toEqual([])
    hands.wall = 1_700_000_000_000
    clock.now()
    expect(walls).toEqual([1_700_000_000_000, 0, 0])
    await newRun()
    clock.now()
    expect(walls).toHaveLength(3)
  })

  it('has started once it has been read', async () => {
    const { clock } = await nativeHands(1_700_000_000_000, 0)
    clock.now()
    expect(clock.hasStarted).toBe(true)
  })

  it('runs at once if it is not the native one', async () => {
    const { clock, hands } = await clockOver(0, 0)
    clock.now()
    hands.wall += 1000
    expect(clock.now()).toBe(1000)
    expect(clock.hasStarted).toBe(true)
  })
})

describe('fake timers', () => {
  let clock: Clock
  beforeEach(async () => {
    clock = await freshClock()
  })

  it('of vitest move the time within one synchronous run', () => {
    vi.useFakeTimers()
    const start = clock.now()
    vi.advanceTimersByTime(10_000)
    expect(clock.now() - start).toBeGreaterThanOrEqual(10_000)
    expect(clock.now() - start).toBeLessThan(10_100)
  })

  it('that begin amid a run are noticed, and so is their end', async () => {
    const start = clock.now()
    vi.useFakeTimers()
    vi.advanceTimersByTime(10_000)
    const faked = clock.now()
    expect(faked - start).toBeGreaterThanOrEqual(10_000)
    vi.useRealTimers()
    expect(clock.now()).toBeGreaterThanOrEqual(faked)
    await newRun()
    expect(clock.now()).toBeGreaterThanOrEqual(faked)
  })

  it('of vitest with a faked queueMicrotask move it too, and it runs on after them', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'queueMicrotask'] })
    const start = clock.now()
    vi.advanceTimersByTime(10_000)
    expect(clock.now() - start).toBeGreaterThanOrEqual(10_000)
    vi.useRealTimers()
    const after = clock.now()
    await newRun()
    const later = Date.now() + 3
    while (Date.now() < later);
    expect(clock.now()).toBeGreaterThan(after)
  })

  it('that fake only the monotonic clock move it', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const start = clock.now()
    vi.advanceTimersByTime(10_000)
    expect(clock.now() - start).toBeGreaterThanOrEqual(10_000)
  })

  it('that start at the epoch itself run at once', () => {
    vi.useFakeTimers({ now: 0 })
    clock.now()
    const start = clock.now()
    vi.advanceTimersByTime(10_000)
    expect(clock.now() - start).toBe(10_000)
  })

  it('of node:test move it', () => {
    mock.timers.enable({ apis: ['Date'] })
    try {
      const start = clock.now()
      mock.timers.tick(10_000)
      expect(clock.now() - start).toBeGreaterThanOrEqual(10_000)
    } finally {
      mock.timers.reset()
    }
  })

  it('installed before the library move it', async () => {
    vi.useFakeTimers()
    const faked = await freshClock()
    faked.now()
    vi.advanceTimersByTime(10_000)
    expect(faked.now()).toBe(10_000)
  })
})

describe('the option now', () => {
  it('is the time, wall and virtual, at every reading', () => {
    let time = 0
    const clock = clockFrom(() => time)
    expect([clock.now(), clock.wallAt(0)]).toEqual([0, 0])
    time = 77
    expect([clock.now(), clock.wallAt(77)]).toEqual([77, 77])
    expect(clock.hasStarted).toBe(true)
    const run = vi.fn()
    clock.onStart(run)
    clock.now()
    expect(run).not.toHaveBeenCalled()
  })

  it('that goes back is another date at once, and virtual time runs on', () => {
    let time = 1000
    const clock = clockFrom(() => time)
    clock.now()
    time = 10
    expect([clock.now(), clock.wallAt(1000)]).toEqual([1000, 10])
    time = 15.5
    expect([clock.now(), clock.wallAt(1005)]).toEqual([1005, 15])
    time = 14
    expect([clock.now(), clock.wallAt(1005)]).toEqual([1005, 14])
    time = 20
    expect([clock.now(), clock.wallAt(1011)]).toEqual([1011, 20])
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '5', undefined, null, 5n, new Date(5)])(
    'that returns %s is a TypeError that names it',
    (returned) => {
      const clock = clockFrom(() => returned as number)
      expect(() => clock.now()).toThrow(TypeError)
      expect(() => clock.now()).toThrow(/result of now .*number.*; got /)
    },
  )

  it('unset, means the clock that all caches share', () => {
    expect(clockFrom(undefined)).toBe(clockFrom(undefined))
  })
})
