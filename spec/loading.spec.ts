import { getEventListeners } from 'node:events'
import {
  type CacheController,
  type CacheOptions,
  type LoadContext,
  type LoadOptions,
  TimeoutError,
} from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Values } from './support/cache.ts'
import { DOWN, down, fakeTimersForEach, loadingCache, pass, SECONDS } from './support/loading.ts'
import { deferred, expectNoUnhandledRejection } from './support/promises.ts'

fakeTimersForEach()

/** A cache with a stale entry `a`, of which it does not know yet. It may be served as the options say. */
const staleCache = async (options: CacheOptions = {}) => {
  const made = loadingCache({ staleIfError: '1m', sweepInterval: null, ...options }, { a: 'old' })
  await pass(10 * SECONDS)
  return made
}

/** A factory whose result the spec decides, with the context that it was given last. */
const origin = <Value = unknown>() => {
  const { promise, resolve, reject } = deferred<Value>()
  const contexts: LoadContext<Value>[] = []
  const factory = vi.fn((_key: string, context: LoadContext<Value>) => {
    contexts.push(context)
    return promise
  })
  return { factory, resolve, reject, contexts }
}

/** What a promise has come to, or `'pending'`. */
const stateOf = async (promise: Promise<unknown>) => {
  let state: unknown = 'pending'
  promise.then(
    (value) => {
      state = value
    },
    (error) => {
      state = { error }
    },
  )
  await pass(0)
  return state
}

describe('a factory', () => {
  it('gets the key as a string, a signal and no stale value', async () => {
    const { controller } = loadingCache()
    const factory = vi.fn((_key: string, _context: LoadContext) => 1)
    await controller.getOrSet(42, factory)
    const [key, { signal, stale }] = factory.mock.calls[0] ?? expect.fail()
    expect([key, stale, signal.aborted]).toEqual(['42', undefined, false])
    expect(signal).toBeInstanceOf(AbortSignal)
  })

  it('is called as a function', async () => {
    const { controller } = loadingCache()
    const seen: unknown[] = []
    await controller.getOrSet('a', function (this: unknown) {
      seen.push(this)
    })
    expect(seen).toEqual([undefined])
  })

  it('gets the same signal each time that it asks for it', async () => {
    const { controller } = loadingCache()
    await controller.getOrSet('a', (_key, context) => {
      expect(context.signal).toBe(context.signal)
    })
  })

  it('gets the stale value, for a conditional request', async () => {
    const { controller } = await staleCache()
    const { factory, contexts, resolve } = origin()
    const load = controller.getOrSet('a', factory)
    expect(contexts[0]?.stale).toBe('old')
    resolve('new')
    expect(await load).toBe('new')
  })

  it('gets the stale value beyond the window of the call, while it is kept', async () => {
    const { controller } = await staleCache()
    await controller.getOrSet('a', (_key, { stale }) => expect(stale).toBe('old'), {
      staleIfError: 0,
    })
  })

  it('gets no stale value once its window is over', async () => {
    const { controller } = await staleCache()
    await pass(60 * SECONDS)
    await controller.getOrSet('a', (_key, { stale }) => expect(stale).toBeUndefined())
  })

  it.each([
    [
      'throws at once',
      () => {
        throw DOWN
      },
    ],
    ['rejects', async () => Promise.reject(DOWN)],
  ])('that %s gives its error to all callers, and nothing is kept', async (_how, factory) => {
    const { controller, onError } = loadingCache()
    const calls = [controller.getOrSet('a', factory), controller.getOrSet('a', factory)]
    for (const call of calls) await expect(call).rejects.toBe(DOWN)
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 1, writes: 0 })
  })

  it.each([undefined, null, 'text'])('can reject with %s', async (reason) => {
    const { controller } = loadingCache()
    const rejected = controller
      .getOrSet('a', () => Promise.reject(reason))
      .catch((error) => [error])
    expect(await rejected).toEqual([reason])
    const { controller: other } = await staleCache()
    expect(await other.getOrSet('a', () => Promise.reject(reason))).toBe('old')
  })

  it('that never settles is given up after pendingTtl', async () => {
    const { controller } = loadingCache({ pendingTtl: '2s' })
    const { factory } = origin()
    controller.getOrSet('a', factory)
    await pass(2 * SECONDS - 1)
    controller.getOrSet('a', () => 'joined')
    await pass(1)
    expect(await controller.getOrSet('a', () => 'second')).toBe('second')
    expect(controller.stats()).toMatchObject({ loads: 2, loadsJoined: 1 })
  })

  it('that settles after clear changes nothing, and its callers get its value', async () => {
    const { controller } = loadingCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory)
    controller.clear()
    resolve('late')
    expect(await load).toBe('late')
    expect(controller.size).toBe(0)
  })

  it('that fails after a newer load of its key has begun does not end that one', async () => {
    const { controller } = loadingCache()
    const first = origin()
    const second = origin()
    const load = controller.getOrSet('a', first.factory)
    controller.delete('a')
    const other = controller.getOrSet('a', second.factory)
    first.reject(DOWN)
    await expect(load).rejects.toBe(DOWN)
    const joined = controller.getOrSet('a', down())
    second.resolve('second')
    expect(await Promise.all([other, joined])).toEqual(['second', 'second'])
  })
})

/** From here on, the garbage collector takes everything that is held weakly, if `isCollected`. */
const collector = () => {
  const state = { isCollected: false }
  class Ref<T extends object> {
    readonly #target: T
    constructor(target: T) {
      this.#target = target
    }
    deref(): T | undefined {
      return state.isCollected ? undefined : this.#target
    }
  }
  vi.stubGlobal('WeakRef', Ref)
  onTestFinished(() => {
    state.isCollected = false
    vi.unstubAllGlobals()
  })
  return state
}

describe('a cache that was garbage-collected during a load', () => {
  it('has no stale value for a caller with a softTimeout, who gets the value in the end', async () => {
    const state = collector()
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '1s' })
    state.isCollected = true
    await pass(1 * SECONDS)
    expect(await stateOf(load)).toBe('pending')
    resolve('new')
    expect(await load).toBe('new')
  })

  it('gives callers the error, the timeout and the reason of their signal', async () => {
    const state = collector()
    const { controller } = await staleCache()
    const leaver = new AbortController()
    const { signal } = leaver
    const { factory, reject } = origin()
    const calls = [
      controller.getOrSet('a', factory),
      controller.getOrSet('a', factory, { timeout: '1s' }),
      controller.getOrSet('b', origin().factory, { timeout: '1s' }),
      controller.getOrSet('b', origin().factory, { signal }),
    ].map((call) => call.catch(String))
    state.isCollected = true
    leaver.abort('gone')
    await pass(1 * SECONDS)
    reject(DOWN)
    expect(await Promise.all(calls)).toEqual([
      String(DOWN),
      expect.stringMatching('TimeoutError'),
      expect.stringMatching('TimeoutError'),
      'gone',
    ])
  })
})

