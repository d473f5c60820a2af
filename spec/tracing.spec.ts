import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { type LoadTrace, TimeoutError } from 'faas-cache-dict'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Values } from './support/cache.ts'
import { inChild } from './support/child.ts'
import { DOWN, down, fakeTimersForEach, loadingCache, pass, SECONDS } from './support/loading.ts'
import { deferred, expectNoUnhandledRejection } from './support/promises.ts'

const loads = tracingChannel<unknown, LoadTrace>('faas-cache-dict.load')
const GIVEN = ['start', 'end', 'asyncStart', 'asyncEnd']
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']

/** Subscribes until the test ends. What `log` is given stands among the events. */
function traced() {
  const log: string[] = []
  const traces: LoadTrace[] = []
  const noting = (event: string) => (trace: LoadTrace) => {
    log.push(event)
    traces.push(trace)
  }
  const subscribers = {
    start: noting('start'),
    end: noting('end'),
    asyncStart: noting('asyncStart'),
    asyncEnd: noting('asyncEnd'),
    error: noting('error'),
  }
  const unsubscribe = () => loads.unsubscribe(subscribers)
  loads.subscribe(subscribers)
  onTestFinished(() => {
    unsubscribe()
  })
  return {
    log,
    /** The traces, in the order in which they began. */
    traces: () => [...new Set(traces)],
    /** The events of one load. */
    eventsOf: (trace: LoadTrace | undefined) => log.filter((_, at) => traces[at] === trace),
    unsubscribe,
  }
}

/** Runs at the start of each load until the test ends. */
function atStart(run: (trace: LoadTrace) => void): void {
  const subscriber = (trace: unknown) => run(trace as LoadTrace)
  loads.start.subscribe(subscriber)
  onTestFinished(() => {
    loads.start.unsubscribe(subscriber)
  })
}

fakeTimersForEach()

