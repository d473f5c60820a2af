import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// Each check runs in a process of its own, with a heap that a leak would fill.
const checks = {
  'a cache that is dropped is collected, entries, sweep and all': async () => {
    const { FaaSCacheDict } = await import('faas-cache-dict')
    let collected = 0
    const registry = new FinalizationRegistry(() => collected++)
    for (let i = 0; i < 100; i++) {
      const cache = new FaaSCacheDict({ defaultTtl: '1h' })
      cache.value = { large: new Array(1_000).fill(i) }
      cache.promise = Promise.resolve(i)
      registry.register(cache, i)
    }
    await collect()
    return [collected >= 99, `${collected} of 100 collected`]
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
    const before = process.memoryUsage()
    run(10_000_000)
    await collect()
    const after = process.memoryUsage()
    const grown = (after.heapUsed + after.external - before.heapUsed - before.external) / 1024
    return [grown < 1_024, `${grown.toFixed(0)} KiB grown`]
  },
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