describe('staleWhileRevalidate', () => {
  const OPTIONS = { staleWhileRevalidate: '1m' }

  it('returns the stale value at once, while one load goes on for all callers', async () => {
    const { cache, controller } = await staleCache(OPTIONS)
    const { factory, resolve, contexts } = origin()
    const calls = Array.from({ length: 10 }, () => controller.getOrSet('a', factory))
    expect(await Promise.all(calls)).toEqual(Array(10).fill('old'))
    expect(factory).toHaveBeenCalledTimes(1)
    expect(contexts[0]?.stale).toBe('old')
    resolve('new')
    await pass(0)
    expect(cache.a).toBe('new')
    expect(controller.stats()).toMatchObject({
      loads: 1,
      loadsJoined: 0,
      staleHits: 10,
      misses: 10,
      hits: 1,
    })
  })

  it('can be an option of the call alone', async () => {
    const { controller } = loadingCache()
    await controller.getOrSet('a', () => 1, OPTIONS)
    await pass(70 * SECONDS - 1)
    expect(await controller.getOrSet('a', () => 2, OPTIONS)).toBe(1)
    await pass(0)
    expect(await controller.getOrSet('a', () => 3, OPTIONS)).toBe(2)
  })

  it('counts from the deadline: after it a call waits for its load', async () => {
    const { controller } = await staleCache({ staleIfError: '1h' })
    await pass(5 * SECONDS)
    const options = { staleWhileRevalidate: '5s' }
    expect(await controller.getOrSet('a', () => 'new', options)).toBe('new')
  })

  it('gives the value of a call before its load, also if the factory returns at once', async () => {
    const { controller } = await staleCache(OPTIONS)
    const load = controller.getOrSet('a', () => 'new')
    expect(await load).toBe('old')
    await pass(0)
    expect(await controller.getOrSet('a', () => 'newer')).toBe('new')
  })

  it('reports a load that fails to onError, once, and callers do not hear of it', async () => {
    const { controller, onError } = await staleCache({ ...OPTIONS, retryAfter: '5s' })
    const factory = down()
    const calls = [controller.getOrSet('a', factory), controller.getOrSet('a', factory)]
    await pass(0)
    expect(await Promise.all(calls)).toEqual(['old', 'old'])
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'a' }]])
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 1, staleHits: 2 })
  })

  it('reports a factory that throws at once to onError', async () => {
    const { controller, onError } = await staleCache(OPTIONS)
    const load = controller.getOrSet('a', () => {
      throw DOWN
    })
    expect(await load).toBe('old')
    await pass(0)
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'a' }]])
  })

  it('leaves the origin alone for retryAfter after a failure', async () => {
    const { controller } = await staleCache({ ...OPTIONS, retryAfter: '5s' })
    const factory = down()
    await controller.getOrSet('a', factory)
    await pass(5 * SECONDS - 1)
    expect(await controller.getOrSet('a', factory)).toBe('old')
    expect(factory).toHaveBeenCalledTimes(1)
    await pass(1)
    expect(await controller.getOrSet('a', factory)).toBe('old')
    expect(factory).toHaveBeenCalledTimes(2)
  })

  it('serves callers who come while a load that others await is under way', async () => {
    const { controller } = await staleCache(OPTIONS)
    const { factory, resolve } = origin()
    const waiting = controller.getOrSet('a', factory, { staleWhileRevalidate: 0 })
    expect(await controller.getOrSet('a', down())).toBe('old')
    expect(controller.stats()).toMatchObject({ loads: 1, loadsJoined: 0, staleHits: 1 })
    resolve('new')
    expect(await waiting).toBe('new')
  })

  it('starts another load once the first one is given up', async () => {
    const { controller } = await staleCache({ ...OPTIONS, pendingTtl: '2s' })
    controller.getOrSet('a', origin().factory)
    await pass(2 * SECONDS)
    expect(await controller.getOrSet('a', () => 'new')).toBe('old')
    await pass(0)
    expect(await controller.getOrSet('a', down())).toBe('new')
  })

  it('gives a caller whose window is over the load that goes on in the background', async () => {
    const { controller } = await staleCache(OPTIONS)
    const { factory, resolve } = origin()
    await controller.getOrSet('a', factory)
    const joined = controller.getOrSet('a', down(), { staleWhileRevalidate: 0 })
    resolve('new')
    expect(await joined).toBe('new')
    expect(controller.stats()).toMatchObject({ loads: 1, loadsJoined: 1 })
  })

  it('rejects a factory that asks for its own key, which has a stale value', async () => {
    const { controller } = await staleCache(OPTIONS)
    const inner: Promise<unknown>[] = []
    const load = controller.getOrSet('a', () => {
      inner.push(controller.getOrSet('a', () => 1))
      return 'new'
    })
    expect(await load).toBe('old')
    await expect(inner[0]).rejects.toThrow(/"a".*own key/)
  })
})

describe('an onDelete that stores a value in place of one whose window is over', () => {
  const refilled = () => {
    const made = loadingCache(
      {
        staleIfError: '1m',
        sweepInterval: null,
        onDelete: (key: string) => {
          made.cache[key] ??= 'refilled'
        },
      },
      { a: 'old' },
    )
    return made
  }

  it('gives that value to getOrSet, which does not load', async () => {
    const { controller } = refilled()
    await pass(10 * SECONDS)
    expect(controller.size).toBe(0)
    await pass(60 * SECONDS)
    const factory = down()
    expect(await controller.getOrSet('a', factory)).toBe('refilled')
    expect(factory).not.toHaveBeenCalled()
  })

  it('does not keep refresh from loading', async () => {
    const { controller } = refilled()
    await pass(10 * SECONDS)
    expect(controller.size).toBe(0)
    await pass(60 * SECONDS)
    expect(await controller.getOrSet('a', () => 'new', { refresh: true })).toBe('new')
  })
})

describe('staleIfError', () => {
  it('returns the stale value if the load fails, to every caller within its own window', async () => {
    const { controller, onError } = await staleCache()
    const { factory, reject } = origin()
    await pass(5 * SECONDS)
    const served = [controller.getOrSet('a', factory), controller.getOrSet('a', factory)]
    const short = controller.getOrSet('a', factory, { staleIfError: '5s' })
    const none = controller.getOrSet('a', factory, { staleIfError: 0 })
    reject(DOWN)
    expect(await Promise.all(served)).toEqual(['old', 'old'])
    await expect(short).rejects.toBe(DOWN)
    await expect(none).rejects.toBe(DOWN)
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({
      loads: 1,
      loadsJoined: 3,
      loadFailures: 1,
      staleHits: 2,
      misses: 4,
    })
  })

  it('reports an error that no caller got to onError, once for each load', async () => {
    const { controller, onError } = await staleCache({ retryAfter: 0 })
    const factory = down()
    await Promise.all([controller.getOrSet('a', factory), controller.getOrSet('a', factory)])
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'a' }]])
    await controller.getOrSet('a', factory)
    expect(onError).toHaveBeenCalledTimes(2)
  })

  it('does not report an error that some caller got, whoever comes first', async () => {
    const { controller, onError } = await staleCache()
    const { factory, reject } = origin()
    const none = controller.getOrSet('a', factory, { staleIfError: 0 })
    const served = controller.getOrSet('a', factory)
    reject(DOWN)
    await expect(none).rejects.toBe(DOWN)
    expect(await served).toBe('old')
    expect(onError).not.toHaveBeenCalled()
  })

  it('returns the stale value if the window ends after the call and before the failure', async () => {
    const { controller } = await staleCache()
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory)
    await pass(60 * SECONDS - 1)
    reject(DOWN)
    expect(await load).toBe('old')
  })

  it('gives the error once the window has ended during the load', async () => {
    const { controller, onError, removals } = await staleCache()
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory)
    load.catch(() => {})
    await pass(60 * SECONDS)
    reject(DOWN)
    await expect(load).rejects.toBe(DOWN)
    expect(onError).not.toHaveBeenCalled()
    expect(removals()).toEqual(['a expired'])
  })

  it('gives the error if the value was deleted during the load', async () => {
    const { cache, controller } = await staleCache()
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory)
    delete cache.a
    reject(DOWN)
    await expect(load).rejects.toBe(DOWN)
  })

  it('returns the value that was written during the load, which is no staleHit', async () => {
    const { cache, controller, onError } = loadingCache({ staleIfError: '1m' })
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory)
    const strict = controller.getOrSet('a', factory, { staleIfError: 0 })
    cache.a = 'written'
    reject(DOWN)
    expect(await load).toBe('written')
    await expect(strict).rejects.toBe(DOWN)
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ staleHits: 0, hits: 0 })
  })

  it('does not apply to a value that the load gives, even undefined', async () => {
    const { cache, controller } = await staleCache()
    expect(await controller.getOrSet('a', () => undefined)).toBeUndefined()
    expect('a' in cache).toBe(true)
  })

  it.each([null, undefined, 0, ''])('can return %j as a stale value', async (value) => {
    const { cache, controller } = await staleCache()
    cache.a = value
    await pass(10 * SECONDS)
    expect(await controller.getOrSet('a', down())).toBe(value)
  })
})

