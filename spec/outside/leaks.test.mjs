import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// Each check runs in a process of its own, with a heap that a leak would fill.
const checks = {
  'a cache that is dropped is collected, entries, sweep, hooks and loads': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
    const counted = counter()
    const never = () => new Promise(() => {})
    for (let i = 0; i < 100; i++) {
      const cache = new FaaSCacheDict({
        defaultTtl: '1h',
        maxItems: 4,
        onDelete: () => cache.told++,
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
    return await counted.all(300)
  },

  'a cache that is dropped is collected, though promises that it held are still waited for':
    async () => {
      const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
      const counted = counter()
      const held = []
      const hold = () => {
        const promise = new Promise(() => {})
        held.push(promise)
        return promise
      }
      for (let i = 0; i < 100; i++) {
        const cache = new FaaSCacheDict({}, { large: new Array(1_000).fill(i) })
        cache.pending = hold()
        held.push(controllerOf(cache).getOrSet('load', hold))
        held.push(controllerOf(cache).getOrSet('load', hold))
        counted.add(cache)
        counted.add(cache.large)
      }
      const outcome = await counted.all(200)
      return held.length === 400 ? outcome : [false, 'the promises were not held']
    },

  'a request is collected, though it woke the sweep that goes on': async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks')
    const { FaaSCacheDict } = await import('faas-cache-dict')
    const counted = counter()
    const requests = new AsyncLocalStorage()
    const cache = new FaaSCacheDict({ defaultTtl: '1h', sweepInterval: '5ms' })
    for (let i = 0; i < 10; i++) {
      const request = { large: new Array(1_000).fill(i) }
      // The last may still lie on the stack.
      if (i < 9) counted.add(request)
      requests.run(request, () => (cache[i] = { i }))
      await new Promise((turn) => setTimeout(turn, 10))
    }
    return await counted.all(9)
  },

  'a request is collected, though the cache that it made, and promises that it stored, are used':
    async () => {
      const { AsyncLocalStorage } = await import('node:async_hooks')
      const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
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
      const outcome = await counted.all(100)
      for (const cache of caches) await cache.own
      return outcome
    },

  'a request is collected, though it was the first to require the library': async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks')
    const { createRequire } = await import('node:module')
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
      // The last may still lie on the stack.
      if (i === 0) counted.add(request)
      requests.run(request, handle)
    }
    for (let i = 0; i < 10; i++) serve(i)
    return await counted.all(1)
  },

  'a value that left is collected, however it left': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
    let collected = 0
    const registry = new FinalizationRegistry(() => collected++)
    let now = 1
    const cache = new FaaSCacheDict({ maxItems: 50, now: () => now, onDelete() {} })
    const fill = (count, options) => {
      for (let i = 0; i < count; i++) {
        const value = { i }
        registry.register(value, i)
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
    await collect()
    return [collected >= 199, `${collected} of 201 collected, one is in the cache`]
  },

  'promises that never settle are collected once they have left': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
    let collected = 0
    const registry = new FinalizationRegistry(() => collected++)
    const cache = new FaaSCacheDict()
    for (let i = 0; i < 100; i++) {
      const promise = new Promise(() => {})
      registry.register(promise, i)
      cache[`k${i}`] = promise
    }
    controllerOf(cache).clear()
    await collect()
    return [collected >= 99, `${collected} of 100 collected`]
  },

  'a load that never settles is forgotten once it is given up': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
    const counted = counter()
    let now = 1
    const cache = new FaaSCacheDict({ now: () => now, pendingTtl: 1 })
    const load = (i) => controllerOf(cache).getOrSet(`k${i}`, () => new Promise(() => {}))
    for (let i = 0; i < 100; i++) counted.add(load(i))
    now += 1_000
    load('last')
    return await counted.all(100)
  },

  'keys that left are collected, and what measuring remembers has a bound': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
    let now = 1
    const cache = new FaaSCacheDict({ now: () => now, maxItems: 50, maxSizeBytes: null })
    const long = (i) => `${i}-${'k'.repeat(10_000)}`
    // Keys of the cache, keys of objects, of Maps, and of loads: 100 MB of each.
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
    await collect()
    const before = heapNow()
    for (let i = 1; i <= 100; i++) {
      run(i * 100, 100)
      await null
    }
    await collect()
    return grownLessThan(2_048, before)
  },

  'what a hook was told of is let go, though it throws': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
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
    return await counted.all(100)
  },

  'ten million operations do not grow the process': async () => {
    const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
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
    await collect()
    const before = heapNow()
    run(10_000_000)
    await collect()
    return grownLessThan(1_024, before)
  },
}

/** Objects that should be collected. The engine may keep the last ones in a register. */
function counter() {
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  return {
    add: (object) => registry.register(object),
    async all(count) {
      await collect()
      return [collected >= count * 0.99, `${collected} of ${count} collected`]
    },
  }
}

function heapNow() {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function grownLessThan(kibibytes, before) {
  const grown = (heapNow() - before) / 1024
  return [grown < kibibytes, `${grown.toFixed(0)} KiB grown`]
}

async function collect() {
  for (let i = 0; i < 10; i++) {
    await new Promise((turn) => setTimeout(turn, 20))
    globalThis.gc()
  }
}

const only = process.argv[2]
if (only !== undefined) {
  const [holds, figure] = await checks[only]()
  console.log(`${holds ? 'passed' : 'FAILED'}  ${only}: ${figure}`)
  process.exitCode = holds ? 0 : 1
} else {
  let failed = 0
  for (const name of Object.keys(checks)) {
    const args = ['--expose-gc', '--max-old-space-size=64', fileURLToPath(import.meta.url), name]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', timeout: 300_000 })
    if (status !== 0) failed++
  }
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
