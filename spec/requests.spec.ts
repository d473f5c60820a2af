import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { controllerOf, FaaSCacheDict, heapSize } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'
import type { Values } from './support/cache.ts'
import { inChild } from './support/child.ts'

const requests = new AsyncLocalStorage<unknown>()
const inRequest = <T>(run: () => T): T =>
  requests.run(
    { body: 'b'.repeat(150_000), rows: Array.from({ length: 1_000 }, (_, i) => [i]) },
    run,
  )

const later = <T>(value: T, milliseconds = 1): Promise<T> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds, value))

describe('the context of a request', () => {
  it('is garbage-collected after every use of a cache, once its promises have settled', async () => {
    const alive = await inChild(
      `
      import { AsyncLocalStorage } from 'node:async_hooks'
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      const requests = new AsyncLocalStorage()
      const pause = (ms = 2) => new Promise((resolve) => setTimeout(resolve, ms))
      const load = async (i) => { await pause(); return { i } }
      const options = { defaultTtl: '1h', sweepInterval: '5ms', maxSizeBytes: '8M', staleIfError: '1h' }
      const windows = { staleWhileRevalidate: '1h', staleIfError: '1h', softTimeout: '1ms', retryAfter: '1h' }
      const cache = new FaaSCacheDict({ ...options, pendingTtl: '1h', onDelete() {}, onError() {} })
      const controller = controllerOf(cache)
      controller.getOrSet('hanging', () => new Promise(() => {}))
      // Timers of the cache do not keep the process alive.
      setInterval(() => {}, 1_000)
      const impatient = new FaaSCacheDict({ ...options, pendingTtl: '5ms' })
      const held = []
      const uses = {
        '??=': async (i) => { await (cache['a' + i] ??= load(i)) },
        '??= of a fulfilled promise': async (i) => { await (cache['b' + i] ??= Promise.resolve({ i })) },
        '??= of a promise that rejects': async (i) => { await (cache['c' + i] ??= load(i).then(() => { throw i })).catch(() => {}) },
        'set with options': async (i) => { controller.set('d' + i, load(i), { ttl: '1m', sizeBytes: 9 }); await cache['d' + i] },
        'setTtl of a pending promise': async (i) => { cache['e' + i] = load(i); controller.setTtl('e' + i, '1m'); await cache['e' + i] },
        'setTtl of a fulfilled promise': async (i) => { await (cache['f' + i] = load(i)); controller.setTtl('f' + i, '1m') },
        'a write of the value just read': async (i) => { await (cache['g' + i] = load(i)); cache['g' + i] = cache['g' + i] },
        'two writes of one promise': async (i) => { const promise = load(i); await (cache['h' + i] = promise); cache['h' + i] = promise },
        'one promise under two keys': async (i) => { const promise = load(i); cache['i' + i] = promise; cache['j' + i] = promise; await promise },
        'getOrSet': async (i) => { await controller.getOrSet('k' + i, () => load(i)) },
        'getOrSet that rejects': async (i) => { await controller.getOrSet('l' + i, () => load(i).then(() => { throw i })).catch(() => {}) },
        'a promise that never settles': (i) => { impatient['m' + i] = new Promise(() => {}) },
        'getOrSet that never settles': (i) => { controllerOf(impatient).getOrSet('p' + i, () => new Promise(() => {})) },
        'a stale value, and a load in the background': async (i) => {
          controller.set('q' + i, load(i), { ttl: '1ms' })
          await pause()
          await controller.getOrSet('q' + i, () => load(i), windows)
          await controller.getOrSet('q' + i, () => load(i), { refresh: true, ...windows })
        },
        'a stale value, and a pause of its origin': async (i) => {
          controller.set('r' + i, load(i), { ttl: '1ms' })
          await pause()
          await controller.getOrSet('r' + i, () => Promise.reject(i), { ...windows, staleWhileRevalidate: 0 })
        },
        'a caller that gives up a load of another request': async (i) => {
          const options = { signal: AbortSignal.timeout(1), timeout: '1ms', ...windows }
          await controller.getOrSet('hanging', () => new Promise(() => {}), options).catch(() => {})
        },
        'getOrSetMany': async (i) => { await controller.getOrSetMany(['s' + i, 't' + i], (keys) => keys.map(() => load(i))) },
        'setDefault': async (i) => { await controller.setDefault('n' + i, load(i)) },
        'a write of a plain value': (i) => { cache['o' + i] = { i } },
        'reads': (i) => { cache['a' + i]; controller.peek('b' + i); controller.dump() },
        'a new cache': (i) => { held.push(new FaaSCacheDict(options, { a: { i } })) },
        'a new cache with a load': async (i) => { const own = new FaaSCacheDict(options); held.push(own); await (own.a ??= load(i)) },
      }
      const stores = []
      for (const use of Object.values(uses)) {
        const refs = []
        for (let i = 0; i <= 20; i++) {
          const store = { body: new Array(1_000).fill(i) }
          // The last store may still be on the stack.
          if (i < 20) refs.push(new WeakRef(store))
          await requests.run(store, use, i)
        }
        stores.push(refs)
      }
      const count = () => stores.map((refs) => refs.filter((ref) => ref.deref() !== undefined).length)
      for (let passes = 0; passes < 200 && Math.max(...count()) > 0; passes++) {
        await pause(5)
        globalThis.gc()
      }
      const counts = count()
      console.log(JSON.stringify(Object.keys(uses).map((use, at) => [use, counts[at]]).filter(([, alive]) => alive > 0)))
      process.exit(cache.a1 && held[0].a ? 0 : 1)
    `,
      '--expose-gc',
    )
    expect(alive).toEqual([])
  })

  it('is not charged to an entry, so a small budget accepts the promise', async () => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '64K' })
    const controller = controllerOf(cache)
    const store = (key: string) => {
      cache[key] = later({ id: 1 })
    }
    inRequest(() => store('a'))
    store('b')
    expect(controller.sizeOf('a')).toBe(controller.sizeOf('b'))
    await cache.b
    await later(0)
    expect(controller.sizeOf('a')).toBe(controller.sizeOf('b'))
    const charge = controller.sizeOf('a')
    inRequest(() => controller.remeasure())
    expect([controller.sizeOf('a'), controller.sizeOf('b')]).toEqual([charge, charge])
  })

  it.each<[string, () => unknown]>([
    ['a promise', () => Promise.resolve(1)],
    ['a pending promise', () => new Promise(() => {})],
    ['the promise of an async function', async () => 1],
    [
      'an instance that holds a promise',
      () =>
        new (class {
          ready = Promise.resolve()
        })(),
    ],
    ['a Response', () => new Response('text')],
    ['the body of a Response', () => new Response('text').body],
    ['a ReadableStream', () => new ReadableStream({ pull() {} })],
    ['an object with a promise deep inside', () => ({ of: [new Map([[1, { p: later(1) }]])] })],
    ['a timer', () => setTimeout(() => {}, 25)],
    [
      'an instance that holds a timer',
      () =>
        new (class {
          timer = setTimeout(() => {}, 25)
        })(),
    ],
    ['an immediate', () => setImmediate(() => {})],
    ['an AsyncResource', () => new AsyncResource('test')],
    [
      'a MessagePort',
      () => {
        const { port1, port2 } = new MessageChannel()
        port1.close()
        return port2
      },
    ],
  ])('is not part of the measured size of %s', (_name, make) => {
    make()
    const outside = heapSize(make())
    const inside = inRequest(() => {
      // The platform links timers of the same duration.
      for (let i = 0; i < 100; i++) setTimeout(later, 25, { of: 'another request' })
      return heapSize(make())
    })
    expect(inside).toBe(outside)
  })
})