describe('retryAfter', () => {
  const asked = async (controller: CacheController, options?: LoadOptions) => {
    const factory = down()
    await controller.getOrSet('a', factory, options).catch(() => {})
    return factory.mock.calls.length === 1
  }

  const expectAskedOnlyAfter = async (milliseconds: number, controller: CacheController) => {
    await pass(milliseconds - 1)
    expect(await asked(controller)).toBe(false)
    await pass(1)
    expect(await asked(controller)).toBe(true)
  }

  it.each([
    [undefined, 1 * SECONDS],
    ['5s', 5 * SECONDS],
    [0.25, 250],
  ])(
    'of %s leaves the origin alone for %i ms after a failure',
    async (retryAfter, milliseconds) => {
      const { controller } = await staleCache({ retryAfter })
      expect(await asked(controller)).toBe(true)
      await pass(milliseconds - 1)
      expect(await controller.getOrSet('a', down())).toBe('old')
      expect(await asked(controller)).toBe(false)
      await pass(1)
      expect(await asked(controller)).toBe(true)
      expect(controller.stats()).toMatchObject({ loads: 2, staleHits: 4 })
    },
  )

  it('of 0 asks the origin at each call', async () => {
    const { controller } = await staleCache({ retryAfter: 0 })
    for (let at = 0; at < 3; at++) expect(await asked(controller)).toBe(true)
  })

  it.each([null, Number.POSITIVE_INFINITY])(
    'of %s asks it no more while the value is served',
    async (retryAfter) => {
      const { controller } = await staleCache({ retryAfter })
      expect(await asked(controller)).toBe(true)
      await expectAskedOnlyAfter(60 * SECONDS, controller)
    },
  )

  it('is that of the caller who began the load', async () => {
    const { controller } = await staleCache()
    const { factory, reject } = origin()
    const first = controller.getOrSet('a', factory, { retryAfter: '5s' })
    const second = controller.getOrSet('a', factory, { retryAfter: '30s' })
    reject(DOWN)
    await Promise.all([first, second])
    await expectAskedOnlyAfter(5 * SECONDS, controller)
  })

  it('counts from the failure', async () => {
    const { controller } = await staleCache()
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory, { retryAfter: '5s' })
    await pass(20 * SECONDS)
    reject(DOWN)
    await load
    await expectAskedOnlyAfter(5 * SECONDS, controller)
  })

  it('holds for refresh too, while the stale value is within staleIfError', async () => {
    const { controller } = await staleCache({ retryAfter: '5s' })
    expect(await asked(controller)).toBe(true)
    expect(await asked(controller, { refresh: true })).toBe(false)
    await pass(5 * SECONDS)
    expect(await asked(controller, { refresh: true })).toBe(true)
  })

  it('does not hold for a caller who may not have the stale value', async () => {
    const { controller } = await staleCache({ retryAfter: '5s' })
    expect(await asked(controller)).toBe(true)
    expect(await asked(controller, { staleIfError: 0 })).toBe(true)
  })

  it('does not hold without a stale value', async () => {
    const { controller } = loadingCache({ staleIfError: '1m', retryAfter: '1h' })
    expect(await asked(controller)).toBe(true)
    expect(await asked(controller)).toBe(true)
  })

  it('is not begun by a failure before there is a stale value', async () => {
    const { cache, controller } = await staleCache({ retryAfter: null })
    expect(await asked(controller)).toBe(true)
    await expect(controller.getOrSet('b', down())).rejects.toBe(DOWN)
    cache.b = 'other'
    await pass(10 * SECONDS)
    const factory = down()
    expect(await controller.getOrSet('b', factory)).toBe('other')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  it('is begun by a refresh that fails once its live value has gone stale', async () => {
    const { controller } = loadingCache(
      { staleIfError: '1m', retryAfter: null, sweepInterval: null },
      { a: 'old' },
    )
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory, { refresh: true })
    await pass(10 * SECONDS)
    reject(DOWN)
    expect(await load).toBe('old')
    expect(await asked(controller)).toBe(false)
  })

  it('is not begun by a load that was given up', async () => {
    const { controller } = await staleCache({ retryAfter: null, pendingTtl: '2s' })
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory)
    await pass(2 * SECONDS)
    reject(DOWN)
    expect(await load).toBe('old')
    expect(await asked(controller)).toBe(true)
  })

  it.each<[string, (cache: Values, controller: CacheController) => unknown]>([
    ['a write', (cache) => (cache.a = 'new')],
    ['delete', (cache) => delete cache.a],
    ['clear', (_, controller) => controller.clear()],
  ])('ends with the stale value, at %s', async (_how, act) => {
    const { cache, controller } = await staleCache({ retryAfter: null })
    expect(await asked(controller)).toBe(true)
    act(cache, controller)
    cache.a = 'again'
    await pass(10 * SECONDS)
    expect(await asked(controller)).toBe(true)
  })

  it('holds after a timeout', async () => {
    const { controller } = await staleCache({ retryAfter: '5s', timeout: '2s' })
    const load = controller.getOrSet('a', origin().factory)
    await pass(2 * SECONDS)
    expect(await load).toBe('old')
    await expectAskedOnlyAfter(5 * SECONDS, controller)
  })

  it('holds for the key alone', async () => {
    const { cache, controller } = await staleCache({ retryAfter: null })
    cache.b = 'other'
    await pass(10 * SECONDS)
    expect(await asked(controller)).toBe(true)
    const factory = down()
    expect(await controller.getOrSet('b', factory)).toBe('other')
    expect(factory).toHaveBeenCalledTimes(1)
  })

  it('is not begun by a load that was overtaken', async () => {
    const { cache, controller } = await staleCache({ retryAfter: null })
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory)
    cache.a = 'written'
    await pass(10 * SECONDS)
    reject(DOWN)
    expect(await load).toBe('written')
    expect(await asked(controller)).toBe(true)
  })
})

describe('softTimeout', () => {
  it('waits so long for the load, then returns the stale value, and the load is kept', async () => {
    const { cache, controller, onError } = await staleCache()
    const { factory, resolve, contexts } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    await pass(199)
    expect(await stateOf(load)).toBe('pending')
    await pass(1)
    expect(await load).toBe('old')
    expect(contexts[0]?.signal.aborted).toBe(false)
    resolve('new')
    await pass(0)
    expect(cache.a).toBe('new')
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, staleHits: 1, loadFailures: 0 })
  })

  it('gives the new value if the load is faster', async () => {
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    await pass(199)
    resolve('new')
    expect(await load).toBe('new')
    await pass(1 * SECONDS)
    expect(controller.stats().staleHits).toBe(0)
  })

  it('of 0 returns the stale value without waiting for the load', async () => {
    const { controller } = await staleCache()
    const load = controller.getOrSet('a', origin().factory, { softTimeout: 0 })
    await pass(1)
    expect(await load).toBe('old')
  })

  it.each([undefined, null, Number.POSITIVE_INFINITY])(
    'of %s waits for the load',
    async (softTimeout) => {
      const { controller } = await staleCache()
      const { factory, resolve } = origin()
      const load = controller.getOrSet('a', factory, { softTimeout })
      await pass(20 * SECONDS)
      expect(await stateOf(load)).toBe('pending')
      resolve('new')
      expect(await load).toBe('new')
    },
  )

  it('waits for the load without a stale value', async () => {
    const { controller } = loadingCache({ staleIfError: '1m' })
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    await pass(20 * SECONDS)
    resolve('new')
    expect(await load).toBe('new')
  })

  it('waits for the load if the value is not within the staleIfError of the call', async () => {
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms', staleIfError: 0 })
    await pass(20 * SECONDS)
    resolve('new')
    expect(await load).toBe('new')
  })

  it('looks again when it ends, since the window may be over by then', async () => {
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    await pass(50 * SECONDS)
    const load = controller.getOrSet('a', factory, { softTimeout: '10s' })
    await pass(10 * SECONDS)
    expect(await stateOf(load)).toBe('pending')
    resolve('new')
    expect(await load).toBe('new')
  })

  it('serves a value that was written during the load', async () => {
    const { cache, controller } = await staleCache()
    const { factory } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    cache.a = 'written'
    await pass(200)
    expect(await load).toBe('written')
    expect(controller.stats().staleHits).toBe(0)
  })

  it.each([null, undefined])('serves %s', async (value) => {
    const { cache, controller } = await staleCache()
    cache.a = value
    await pass(10 * SECONDS)
    const load = controller.getOrSet('a', origin().factory, { softTimeout: '200ms' })
    await pass(200)
    expect(await stateOf(load)).toBe(value)
  })

  it('is that of each caller', async () => {
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    const first = controller.getOrSet('a', factory, { softTimeout: '1s' })
    const second = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    const third = controller.getOrSet('a', factory)
    await pass(200)
    expect(await second).toBe('old')
    expect(await stateOf(first)).toBe('pending')
    await pass(800)
    expect(await first).toBe('old')
    resolve('new')
    expect(await third).toBe('new')
    expect(controller.stats()).toMatchObject({ loads: 1, loadsJoined: 2, staleHits: 2 })
  })

  it('reports the error of a load that all callers have left to onError', async () => {
    const { controller, onError } = await staleCache()
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    await pass(200)
    expect(await load).toBe('old')
    reject(DOWN)
    await pass(0)
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'a' }]])
    expect(controller.stats()).toMatchObject({ loadFailures: 1, staleHits: 1 })
  })

  it('does not report an error that another caller gets', async () => {
    const { controller, onError } = await staleCache()
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    const strict = controller.getOrSet('a', factory, { staleIfError: 0 })
    await pass(200)
    expect(await load).toBe('old')
    reject(DOWN)
    await expect(strict).rejects.toBe(DOWN)
    expect(onError).not.toHaveBeenCalled()
  })
})

