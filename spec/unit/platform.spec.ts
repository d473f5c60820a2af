import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryLimit } from '../../lib/options/memory-limit.ts'

/** A new copy of the library, loaded with some globals replaced. */
async function loadedWhere(globals: Record<string, unknown>) {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
  vi.resetModules()
  const library = await import('../../lib/index.ts')
  const { isNativePromise } = await import('../../lib/promise.ts')
  return { ...library, isNativePromise }
}

/** Replaces `process` during one call only, since Vitest needs it. */
function withProcess<T>(process: unknown, run: () => T): T {
  vi.stubGlobal('process', process)
  try {
    return run()
  } finally {
    vi.unstubAllGlobals()
  }
}

const withoutModules = new Proxy(process, {
  get: (target, name) =>
    name === 'getBuiltinModule' ? () => undefined : Reflect.get(target, name),
})

beforeEach(() => {
  vi.resetModules()
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('without util.types.isPromise', () => {
  class Own<T> extends Promise<T> {}

  it.each([
    ['no process', undefined],
    ['a process without its modules', withoutModules],
    [
      'a process that throws',
      {
        getBuiltinModule() {
          throw new Error('not here')
        },
      },
    ],
  ])(
    'an instance of Promise that can be subscribed to is a promise: with %s',
    async (_name, process) => {
      const { isNativePromise } = await loadedWhere({})
      // The first call decides how to check.
      expect(withProcess(process, () => isNativePromise(Promise.resolve()))).toBe(true)
      expect(isNativePromise(new Own(() => {}))).toBe(true)
      const then = vi.fn()
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      for (const value of [
        { then },
        Object.create(Promise.prototype),
        then,
        null,
        undefined,
        proxy,
      ]) {
        expect(isNativePromise(value)).toBe(false)
      }
      expect(then).not.toHaveBeenCalled()
    },
  )

  it('the check does not cause an unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { FaaSCacheDict } = await loadedWhere({})
    const cache = new FaaSCacheDict<Record<string, unknown>>()
    withProcess(undefined, () => {
      cache.a = Promise.reject(new Error('no'))
    })
    await new Promise((turn) => setImmediate(turn))
    await new Promise((turn) => setImmediate(turn))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    expect('a' in cache).toBe(false)
  })
})

describe('without util.types.isProxy', () => {
  it('a value is measured as with it', async () => {
    const { heapSize } = await loadedWhere({})
    const rows = Array.from({ length: 1_000 }, () => ({}))
    const bytes = withProcess(withoutModules, () => heapSize(rows))
    expect(bytes).toBe((await loadedWhere({})).heapSize(rows))
  })
})

describe('without SharedArrayBuffer and Buffer', () => {
  it('typed arrays and their buffers are charged as with them', async () => {
    const view = new Uint8Array(10_000)
    const here = await loadedWhere({})
    const [ofView, ofBuffer] = [here.heapSize(view), here.heapSize(view.buffer)]
    const there = await loadedWhere({ SharedArrayBuffer: undefined, Buffer: undefined })
    expect(there.heapSize(view)).toBe(ofView)
    expect(there.heapSize(view.buffer)).toBe(ofBuffer)
    expect(there.heapSize(Object.create(ArrayBuffer.prototype))).toBeLessThan(200)
  })
})

describe('where the context of a timer cannot be cleared, as on Bun and Deno', () => {
  const isWithout = (module: unknown) =>
    new Proxy(process, {
      get: (target, name) =>
        name === 'getBuiltinModule' ? () => module : Reflect.get(target, name),
    })
  it.each(['Bun', 'Deno'])('on %s, timers are set in the context of the import', async (name) => {
    const requests = new AsyncLocalStorage()
    const { FaaSCacheDict, controllerOf } = await requests.run('import', () =>
      loadedWhere({ [name]: {} }),
    )
    vi.unstubAllGlobals()
    const seen: unknown[] = []
    vi.stubGlobal('setTimeout', () => seen.push(requests.getStore()))
    const cache = requests.run('maker', () => new FaaSCacheDict<Record<string, number>>({}))
    requests.run('writer', () => controllerOf(cache).set('a', 1, { ttl: 1 }))
    expect(seen).toEqual(['import'])
  })

  it.each([
    ['modules', withoutModules],
    ['AsyncLocalStorage', isWithout({})],
    ['snapshot', isWithout({ AsyncLocalStorage: class {} })],
  ])('without %s, timers are set in the current context', async (_name, process) => {
    vi.useFakeTimers()
    const { FaaSCacheDict, controllerOf } = await loadedWhere({ Deno: {}, process })
    const cache = new FaaSCacheDict<Record<string, unknown>>({ defaultTtl: '1s' })
    cache.a = 1
    vi.advanceTimersByTime(6_000)
    expect(controllerOf(cache).isExpired('a')).toBeUndefined()
  })
})

describe('on a Worker, where a promise never settles for later subscribers once its request has ended', () => {
  /** A cache with a pending promise that calls `onSubscribe` at each subscription, by its species. */
  async function meddling() {
    vi.useFakeTimers()
    const { FaaSCacheDict, controllerOf } = await loadedWhere({
      navigator: { userAgent: 'Cloudflare-Workers' },
    })
    const hands = { onSubscribe: vi.fn() }
    class Meddling extends Promise<unknown> {
      static override get [Symbol.species](): PromiseConstructor {
        hands.onSubscribe()
        return Promise
      }
    }
    const cache = new FaaSCacheDict<Record<string, unknown>>({ pendingTtl: '10s' })
    const promise = new Meddling(() => {})
    cache.p = promise
    return { cache, controller: controllerOf(cache), promise, hands }
  }

  it('a read subscribes again to a pending promise, at most ten times a second', async () => {
    const { cache, hands } = await meddling()
    for (let reads = 0; reads < 2_000; reads++) {
      cache.p
      vi.advanceTimersByTime(1)
    }
    expect(hands.onSubscribe).toHaveBeenCalledTimes(1 + 20)
  })

  it('a read returns the promise if the subscription fails', async () => {
    const { cache, controller, promise, hands } = await meddling()
    hands.onSubscribe = vi.fn(() => {
      throw new Error('no subscriber')
    })
    expect(cache.p).toBe(promise)
    expect(hands.onSubscribe).toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ hits: 1, misses: 0, items: 1 })
  })

  it('a read is a miss if the subscription deletes the entry', async () => {
    const { cache, controller, hands } = await meddling()
    hands.onSubscribe = vi.fn(() => {
      hands.onSubscribe = vi.fn()
      delete cache.p
      cache.other = 1
    })
    expect(cache.p).toBeUndefined()
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 1, items: 1 })
  })
})

