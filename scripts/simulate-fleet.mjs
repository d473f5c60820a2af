import { mkdirSync, writeFileSync } from 'node:fs'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

// What a fleet of instances does to a shared store, by the budget of each one's cache. Requests
// ask for few keys often and for most rarely (Zipf); instances are frozen between requests, and
// each is recycled for a new one after so many.
const KEYS = 5_000
const ROW_BYTES = 1_000
const REQUESTS = 500_000
const REQUESTS_A_SECOND = 1_000
const LIFE = 10_000
const INSTANCES = [10, 50, 200]
const BUDGETS = ['64K', '256K', '1M', '4M', '16M']
const TTL = '5m'
const STORE_TTL = 3_600_000

const zipf = cumulative(KEYS)
const curves = INSTANCES.map((instances) => ({
  instances,
  points: BUDGETS.map((budget) => ({ budget, ...play(instances, budget) })),
}))
for (const { instances, points } of curves) {
  for (const { budget, first, second, load } of points) {
    console.log(
      `${String(instances).padStart(4)} instances of ${budget.padStart(4)}: first tier ${percent(first)}, store ${percent(second)} of the rest, ${load.toFixed(0)} requests a second on the store`,
    )
  }
}
mkdirSync(new URL('../docs/', import.meta.url), { recursive: true })
writeFileSync(new URL('../docs/fleet.svg', import.meta.url), drawn(curves))

function play(instances, maxSizeBytes) {
  const random = seeded(instances)
  let now = Date.UTC(2026, 0, 1)
  const started = () => ({
    cache: new FaaSCacheDict({
      maxSizeBytes,
      defaultTtl: TTL,
      sweepInterval: null,
      now: () => now,
    }),
    served: 0,
  })
  const fleet = Array.from({ length: instances }, started)
  const store = new Map()
  let firstHits = 0
  let storeHits = 0
  for (let request = 0; request < REQUESTS; request++) {
    now += 1_000 / REQUESTS_A_SECOND
    const at = Math.floor(random() * instances)
    if (fleet[at].served++ >= LIFE) fleet[at] = started()
    const controller = controllerOf(fleet[at].cache)
    const key = `row-${pick(random())}`
    if (controller.get(key) !== undefined) {
      firstHits++
      continue
    }
    if (store.get(key) > now) storeHits++
    else store.set(key, now + STORE_TTL)
    controller.set(key, key, { sizeBytes: ROW_BYTES })
  }
  const asked = REQUESTS - firstHits
  return {
    first: firstHits / REQUESTS,
    second: storeHits / asked,
    load: (asked / REQUESTS) * REQUESTS_A_SECOND,
  }
}

function cumulative(count) {
  const sums = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1)
    sums[rank] = sum
  }
  return sums.map((part) => part / sum)
}

function pick(share) {
  let low = 0
  let high = KEYS - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (zipf[middle] < share) low = middle + 1
    else high = middle
  }
  return low
}

function seeded(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function percent(share) {
  return `${(share * 100).toFixed(0).padStart(3)} %`
}

function drawn(curves) {
  const width = 640
  const height = 320
  const left = 60
  const bottom = 260
  const top = 40
  const x = (index) => left + (index * (width - left - 130)) / (BUDGETS.length - 1)
  const y = (share) => bottom - share * (bottom - top)
  const colours = ['#0b6e99', '#b5541c', '#4b7f2b']
  const lines = curves.map(({ instances, points }, i) => {
    const line = (name, dash) =>
      `<polyline fill="none" stroke="${colours[i]}" stroke-width="2" ${dash} points="${points.map((point, at) => `${x(at)},${y(point[name]).toFixed(1)}`).join(' ')}"/>`
    const end = points.at(-1)
    return `${line('first', '')}${line('second', 'stroke-dasharray="4 4"')}<text x="${x(BUDGETS.length - 1) + 8}" y="${y(end.first) + 4}" fill="${colours[i]}">${instances} instances</text>`
  })
  const columns = BUDGETS.map(
    (budget, at) => `<text x="${x(at)}" y="${bottom + 20}" text-anchor="middle">${budget}</text>`,
  )
  const rows = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${left}" x2="${x(BUDGETS.length - 1)}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/><text x="${left - 8}" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12"><rect width="${width}" height="${height}" fill="#fff"/><text x="${left}" y="20" font-size="14">Hit rate by the budget of one instance: first tier (line), store (dashes)</text>${rows.join('')}${columns.join('')}${lines.join('')}<text x="${(left + x(BUDGETS.length - 1)) / 2}" y="${bottom + 42}" text-anchor="middle">maxSizeBytes of each instance</text></svg>\n`
}
