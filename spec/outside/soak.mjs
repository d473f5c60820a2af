import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { median, randomFrom } from '../../bench/support/figures.mjs'

// Simulated traffic that uses every feature, in a heap that overflows if the budget does not hold.
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
  const args = [...flags, process.argv[1], '--inside', ...process.argv.slice(2)]
  const { status, signal } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  assert.equal(status, 0, `ended with ${signal ?? status}`)
}

async function soak() {
  const { FaaSCacheDict, controllerOf } = await import('faas-cache-dict')
  const { createKeyv } = await import('faas-cache-dict/keyv')
  const random = randomFrom(Number(options.seed))
  const counts = { hooks: 0, errors: 0, failedLoads: 0, tooLarge: 0, warmStarts: 0 }
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
      counts.hooks++
      assert.ok(sizeBytes > 0, `a charge of ${sizeBytes} for ${key}`)
      if (reason === 'evicted' && counts.hooks % 1_000 === 0) cache.lastEvicted = key
      if (counts.hooks % 5_000 === 0) throw new Error('a hook that fails')
    },
    onError: () => counts.errors++,
  })
  const controller = controllerOf(cache)
  const keyv = createKeyv(cache, { namespace: 'keyv' })

  // Most requests use few of the keys.
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
    [15, (key) => (cache[key] ??= load(key)).then?.(undefined, () => counts.failedLoads++)],
    [15, (key) => controller.getOrSet(key, () => load(key)).catch(() => counts.failedLoads++)],
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
    [0.0002, () => assert.equal(Object.keys({ ...cache }).length, controller.size)],
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
    // The heap has no room for a string of this length, but a Buffer is outside of it.
    cache[key] = Buffer.alloc(60_000_000)
    counts.tooLarge += controller.stats().refusals - refusals
  }

  /** Loads a snapshot into a new cache, as a new instance does. */
  function warmStart() {
    const other = controllerOf(new FaaSCacheDict({ now: () => time, maxSizeBytes: '1M' }))
    const few = controllerOf(new FaaSCacheDict({ now: () => time, maxSizeBytes: '1M' }))
    for (const [key, value] of controller.reversed()) {
      if (few.stats().evictions > 0) break
      few.set(key, value, { ttl: 60 })
    }
    other.load(few.dump())
    assert.ok(other.sizeBytes <= 2 ** 20)
    counts.warmStarts++
  }

  // Both halves start empty and have the same limits at the same minutes, so they can be compared.
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
  console.log(`${JSON.stringify(counts)}\n${JSON.stringify(controller.stats())}`)
  console.log(
    `heap: ${megabytes(mostHeap)} MB at most, ${megabytes(heapUsed)} MB after a collection`,
  )
  const { refusals, rejections, clears, evictions, expirations } = controller.stats()
  const all = { ...counts, refusals, rejections, clears, evictions, expirations }
  for (const [name, count] of Object.entries(all)) assert.ok(count > 0, `there were no ${name}`)
  // Compared minute by minute, because a minute with a full cache takes longer than one with an
  // empty cache, and without the first minute, in which the engine compiles.
  const ratios = throughputs.slice(half + 1).map((later, i) => later / throughputs[i + 1])
  if (minutes >= 60) {
    const change = median(ratios)
    console.log(`throughput of the second half ÷ the first: ${change.toFixed(2)}`)
    assert.ok(change >= 0.9, 'the throughput fell by more than a tenth')
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
 * The time of a fixed piece of work without the cache and without garbage. The throughput is
 * relative to it, so a machine that is slower for a while does not look like a slower cache.
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
  assert.equal(stats.items, stats.writes - removals)
  assert.ok(stats.sizeBytes <= controller.maxSizeBytes)
  assert.ok(stats.items <= controller.maxItems)
  const keys = [...controller.keys()]
  assert.equal(keys.length, stats.items)
  assert.equal(new Set(keys).size, keys.length)
  const charges = keys.reduce((sum, key) => sum + controller.sizeOf(key), 0)
  assert.ok(stats.sizeBytes > charges - 128 * keys.length)
}

function megabytes(bytes) {
  return (bytes / 2 ** 20).toFixed(1)
}