describe('onDelete, called by the sweep,', () => {
  it('sees no request, even if requests created the cache and woke the sweep', async () => {
    const seen: unknown[] = []
    const cache = inRequest(() => {
      return new FaaSCacheDict<Values>(
        {
          defaultTtl: '20ms',
          sweepInterval: '10ms',
          onDelete: (key) => seen.push([key, requests.getStore()]),
        },
        { made: 1 },
      )
    })
    await vi.waitFor(() => expect(seen).toEqual([['made', undefined]]), 10_000)
    inRequest(() => {
      cache.written = 1
    })
    await vi.waitFor(() => expect(seen).toHaveLength(2), 10_000)
    expect(seen[1]).toEqual(['written', undefined])
  })
})

describe('a promise stored in a request', () => {
  const stored = async () => {
    const removed: unknown[] = []
    const cache = new FaaSCacheDict<Values>({ onDelete: (...args) => removed.push(args) })
    const promise = inRequest(() => later({ id: 1 }))
    cache.a = promise
    expect(cache.a).toBe(promise)
    const value = await promise
    return { cache, controller: controllerOf(cache), promise, value, removed }
  }

  it('is the same promise in every read once it has fulfilled', async () => {
    const { cache, controller, value } = await stored()
    const kept = cache.a
    expect(kept).toBeInstanceOf(Promise)
    expect(await kept).toBe(value)
    expect([cache.a, controller.peek('a'), controller.get('a'), { ...cache }.a]).toEqual(
      new Array(4).fill(kept),
    )
    expect(cache.a).toBe(kept)
    expect([...controller.values()][0]).toBe(kept)
    expect(controller.dump().entries).toMatchObject([{ key: 'a', value, isPromise: true }])
  })

  it('counts as the same value when it is stored again', async () => {
    const { cache, controller, promise, removed } = await stored()
    const kept = cache.a
    const charge = controller.sizeOf('a')
    cache.a = promise
    await promise
    cache.a = kept
    await kept
    expect(cache.a).toBe(kept)
    expect(removed).toEqual([])
    expect(controller.stats()).toMatchObject({ writes: 3, replacements: 2, items: 1 })
    expect(controller.sizeOf('a')).toBe(charge)
    cache.a = Promise.resolve({ id: 1 })
    expect(removed).toEqual([['a', kept, 'replaced', charge]])
  })

  it('leaves callers that await it in their own request', async () => {
    const { cache } = await stored()
    const seen = await requests.run('reader', async () => {
      await cache.a
      const byThen = await (cache.a as Promise<unknown>).then(() => requests.getStore())
      return [byThen, requests.getStore()]
    })
    expect(seen).toEqual(['reader', 'reader'])
  })

  it('is passed to onDelete as the promise that reads gave', async () => {
    const { cache, removed } = await stored()
    const kept = cache.a
    delete cache.a
    expect(removed).toMatchObject([['a', kept, 'deleted', expect.any(Number)]])
  })
})