describe('a load', () => {
  it.each<[string, () => unknown]>([
    ['a value', () => 'new'],
    ['a promise', async () => 'new'],
  ])(
    'whose factory gives %s is traced from its call until its callers go on',
    async (_kind, give) => {
      const { log, traces } = traced()
      const { controller } = loadingCache()
      const factory = () => {
        log.push('factory')
        return give()
      }
      const value = await controller.getOrSet('a', factory)
      log.push('caller')
      expect(log).toEqual(['start', 'factory', 'end', 'asyncStart', 'asyncEnd', 'caller'])
      expect(value).toBe('new')
      expect(traces()).toEqual([
        { key: 'a', keys: ['a'], controller, stale: undefined, result: 'new' },
      ])
      expect(traces()[0]?.controller).toBe(controller)
    },
  )

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw DOWN
      },
    ],
    ['rejects', down()],
  ])('whose factory %s is traced with its error', async (_how, factory) => {
    const { log, traces } = traced()
    const { controller } = loadingCache()
    await expect(controller.getOrSet('a', factory)).rejects.toBe(DOWN)
    expect(log).toEqual(FAILED)
    expect(traces()).toMatchObject([{ key: 'a', error: DOWN }])
  })

  it('that takes longer than its timeout ends with the timeout, and only once', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache()
    const { promise, resolve } = deferred()
    const call = controller.getOrSet('a', () => promise, { timeout: '1s' })
    const failure = expect(call).rejects.toBeInstanceOf(TimeoutError)
    await pass(1 * SECONDS)
    await failure
    resolve('late')
    await pass(0)
    expect(log).toEqual(FAILED)
    expect(traces()[0]?.error).toBeInstanceOf(TimeoutError)
  })

  it('that its last caller leaves ends with the reason', async () => {
    const { log, traces } = traced()
    const { controller, onError } = loadingCache()
    const { promise, resolve } = deferred()
    const [first, last] = [new AbortController(), new AbortController()]
    const calls = [first, last].map(({ signal }) =>
      controller.getOrSet('a', () => promise, { signal }).catch((reason) => reason),
    )
    first.abort('first')
    await pass(0)
    expect(log).toEqual(['start', 'end'])
    last.abort('last')
    expect(await Promise.all(calls)).toEqual(['first', 'last'])
    resolve('late')
    await pass(0)
    expect(log).toEqual(FAILED)
    expect(traces()).toMatchObject([{ error: 'last' }])
    expect(onError).not.toHaveBeenCalled()
    expect(controller.stats()).toMatchObject({ loads: 1, loadFailures: 0, items: 0 })
  })

  it('that a caller joined and leaves by its own timeout goes on for the others', async () => {
    const { log } = traced()
    const { controller } = loadingCache()
    const { promise, resolve } = deferred()
    const first = controller.getOrSet('a', () => promise)
    const joined = expect(controller.getOrSet('a', down(), { timeout: '1s' })).rejects.toThrow()
    await pass(1 * SECONDS)
    await joined
    expect(log).toEqual(['start', 'end'])
    resolve('new')
    expect(await first).toBe('new')
    expect(log).toEqual(GIVEN)
  })

  it('is traced once for all of its callers, and a hit is not traced', async () => {
    const { log } = traced()
    const { controller } = loadingCache()
    const load = async () => 'new'
    await Promise.all([controller.getOrSet('a', load), controller.getOrSet('a', load)])
    await controller.getOrSet('a', load)
    expect(log).toEqual(GIVEN)
  })

  it('by refresh has the live value as stale', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache({}, { a: 'old' })
    await controller.getOrSet('a', () => 'new', { refresh: true })
    expect(log).toEqual(GIVEN)
    expect(traces()).toMatchObject([{ stale: 'old', result: 'new' }])
  })

  it('in the background is traced until it ends, after its caller has gone on', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache({ staleWhileRevalidate: '1m' }, { a: 'old' })
    await pass(10 * SECONDS)
    const { promise, resolve } = deferred()
    expect(await controller.getOrSet('a', () => promise)).toBe('old')
    expect(log).toEqual(['start', 'end'])
    resolve('new')
    await pass(0)
    expect(log).toEqual(GIVEN)
    expect(traces()).toMatchObject([{ stale: 'old', result: 'new' }])
  })

  it('in the background that fails is traced with its error', async () => {
    const { log, traces } = traced()
    const { controller, onError } = loadingCache({ staleWhileRevalidate: '1m' }, { a: 'old' })
    await pass(10 * SECONDS)
    await expectNoUnhandledRejection(() => controller.getOrSet('a', down()))
    expect(log).toEqual(FAILED)
    expect(traces()).toMatchObject([{ error: DOWN }])
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('that fails is traced with its error, even if its caller gets the stale value', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache({ staleIfError: '1m' }, { a: 'old' })
    await pass(10 * SECONDS)
    expect(await controller.getOrSet('a', down())).toBe('old')
    // Within `retryAfter` no factory is called.
    expect(await controller.getOrSet('a', down())).toBe('old')
    expect(log).toEqual(FAILED)
    expect(traces()).toMatchObject([{ stale: 'old', error: DOWN }])
  })

  it('that goes on after a softTimeout ends with its value', async () => {
    const { log } = traced()
    const { controller } = loadingCache({ staleIfError: '1m' }, { a: 'old' })
    await pass(10 * SECONDS)
    const { promise, resolve } = deferred()
    const call = controller.getOrSet('a', () => promise, { softTimeout: '1s' })
    await pass(1 * SECONDS)
    expect(await call).toBe('old')
    expect(log).toEqual(['start', 'end'])
    resolve('new')
    await pass(0)
    expect(log).toEqual(GIVEN)
  })

  it.each<[string, (cache: ReturnType<typeof loadingCache>) => void]>([
    ['a write', ({ cache }) => (cache.a = 'written')],
    ['a removal', ({ controller }) => controller.delete('a')],
    ['clear', ({ controller }) => controller.clear()],
  ])('that is overtaken by %s of its factory ends with its value', async (_what, change) => {
    const { log, traces } = traced()
    const made = loadingCache()
    const load = () => {
      change(made)
      return 'new'
    }
    await made.controller.getOrSet('a', load)
    expect(log).toEqual(GIVEN)
    expect(traces()).toMatchObject([{ result: 'new' }])
    expect(made.cache.a).not.toBe('new')
  })

  it('that is given up after pendingTtl, and the one that replaces it, are two traces', async () => {
    const { traces, eventsOf } = traced()
    const { controller } = loadingCache({ pendingTtl: '1s' })
    const { promise, resolve } = deferred()
    const first = controller.getOrSet('a', () => promise)
    await pass(1 * SECONDS)
    await controller.getOrSet('a', () => 'second')
    resolve('first')
    await first
    expect(traces().map(({ result }) => result)).toEqual(['first', 'second'])
    for (const trace of traces()) expect(eventsOf(trace)).toEqual(GIVEN)
  })

  it('that waits for another load encloses it', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache()
    await controller.getOrSet('outer', () => controller.getOrSet('inner', () => 1))
    expect(log).toEqual(['start', 'start', 'end', 'end', ...Array(2).fill(GIVEN.slice(2)).flat()])
    expect(traces().map(({ key }) => key)).toEqual(['outer', 'inner'])
  })

  it('whose value is not stored ends with its value', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache({ maxEntrySizeBytes: 500 })
    const value = 'x'.repeat(1_000)
    expect(await controller.getOrSet('a', () => value)).toBe(value)
    expect(log).toEqual(GIVEN)
    expect(traces()).toMatchObject([{ result: value }])
  })

  it('of several keys is traced once, with the keys that loadMany gets', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache({}, { b: 'live' })
    const loadMany = vi.fn(async (_keys: string[]) => ({ a: 1, c: undefined }))
    await controller.getOrSetMany(['a', 'b', 'c', 'd'], loadMany)
    expect(log).toEqual(GIVEN)
    const [{ result, ...trace }] = traces() as [LoadTrace<Values>]
    expect(trace).toEqual({ key: 'a', keys: ['a', 'c', 'd'], controller, stale: undefined })
    expect(result).toBeInstanceOf(Map)
    expect([...(result as Map<string, unknown>)]).toEqual([
      ['a', 1],
      ['c', undefined],
    ])
    expect(loadMany.mock.calls.map(([keys]) => keys)).toEqual([['a', 'c', 'd']])
  })

  it('of several keys that fails is traced with its error', async () => {
    const { log, traces } = traced()
    const { controller } = loadingCache()
    await expect(controller.getOrSetMany(['a', 'b'], down())).rejects.toBe(DOWN)
    expect(log).toEqual(FAILED)
    expect(traces()).toMatchObject([{ keys: ['a', 'b'], error: DOWN }])
  })
})

