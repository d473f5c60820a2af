import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { lines } from './support/charts.mjs'
import { list, randomFrom } from './support/figures.mjs'
import { table, whole } from './support/report.mjs'

/** To choose a budget, put your own numbers here. */
export const SCENE = {
  rows: 5_000,
  rowBytes: 10_000,
  ttlSeconds: 300,
  /** Of one instance. */
  requestsPerSecond: 5,
  /** After this a new instance replaces it. */
  lifeSeconds: 1_200,
  /** Traffic falls to a fifth and rises again; instances without requests are frozen. */
  waveSeconds: 600,
  seconds: 1_200,
  /** Not counted, while the first instances and the store are cold. */
  warmUpSeconds: 300,
}
const FLEETS = [10, 100, 1_000]
const BUDGETS = ['128K', '256K', '512K', '1M', '2M', '4M', '8M']
const SERIES = {
  first: 'hit rate of the first tier',
  second: 'hit rate of the store in the rest',
  storeLoad: 'requests per second on the store',
  originLoad: 'requests per second on the origin',
}

export function run({ quick, most }) {
  const points = FLEETS.filter((instances) => instances <= (quick ? 10 : most)).flatMap(
    (instances) => BUDGETS.map((budget) => ({ instances, budget, ...simulate(instances, budget) })),
  )
  const { rows, ttlSeconds, requestsPerSecond } = SCENE
  const scene = `${whole(rows)} rows of 10 KB, TTL ${ttlSeconds / 60} minutes, ${requestsPerSecond} requests per second and instance; on average ${percent(points.at(-1).frozen)} of the instances are frozen`
  const text = `${scene}. The row of rank n is read 1/n as often as the first. The simulation is seeded: each run
gives the same figures.

${table(
  ['instances', 'budget of each', ...Object.values(SERIES)],
  points.map(({ instances, budget, first, second, storeLoad, originLoad }) => [
    whole(instances),
    budget,
    percent(first),
    percent(second),
    ...[storeLoad, originLoad].map((load) => load.toFixed(load < 10 ? 1 : 0)),
  ]),
)}
`
  return { title: 'Instances in front of one store', text, chart: () => chartOf(points, scene) }
}

const percent = (share) => `${(share * 100).toFixed(0)} %`

/** What instances with so large a cache each ask of the one store behind them. */
function simulate(instances, maxSizeBytes) {
  const { requestsPerSecond, lifeSeconds, seconds, warmUpSeconds } = SCENE
  const random = randomFrom(instances)
  const clock = { seconds: 0 }
  const store = new Map()
  // Their lives end one after the other, not all at once.
  const fleet = list(instances, (at) => ({
    cache: newCache(maxSizeBytes, clock),
    born: -(at / instances) * lifeSeconds,
  }))
  const counts = { requests: 0, cache: 0, store: 0, origin: 0, frozen: 0 }
  for (; clock.seconds < seconds; clock.seconds++) {
    const isCounted = clock.seconds >= warmUpSeconds
    const awake = Math.ceil(instances * traffic(clock.seconds))
    for (const instance of fleet.slice(0, awake)) {
      if (clock.seconds - instance.born >= lifeSeconds) {
        instance.cache = newCache(maxSizeBytes, clock)
        instance.born = clock.seconds
      }
      for (let i = 0; i < requestsPerSecond; i++) {
        const source = read(instance.cache, store, clock, `row-${zipf(random())}`)
        if (!isCounted) continue
        counts.requests++
        counts[source]++
      }
    }
    if (isCounted) counts.frozen += instances - awake
  }
  const counted = seconds - warmUpSeconds
  const storeReads = counts.store + counts.origin
  return {
    first: counts.cache / counts.requests,
    second: counts.store / storeReads,
    storeLoad: storeReads / counted,
    originLoad: counts.origin / counted,
    frozen: counts.frozen / counted / instances,
  }
}

/** Returns where the row came from. */
function read(cache, store, clock, key) {
  if (cache.get(key) !== undefined) return 'cache'
  const held = store.get(key)
  const isHeld = held > clock.seconds
  const expires = isHeld ? held : clock.seconds + SCENE.ttlSeconds
  if (!isHeld) store.set(key, expires)
  // An entry from the store lives for the rest of its life there.
  cache.set(key, key, { ttl: expires - clock.seconds, sizeBytes: SCENE.rowBytes })
  return isHeld ? 'store' : 'origin'
}

function newCache(maxSizeBytes, clock) {
  const now = () => Date.UTC(2026, 0, 1) + clock.seconds * 1_000
  return controllerOf(new FaaSCacheDict({ maxSizeBytes, now, sweepInterval: null }))
}

function traffic(seconds) {
  return 0.6 + 0.4 * Math.cos((2 * Math.PI * seconds) / SCENE.waveSeconds)
}

/** The share of all requests that goes to this row and to those of a lower rank. */
const shares = (() => {
  let sum = 0
  const sums = list(SCENE.rows, (rank) => (sum += 1 / (rank + 1)))
  return sums.map((part) => part / sum)
})()

function zipf(share) {
  let low = 0
  let high = SCENE.rows - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (shares[middle] < share) low = middle + 1
    else high = middle
  }
  return low
}

function chartOf(points, scene) {
  const rowsOf = (series, dashed, scale = 1) =>
    points.flatMap((point) =>
      [series, dashed].map((name) => ({
        x: point.budget,
        group: `${whole(point.instances)} instances`,
        value: point[name] * scale,
        isDashed: name === dashed,
      })),
    )
  const { budget, instances, first, storeLoad, originLoad } = points.at(-1)
  const result = `${scene}. With ${budget} each, ${whole(instances)} instances serve ${percent(first)} of their requests themselves; the store gets ${whole(storeLoad)} requests per second, the origin ${whole(originLoad)}.`
  return lines('Hit rates and load, by the budget of each instance', result, 'maxSizeBytes', [
    {
      axis: 'hit rate, %: of the cache (line), of the store in the rest (dashes)',
      type: 'linear',
      rows: rowsOf('first', 'second', 100),
    },
    {
      axis: 'requests per second: on the store (line), on the origin (dashes)',
      type: 'log',
      rows: rowsOf('storeLoad', 'originLoad'),
    },
  ])
}
