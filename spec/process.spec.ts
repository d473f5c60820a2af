import { describe, expect, it } from 'vitest'
import { inChild } from './support/child.ts'

const isNode = !('Bun' in globalThis) && !('Deno' in globalThis)

describe('a process', () => {
  it('with a pending sweep exits at once', async () => {
    // If the timer kept the process alive, this test would time out.
    const printed = await inChild(`
      import { FaaSCacheDict } from 'faas-cache-dict'
      const cache = new FaaSCacheDict({ defaultTtl: '1d', sweepInterval: '1d' }, { a: { b: 1 } })
      process.on('exit', () => console.log(JSON.stringify(cache)))
    `)
    expect(printed).toEqual({ a: { b: 1 } })
  })

  it('with timeouts, soft timeouts and loads in the background exits at once', async () => {
    const printed = await inChild(`
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      const windows = { staleWhileRevalidate: '1d', staleIfError: '1d', timeout: '1d', pendingTtl: '1d' }
      const cache = new FaaSCacheDict({ defaultTtl: '20ms', ...windows }, { a: 1, b: 2 })
      const controller = controllerOf(cache)
      const never = () => new Promise(() => {})
      await new Promise((resolve) => setTimeout(resolve, 60))
      const background = controller.getOrSet('a', never)
      controller.getOrSet('b', never, { staleWhileRevalidate: 0, softTimeout: '1h' })
      controller.getOrSet('c', never, { timeout: '2h' })
      controller.getOrSet('c', never, { timeout: '1h', signal: new AbortController().signal })
      controller.getOrSetMany(['a', 'd'], never)
      const value = await background
      process.on('exit', () => console.log(JSON.stringify([value, controller.stats().loads])))
    `)
    expect(printed).toEqual([1, 4])
  })

  it('sets no timer on import or construction', async () => {
    const printed = await inChild(`
      const started = []
      const { setTimeout, setInterval, setImmediate } = globalThis
      globalThis.setTimeout = (...args) => { started.push('setTimeout'); return setTimeout(...args) }
      globalThis.setInterval = (...args) => { started.push('setInterval'); return setInterval(...args) }
      globalThis.setImmediate = (...args) => { started.push('setImmediate'); return setImmediate(...args) }
      const { FaaSCacheDict } = await import('faas-cache-dict')
      const cache = new FaaSCacheDict({ defaultTtl: '10s' })
      const before = [...started]
      cache.a = 1
      console.log(JSON.stringify([before, started]))
    `)
    expect(printed).toEqual([[], ['setTimeout']])
  })

  it('has no open asynchronous resource after using a cache', async () => {
    const open = await inChild(`
      import { AsyncLocalStorage, createHook } from 'node:async_hooks'
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      const requests = new AsyncLocalStorage()
      const open = new Map()
      // Jest does the same with --detectOpenHandles.
      createHook({
        init(id, type, _trigger, resource) {
          if (type !== 'PROMISE') open.set(id, { type, holds: () => resource.hasRef?.() ?? true })
        },
        destroy: (id) => open.delete(id),
      }).enable()
      const use = async () => {
        const cache = new FaaSCacheDict({ defaultTtl: '1h' }, { a: {} })
        cache.b = Promise.resolve({})
        const controller = controllerOf(cache)
        await controller.getOrSet('c', async () => ({}))
        const { signal } = new AbortController()
        const options = { refresh: true, staleIfError: '1h', softTimeout: '1h', timeout: '1h', signal }
        await controller.getOrSet('c', async () => ({}), options)
        controller.getOrSet('d', () => new Promise(() => {}), options)
        await cache.b
      }
      await use()
      await requests.run({}, use)
      console.log(JSON.stringify([...open.values()].filter(({ holds }) => holds()).map(({ type }) => type)))
    `)
    expect(open).toEqual([])
  })

  it('garbage-collects unreferenced caches and stops their timers', async () => {
    const printed = await inChild(
      `
      import { FaaSCacheDict, controllerOf } from 'faas-cache-dict'
      const dropped = (() => {
        const caches = []
        for (let i = 0; i < 50; i++) {
          const cache = new FaaSCacheDict({ defaultTtl: '1h', sweepInterval: '20ms' }, { a: { b: [i] } })
          caches.push(new WeakRef(cache), new WeakRef(controllerOf(cache)), new WeakRef(cache.a))
        }
        return caches
      })()
      const pause = () => new Promise((resolve) => setImmediate(resolve))
      let passes = 0
      while (dropped.some((ref) => ref.deref() !== undefined)) {
        await pause()
        globalThis.gc()
        if (++passes > 2000) break
      }
      let set = 0
      const { setTimeout } = globalThis
      globalThis.setTimeout = (...args) => { set++; return setTimeout(...args) }
      await new Promise((resolve) => setTimeout(resolve, 100))
      console.log(JSON.stringify({ alive: dropped.filter((ref) => ref.deref()).length, set }))
    `,
      '--expose-gc',
    )
    expect(printed).toEqual({ alive: 0, set: 0 })
  })

  it.each([
    ['deleted', 'delete cache.list; sweep()'],
    ['replaced', 'cache.list = 1; sweep()'],
    ['cleared', 'controllerOf(cache).clear()'],
    ['replaced after close()', 'controllerOf(cache).close(); cache.list = 1'],
  ])('garbage-collects a value that is %s while the sweep measures it', async (_how, remove) => {
    const printed = await inChild(
      `
      import { FaaSCacheDict, controllerOf } from 'faas-cache-dict'
      const { setTimeout } = globalThis
      let sweep
      globalThis.setTimeout = (run) => {
        sweep = run
        return 0
      }
      // With a clock that stands still, a slice ends after a number of steps.
      performance.now = () => 0
      const cache = new FaaSCacheDict({ maxSizeBytes: null })
      let list = Array.from({ length: 60_000 }, (_, i) => ({ i }))
      const value = new WeakRef(list)
      const part = new WeakRef(list[0])
      cache.list = list
      const charge = controllerOf(cache).sizeOf('list')
      for (let i = 0; i < 10_000; i++) list.push({ i })
      sweep()
      const isBeingMeasured = controllerOf(cache).sizeOf('list') === charge
      ${remove}
      list = undefined
      for (let passes = 0; passes < 200 && (value.deref() || part.deref()); passes++) {
        await new Promise((turn) => setTimeout(turn, 5))
        globalThis.gc()
      }
      console.log(JSON.stringify([isBeingMeasured, value.deref() === undefined, part.deref() === undefined]))
    `,
      '--expose-gc',
    )
    expect(printed).toEqual([true, true, true])
  })

  it.runIf(isNode)(
    'uses as much memory for small caches as they are charged, and under 3,200 bytes for an empty one',
    async () => {
      const weighed = await inChild(
        `
        import { FaaSCacheDict, controllerOf } from 'faas-cache-dict'
        const count = 3_000
        const made = (entries) => {
          const cache = new FaaSCacheDict({ maxSizeBytes: '1M', defaultTtl: '1h' })
          for (let at = 0; at < entries; at++) cache['key-' + at] = at
          return cache
        }
        const used = async () => {
          await new Promise((turn) => setTimeout(turn, 5))
          globalThis.gc()
          globalThis.gc()
          const { heapUsed, external } = process.memoryUsage()
          return heapUsed + external
        }
        const weigh = async (entries) => {
          const caches = new Array(count)
          for (let at = 0; at < count; at++) caches[at] = made(entries)
          for (let at = 0; at < count; at++) caches[at] = undefined
          const before = await used()
          for (let at = 0; at < count; at++) caches[at] = made(entries)
          return ((await used()) - before) / count
        }
        const charged = (entries) => controllerOf(made(entries)).sizeBytes
        const bytes = [await weigh(0), await weigh(10)]
        console.log(JSON.stringify([bytes, [charged(0) / bytes[0], charged(10) / bytes[1]]]))
      `,
        '--expose-gc',
      )
      const [bytes, ratios] = weighed as [number[], number[]]
      expect(bytes[0]).toBeLessThan(3_200)
      for (const ratio of ratios) {
        expect(ratio).toBeGreaterThan(0.9)
        expect(ratio).toBeLessThan(1.1)
      }
    },
  )

  // Other runtimes do not count the bytes of a Blob.
  it.runIf(isNode)('keeps the bytes of stored Blobs within the budget', async () => {
    const [most, grown] = (await inChild(
      `
      import { FaaSCacheDict, controllerOf } from 'faas-cache-dict'
      const alive = async () => {
        globalThis.gc()
        await new Promise((turn) => setTimeout(turn, 5))
        const { heapUsed, external, arrayBuffers } = process.memoryUsage()
        return heapUsed + external + arrayBuffers
      }
      const cache = new FaaSCacheDict({ maxSizeBytes: '32M' })
      const before = await alive()
      let most = 0
      for (let id = 0; id < 600; id++) {
        cache[id] = new Blob([new Uint8Array(1e6)])
        most = Math.max(most, controllerOf(cache).size)
      }
      for (let round = 0; round < 8; round++) await alive()
      console.log(JSON.stringify([most, (await alive()) - before]))
    `,
      '--expose-gc',
    )) as [number, number]
    expect(most).toBeLessThanOrEqual(32)
    expect(most).toBeGreaterThan(28)
    expect(grown).toBeGreaterThan(28e6)
    expect(grown).toBeLessThan(48e6)
  })

  it('does not retain the keys of measured objects', async () => {
    // The keys below are 100 MB in all.
    const allowed = 2 ** 23
    const grown = await inChild(
      `
      import { heapSize } from 'faas-cache-dict'
      const heap = async () => {
        globalThis.gc()
        await new Promise((turn) => setTimeout(turn, 5))
        return process.memoryUsage().heapUsed
      }
      heapSize({ a: 1 })
      for (let i = 0; i < 4; i++) await heap()
      const before = await heap()
      for (let i = 0; i < 10_000; i++) {
        heapSize({ [i + '-' + 'k'.repeat(5_000)]: i })
        heapSize({ first: i, [i + '-' + 'm'.repeat(5_000)]: i, last: i })
      }
      // The engine frees the shapes of dead objects only after several collections.
      let grown
      for (let passes = 0; passes < 500 && !(grown < ${allowed}); passes++) grown = await heap() - before
      console.log(grown)
    `,
      '--expose-gc',
    )
    expect(grown).toBeLessThan(allowed)
  })
})