describe('on a Worker, where the timers of a request end with it', () => {
  it('a caller who joins a load waits no longer than its own timeout', async () => {
    vi.useFakeTimers()
    const { controllerOf, FaaSCacheDict, TimeoutError } = await loadedWhere({
      navigator: { userAgent: 'Cloudflare-Workers' },
    })
    const controller = controllerOf(new FaaSCacheDict<Record<string, unknown>>())
    const finish: ((value: unknown) => void)[] = []
    const load = () => new Promise((resolve) => finish.push(resolve))
    const join = () => controller.getOrSet('a', load, { timeout: '1s' })
    join()
    vi.clearAllTimers()
    const failed = vi.fn()
    join().catch(failed)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(failed).toHaveBeenCalledWith(expect.any(TimeoutError))
    const joined = join()
    finish[0]?.('loaded')
    expect(await joined).toBe('loaded')
    expect(finish).toHaveLength(1)
  })
})

describe('without WeakRef', () => {
  it('promises and loads are kept as with it', async () => {
    const { FaaSCacheDict, controllerOf } = await loadedWhere({ WeakRef: undefined })
    const cache = new FaaSCacheDict<Record<string, unknown>>()
    cache.a = Promise.resolve('fulfilled')
    await cache.a
    expect(controllerOf(cache).dump().entries).toMatchObject([{ key: 'a', value: 'fulfilled' }])
    expect(await controllerOf(cache).getOrSet('b', () => 'loaded')).toBe('loaded')
    expect(cache.b).toBe('loaded')
  })
})

describe('after a cache was collected as garbage', () => {
  it('its promises change nothing, and its loads still reach their callers', async () => {
    const collected = class {
      deref() {}
    }
    const onError = vi.fn()
    const { FaaSCacheDict, controllerOf } = await loadedWhere({ WeakRef: collected })
    const cache = new FaaSCacheDict<Record<string, unknown>>({ onError, sweepInterval: null })
    const controller = controllerOf(cache)
    cache.a = Promise.resolve('fulfilled')
    cache.b = Promise.reject(new Error('no'))
    expect(await controller.getOrSet('c', () => 'loaded')).toBe('loaded')
    await expect(controller.getOrSet('d', () => Promise.reject(new Error('d')))).rejects.toThrow(
      'd',
    )
    await new Promise((turn) => setImmediate(turn))
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    expect(onError).not.toHaveBeenCalled()
  })
})

describe('without performance', () => {
  it('the sweep finds growth by the wall clock', async () => {
    vi.useFakeTimers()
    const { FaaSCacheDict, controllerOf } = await loadedWhere({ performance: undefined })
    const list: object[] = []
    const cache = new FaaSCacheDict({ sweepInterval: '1s' }, { list })
    const before = controllerOf(cache).sizeOf('list')
    for (let i = 0; i < 100; i++) list.push({ i })
    vi.advanceTimersByTime(1_000)
    expect(controllerOf(cache).sizeOf('list')).toBeGreaterThan(before + 3_000)
  })
})

describe('without process', () => {
  it('the memory limit is 128 MiB', () => {
    expect(withProcess(undefined, () => memoryLimit())).toBe(128 * 2 ** 20)
  })
})
