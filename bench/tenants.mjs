import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { list, randomFrom } from './support/figures.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table, whole } from './support/report.mjs'
import { zipf } from './support/workload.mjs'

const MEBIBYTE = 2 ** 20
/** Bytes charged for a row. Each tenant has `ROWS`, and reads the row of rank n 1/n ** 0.8 as often as the first. */
const ROW_BYTES = 4_000
const ROWS = 500
const SKEW = 0.8
/** The noisy tenant reads so many rows in turn, again and again. */
const SCANNED = 20_000
const USES = 400_000
const NOISY = 'noisy'

/** `skew`: the tenant of rank n makes 1/n ** skew as many requests as the first. */
const SCENES = {
  '20 tenants with as many requests each, 16M': { tenants: 20, skew: 0, budget: 16 * MEBIBYTE },
  '100 tenants of very different size, 64M': { tenants: 100, skew: 1, budget: 64 * MEBIBYTE },
}

const ARRANGEMENTS = {
  'one dictionary, keys with a prefix': ({ budget }) => shared(budget),
  'the same, and the scan only peeks': ({ budget }) => ({ ...shared(budget), isScanPeeking: true }),
  '8 dictionaries, tenant by hash': ({ budget }) => byHash(budget, 8),
  'one dictionary per tenant, equal shares': (scene) => perTenant(scene, 0.98),
  'one dictionary per tenant, up to 4 equal shares': (scene) => perTenant(scene, 4),
}

export async function run({ quick, isWanted }) {
  const uses = quick ? USES / 10 : USES
  const names = Object.keys(ARRANGEMENTS).filter(isWanted)
  const tables = []
  for (const [title, scene] of Object.entries(SCENES)) {
    const rows = []
    for (const name of names) rows.push([name, ...(await results(scene, ARRANGEMENTS[name], uses))])
    tables.push(`### ${title}

${table(
  [
    'arrangement',
    'quiet tenants before the scan',
    'during it',
    'the quieter half of them before it',
    'during it',
    'all uses during it',
    'MiB held',
    'dictionaries evicted',
  ],
  rows,
)}`)
  }
  const timed = names.filter((name) => !name.includes('peeks'))
  const costs = list(quick ? 1 : 7, () => timed.map((name) => hitTime(ARRANGEMENTS[name])))
  const idle = inFreshProcess(import.meta.url, 'idleBytes', [], { flags: ['--expose-gc'] })
  const sweeps = [false, true].map((isSwept) =>
    inFreshProcess(import.meta.url, 'idleShare', [isSwept, quick ? 2 : 20]),
  )
  const text = `Each tenant has ${ROWS} rows of ${whole(ROW_BYTES)} bytes; a few are read often. During the scan, one more tenant makes half
of all requests: it reads ${whole(SCANNED)} rows in turn, again and again. The figures are hit rates in the second half of
${whole(uses)} uses. The simulation is seeded: each run gives the same figures.

${tables.join('\n\n')}

### Cost

${table(
  ['arrangement', 'nanoseconds a hit, the fastest of 140 rounds'],
  timed.map((name, at) => [name, Math.min(...costs.map((times) => times[at])).toFixed(0)]),
)}

A dictionary with one entry takes ${whole(idle.bytes)} bytes of the heap, and is charged ${whole(idle.charged)}. 1,000 dictionaries of ten entries
with a TTL that nobody uses take ${sweeps[1].toFixed(2)} % of a processor, and ${sweeps[0].toFixed(2)} % without their sweeps.
`
  return { title: 'One noisy tenant among quiet ones', text }
}

const options = { sweepInterval: null, memoryGuard: false }
const newCache = (own) => controllerOf(new FaaSCacheDict({ ...options, ...own }))
const sizesOf = (caches) => caches.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

function shared(maxSizeBytes) {
  const cache = newCache({ maxSizeBytes })
  return {
    cacheOf: () => cache,
    keyOf: (tenant, row) => `${tenant}:${row}`,
    bytes: () => cache.sizeBytes,
  }
}

function byHash(budget, count) {
  const caches = list(count, () => newCache({ maxSizeBytes: Math.floor(budget / count) }))
  return {
    cacheOf(tenant) {
      let hash = 0
      for (let at = 0; at < tenant.length; at++) {
        hash = (Math.imul(hash, 31) + tenant.charCodeAt(at)) >>> 0
      }
      return caches[hash % count]
    },
    keyOf: (tenant, row) => `${tenant}:${row}`,
    bytes: () => sizesOf(caches),
  }
}