describe('timeout', () => {
  it('begins again for a load without callers if the process was frozen', async () => {
    const { controller, onError } = await staleCache({
      staleWhileRevalidate: '1m',
      timeout: '2s',
      pendingTtl: '5m',
    })
    const { factory, resolve } = origin()
    expect(await controller.getOrSet('a', factory)).toBe('old')
    vi.setSystemTime(Date.now() + 20 * SECONDS)
    await pass(2 * SECONDS)
    resolve('new')
    await pass(0)
    expect(controller.peek('a')).toBe('new')
    expect(onError).not.toHaveBeenCalled()
  })

  it('ends a load before its signal tells, so that a listener can ask again', async () => {
    const { controller } = loadingCache({ timeout: '1s' })
    let again: Promise<unknown> | undefined
    const load = controller.getOrSet('a', (_key, { signal }) => {
      signal.addEventListener('abort', () => {
        again = controller.getOrSet('a', () => 'second')
      })
      return new Promise(() => {})
    })
    load.catch(() => {})
    await pass(SECONDS)
    await expect(load).rejects.toThrow(TimeoutError)
    expect(await again).toBe('second')
  })

  it('ends a load with callers as soon as a frozen process goes on', async () => {
    const { controller } = loadingCache({ timeout: '2s' })
    const load = controller.getOrSet('a', () => new Promise<string>(() => {}))
    vi.setSystemTime(Date.now() + 20 * SECONDS)
    await pass(2 * SECONDS)
    expect(await stateOf(load)).toEqual({ error: expect.any(TimeoutError) })
  })

  it('rejects all callers with a TimeoutError and aborts the signal with it', async () => {
    const { controller, onError } = loadingCache()
    const { factory, contexts } = origin()
    const load = controller.getOrSet('a', factory, { timeout: '2s' })
    const joined = controller.getOrSet('a', factory)
    const errors = [load, joined].map((call) => call.catch((error) => error))
    await pass(2 * SECONDS - 1)
    expect(await stateOf(load)).toBe('pending')
    expect(contexts[0]?.signal.aborted).toBe(false)
    await pass(1)
    const [error, same] = (await Promise.all(errors)) as TimeoutError[]
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ name: 'TimeoutError', key: 'a', timeout: 2_000 })
    expect(same).toBe(error)
    expect(contexts[0]?.signal.reason).toBe(error)
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 1, loadMs: 2_000 })
  })

  it('can be an option of the cache, and of the call instead of it', async () => {
    const { controller } = loadingCache({ timeout: '2s' })
    const short = controller.getOrSet('a', origin().factory)
    const long = controller.getOrSet('b', origin().factory, { timeout: '5s' })
    const none = controller.getOrSet('c', origin().factory, { timeout: null })
    const [ofShort, ofLong, ofNone] = [short, long, none].map((call) => call.catch(String))
    await pass(2 * SECONDS)
    expect(await ofShort).toMatch('TimeoutError')
    expect(await stateOf(ofLong as Promise<unknown>)).toBe('pending')
    await pass(3 * SECONDS)
    expect(await ofLong).toMatch('5000 ms')
    await pass(100 * SECONDS)
    expect(await stateOf(ofNone as Promise<unknown>)).toBe('pending')
  })

  it('returns the stale value instead, and the load counts as failed', async () => {
    const { controller, onError } = await staleCache({ timeout: '2s' })
    const { factory, contexts } = origin()
    const load = controller.getOrSet('a', factory)
    await pass(2 * SECONDS)
    expect(await load).toBe('old')
    expect(contexts[0]?.signal.aborted).toBe(true)
    expect(onError.mock.calls).toEqual([[expect.any(TimeoutError), { source: 'load', key: 'a' }]])
    expect(controller.stats()).toMatchObject({ loadFailures: 1, staleHits: 1 })
  })

  it('drops the late value of a factory that ignores its signal', async () => {
    const { controller } = loadingCache({ timeout: '2s' })
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory).catch(String)
    await pass(2 * SECONDS)
    await load
    resolve('late')
    await pass(0)
    expect(controller.has('a')).toBe(false)
    expect(controller.stats()).toMatchObject({ writes: 0, loadFailures: 1 })
  })

  it('ignores the late error of such a factory', async () => {
    const { controller, onError } = loadingCache({ timeout: '2s' })
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory).catch(String)
    await pass(2 * SECONDS)
    await load
    reject(DOWN)
    await pass(0)
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats().loadFailures).toBe(1)
  })

  it('lets the next caller start a new load, which the old one does not disturb', async () => {
    const { cache, controller } = loadingCache({ timeout: '2s' })
    const first = origin()
    const second = origin()
    controller.getOrSet('a', first.factory)
    await pass(2 * SECONDS)
    const load = controller.getOrSet('a', second.factory)
    first.resolve('first')
    second.resolve('second')
    expect(await load).toBe('second')
    expect(cache.a).toBe('second')
  })

  it('is counted from the beginning of the load, by the caller who began it', async () => {
    const { controller } = loadingCache()
    const { factory } = origin()
    const load = controller.getOrSet('a', factory, { timeout: '3s' }).catch(String)
    await pass(2 * SECONDS)
    const joined = controller.getOrSet('a', factory, { timeout: '2s' }).catch(String)
    await pass(1 * SECONDS)
    expect(await Promise.all([load, joined])).toEqual([
      'TimeoutError: The load of "a" took longer than 3000 ms',
      'TimeoutError: The load of "a" took longer than 3000 ms',
    ])
  })

  it('of a caller who joins ends the wait of that caller alone', async () => {
    const { cache, controller, onError } = loadingCache()
    const { factory, resolve, contexts } = origin()
    const load = controller.getOrSet('a', factory, { timeout: '1m' })
    await pass(2 * SECONDS)
    const joined = controller.getOrSet('a', factory, { timeout: '2s' })
    const error = joined.catch((error) => error)
    await pass(2 * SECONDS - 1)
    expect(await stateOf(joined)).toBe('pending')
    await pass(1)
    expect(await error).toMatchObject({ name: 'TimeoutError', key: 'a', timeout: 2_000 })
    expect(contexts[0]?.signal.aborted).toBe(false)
    resolve('new')
    expect(await load).toBe('new')
    expect(cache.a).toBe('new')
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 0, loadsJoined: 1 })
  })

  it('of a caller who joins serves that caller the stale value', async () => {
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory)
    const joined = controller.getOrSet('a', factory, { timeout: '2s' })
    await pass(2 * SECONDS)
    expect(await joined).toBe('old')
    resolve('new')
    expect(await load).toBe('new')
  })

  it('of the last caller who waits aborts the load', async () => {
    const { controller } = loadingCache()
    const { factory, contexts } = origin()
    const leaver = new AbortController()
    const load = controller.getOrSet('a', factory, { signal: leaver.signal }).catch(String)
    const joined = controller.getOrSet('a', factory, { timeout: '2s' }).catch((error) => error)
    leaver.abort('gone')
    expect(await load).toBe('gone')
    expect(contexts[0]?.signal.aborted).toBe(false)
    await pass(2 * SECONDS)
    expect(contexts[0]?.signal.reason).toBe(await joined)
  })

  it('holds for a load in the background', async () => {
    const { controller, onError } = await staleCache({
      staleWhileRevalidate: '1m',
      timeout: '2s',
    })
    const { factory, contexts } = origin()
    expect(await controller.getOrSet('a', factory)).toBe('old')
    await pass(2 * SECONDS)
    expect(contexts[0]?.signal.aborted).toBe(true)
    expect(onError.mock.calls).toEqual([[expect.any(TimeoutError), { source: 'load', key: 'a' }]])
  })

  it('above pendingTtl still ends the load, which nobody joins by then', async () => {
    const { controller } = loadingCache({ pendingTtl: '2s', timeout: '5s' })
    const { factory, contexts } = origin()
    const load = controller.getOrSet('a', factory).catch(String)
    await pass(2 * SECONDS)
    expect(await controller.getOrSet('a', () => 'second')).toBe('second')
    await pass(3 * SECONDS)
    expect(await load).toMatch('TimeoutError')
    expect(contexts[0]?.signal.aborted).toBe(true)
    expect(controller.peek('a')).toBe('second')
  })

  it.each([1e300, '9999999d'])('of %s does not end at once', async (timeout) => {
    const { controller } = loadingCache({ timeout })
    const load = controller.getOrSet('a', origin().factory)
    await pass(3_000 * SECONDS)
    expect(await stateOf(load)).toBe('pending')
  })

  it('leaves no timer behind once the load has ended', async () => {
    const { controller } = loadingCache({ sweepInterval: null, timeout: '1h', staleIfError: '1h' })
    await controller.getOrSet('a', async () => 1, { softTimeout: '1h' })
    await controller.getOrSet('b', async () => Promise.reject(DOWN)).catch(() => {})
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('signal', () => {
  it('that the factory aborts before it returns ends the wait of the caller', async () => {
    const { controller } = loadingCache()
    const aborter = new AbortController()
    const signals: unknown[] = []
    const load = controller.getOrSet(
      'a',
      (_key, { signal }) => {
        signals.push(signal)
        aborter.abort('gone')
        return new Promise<string>(() => {})
      },
      { signal: aborter.signal },
    )
    expect(await stateOf(load)).toEqual({ error: 'gone' })
    expect(signals).toMatchObject([{ aborted: true, reason: 'gone' }])
  })

  it('that ends the wait as the load ends does not abort the load, and hides no error', async () => {
    for (const hasFailed of [false, true]) {
      for (let ticks = 0; ticks < 8; ticks++) {
        const { controller, onError } = loadingCache()
        const aborter = new AbortController()
        const { factory, contexts, resolve, reject } = origin()
        const load = controller.getOrSet('a', factory, { signal: aborter.signal })
        const outcome = load.catch((error) => error)
        if (hasFailed) reject(DOWN)
        else resolve('new')
        for (let tick = 0; tick < ticks; tick++) await null
        aborter.abort('gone')
        const isHeard = (await outcome) !== 'gone'
        await pass(0)
        const isAborted = contexts[0]?.signal.aborted
        if (hasFailed) expect(isHeard || isAborted || onError.mock.calls.length === 1).toBe(true)
        else expect(isAborted).toBe(controller.peek('a') === undefined)
      }
    }
  })

  const options = () => {
    const leaver = new AbortController()
    return { leaver, options: { signal: leaver.signal } }
  }
  const REASON = new Error('the client has gone')

  it('that is aborted already rejects with its reason, and nothing is counted', async () => {
    const { controller } = loadingCache({}, { live: 1 })
    const factory = vi.fn()
    const signal = AbortSignal.abort(REASON)
    for (const key of ['live', 'missing']) {
      await expect(controller.getOrSet(key, factory, { signal })).rejects.toBe(REASON)
    }
    expect(factory).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, loads: 0 })
  })

  it('that is aborted already raises nothing if nobody awaits the call', async () => {
    vi.useRealTimers()
    const { controller } = loadingCache({ now: () => 1 })
    const signal = AbortSignal.abort(REASON)
    await expectNoUnhandledRejection(() => {
      controller.getOrSet('a', () => 1, { signal })
      controller.getOrSetMany(['a'], () => [1], { signal })
    })
  })

  it('ends the wait of this caller alone', async () => {
    const { cache, controller } = loadingCache()
    const { factory, resolve, contexts } = origin()
    const { leaver, options: ofLeaver } = options()
    const left = controller.getOrSet('a', factory, ofLeaver)
    const stays = controller.getOrSet('a', factory)
    leaver.abort(REASON)
    await expect(left).rejects.toBe(REASON)
    expect(contexts[0]?.signal.aborted).toBe(false)
    resolve('new')
    expect(await stays).toBe('new')
    expect(cache.a).toBe('new')
  })

  it('rejects with its reason also if there is a stale value', async () => {
    const { controller } = await staleCache()
    const { leaver, options: ofLeaver } = options()
    const left = controller.getOrSet('a', origin().factory, ofLeaver)
    leaver.abort(REASON)
    await expect(left).rejects.toBe(REASON)
    expect(controller.stats().staleHits).toBe(0)
  })

  it('aborts the load with the last reason once all callers have gone', async () => {
    const { controller, onError } = loadingCache()
    const { factory, contexts } = origin()
    const [first, second] = [options(), options()]
    const calls = [
      controller.getOrSet('a', factory, first.options),
      controller.getOrSet('a', factory, second.options),
    ].map((call) => call.catch(String))
    second.leaver.abort('second')
    expect(contexts[0]?.signal.aborted).toBe(false)
    first.leaver.abort('first')
    expect(contexts[0]?.signal.reason).toBe('first')
    expect(await Promise.all(calls)).toEqual(['first', 'second'])
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 0 })
  })

  it('shows an aborted signal to a factory that asks for it only after its callers have gone', async () => {
    const { controller } = loadingCache()
    const { leaver, options: ofLeaver } = options()
    const { promise, resolve } = deferred<AbortSignal>()
    const load = controller
      .getOrSet(
        'a',
        async (_key, context) => {
          await null
          await null
          resolve(context.signal)
        },
        ofLeaver,
      )
      .catch(String)
    leaver.abort('gone')
    expect((await promise).reason).toBe('gone')
    expect(await load).toBe('gone')
  })

  it.each(['fulfils', 'rejects'])(
    'forgets a load that all callers have left: what %s late is dropped',
    async (how) => {
      const { controller, onError } = await staleCache({ retryAfter: null })
      const { factory, resolve, reject } = origin()
      const { leaver, options: ofLeaver } = options()
      const left = controller.getOrSet('a', factory, ofLeaver).catch(String)
      leaver.abort('gone')
      expect(await left).toBe('gone')
      await pass(100)
      if (how === 'fulfils') resolve('late')
      else reject(DOWN)
      await pass(0)
      expect(controller.has('a')).toBe(false)
      expect(onError).not.toHaveBeenCalled()
      expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 0, loadMs: 0, writes: 1 })
      // It is no failure, so the origin is asked again.
      expect(await controller.getOrSet('a', () => 'new')).toBe('new')
    },
  )

  it('lets the next caller start a new load, once all have gone', async () => {
    const { cache, controller } = loadingCache()
    const first = origin()
    const second = origin()
    const { leaver, options: ofLeaver } = options()
    controller.getOrSet('a', first.factory, ofLeaver)
    leaver.abort()
    const load = controller.getOrSet('a', second.factory)
    first.resolve('first')
    second.resolve('second')
    expect(await load).toBe('second')
    expect(cache.a).toBe('second')
    expect(controller.stats()).toMatchObject({ loads: 2, loadsJoined: 0 })
  })

  it('does not abort a load that some caller left by softTimeout', async () => {
    const { cache, controller } = await staleCache()
    const { factory, resolve, contexts } = origin()
    const { leaver, options: ofLeaver } = options()
    const soft = controller.getOrSet('a', factory, { softTimeout: '200ms' })
    const left = controller.getOrSet('a', factory, ofLeaver).catch(String)
    await pass(200)
    expect(await soft).toBe('old')
    leaver.abort('gone')
    expect(await left).toBe('gone')
    expect(contexts[0]?.signal.aborted).toBe(false)
    resolve('new')
    await pass(0)
    expect(cache.a).toBe('new')
  })

  it('does not abort a load that goes on in the background', async () => {
    const { cache, controller } = await staleCache({ staleWhileRevalidate: '1m' })
    const { factory, resolve, contexts } = origin()
    const { leaver, options: ofLeaver } = options()
    expect(await controller.getOrSet('a', factory, ofLeaver)).toBe('old')
    const left = controller
      .getOrSet('a', factory, { ...ofLeaver, staleWhileRevalidate: 0 })
      .catch(String)
    leaver.abort('gone')
    expect(await left).toBe('gone')
    expect(contexts[0]?.signal.aborted).toBe(false)
    resolve('new')
    await pass(0)
    expect(cache.a).toBe('new')
  })

  it('that is aborted after the load changes nothing, and has no listener left', async () => {
    const { cache, controller } = loadingCache()
    const { leaver, options: ofLeaver } = options()
    const calls = [
      controller.getOrSet('a', async () => 1, ofLeaver),
      controller.getOrSet('a', async () => 2, ofLeaver),
      controller.getOrSet('b', down(), ofLeaver).catch(() => 'down'),
    ]
    expect(getEventListeners(leaver.signal, 'abort')).toHaveLength(1)
    expect(await Promise.all(calls)).toEqual([1, 1, 'down'])
    expect(getEventListeners(leaver.signal, 'abort')).toHaveLength(0)
    leaver.abort()
    expect(cache.a).toBe(1)
  })

  it('has no listener left after a caller was served, or timed out', async () => {
    const { controller } = await staleCache()
    const { leaver, options: ofLeaver } = options()
    const soft = controller.getOrSet('a', origin().factory, { ...ofLeaver, softTimeout: '1s' })
    const late = controller
      .getOrSet('b', origin().factory, { ...ofLeaver, timeout: '1s' })
      .catch(String)
    await pass(1 * SECONDS)
    expect(await soft).toBe('old')
    expect(await late).toMatch('TimeoutError')
    expect(getEventListeners(leaver.signal, 'abort')).toHaveLength(0)
  })

  it('has one listener for all its callers, each of whom it rejects', async () => {
    const { controller } = await staleCache()
    const { leaver, options: ofLeaver } = options()
    const keys = Array.from({ length: 20 }, (_, at) => `${at}`)
    const calls = keys.map((key) =>
      controller.getOrSet(key, origin().factory, ofLeaver).catch(String),
    )
    const soft = controller.getOrSet('a', origin().factory, { ...ofLeaver, softTimeout: '1s' })
    await pass(1 * SECONDS)
    expect(await soft).toBe('old')
    expect(getEventListeners(leaver.signal, 'abort')).toHaveLength(1)
    leaver.abort('gone')
    expect(await Promise.all(calls)).toEqual(keys.map(() => 'gone'))
    expect(getEventListeners(leaver.signal, 'abort')).toHaveLength(0)
  })

  it('can be of another realm', async () => {
    const { controller } = loadingCache()
    const signal = Object.assign(new EventTarget(), { aborted: false, reason: 'elsewhere' })
    const left = controller
      .getOrSet('a', origin().factory, { signal: signal as unknown as AbortSignal })
      .catch(String)
    signal.dispatchEvent(new Event('abort'))
    expect(await left).toBe('elsewhere')
  })

  it('can be aborted with undefined or null', async () => {
    const { controller } = loadingCache()
    const { leaver, options: ofLeaver } = options()
    const left = controller.getOrSet('a', origin().factory, ofLeaver).catch((error) => [error])
    leaver.abort(null)
    expect(await left).toEqual([null])
  })

  it('does not matter to a call that has a value', async () => {
    const { cache, controller } = loadingCache({}, { a: 1 })
    const { leaver, options: ofLeaver } = options()
    const load = controller.getOrSet('a', down(), ofLeaver)
    leaver.abort()
    expect(await load).toBe(1)
    expect(cache.a).toBe(1)
  })
})

