import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BackgroundTimer } from '../../lib/time/timer.ts'

const run = promisify(execFile)

interface Target {
  swept: number
  left: number
}

const targetWith = (left: number): Target => ({ swept: 0, left })

const sweepOnce = (target: Target) => {
  target.swept++
  return --target.left > 0 ? 5000 : undefined
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a sweep', () => {
  it('has no timer until it is woken', () => {
    new BackgroundTimer(5000, targetWith(1), sweepOnce)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has a single timer however often it is woken', () => {
    const sweep = new BackgroundTimer(5000, targetWith(1), sweepOnce)
    sweep.wake()
    sweep.wake()
    expect(vi.getTimerCount()).toBe(1)
  })

  it('comes after its interval and again while anything is left to do', () => {
    const target = targetWith(3)
    new BackgroundTimer(5000, target, sweepOnce).wake()
    vi.advanceTimersByTime(4999)
    expect(target.swept).toBe(0)
    vi.advanceTimersByTime(1)
    expect(target.swept).toBe(1)
    vi.advanceTimersByTime(60_000)
    expect(target.swept).toBe(3)
  })

  it.each(['is woken', 'is made up for'])(
    'runs outside the request in which it %s, or was made',
    async (how) => {
      vi.useRealTimers()
      const request = new AsyncLocalStorage<string>()
      const seen: unknown[] = []
      const target = targetWith(1)
      const sweep = request.run('maker', () => {
        return new BackgroundTimer(how === 'is woken' ? 1 : 10_000, target, (swept) => {
          seen.push(request.getStore())
          return sweepOnce(swept)
        })
      })
      request.run('first', () => sweep.wake())
      if (how === 'is made up for') {
        vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() + 60_000 })
        request.run('later', () => sweep.wake())
      }
      await vi.waitFor(() => expect(seen).toEqual([undefined]))
    },
  )

  it('comes again when it says, whatever its interval', () => {
    const delays = [20, 3000, undefined]
    const sweep = vi.fn(() => delays.shift())
    new BackgroundTimer(5000, targetWith(1), sweep).wake()
    vi.advanceTimersByTime(5020)
    expect(sweep).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(2999)
    expect(sweep).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(60_000)
    expect(sweep).toHaveBeenCalledTimes(3)
  })

  it('rests if told to, and comes an interval after it is woken', () => {
    const delays = [60_000, 70_000, undefined]
    const sweep = vi.fn(() => delays.shift())
    const resting = new BackgroundTimer(5000, targetWith(1), sweep)
    resting.wake()
    vi.advanceTimersByTime(5000)
    expect([resting.isAwake, vi.getTimerCount()]).toEqual([false, 1])
    resting.wake()
    expect([resting.isAwake, vi.getTimerCount()]).toEqual([true, 1])
    vi.advanceTimersByTime(5000)
    expect(sweep).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(70_000)
    expect(sweep).toHaveBeenCalledTimes(3)
  })

  it('rests until it is woken if a timer cannot wait for so long', () => {
    const sweep = new BackgroundTimer(5000, targetWith(1), () => 2 ** 31)
    sweep.wake()
    vi.advanceTimersByTime(5000)
    expect([sweep.isAwake, vi.getTimerCount()]).toEqual([false, 0])
  })

  it('has no timer once nothing is left to do, and can be woken again', () => {
    const target = targetWith(1)
    const sweep = new BackgroundTimer(5000, target, sweepOnce)
    sweep.wake()
    vi.advanceTimersByTime(5000)
    expect(vi.getTimerCount()).toBe(0)
    target.left = 1
    sweep.wake()
    vi.advanceTimersByTime(5000)
    expect(target.swept).toBe(2)
  })

  it('that is woken by what it sweeps has a single timer', () => {
    const target = targetWith(2)
    const sweep: BackgroundTimer<Target> = new BackgroundTimer(5000, target, (swept) => {
      sweep.wake()
      return sweepOnce(swept)
    })
    sweep.wake()
    vi.advanceTimersByTime(5000)
    expect(vi.getTimerCount()).toBe(1)
  })

  it('goes on after one that failed', () => {
    const target = targetWith(2)
    new BackgroundTimer(5000, target, (swept) => {
      sweepOnce(swept)
      if (swept.swept === 1) throw new Error('once')
      return undefined
    }).wake()
    expect(() => vi.advanceTimersByTime(5000)).toThrow('once')
    vi.advanceTimersByTime(5000)
    expect(target.swept).toBe(2)
  })

  it('without an interval never comes', () => {
    new BackgroundTimer(Number.POSITIVE_INFINITY, targetWith(1), sweepOnce).wake()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('with an interval longer than timers can wait does not come at once', () => {
    const delays: (number | undefined)[] = []
    vi.stubGlobal('setTimeout', (_: () => void, delay?: number) => {
      delays.push(delay)
    })
    new BackgroundTimer(2 ** 40, targetWith(1), sweepOnce).wake()
    expect(delays).toEqual([2 ** 31 - 1])
  })

  it('that is closed has no timer and is not woken again', () => {
    const sweep = new BackgroundTimer(5000, targetWith(1), sweepOnce)
    sweep.wake()
    sweep.close()
    expect(vi.getTimerCount()).toBe(0)
    sweep.wake()
    expect(vi.getTimerCount()).toBe(0)
    sweep.close()
  })

  it('that is closed before it was ever woken is not woken', () => {
    const sweep = new BackgroundTimer(5000, targetWith(1), sweepOnce)
    sweep.close()
    sweep.wake()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that is closed by what it sweeps has no timer', () => {
    const sweep: BackgroundTimer<Target> = new BackgroundTimer(5000, targetWith(3), (swept) => {
      sweep.close()
      return sweepOnce(swept)
    })
    sweep.wake()
    vi.advanceTimersByTime(5000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('where timers are forbidden, a sweep', () => {
  const forbidTimers = () => {
    const refusals = { count: 0 }
    vi.stubGlobal('setTimeout', () => {
      refusals.count++
      throw new Error('Disallowed operation called within global scope')
    })
    return refusals
  }

  it('is absent, and asks once in a synchronous run', () => {
    const refusals = forbidTimers()
    const sweep = new BackgroundTimer(5000, targetWith(1), sweepOnce)
    for (let write = 0; write < 1000; write++) sweep.wake()
    expect(refusals.count).toBe(1)
  })

  it('comes once they are allowed', async () => {
    forbidTimers()
    const target = targetWith(1)
    const sweep = new BackgroundTimer(5000, target, sweepOnce)
    sweep.wake()
    vi.unstubAllGlobals()
    vi.useFakeTimers()
    await null
    sweep.wake()
    vi.advanceTimersByTime(5000)
    expect(target.swept).toBe(1)
  })

  it('that was closed meanwhile stays closed', async () => {
    const refusals = forbidTimers()
    const sweep = new BackgroundTimer(5000, targetWith(1), sweepOnce)
    sweep.wake()
    sweep.close()
    await null
    sweep.wake()
    expect(refusals.count).toBe(1)
  })
})

describe('a platform whose', () => {
  it('timers are numbers has a sweep too', () => {
    vi.stubGlobal('setTimeout', (callback: () => void) => {
      callback()
      return 7
    })
    const target = targetWith(1)
    new BackgroundTimer(5000, target, sweepOnce).wake()
    expect(target.swept).toBe(1)
  })

  it('timers are numbers that can be unreferenced has them unreferenced', () => {
    const unrefTimer = vi.fn()
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('Deno', { unrefTimer })
    new BackgroundTimer(5000, targetWith(1), sweepOnce).wake()
    expect(unrefTimer).toHaveBeenCalledWith(7)
  })

  it('objects cannot be held weakly has no sweep', () => {
    vi.stubGlobal('WeakRef', undefined)
    new BackgroundTimer(5000, targetWith(1), sweepOnce).wake()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('where timers die with the request that set them, a sweep', () => {
  const late = (target: Target) => {
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('clearTimeout', () => {})
    const sweep = new BackgroundTimer(5000, target, sweepOnce)
    sweep.wake()
    return sweep
  }

  it('is not made up for until it is an interval late', async () => {
    const target = targetWith(1)
    const sweep = late(target)
    vi.advanceTimersByTime(9999)
    sweep.wake()
    await null
    expect(target.swept).toBe(0)
  })

  it('is made up for once when it is woken late, after the synchronous run', async () => {
    const target = targetWith(2)
    const sweep = late(target)
    vi.advanceTimersByTime(10_000)
    for (let write = 0; write < 100; write++) sweep.wake()
    expect(target.swept).toBe(0)
    await null
    expect(target.swept).toBe(1)
    sweep.wake()
    await null
    expect(target.swept).toBe(1)
    vi.advanceTimersByTime(10_000)
    sweep.wake()
    await null
    expect(target.swept).toBe(2)
  })

  it('whose timer died at rest is made up for only after its rest', async () => {
    const target = targetWith(9)
    vi.stubGlobal('setTimeout', () => 7)
    vi.stubGlobal('clearTimeout', () => {})
    const sweep = new BackgroundTimer(5000, target, (swept) => {
      swept.swept++
      return 60_000
    })
    sweep.wake()
    vi.advanceTimersByTime(10_000)
    sweep.wake()
    await null
    expect([target.swept, sweep.isAwake]).toEqual([1, false])
    vi.advanceTimersByTime(65_000)
    sweep.wake()
    await null
    expect(target.swept).toBe(2)
  })

  it('that is closed while it is made up for does nothing', async () => {
    const target = targetWith(1)
    const sweep = late(target)
    vi.advanceTimersByTime(10_000)
    sweep.wake()
    sweep.close()
    await null
    sweep.wake()
    await null
    expect(target.swept).toBe(0)
  })
})

describe('a timer that is late but alive', () => {
  it('does not sweep twice after it was made up for', () => {
    const target = targetWith(9)
    const sweep = new BackgroundTimer(5000, target, sweepOnce)
    sweep.wake()
    vi.setSystemTime(Date.now() + 60_000)
    sweep.wake()
    expect(target.swept).toBe(0)
    vi.advanceTimersByTime(1)
    expect(target.swept).toBe(1)
    expect(vi.getTimerCount()).toBe(1)
  })
})

describe('a target that is dropped', () => {
  it('is collected with a sweep pending, and the timer is not set again', async () => {
    vi.useRealTimers()
    const timers: (() => void)[] = []
    vi.stubGlobal('setTimeout', (callback: () => void) => timers.push(callback))
    const sweep = vi.fn(() => 5000)
    const dropped = (() => {
      const target = targetWith(1)
      new BackgroundTimer(5000, target, sweep).wake()
      return new WeakRef(target)
    })()
    await vi.waitFor(() => {
      globalThis.gc?.()
      expect(dropped.deref() === undefined).toBe(true)
    })
    expect(timers).toHaveLength(1)
    timers[0]?.()
    expect(timers).toHaveLength(1)
    expect(sweep).not.toHaveBeenCalled()
  })
})

describe('a process', () => {
  it('is not held open by a pending sweep', async () => {
    const script = new URL('../../lib/time/timer.ts', import.meta.url).pathname
    const { build } = await import('esbuild')
    const { outputFiles } = await build({
      stdin: {
        contents: `import { BackgroundTimer } from ${JSON.stringify(script)}
          const target = {}
          new BackgroundTimer(2_000_000, target, () => 5000).wake()
          console.log(process.getActiveResourcesInfo().join())`,
        resolveDir: '.',
      },
      bundle: true,
      write: false,
      platform: 'node',
    })
    // Held open, it would outlive the 60 seconds that a spec may take.
    const { stdout } = await run(process.execPath, ['-e', outputFiles[0]?.text ?? ''])
    expect(stdout).not.toContain('Timeout')
  })
})
