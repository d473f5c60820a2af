import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

// An hour of simulated traffic with everything in use, in a heap that a budget not held would fill.
const HEAP_MEGABYTES = 96
const BUDGET = '48M'
const REQUESTS_A_SECOND = 1600
const KEYS = 150_000

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '20261125' },
    inside: { type: 'boolean', default: false },
  },
})
const minutes = Number(options.minutes)

if (options.inside) await soak()
else {
  const flags = ['--expose-gc', `--max-old-space-size=${HEAP_MEGABYTES}`]
  const again = [fileURLToPath(import.meta.url), '--inside', ...process.argv.slice(2)]
  const { status, signal } = spawnSync(process.execPath, [...flags, ...again], { stdio: 'inherit' })
  if (status !== 0) console.log(`FAILED: ended with ${signal ?? status}`)
  process.exitCode = status === 0 ? 0 : 1
}

async function soak() {
  const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
  const { createKeyv } = await import('faas-cache-dict/keyv')
  const random = randomFrom(Number(options.seed))
  const told = { hooks: 0, errors: 0, failedLoads: 0, tooLarge: 0, warmStarts: 0 }
  let time = Date.UTC(2026, 0, 1)

  const cache = new FaaSCacheDict({
    now: () => time,
    maxSizeBytes: BUDGET,
    maxItems: 100_000,
    defaultTtl: '20m',
    pendingTtl: '30s',
    sweepInterval: '200ms',
    onTooLarge: 'skip',
    onDelete(key, _value, reason, sizeBytes) {
      told.hooks++
      check(sizeBytes > 0, `a charge of ${sizeBytes} for ${key}`)
      if (reason === 'evicted' && told.hooks % 1_000 === 0) cache.lastEvicted = key
      if (told.hooks % 5_000 === 0) throw new Error('a hook that fails')
    },
    onError: () => told.errors++,
  })
  const controller = controllerOf(cache)
  const keyv = createKeyv(cache, { namespace: 'keyv' })

  // A few keys are asked for most of the time.
  const someKey = () => `user-${Math.floor(KEYS * random() ** 4)}`
  const makeValue = (key) => {
    switch (Math.floor(random() * 10)) {
      case 0:
        return 'x'.repeat(Math.floor(random() * 2_000))
      case 1:
        return new Map(Array.from({ length: 10 }, (_, i) => [`${key}-${i}`, i / 3]))
      case 2:
        return Buffer.alloc(Math.floor(random() * 1_500))
      case 3:
        return [key, new Date(time), 10n ** 20n, /a/, new Set([1, 2])]
      case 4:
        return Array.from({ length: Math.floor(random() * 100) }, (_, i) => i / 2)
      default:
        return JSON.parse(rowOf(key))
    }
  }
  const rowOf = (key) =>
    JSON.stringify({ id: key, name: `Name of ${key}`, tags: ['a', 'b'], score: random(), at: time })
  const load = async (key) => {
    if (random() < 0.3) await new Promise((turn) => setImmediate(turn))
    if (random() < 0.02) throw new Error('the origin failed')
    return makeValue(key)
  }

  const kinds = [
    [40, (key) => cache[key]],
    [15, (key) => (cache[key] ??= load(key)).then?.(undefined, () => told.failedLoads++)],
    [15, (key) => controller.getOrSet(key, () => load(key)).catch(() => told.failedLoads++)],
    [8, (key) => (cache[key] = makeValue(key))],
    [5, (key) => controller.set(key, makeValue(key), { ttl: 1 + random() * 600 })],
    [3, (key) => delete cache[key]],
    [3, (key) => key in cache && controller.expireAt(key, time + random() * 60_000)],
    [3, (key) => controller.setDefault(key, key)],
    [2, (key) => Array.isArray(cache[key]) && cache[key].push({ grown: key })],
    [2, (key) => keyv.set(key, makeValue(key), 60_000)],
    [2, (key) => keyv.get(key)],
    [1, (key) => controller.has(key) && controller.demote(key)],
    [1, (key) => (cache[key] = new Promise(() => {}))],
    [0.2, (key) => controller.remeasure(key)],
    [0.01, (key) => tooLarge(key)],
    [0.002, () => warmStart()],
    [0.0002, () => check(Object.keys({ ...cache }).length === controller.size, 'a spread')],
  ]
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0)

  function request() {
    let at = random() * total
    for (const [weight, run] of kinds) {
      at -= weight
      if (at < 0) return run(someKey())
    }
  }

  function tooLarge(key) {
    const { refusals } = controller.stats()
    // No string: there is no room for one of this length in such a heap, cache or not.
    cache[key] = Buffer.alloc(60_000_000)
    told.tooLarge += controller.stats().refusals - refusals
  }

  /** As a new instance would, from what this one saved. */
  function warmStart() {
    const other = controllerOf(new FaaSCacheDict({ now: () => time, maxSizeBytes: '1M' }))
    const few = controllerOf(new FaaSCacheDict({ now: () => time, maxSizeBytes: '1M' }))
    for (const [key, value] of controller.reversed()) {
      if (few.stats().evictions > 0) break
      few.set(key, value, { ttl: 60 })
    }
    other.load(few.dump())
    check(other.sizeBytes <= 2 ** 20, 'a warm start within its budget')
    told.warmStarts++
  }

  // Both halves begin empty, and with the same limits at the same minutes: only so can they be compared.
  const half = Math.max(1, minutes >> 1)
  const throughputs = []
  let mostHeap = 0
  console.log(
    'minute   items  megabytes  heap used  hit rate  requests in the time of a fixed piece of work',
  )
  for (let minute = 1; minute <= minutes; minute++) {
    if (minute === half + 1) controller.clear()
    let busy = 0
    let fixed = 0
    for (let second = 0; second < 60; second++) {
      const before = process.cpuUsage()
      for (let i = 0; i < REQUESTS_A_SECOND; i++) request()
      time += 1_000
      await new Promise((turn) => setImmediate(turn))
      busy += processorTime(before)
      fixed += yardstick()
    }
    if (((minute - 1) % half) % 10 === 9) {
      controller.resize({ maxSizeBytes: '36M', maxItems: 40_000 })
      controller.resize({ maxSizeBytes: BUDGET, maxItems: 100_000 })
    }
    throughputs.push((60 * REQUESTS_A_SECOND * fixed) / busy)
    mostHeap = Math.max(mostHeap, process.memoryUsage().heapUsed)
    checkInvariants(controller)
    report(minute)
  }

  globalThis.gc()
  const { heapUsed } = process.memoryUsage()
  // Minute by minute, since a minute with a full cache takes longer than one with an empty one; and
  // without the first of all, in which the engine compiles.
  const ratios = throughputs.slice(half + 1).map((later, i) => later / throughputs[i + 1])
  const change = median(ratios)
  console.log(`${JSON.stringify(told)}\n${JSON.stringify(controller.stats())}`)
  console.log(
    `at most ${megabytes(mostHeap)} MB of heap in use, ${megabytes(heapUsed)} at the end after a collection; throughput of the second half by the first, minute by minute: median ${change.toFixed(2)} of ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
  )
  const { refusals, rejections, clears, evictions, expirations } = controller.stats()
  if (minutes >= 60) {
    for (const [name, count] of Object.entries({
      ...told,
      refusals,
      rejections,
      clears,
      evictions,
      expirations,
    })) {
      check(count > 0, `nothing was seen of ${name}`)
    }
    check(change >= 0.9, 'the throughput fell by more than a tenth')
  }
  controller.close()

  function report(minute) {
    const { items, sizeBytes, hitRate } = controller.stats()
    const row = [minute, items, megabytes(sizeBytes), megabytes(process.memoryUsage().heapUsed)]
    const rest = [hitRate.toFixed(3), throughputs.at(-1).toFixed(0)]
    console.log(
      [...row, ...rest].map((cell, i) => String(cell).padStart([6, 7, 10, 10, 9, 9][i])).join(' '),
    )
  }
}

/** Microseconds. */
function processorTime(before) {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/**
 * What a fixed piece of work takes that has nothing to do with the cache and leaves no garbage, so
 * that a machine that is slower for a while, or shared, is no slower cache. A little each second.
 */
function yardstick() {
  const cells = (yardstick.cells ??= new Uint32Array(2 ** 20))
  const before = process.cpuUsage()
  for (let i = 0, at = 1; i < 200_000; i++) {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0
    cells[at >>> 12] += at
  }
  return processorTime(before)
}

function checkInvariants(controller) {
  const stats = controller.stats()
  const { replacements, evictions, expirations, deletions, clears, rejections } = stats
  const removals = replacements + evictions + expirations + deletions + clears + rejections
  check(stats.items === stats.writes - removals, 'items are writes without removals')
  check(stats.sizeBytes <= controller.maxSizeBytes, 'the budget is kept')
  check(stats.items <= controller.maxItems, 'the limit of items is kept')
  const keys = [...controller.keys()]
  check(keys.length === stats.items && new Set(keys).size === keys.length, 'as many keys as items')
  const charges = keys.reduce((sum, key) => sum + controller.sizeOf(key), 0)
  check(stats.sizeBytes > charges - 128 * keys.length, 'the whole is what the entries are charged')
}

function check(holds, what) {
  if (!holds) throw new Error(`does not hold: ${what}`)
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}

function megabytes(bytes) {
  return (bytes / 2 ** 20).toFixed(1)
}

/** Numbers from 0 to 1 that are the same for a seed: a linear congruence, as good as it need be. */
function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