describe('on a Worker', () => {
  beforeEach(() => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('callers with a signal get the value, the error or the reason', async () => {
    const { controller } = loadingCache()
    const leaver = new AbortController()
    const options = { signal: leaver.signal }
    const calls = [
      controller.getOrSet('a', async () => 'new', options),
      controller.getOrSet('b', down(), options),
    ].map((call) => call.catch(String))
    expect(await Promise.all(calls)).toEqual(['new', String(DOWN)])
    const left = controller.getOrSet('c', origin().factory, options).catch(String)
    leaver.abort('gone')
    expect(await left).toBe('gone')
  })

  // When a request has ended, its promises reject for later subscribers.
  it('a caller with a signal starts a new load if the request that began it has ended', async () => {
    const { controller } = loadingCache()
    controller.getOrSet('a', origin().factory)
    const ended = vi.spyOn(Promise.prototype, 'then').mockImplementationOnce((...handlers) => {
      ended.mockRestore()
      return Promise.reject(new Error('the request has ended')).then(...handlers)
    })
    const { signal } = new AbortController()
    expect(await controller.getOrSet('a', () => 'again', { signal })).toBe('again')
  })

  it('an abort that the platform refuses does no harm', async () => {
    const { cache, controller } = loadingCache({ timeout: '1s' })
    const load = controller.getOrSet('a', (_key, { signal }) => {
      signal.addEventListener('abort', () => {})
      return new Promise(() => {})
    })
    const refused = vi.spyOn(AbortController.prototype, 'abort').mockImplementation(() => {
      throw new Error('another request')
    })
    const error = load.catch(String)
    await pass(1 * SECONDS)
    expect(await error).toMatch('TimeoutError')
    expect(refused).toHaveBeenCalled()
    refused.mockRestore()
    expect('a' in cache).toBe(false)
  })
})

describe('without timers', () => {
  it('loads go on, and no caller is served or timed out', async () => {
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    vi.stubGlobal('setTimeout', () => {
      throw new Error('no timers here')
    })
    const calls = [
      controller.getOrSet('a', factory, { softTimeout: '1s', timeout: '1s' }),
      controller.getOrSet('a', factory, { timeout: '1ms' }),
    ]
    vi.unstubAllGlobals()
    await pass(2 * SECONDS)
    resolve('new')
    expect(await Promise.all(calls)).toEqual(['new', 'new'])
  })
})

describe('waitUntil', () => {
  it('gets the promise of a revalidation, which fulfils with undefined once the value is kept', async () => {
    const waitUntil = vi.fn()
    const { controller } = await staleCache({ staleWhileRevalidate: '1m', waitUntil })
    const { factory, resolve } = origin()
    await controller.getOrSet('a', factory)
    await controller.getOrSet('a', factory)
    expect(waitUntil).toHaveBeenCalledTimes(1)
    const promise = waitUntil.mock.calls[0]?.[0] as Promise<unknown>
    const kept = promise.then((value) => [value, controller.peek('a')])
    expect(await stateOf(kept)).toBe('pending')
    resolve('new')
    expect(await kept).toEqual([undefined, 'new'])
  })

  it('gets the promise of a load that a caller leaves by softTimeout', async () => {
    const waitUntil = vi.fn()
    const { controller } = await staleCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory, { softTimeout: '1s', waitUntil })
    await pass(1 * SECONDS - 1)
    expect(waitUntil).not.toHaveBeenCalled()
    await pass(1)
    expect(await load).toBe('old')
    expect(waitUntil).toHaveBeenCalledTimes(1)
    const over = Promise.resolve(waitUntil.mock.calls[0]?.[0])
    expect(await stateOf(over)).toBe('pending')
    resolve('new')
    expect(await over).toBeUndefined()
  })

  it.each<[string, (reject: (error: unknown) => void) => void]>([
    ['fails', (reject) => reject(DOWN)],
    ['times out', () => {}],
  ])('gets a promise that fulfils if the load %s', async (_how, end) => {
    const waitUntil = vi.fn()
    const { controller, onError } = await staleCache({ staleWhileRevalidate: '1m', waitUntil })
    const { factory, reject } = origin()
    await controller.getOrSet('a', factory, { timeout: '1s' })
    end(reject)
    await pass(1 * SECONDS)
    expect(await waitUntil.mock.calls[0]?.[0]).toBeUndefined()
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('is called as a function, with one argument', async () => {
    const seen: unknown[] = []
    const waitUntil = function (this: unknown, ...args: unknown[]) {
      seen.push(this, args.length)
    }
    const { controller } = await staleCache({ staleWhileRevalidate: '1m', waitUntil })
    await controller.getOrSet('a', () => 1)
    expect(seen).toEqual([undefined, 1])
  })

  it('is not called for loads that their callers await', async () => {
    const waitUntil = vi.fn()
    const { controller } = await staleCache({ waitUntil })
    await controller.getOrSet('a', () => 1, { softTimeout: '1s' })
    await controller.getOrSet('b', () => 1, { refresh: true })
    await controller.getOrSet('c', down()).catch(() => {})
    expect(waitUntil).not.toHaveBeenCalled()
  })

  it('of a call is used instead of that of the cache', async () => {
    const [ofCache, ofCall] = [vi.fn(), vi.fn()]
    const { controller } = await staleCache({ staleWhileRevalidate: '1m', waitUntil: ofCache })
    await controller.getOrSet('a', () => 1, { waitUntil: ofCall })
    expect(ofCall).toHaveBeenCalledTimes(1)
    expect(ofCache).not.toHaveBeenCalled()
  })

  it.each([
    [
      'throws',
      () => {
        throw DOWN
      },
    ],
    ['rejects', async () => Promise.reject(DOWN)],
  ])('that %s is reported to onError, and the load goes on', async (_how, waitUntil) => {
    const { cache, controller, onError } = await staleCache({
      staleWhileRevalidate: '1m',
      waitUntil,
    })
    expect(await controller.getOrSet('a', () => 'new')).toBe('old')
    await pass(0)
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'waitUntil', key: 'a' }]])
    expect(cache.a).toBe('new')
  })

  it('that throws at a softTimeout is reported, and the caller gets the stale value', async () => {
    const { controller, onError } = await staleCache()
    const load = controller.getOrSet('a', origin().factory, {
      softTimeout: '1s',
      waitUntil: () => {
        throw DOWN
      },
    })
    await pass(1 * SECONDS)
    expect(await load).toBe('old')
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'waitUntil', key: 'a' }]])
  })
})

