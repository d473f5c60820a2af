// Plays one scenario and prints a line of JSON each tenth of it: the parent may see this process die.
// Asynchronous: every twentieth request waits for a turn of the event loop. On Node 24 with a heap of
// 128 MB and half of it alive, the engine collects at nearly every turn, with any cache.
import { writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { list, randomFrom } from './figures.mjs'
import { scenarios } from './pressure-scenarios.mjs'

const { values: options } = parseArgs({
  options: {
    scenario: { type: 'string' },
    dist: { type: 'string', default: 'dist/index.js' },
    // MiB that the heap or the container allows.
    limit: { type: 'string', default: '128' },
    // A value of `maxSizeBytes`; `half` of the limit; or `none`, a cache of one entry.
    budget: { type: 'string', default: '25%' },
    guard: { type: 'string', default: 'on' },
    sync: { type: 'boolean', default: false },
    // What is written in all; 220 for a limit of 128.
    mebibytes: { type: 'string' },
    seconds: { type: 'string', default: '30' },
  },
})
const scenario = scenarios[options.scenario]
const limit = Number(options.limit) * 2 ** 20
const total = options.mebibytes ? Number(options.mebibytes) * 2 ** 20 : (limit * 220) / 128
const milliseconds = Number(options.seconds) * 1_000
const { FaaSCacheDict, controllerOf } = await import(pathToFileURL(resolve(options.dist)))
const {
  bytes,
  make,
  use,
  beside = () => () => {},
  writesUntil = 1,
  isWrittenAgain,
  seconds = 0,
} = scenario
const { keys = (2 * total) / bytes, keyOf = (id) => `key-${id}` } = scenario

const caches = list(scenario.caches ?? 1, () => new FaaSCacheDict(settings()))
const random = randomFrom(17)
const from = performance.now()
const elapsed = () => performance.now() - from
const oneMillisecond = (resolve) => setTimeout(resolve, 1)
const request = beside(limit)
let missed = 0
let progress = 0
let reported = 0
for (let count = 0; progress < 1; count++) {
  // Few keys are asked for often.
  const id = Math.floor(keys * random() ** 3)
  const cache = caches[id % caches.length]
  const key = keyOf(id, count)
  const value = cache[key]
  if (value !== undefined) use?.(value, count)
  if (value === undefined || isWrittenAgain) {
    if (progress <= writesUntil) cache[key] = make(id)
    missed += bytes
  }
  request({ progress, id, cache })
  if (!options.sync && count % 20 === 0) {
    await new Promise(progress > elapsed() / seconds / 1_000 ? oneMillisecond : setImmediate)
  }
  progress = Math.max(missed / total, elapsed() / milliseconds)
  if (progress * 10 >= reported + 1) report()
}
for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
report()
process.exit()

function settings() {
  const { settings } = scenario
  const { budget, guard } = options
  return {
    ...settings,
    ...(guard === 'off' && { memoryGuard: false }),
    ...(budget === 'none'
      ? { maxItems: 1 }
      : { maxSizeBytes: budget === 'half' ? limit / 2 : budget }),
  }
}

function report() {
  reported = Math.floor(progress * 10)
  const all = caches.map((cache) => ({
    effectiveMaxSizeBytes: controllerOf(cache).effectiveMaxSizeBytes,
    ...controllerOf(cache).stats(),
  }))
  const sum = (name) =>
    all.reduce(
      (sum, { [name]: value }) => (value === undefined ? sum : (sum ?? 0) + value),
      undefined,
    )
  const hits = sum('hits')
  const misses = sum('misses')
  const line = {
    scenario: options.scenario,
    progress: Math.round(progress * 10) / 10,
    written: Math.min(missed / total, 1),
    writes: sum('writes'),
    hits,
    misses,
    hitRate: hits / (hits + misses),
    evictions: sum('evictions'),
    pressureEvictions: sum('pressureEvictions'),
    effectiveMaxSizeBytes: sum('effectiveMaxSizeBytes'),
    sizeBytes: sum('sizeBytes'),
    maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1_024),
    ms: Math.round(performance.now() - from),
  }
  writeSync(1, `${JSON.stringify(line)}\n`)
}