describe('a stored promise with properties of its own', () => {
  class Task<T> extends Promise<T> {
    trace = { of: 'an agent' }
  }

  it('is replaced by a plain promise once it has fulfilled', async () => {
    const cache = new FaaSCacheDict<Values>({ defaultTtl: '1m' })
    const task = Task.resolve({ id: 1 })
    cache.a = task
    const value = await task
    expect(Reflect.ownKeys(cache.a as object)).not.toContain('trace')
    expect(await cache.a).toBe(value)
  })

  it('is kept if its value has become a thenable, and then is not called', async () => {
    const then = vi.fn()
    for (const become of [
      (value: object) => Object.assign(value, { then }),
      (value: object) =>
        Object.defineProperty(value, 'then', {
          get: () => {
            throw new Error('no')
          },
        }),
    ]) {
      const cache = new FaaSCacheDict<Values>()
      const value = {}
      const task = Task.resolve(value)
      become(value)
      cache.a = task
      await later(0)
      expect(cache.a).toBe(task)
    }
    expect(then).not.toHaveBeenCalled()
  })

  it('is charged like any other promise, pending and fulfilled', async () => {
    const cache = new FaaSCacheDict<Values>()
    const controller = controllerOf(cache)
    const trace = { of: 'an agent', body: 'b'.repeat(10_000) }
    cache.a = Object.assign(later({ id: 1 }), { trace })
    cache.b = later({ id: 1 })
    expect(controller.sizeOf('a')).toBe(controller.sizeOf('b'))
    await cache.b
    expect(controller.sizeOf('a')).toBe(controller.sizeOf('b'))
    controller.remeasure()
    expect(controller.sizeOf('a')).toBe(controller.sizeOf('b'))
  })

  it('is removed if its value cannot be measured', async () => {
    const cache = new FaaSCacheDict<Values>({
      sizeOf: (value) => (value === 'unweighable' ? Number.NaN : 1),
      onError() {},
    })
    const task = Task.resolve('unweighable')
    cache.a = task
    await task
    expect('a' in cache).toBe(false)
  })
})

describe('a pending promise', () => {
  it('uses no more memory the more often it is read and stored', async () => {
    const grown = await inChild(
      `
      import { FaaSCacheDict } from 'faas-cache-dict'
      const cache = new FaaSCacheDict({ pendingTtl: '1h' })
      const promise = new Promise(() => {})
      cache.a = promise
      const heap = async () => {
        for (let passes = 0; passes < 4; passes++) {
          await new Promise((turn) => setTimeout(turn, 5))
          globalThis.gc()
        }
        return process.memoryUsage().heapUsed
      }
      const use = (count) => {
        for (let i = 0; i < count; i++) cache.a
        for (let i = 0; i < count / 10; i++) cache.a = promise
        for (let i = 0; i < count / 100; i++) {
          cache.b = promise
          delete cache.b
        }
      }
      use(20_000)
      const before = await heap()
      use(3_000_000)
      console.log(await heap() - before)
    `,
      '--expose-gc',
    )
    expect(grown).toBeLessThan(2 ** 20)
  })
})