describe('refresh', () => {
  it('loads a live value anew, which others get until the new one has come', async () => {
    const { cache, controller, removed } = loadingCache({}, { a: 'old' })
    const { factory, resolve, contexts } = origin()
    const load = controller.getOrSet('a', factory, { refresh: true })
    expect(contexts[0]?.stale).toBe('old')
    expect(await controller.getOrSet('a', down())).toBe('old')
    expect(cache.a).toBe('old')
    resolve('new')
    expect(await load).toBe('new')
    expect(cache.a).toBe('new')
    expect(removed()).toEqual([['a', 'old', 'replaced']])
    expect(controller.stats()).toMatchObject({ misses: 1, hits: 3, loads: 1, staleHits: 0 })
  })

  it('restarts the TTL', async () => {
    const { controller } = loadingCache({}, { a: 'old' })
    await pass(5 * SECONDS)
    await controller.getOrSet('a', () => 'new', { refresh: true })
    expect(controller.ttl('a')).toBe(10)
  })

  it.each([true, false])(
    'gives the factory a stale value, noticed before or not (%s)',
    async (isNoticed) => {
      const { controller } = await staleCache()
      if (isNoticed) expect(controller.size).toBe(0)
      const { factory, contexts, reject } = origin()
      const load = controller.getOrSet('a', factory, { refresh: true })
      expect(contexts[0]?.stale).toBe('old')
      reject(DOWN)
      expect(await load).toBe('old')
      expect(controller.stats()).toMatchObject({ misses: 1, staleHits: 1, expirations: 1 })
    },
  )

  it('takes the value of a stored promise for the live value, once it has fulfilled', async () => {
    const { cache, controller } = loadingCache({ staleIfError: '1m' })
    const stored = deferred<string>()
    cache.a = stored.promise
    const early = origin()
    const failed = controller.getOrSet('a', early.factory, { refresh: true })
    expect(early.contexts[0]?.stale).toBeUndefined()
    early.reject(DOWN)
    await expect(failed).rejects.toBe(DOWN)
    stored.resolve('stored')
    await cache.a
    const late = origin()
    const served = controller.getOrSet('a', late.factory, { refresh: true })
    expect(late.contexts[0]?.stale).toBe('stored')
    late.reject(DOWN)
    expect(await served).toBe('stored')
  })

  it('of false does nothing', async () => {
    const { controller } = loadingCache({}, { a: 'old' })
    expect(await controller.getOrSet('a', down(), { refresh: false })).toBe('old')
  })

  it('loads a missing value', async () => {
    const { controller } = loadingCache()
    const factory = vi.fn((_key: string, { stale }: LoadContext) => [stale])
    expect(await controller.getOrSet('a', factory, { refresh: true })).toEqual([undefined])
    expect(controller.stats()).toMatchObject({ misses: 1, loads: 1 })
  })

  it('joins a load that is under way', async () => {
    const { controller } = loadingCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory)
    const refreshed = controller.getOrSet('a', down(), { refresh: true })
    resolve('new')
    expect(await Promise.all([load, refreshed])).toEqual(['new', 'new'])
    expect(controller.stats()).toMatchObject({ loads: 1, loadsJoined: 1, misses: 2 })
  })

  it('waits for the load, whatever staleWhileRevalidate says', async () => {
    const { controller } = await staleCache({ staleWhileRevalidate: '1m' })
    const load = controller.getOrSet('a', async () => 'new', { refresh: true })
    expect(await load).toBe('new')
  })

  it('that fails gives the live value within staleIfError, which is no staleHit', async () => {
    const { controller, onError } = loadingCache({ staleIfError: '1m' }, { a: 'old' })
    expect(await controller.getOrSet('a', down(), { refresh: true })).toBe('old')
    expect(onError.mock.calls).toEqual([[DOWN, { source: 'load', key: 'a' }]])
    expect(controller.stats()).toMatchObject({ staleHits: 0, loadFailures: 1 })
  })

  it('that fails gives the error without staleIfError, and the live value stays', async () => {
    const { cache, controller } = loadingCache({}, { a: 'old' })
    const load = controller.getOrSet('a', down(), { refresh: true })
    await expect(load).rejects.toBe(DOWN)
    expect(cache.a).toBe('old')
  })

  it('that fails gives a value that went stale meanwhile', async () => {
    const { controller } = loadingCache({ staleIfError: '1m' }, { a: 'old' })
    const { factory, reject } = origin()
    const load = controller.getOrSet('a', factory, { refresh: true })
    await pass(10 * SECONDS)
    reject(DOWN)
    expect(await load).toBe('old')
    expect(controller.stats().staleHits).toBe(1)
  })

  it('from the factory of the key itself rejects before its first await', async () => {
    const { controller } = loadingCache({}, { a: 'old' })
    const load = controller.getOrSet(
      'a',
      () => controller.getOrSet('a', () => 1, { refresh: true }),
      { refresh: true },
    )
    await expect(load).rejects.toThrow(/"a".*own key/)
  })

  it('a write during the load wins over it', async () => {
    const { cache, controller } = loadingCache({}, { a: 'old' })
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory, { refresh: true })
    cache.a = 'written'
    resolve('loaded')
    expect(await load).toBe('loaded')
    expect(cache.a).toBe('written')
  })
})

