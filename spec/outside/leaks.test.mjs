import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { must } from './install.mjs'

// Each check runs in a process of its own, whose heap a leak would fill.
const flags = ['--expose-gc', '--max-old-space-size=64']
const [, file, only] = process.argv
const FIRST_REQUIRE = 'the first request to require the library is collected'
const isUsed = only !== undefined && only !== FIRST_REQUIRE
const { FaaSCacheDict, controllerOf } = isUsed ? await import('faas-cache-dict') : {}
const { advise } = isUsed ? await import('faas-cache-dict/advisor') : {}

const checks = {
  'a dropped cache is collected with its entries, sweep, hooks and loads': async () => {
    const counted = counter()
    const never = () => new Promise(() => {})
    for (let i = 0; i < 100; i++) {
      const cache = new FaaSCacheDict({
        defaultTtl: '1h',
        maxItems: 4,
        onDelete: () => cache.removals++,
      })
      cache.value = { large: new Array(1_000).fill(i) }
      cache.fulfilled = Promise.resolve(i)
      cache.pending = never()
      cache.self = cache
      for (let j = 0; j < 10; j++) cache[`key-${j}`] = { j }
      controllerOf(cache).getOrSet('never', never)
      controllerOf(cache).getOrSet('loaded', async () => ({ i }))
      controllerOf(cache).entries().next()
      counted.add(cache)
      counted.add(controllerOf(cache))
      counted.add(cache['key-9'])
    }
    await counted.all(300)
  },

  'a dropped cache is collected while other code still holds its pending promises': async () => {
    const counted = counter()
    const held = []
    const hold = () => {
      const promise = new Promise(() => {})
      held.push(promise)
      return promise
    }
    for (let i = 0; i < 100; i++) {
      const cache = new FaaSCacheDict(
        { defaultTtl: '1ms', staleWhileRevalidate: '1h', staleIfError: '1h', timeout: '1h' },
        { revalidated: i, slow: i },
      )
      const controller = controllerOf(cache)
      cache.pending = hold()
      held.push(controller.getOrSet('load', hold))
      held.push(controller.getOrSet('load', hold))
      await expiry(cache, 'slow')
      const { signal } = new AbortController()
      held.push(signal, controller.getOrSet('load', hold, { signal }))
      held.push(controller.getOrSet('revalidated', hold))
      const patience = { staleWhileRevalidate: 0, softTimeout: '1h' }
      held.push(controller.getOrSet('slow', hold, patience))
      held.push(controller.getOrSetMany(['slow', 'many'], hold, { signal, timeout: '1m' }))
      cache.large = new Array(1_000).fill(i)
      counted.add(cache)
      counted.add(cache.large)
    }
    await counted.all(200)
    assert.ok(held.length > 400)
  },

  'a request that started the sweep is collected while the sweep runs': async () => {
    const counted = counter()
    const requests = new AsyncLocalStorage()
    const cache = new FaaSCacheDict({ defaultTtl: '1h', sweepInterval: '5ms' })
    for (let i = 0; i < 10; i++) {
      const request = { large: new Array(1_000).fill(i) }
      // The last request may still be on the stack.
      if (i < 9) counted.add(request)
      requests.run(request, () => (cache[i] = { i }))
      await new Promise((turn) => setTimeout(turn, 10))
    }
    await counted.all(9)
  },

  'a request is collected while the cache and the promises that it made are in use': async () => {
    const counted = counter()
    const requests = new AsyncLocalStorage()
    const shared = new FaaSCacheDict({ defaultTtl: '1h' })
    const caches = []
    const handle = async (i) => {
      const cache = new FaaSCacheDict({ defaultTtl: '1h', sweepInterval: '5ms' })
      caches.push(cache)
      const load = async () => ({ i })
      await Promise.all([(cache.own ??= load()), (shared[i] ??= load())])
      await controllerOf(cache).getOrSet('loaded', load)
    }
    for (let i = 0; i < 100; i++) {
      const request = { large: new Array(1_000).fill(i) }
      counted.add(request)
      await requests.run(request, handle, i)
    }
    await counted.all(100)
    for (const cache of caches) await cache.own
  },

  'a caller who leaves a load that never settles is collected, with its request': async () => {
    const counted = counter()
    const requests = new AsyncLocalStorage()
    const cache = new FaaSCacheDict(
      { defaultTtl: '1ms', staleIfError: '1h', pendingTtl: '1h' },
      { stale: 1 },
    )
    const controller = controllerOf(cache)
    const held = []
    const hold = () => {
      const promise = new Promise(() => {})
      held.push(promise)
      return promise
    }
    await expiry(cache, 'stale')
    controller.getOrSet('stale', hold)
    controller.getOrSetMany(['one', 'two'], hold)
    const leave = async (i) => {
      const aborter = new AbortController()
      const { signal } = aborter
      const factory = () => i
      const reason = { i }
      for (const object of [aborter, factory, reason]) counted.add(object)
      const waits = [
        controller.getOrSet('one', factory, { signal }),
        controller.getOrSetMany(['one', 'two'], factory, { signal }),
        controller.getOrSet('one', factory, { timeout: '1ms' }),
        controller.getOrSet('stale', factory, { softTimeout: '1ms' }),
      ]
      aborter.abort(reason)
      // Timers of the cache do not keep the process alive.
      await Promise.all([Promise.allSettled(waits), new Promise((turn) => setTimeout(turn, 20))])
    }
    for (let i = 0; i < 100; i++) {
      const request = { large: new Array(1_000).fill(i) }
      counted.add(request)
      await requests.run(request, leave, i)
    }
    await counted.all(400)
    assert.equal(held.length, 2)
  },

  'a stale entry and a pause of its origin keep nothing of a request': async () => {
    const counted = counter()
    const requests = new AsyncLocalStorage()
    const cache = new FaaSCacheDict({
      defaultTtl: '1ms',
      staleWhileRevalidate: '1h',
      staleIfError: '1h',
      retryAfter: '1h',
      onError() {},
    })
    const controller = controllerOf(cache)
    const serve = async (i) => {
      cache[i] = Promise.resolve(i)
      await expiry(cache, i)
      await controller.getOrSet(`${i}`, () => Promise.reject(i))
      await controller.getOrSet(`${i}`, () => Promise.reject(i), { staleWhileRevalidate: 0 })
    }
    for (let i = 0; i < 100; i++) {
      const request = { large: new Array(1_000).fill(i) }
      counted.add(request)
      await requests.run(request, serve, i)
    }
    await counted.all(100)
    assert.deepEqual([controller.stats().staleHits, controller.stats().loads], [200, 100])
  },

  '100,000 callers with one signal leave no listener, and Node warns of none': async () => {
    const { signal } = new AbortController()
    const warnings = []
    process.on('warning', ({ message }) => warnings.push(message))
    const controller = controllerOf(new FaaSCacheDict())
    const turn = () => new Promise((done) => setTimeout(done, 1))
    for (let round = 0; round < 10; round++) {
      const call = () => controller.getOrSet(`${round}`, turn, { signal })
      await Promise.all(Array.from({ length: 10_000 }, call))
      await turn()
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    }
    assert.deepEqual(warnings, [])
  },

  [FIRST_REQUIRE]: async () => {
    const require = createRequire(import.meta.url)
    const counted = counter()
    const requests = new AsyncLocalStorage()
    const caches = []
    const handle = () => {
      const { FaaSCacheDict } = require('faas-cache-dict')
      caches.push(new FaaSCacheDict({ defaultTtl: '1h' }, { a: { b: 1 } }))
    }
    const serve = (i) => {
      const request = { large: new Array(1_000).fill(i) }
      // The last request may still be on the stack.
      if (i === 0) counted.add(request)
      requests.run(request, handle)
    }
    for (let i = 0; i < 10; i++) serve(i)
    await counted.all(1)
  },

  'a dropped cache is collected while the program keeps its advisor, and an advisor that it drops as well':
    async () => {
      const counted = counter()
      const kept = []
      for (let i = 0; i < 100; i++) {
        const cache = new FaaSCacheDict({ defaultTtl: '1h', onDelete: () => cache.removals++ })
        const advisor = advise(cache, { sample: 1 })
        for (let j = 0; j < 10; j++) cache[`key-${j}`] ??= { j }
        cache.pending ??= new Promise(() => {})
        controllerOf(cache).getOrSet('never', () => new Promise(() => {}))
        if (i % 2 === 0) kept.push(advisor)
        else counted.add(advisor)
        counted.add(cache)
        counted.add(cache['key-9'])
      }
      await counted.all(250)
      for (const advisor of kept) assert.equal(advisor.report().uses, 13)
      for (const advisor of kept) advisor.close()
    },

  'a cache keeps nothing of a closed advisor, and a closed advisor nothing of its cache':
    async () => {
      const counted = counter()
      const caches = []
      const kept = []
      for (let i = 0; i < 100; i++) {
        const cache = new FaaSCacheDict({ defaultTtl: '1h' })
        if (i % 2 === 0) caches.push(cache)
        else counted.add(cache)
        for (let j = 0; j < 3; j++) {
          const advisor = advise(cache, { sample: 1 })
          for (let k = 0; k < 10; k++) cache[`key-${k}`] ??= { k }
          advisor.close()
          if (i % 2 === 0) counted.add(advisor)
          else kept.push(advisor)
        }
      }
      await counted.all(200)
      assert.equal(kept.length, 150)
      assert.equal(caches.length, 50)
    },

  'a million keys and a thousand advisors of one cache do not grow the heap': async () => {
    const cache = new FaaSCacheDict({ maxSizeBytes: '1M', memoryGuard: false })
    const advisor = advise(cache, { sample: 1 })
    const use = (from, count) => {
      for (let i = from; i < from + count; i++) cache[`key-${i}`] ??= i
    }
    use(0, 100_000)
    const before = await heapAfterCollection()
    use(100_000, 1_000_000)
    advisor.close()
    for (let i = 0; i < 1_000; i++) {
      const next = advise(cache, { sample: 1 })
      use(i * 100, 200)
      next.close()
    }
    await checkGrowth(512, before)
  },

  'a removed value is collected, whatever removed it': async () => {
    const counted = counter()
    let now = 1
    const cache = new FaaSCacheDict({ maxItems: 50, now: () => now, onDelete() {} })
    const fill = (count, options) => {
      for (let i = 0; i < count; i++) {
        const value = { i }
        counted.add(value)
        controllerOf(cache).set(`k${i}`, value, options)
      }
    }
    fill(100, { ttl: '1s' })
    now += 1_000
    controllerOf(cache).purgeExpired()
    fill(50)
    fill(50)
    for (let i = 0; i < 25; i++) delete cache[`k${i}`]
    controllerOf(cache).clear()
    fill(1)
    // The cache still holds one.
    await counted.all(201, 199)
  },

  'removed promises that never settle are collected': async () => {
    const counted = counter()
    const cache = new FaaSCacheDict()
    for (let i = 0; i < 100; i++) {
      const promise = new Promise(() => {})
      counted.add(promise)
      cache[`k${i}`] = promise
    }
    controllerOf(cache).clear()
    await counted.all(100)
  },

  'a load that never settles is collected once the cache gives it up': async () => {
    const counted = counter()
    let now = 1
    const cache = new FaaSCacheDict({ now: () => now, pendingTtl: 1 })
    const load = (i) => controllerOf(cache).getOrSet(`k${i}`, () => new Promise(() => {}))
    for (let i = 0; i < 100; i++) counted.add(load(i))
    now += 1_000
    load('last')
    await counted.all(100)
  },

  'removed keys are collected, and measuring keeps a bounded number of keys': async () => {
    let now = 1
    const cache = new FaaSCacheDict({ now: () => now, maxItems: 50, maxSizeBytes: null })
    const long = (i) => `${i}-${'k'.repeat(10_000)}`
    // 100 MB each of keys of the cache, of objects, of Maps and of loads.
    const run = (from, count) => {
      for (let i = from; i < from + count; i++) {
        cache[long(i)] = { [long(`object-${i}`)]: i }
        controllerOf(cache).set(long(`map-${i}`), new Map([[long(`map-key-${i}`), i]]), { ttl: 1 })
        controllerOf(cache).getOrSet(long(`load-${i}`), () => i)
        controllerOf(cache)
          .getOrSet(long(`failed-${i}`), () => Promise.reject(i))
          .catch(() => {})
        now += 10
      }
      controllerOf(cache).clear()
    }
    run(0, 100)
    const before = await heapAfterCollection()
    for (let i = 1; i <= 100; i++) {
      run(i * 100, 100)
      await null
    }
    await checkGrowth(2_048, before)
  },

  'values passed to a hook that throws are collected': async () => {
    const counted = counter()
    const cache = new FaaSCacheDict({
      maxItems: 1,
      onDelete(key, value) {
        if (key === 'k50') controllerOf(cache).set('from the hook', value)
        throw new Error(key, { cause: value })
      },
      onError() {
        throw new Error('onError too')
      },
    })
    console.warn = () => {}
    for (let i = 0; i < 100; i++) {
      const value = { i }
      counted.add(value)
      cache[`k${i}`] = value
    }
    controllerOf(cache).clear()
    await counted.all(100)
  },

  'ten million operations do not grow the heap': async () => {
    const cache = new FaaSCacheDict({ maxItems: 1_000, defaultTtl: '1m' })
    const run = (count) => {
      for (let i = 0; i < count; i++) {
        const key = `key-${(i * 7919) % 5_000}`
        if (i % 3 === 0) cache[key] = i % 2 ? i : { i }
        else if (i % 101 === 0) delete cache[key]
        else cache[key]
      }
      controllerOf(cache).clear()
    }
    run(500_000)
    const before = await heapAfterCollection()
    run(10_000_000)
    await checkGrowth(1_024, before)
  },
}

async function expiry(cache, key) {
  while (key in cache) await new Promise((turn) => setTimeout(turn, 1))
}

/** Counts the objects that are collected. The engine may keep the last ones in a register. */
function counter() {
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  return {
    add: (object) => registry.register(object),
    async all(count, least = count * 0.99) {
      await collect()
      assert.ok(collected >= least, `${collected} of ${count} collected`)
    },
  }
}

async function heapAfterCollection() {
  await collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function checkGrowth(kibibytes, before) {
  const grown = ((await heapAfterCollection()) - before) / 1024
  assert.ok(grown < kibibytes, `the heap grew by ${grown.toFixed(0)} KiB`)
}

async function collect() {
  for (let i = 0; i < 10; i++) {
    await new Promise((turn) => setTimeout(turn, 20))
    globalThis.gc()
  }
}

if (only !== undefined) await checks[only]()
else {
  for (const name of Object.keys(checks)) {
    test(name, () => must(process.execPath, [...flags, file, name]))
  }
}