/** Each dictionary may take so many equal shares of the budget, the least recently used one leaves. */
function perTenant({ tenants, budget }, shares) {
  const maxSizeBytes = Math.floor((budget / (tenants + 1)) * shares)
  const caches = newCache({
    maxSizeBytes: budget,
    sizeOf: ({ sizeBytes }) => sizeBytes,
    onDelete: (_tenant, cache) => cache.close(),
  })
  return {
    cacheOf: (tenant) => caches.getOrInsertComputed(tenant, () => newCache({ maxSizeBytes })),
    keyOf: (_tenant, row) => row,
    wrote: (tenant) => caches.remeasure(tenant),
    bytes: () => sizesOf([...caches.values()]),
    evictions: () => caches.stats().evictions,
  }
}

async function results(scene, arrange, uses) {
  const [before, during] = [
    await play(scene, arrange, uses, 0),
    await play(scene, arrange, uses, 0.5),
  ]
  return [
    ...[before.quiet, during.quiet, before.quieter, during.quieter, during.all].map(percent),
    (during.bytes / MEBIBYTE).toFixed(1),
    whole(during.evictions),
  ]
}

const percent = (share) => `${(share * 100).toFixed(1)} %`

async function play({ tenants, skew, ...scene }, arrange, uses, noise) {
  const random = randomFrom(7)
  const { cacheOf, keyOf, wrote, bytes, evictions, isScanPeeking } = arrange({ tenants, ...scene })
  const nextTenant = zipf(tenants, random, skew)
  const nextRow = zipf(ROWS, random, SKEW)
  const counts = { quiet: newCount(), quieter: newCount(), all: newCount() }
  let scanned = 0
  for (let use = 0; use < uses; use++) {
    // The engine keeps what a WeakRef refers to, such as an evicted dictionary, until the next turn.
    if (use % 500 === 0) await new Promise(setImmediate)
    const isScan = random() < noise
    const rank = isScan ? -1 : nextTenant()
    const tenant = isScan ? NOISY : `tenant-${rank}`
    const key = keyOf(tenant, `row-${isScan ? scanned++ % SCANNED : nextRow()}`)
    const cache = cacheOf(tenant)
    const isPeek = isScan && isScanPeeking
    const isHit = (isPeek ? cache.peek(key) : cache.get(key)) !== undefined
    if (!isHit && !isPeek) {
      cache.set(key, key, { sizeBytes: ROW_BYTES })
      wrote?.(tenant)
    }
    if (use < uses / 2) continue
    count(counts.all, isHit)
    if (isScan) continue
    count(counts.quiet, isHit)
    if (rank >= tenants / 2) count(counts.quieter, isHit)
  }
  const rates = Object.entries(counts).map(([name, { hits, uses }]) => [name, hits / uses])
  return { ...Object.fromEntries(rates), bytes: bytes(), evictions: evictions?.() ?? 0 }
}

const newCount = () => ({ hits: 0, uses: 0 })

function count(counts, isHit) {
  counts.uses++
  if (isHit) counts.hits++
}

/** Nanoseconds of a hit, with the key and the dictionary that it needs. */
function hitTime(arrange) {
  const { cacheOf, keyOf } = arrange({ tenants: 100, budget: 64 * MEBIBYTE })
  const tenants = list(100, (rank) => `tenant-${rank}`)
  const ids = list(100, (id) => id)
  for (const tenant of tenants)
    for (const id of ids) cacheOf(tenant).set(keyOf(tenant, `row-${id}`), id)
  const times = list(20, () => {
    const from = performance.now()
    let hits = 0
    for (const tenant of tenants) {
      // A new text each time, as one that comes with a request.
      for (const id of ids) if (cacheOf(tenant).get(keyOf(tenant, `row-${id}`)) === id) hits++
    }
    if (hits !== tenants.length * ids.length) throw new Error('a hit was a miss')
    return (performance.now() - from) * 1e6
  })
  // The fastest, since other programs disturb the rest.
  return Math.min(...times) / tenants.length / ids.length
}

export async function idleBytes() {
  const { alive } = await import('./support/figures.mjs')
  const make = () => {
    const cache = new FaaSCacheDict({ defaultTtl: '5m', maxSizeBytes: '64K' })
    cache.key = true
    return cache
  }
  const count = 2_000
  const held = list(count, (at) => (at < 10 ? make() : null))
  const before = await alive()
  for (let at = 10; at < count; at++) held[at] = make()
  const bytes = ((await alive()) - before) / (count - 10)
  return { bytes, charged: controllerOf(held.at(-1)).sizeBytes }
}

/** Percent of a processor that 1,000 unused dictionaries take. */
export async function idleShare(isSwept, seconds) {
  const sweep = isSwept ? {} : { sweepInterval: null }
  const caches = list(
    1_000,
    () => new FaaSCacheDict({ defaultTtl: '5m', maxSizeBytes: '64K', ...sweep }),
  )
  for (const cache of caches) for (let id = 0; id < 10; id++) cache[id] = { id }
  await new Promise((turn) => setTimeout(turn, 1_000))
  const from = process.cpuUsage()
  await new Promise((turn) => setTimeout(turn, seconds * 1_000))
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1e4 / seconds
}