describe('a subscriber', () => {
  it('hears nothing more once it has unsubscribed', async () => {
    const { log, unsubscribe } = traced()
    const { controller } = loadingCache()
    const { promise, reject } = deferred()
    const call = controller.getOrSet('a', () => promise)
    unsubscribe()
    await expectNoUnhandledRejection(async () => {
      reject(DOWN)
      await expect(call).rejects.toBe(DOWN)
      await controller.getOrSet('b', () => 1)
    })
    expect(log).toEqual(['start', 'end'])
  })

  it('hears nothing of a load that was under way when it subscribed', async () => {
    const { controller } = loadingCache()
    const { promise, resolve } = deferred()
    const call = controller.getOrSet('a', () => promise)
    const { log } = traced()
    resolve('new')
    await call
    expect(log).toEqual([])
  })

  it('that changes the keys changes nothing', async () => {
    const { controller } = loadingCache()
    atStart(({ keys }) => (keys as string[]).splice(0))
    const found = await controller.getOrSetMany(['a', 'b'], (keys) => keys)
    expect(found).toEqual(
      new Map([
        ['a', 'a'],
        ['b', 'b'],
      ]),
    )
  })

  it('that asks for the key at the start gets a rejection, since the load waits for it', async () => {
    const { controller } = loadingCache()
    const asked: unknown[] = []
    atStart(({ key }) => {
      asked.push(controller.getOrSet(key, down()).catch((error) => error.message))
    })
    expect(await controller.getOrSet('a', () => 1)).toBe(1)
    expect(await Promise.all(asked)).toEqual([expect.stringContaining('wait for itself')])
  })

  it('that writes the key at the start overtakes the load', async () => {
    const { cache, controller } = loadingCache()
    atStart(({ key }) => controller.set(key, 'written'))
    expect(await controller.getOrSet('a', () => 'loaded')).toBe('loaded')
    expect(cache.a).toBe('written')
  })

  it('that throws leaves loads as they are, and the platform reports its error', async () => {
    const outcome = await inChild(`
      import { tracingChannel } from 'node:diagnostics_channel'
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      const uncaught = []
      process.on('uncaughtException', ({ message }) => uncaught.push(message))
      const failing = (event) => () => { throw new Error(event) }
      const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']
      const loads = tracingChannel('faas-cache-dict.load')
      loads.subscribe(Object.fromEntries(events.map((event) => [event, failing(event)])))
      const controller = controllerOf(new FaaSCacheDict())
      const seen = [
        await controller.getOrSet('a', () => 1),
        await controller.getOrSet('b', async () => { throw new Error('down') }).catch(({ message }) => message),
        [...await controller.getOrSetMany(['a', 'b'], (keys) => keys)],
      ]
      setTimeout(() => {
        console.log(JSON.stringify({ seen, uncaught }))
        process.exit()
      }, 10)
    `)
    const given = ['start', 'end', 'asyncStart', 'asyncEnd']
    expect(outcome).toEqual({
      seen: [
        1,
        'down',
        [
          ['a', 1],
          ['b', 'b'],
        ],
      ],
      uncaught: expect.arrayContaining([...given, 'error']),
    })
  })
})