describe('ttl', () => {
  it('a function that throws: the value is returned, not kept, and the stale one stays', async () => {
    const { controller, onError } = await staleCache()
    const failing = { ttl: () => Promise.reject(DOWN) as never }
    expect(await controller.getOrSet('a', () => 'new', failing)).toBe('new')
    expect(onError.mock.calls).toEqual([[expect.any(TypeError), { source: 'ttl', key: 'a' }]])
    expect(controller.stats()).toMatchObject({ loadFailures: 0, writes: 1 })
    expect(await controller.getOrSet('a', down())).toBe('old')
  })

  it('of undefined from a function is defaultTtl', async () => {
    const { controller } = loadingCache()
    await controller.getOrSet('a', () => 1, { ttl: () => undefined })
    expect(controller.ttl('a')).toBe(10)
  })

  it.each(['0s', -1])(
    'of %s gives the value to its callers and drops the stale one',
    async (ttl) => {
      const { controller, removals } = await staleCache()
      expect(await controller.getOrSet('a', () => 'new', { ttl })).toBe('new')
      expect(removals()).toEqual(['a expired', 'a expired'])
      await expect(controller.getOrSet('a', down())).rejects.toBe(DOWN)
    },
  )
})

describe('a value that does not fit', () => {
  it('is returned, counted as refused, and drops the stale one', async () => {
    const { controller, onError } = await staleCache({ maxSizeBytes: '8K' })
    expect(await controller.getOrSet('a', () => 'x'.repeat(10_000))).toHaveLength(10_000)
    expect(controller.stats()).toMatchObject({ refusals: 1, loadFailures: 0 })
    expect(onError).not.toHaveBeenCalled()
    await expect(controller.getOrSet('a', down())).rejects.toBe(DOWN)
  })
})

describe('a value that cannot be kept', () => {
  const sizeOf = (value: unknown) => {
    if (value === 'bad') throw DOWN
    return 1
  }

  it('rejects the callers', async () => {
    const { controller, onError } = loadingCache({ sizeOf })
    await expect(controller.getOrSet('a', () => 'bad')).rejects.toThrow('sizeOf failed for "a"')
    expect(onError).not.toHaveBeenCalled()
  })

  it('is reported to onError if the load goes on in the background', async () => {
    const { controller, onError } = await staleCache({ sizeOf, staleWhileRevalidate: '1m' })
    expect(await controller.getOrSet('a', () => 'bad')).toBe('old')
    await pass(0)
    expect(onError.mock.calls).toEqual([[expect.any(TypeError), { source: 'load', key: 'a' }]])
  })
})

