// What the benchmark of the advisor measures in fresh processes.
import { advise } from '../../dist/advisor.js'
import { controllerOf, FaaSCacheDict } from '../../dist/index.js'
import { alive, list, randomFrom, threadTime } from './figures.mjs'
import { zipf } from './traces.mjs'

/** In a turn. The system counts processor time in steps of some milliseconds. */
const OPERATIONS = 500_000
const TEXT = 'x'.repeat(1_000)

/** Each calls `count` operations on a cache that holds the keys. */
const operations = {
  'cache[key], a hit': ({ cache, keys, order }) => {
    let found = 0
    for (const at of order) if (cache[keys[at]] !== undefined) found++
    return found
  },
  'controller.get(key), a hit': ({ controller, keys, order }) => {
    let found = 0
    for (const at of order) if (controller.get(keys[at]) !== undefined) found++
    return found
  },
  'cache[key] = text, an overwrite': ({ cache, keys, order }) => {
    for (const at of order) cache[keys[at]] = TEXT
  },
  'a miss, and an insert at the byte limit': ({ cache, others }) => {
    for (let at = 0; at < OPERATIONS; at++) {
      const key = others[at % others.length]
      if (cache[key] === undefined) cache[key] = TEXT
    }
  },
}
export const names = Object.keys(operations)

/** Nanoseconds of an operation: the fastest of many turns. Without `options` there is no advisor. */
export function timed(name, entries, options, turns) {
  const cache = new FaaSCacheDict({ maxSizeBytes: '4G', defaultTtl: '1h', memoryGuard: false })
  const controller = controllerOf(cache)
  const keys = list(entries, (at) => `key-${at}`)
  for (const key of keys) cache[key] = TEXT
  // Full, with some room for the ghosts.
  const budget = Math.ceil(controller.sizeBytes * 1.02)
  controller.resize({ maxSizeBytes: budget })
  const advisor = options && advise(cache, options)
  const order = Uint32Array.from({ length: OPERATIONS }, zipf(entries, 0.8, randomFrom(1)))
  // More than fit, in order, so that each is a miss.
  const others = list(4 * entries, (at) => `other-${at}`)
  let best = Infinity
  for (let turn = 0; turn < turns; turn++) {
    const from = threadTime()
    operations[name]({ cache, controller, keys, others, order })
    best = Math.min(best, ((threadTime() - from) * 1e6) / OPERATIONS)
  }
  advisor?.close()
  controller.close()
  return best
}

/** Bytes charged for an advisor and bytes alive because of it, in a full cache after `uses` uses. */
export async function memory(entries, rowBytes, uses) {
  const text = 'x'.repeat(rowBytes)
  const budget = entries * (rowBytes + 200)
  const cache = new FaaSCacheDict({ maxSizeBytes: budget, defaultTtl: '1h', memoryGuard: false })
  const controller = controllerOf(cache)
  const next = zipf(entries * 8, 0.8, randomFrom(3))
  let advisor = advise(cache)
  // The text is shared, so that only keys and the ghosts change what is alive.
  for (let use = 0; use < uses; use++) {
    const key = `key-${next()}`
    if (cache[key] === undefined) controller.set(key, text, { sizeBytes: rowBytes })
  }
  const before = { charged: controller.sizeBytes, alive: await alive() }
  advisor.close()
  advisor = undefined
  const after = { charged: controller.sizeBytes, alive: await alive() }
  const items = controller.size
  controller.close()
  return {
    budget,
    items,
    charged: before.charged - after.charged,
    real: before.alive - after.alive,
  }
}

/** Plays the handler of the demo with a budget, and asks an advisor. */
export async function play(size, invocations) {
  const { codes, startOrigin } = await import('../../examples/demo/origin.mjs')
  const random = randomFrom(2026)
  const origin = await startOrigin(random)
  process.env.ORIGIN = origin.url
  process.env.CACHE_SIZE = size
  const { cache, handler } = await import('../../examples/lambda.mjs')
  const advisor = advise(cache)
  const times = []
  for (let at = 0; at < invocations; at++) {
    const id = codes[Math.floor(codes.length * random() ** 3)]
    const from = performance.now()
    await handler({ id })
    times.push(performance.now() - from)
  }
  await origin.stop()
  times.sort((a, b) => a - b)
  const { hitRate, items, sizeBytes } = controllerOf(cache).stats()
  return {
    hitRate,
    items,
    sizeBytes,
    maxSizeBytes: controllerOf(cache).maxSizeBytes,
    requests: origin.requests(),
    median: times[times.length >> 1],
    mean: times.reduce((sum, time) => sum + time, 0) / times.length,
    report: advisor.report(),
    chart: String(advisor),
  }
}