describe('a store that a tracer binds to the start', () => {
  it('is that of the factory, and neither of its callers nor of hooks', async () => {
    const spans = new AsyncLocalStorage<unknown>()
    loads.start.bindStore(spans, ({ key }) => `span of ${key}`)
    onTestFinished(() => {
      loads.start.unbindStore(spans)
    })
    const seen: [string, unknown][] = []
    const see = (where: string) => seen.push([where, spans.getStore()])
    const { controller } = loadingCache({ onDelete: () => see('onDelete') }, { a: 'old' })
    const load = async () => {
      see('factory')
      await pass(1)
      see('factory, later')
      return 'new'
    }
    const call = controller.getOrSet('a', load, { refresh: true })
    see('caller')
    await call
    see('caller, later')
    expect(seen).toEqual([
      ['factory', 'span of a'],
      ['caller', undefined],
      ['factory, later', 'span of a'],
      ['onDelete', undefined],
      ['caller, later', undefined],
    ])
  })

  it('is garbage-collected once the load has ended', async () => {
    const alive = await inChild(
      `
      import { AsyncLocalStorage } from 'node:async_hooks'
      import { tracingChannel } from 'node:diagnostics_channel'
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      const spans = new AsyncLocalStorage()
      const refs = []
      const loads = tracingChannel('faas-cache-dict.load')
      loads.start.bindStore(spans, (trace) => {
        const span = { trace, body: new Array(1_000).fill(0) }
        refs.push(new WeakRef(span))
        return span
      })
      // Timers of the cache do not keep the process alive.
      setInterval(() => {}, 1_000)
      const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
      const cache = new FaaSCacheDict({ defaultTtl: '1h', staleIfError: '1h', onError() {} })
      const controller = controllerOf(cache)
      for (let i = 0; i < 20; i++) {
        await controller.getOrSet('a' + i, async () => { await pause(1); cache['own' + i] = i; return { i } })
        await controller.getOrSet('b' + i, () => Promise.reject(i)).catch(() => {})
        await controller.getOrSet('c' + i, () => new Promise(() => {}), { timeout: '1ms' }).catch(() => {})
        await controller.getOrSet('d' + i, () => new Promise(() => {}), { signal: AbortSignal.timeout(1) }).catch(() => {})
      }
      // The last ones may still be on the stack.
      await controller.getOrSet('last', () => 1)
      const count = () => refs.slice(0, -2).filter((ref) => ref.deref() !== undefined).length
      for (let passes = 0; passes < 200 && count() > 0; passes++) {
        await pause(5)
        globalThis.gc()
      }
      console.log(JSON.stringify([refs.length, count()]))
      process.exit(cache.a1 ? 0 : 1)
    `,
      '--expose-gc',
    )
    expect(alive).toEqual([81, 0])
  })
})