describe('statistics of loads', () => {
  it('are 0 at first, and after resetStats', async () => {
    const none = { loads: 0, loadFailures: 0, loadsJoined: 0, loadMs: 0, staleHits: 0 }
    const { controller } = await staleCache()
    expect(controller.stats()).toMatchObject(none)
    await Promise.all([controller.getOrSet('a', down()), controller.getOrSet('a', down())])
    expect(controller.stats()).toMatchObject({
      loads: 1,
      loadFailures: 1,
      loadsJoined: 1,
      staleHits: 2,
    })
    controller.resetStats()
    expect(controller.stats()).toMatchObject(none)
    controller.clear()
    controller.resetStats()
  })

  it('count the milliseconds of loads that fulfil, fail and time out, once for each load', async () => {
    const { controller } = loadingCache({ timeout: '5s' })
    const { factory, resolve } = origin()
    const calls = [controller.getOrSet('a', factory), controller.getOrSet('a', factory)]
    await pass(300)
    expect(controller.stats().loadMs).toBe(0)
    resolve('new')
    await Promise.all(calls)
    expect(controller.stats().loadMs).toBe(300)
    const failing = origin()
    const failed = controller.getOrSet('b', failing.factory).catch(String)
    await pass(400)
    failing.reject(DOWN)
    await failed
    expect(controller.stats().loadMs).toBe(700)
    const late = controller.getOrSet('c', origin().factory).catch(String)
    await pass(5 * SECONDS)
    await late
    expect(controller.stats()).toMatchObject({ loadMs: 5_700, loads: 3, loadFailures: 2 })
  })

  it('count a load that a write has overtaken', async () => {
    const { cache, controller } = loadingCache()
    const { factory, resolve } = origin()
    const load = controller.getOrSet('a', factory)
    cache.a = 'written'
    await pass(100)
    resolve('loaded')
    await load
    expect(controller.stats()).toMatchObject({ loads: 1, loadMs: 100, writes: 1 })
  })
})

describe('without onError', () => {
  it('one console.warn tells of each load that fails in the background', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { controller } = await staleCache({ onError: undefined, staleWhileRevalidate: '1m' })
    await controller.getOrSet('a', down())
    await pass(0)
    expect(warn.mock.calls).toEqual([['faas-cache-dict: load failed', DOWN]])
    warn.mockRestore()
  })

  it('loads in the background that fail raise no unhandled rejection', async () => {
    vi.useRealTimers()
    let time = 1
    const { controller } = loadingCache(
      { now: () => time, staleWhileRevalidate: '1m', staleIfError: '1m' },
      { a: 'old' },
    )
    time += 10 * SECONDS
    await expectNoUnhandledRejection(async () => {
      controller.getOrSet('a', down())
      controller.getOrSet('a', down(), { softTimeout: 0, waitUntil: () => {} })
      const signal = AbortSignal.timeout(1)
      controller.getOrSet('b', () => new Promise(() => {}), { signal })
      controller.getOrSet('c', () => new Promise(() => {}), { timeout: '1ms' })
      await new Promise((resolve) => setTimeout(resolve, 10))
    })
    controller.close()
  })
})

describe('a bad option of a call', () => {
  const DURATIONS = ['staleWhileRevalidate', 'staleIfError', 'softTimeout', 'retryAfter', 'timeout']
  const WRONG_KINDS = [
    '10',
    '',
    '5 parsecs',
    '10 s',
    true,
    false,
    {},
    [],
    () => 1,
    10n,
    Symbol('s'),
  ]
  const OUT_OF_RANGE = [-1, -0.5, Number.NaN, Number.NEGATIVE_INFINITY, '-5s']

  const cases: [string, unknown, typeof TypeError | typeof RangeError][] = [
    ...DURATIONS.flatMap((name) => [
      ...WRONG_KINDS.map(
        (value) => [name, value, TypeError] as [string, unknown, typeof TypeError],
      ),
      ...OUT_OF_RANGE.map(
        (value) => [name, value, RangeError] as [string, unknown, typeof TypeError],
      ),
    ]),
    ...[0, -0, '0s', '0ms'].map(
      (value) => ['timeout', value, RangeError] as [string, unknown, typeof TypeError],
    ),
    ...['10', '', true, {}, [], 10n, Symbol('s')].map(
      (value) => ['ttl', value, TypeError] as [string, unknown, typeof TypeError],
    ),
    ['ttl', Number.NaN, RangeError],
    ...[
      null,
      1,
      '',
      {},
      true,
      () => 1,
      new AbortController(),
      { aborted: true },
      new EventTarget(),
    ].map((value) => ['signal', value, TypeError] as [string, unknown, typeof TypeError]),
    ...[null, 1, '', {}, true, []].map(
      (value) => ['waitUntil', value, TypeError] as [string, unknown, typeof TypeError],
    ),
    ...[null, 0, 1, '', 'true', {}, () => true].map(
      (value) => ['refresh', value, TypeError] as [string, unknown, typeof TypeError],
    ),
    ...['tll', 'maxItems', 'sizeBytes', 'stale', ''].map(
      (name) => [name, undefined, TypeError] as [string, unknown, typeof TypeError],
    ),
  ]

  it.each(
    cases.map(
      ([name, value, error]) =>
        [
          name,
          String(typeof value === 'object' ? JSON.stringify(value) : (value as string)),
          error.name,
          value,
          error,
        ] as const,
    ),
  )(
    '%s of %s rejects with a %s that names it, and nothing happens',
    async (name, _shown, _error, value, error) => {
      const { controller } = loadingCache({}, { live: 1 })
      const factory = vi.fn()
      for (const key of ['live', 'missing']) {
        const one = controller.getOrSet(key, factory, { [name]: value } as never)
        const many = controller.getOrSetMany([key], factory, { [name]: value } as never)
        for (const call of [one, many]) {
          const refusal = await call.catch((error: Error) => error)
          expect(refusal).toBeInstanceOf(error)
          expect((refusal as Error).message).toContain(name)
        }
      }
      expect(factory).not.toHaveBeenCalled()
      expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, loads: 0 })
    },
  )

  it.each([null, 1, 'ttl', true, [], () => ({}), new Map()])(
    'options of %s reject with a TypeError',
    async (options) => {
      const { controller } = loadingCache()
      const one = controller.getOrSet('a', () => 1, options as never)
      const many = controller.getOrSetMany(['a'], () => [1], options as never)
      await expect(one).rejects.toThrow(TypeError)
      await expect(many).rejects.toThrow(TypeError)
    },
  )

  it('that a getter throws rejects with its error', async () => {
    const { controller } = loadingCache()
    const options = {
      get ttl(): number {
        throw DOWN
      },
    }
    await expect(controller.getOrSet('a', () => 1, options)).rejects.toBe(DOWN)
    await expect(controller.getOrSetMany(['a'], () => [1], options)).rejects.toBe(DOWN)
  })
})

describe('an option of a call', () => {
  it('that is undefined has the value of the cache', async () => {
    const waitUntil = vi.fn()
    const { controller } = await staleCache({
      staleWhileRevalidate: '1m',
      waitUntil,
      timeout: '1s',
    })
    const load = controller.getOrSet('a', origin().factory, {
      ttl: undefined,
      staleWhileRevalidate: undefined,
      staleIfError: undefined,
      softTimeout: undefined,
      timeout: undefined,
      retryAfter: undefined,
      signal: undefined,
      waitUntil: undefined,
      refresh: undefined,
    })
    expect(await load).toBe('old')
    expect(waitUntil).toHaveBeenCalledTimes(1)
    await pass(1 * SECONDS)
    expect(controller.stats().loadFailures).toBe(1)
  })

  it('can be inherited, from a class too', async () => {
    class Config {
      get refresh() {
        return true
      }
    }
    const { controller } = loadingCache({}, { a: 'old' })
    expect(await controller.getOrSet('a', () => 'new', new Config())).toBe('new')
    expect(await controller.getOrSet('a', () => 'newer', Object.create({ refresh: true }))).toBe(
      'newer',
    )
  })

  it('counts each time as it was given at the call', async () => {
    const { controller } = await staleCache()
    const { factory, reject } = origin()
    const options = { staleIfError: '1m' as string | number }
    const load = controller.getOrSet('a', factory, options)
    options.staleIfError = 0
    reject(DOWN)
    expect(await load).toBe('old')
  })
})
