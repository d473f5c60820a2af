import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

export const SCENE = {
  rows: 5_000,
  rowBytes: 10_000,
  ttlSeconds: 300,
  requestsASecond: 5,
  /** An instance is replaced by a new one after that. */
  lifeSeconds: 1_200,
  /** Traffic falls to a fifth and rises again: those that have nothing to do are frozen. */
  waveSeconds: 600,
  seconds: 1_200,
  /** Not counted, while the first instances and the store are cold. */
  warmUpSeconds: 300,
}

/** What a fleet with so large a cache in each instance asks of the one store behind it. */
export function simulate(instances, maxSizeBytes) {
  const { requestsASecond, lifeSeconds, seconds, warmUpSeconds } = SCENE
  const random = seeded(instances)
  const clock = { seconds: 0 }
  const store = new Map()
  // Their lives end one after the other, not all at once.
  const fleet = Array.from({ length: instances }, (_, i) => ({
    cache: newCache(maxSizeBytes, clock),
    born: -(i / instances) * lifeSeconds,
  }))
  const counts = { requests: 0, firstHits: 0, storeHits: 0, frozen: 0 }
  for (; clock.seconds < seconds; clock.seconds++) {
    const awake = Math.ceil(instances * traffic(clock.seconds))
    for (const instance of fleet.slice(0, awake)) {
      if (clock.seconds - instance.born >= lifeSeconds) {
        instance.cache = newCache(maxSizeBytes, clock)
        instance.born = clock.seconds
      }
      for (let i = 0; i < requestsASecond; i++) {
        const outcome = read(instance.cache, store, clock, `row-${zipf(random())}`)
        if (clock.seconds < warmUpSeconds) continue
        counts.requests++
        if (outcome !== 'load') counts[outcome]++
      }
    }
    if (clock.seconds >= warmUpSeconds) counts.frozen += instances - awake
  }
  const counted = seconds - warmUpSeconds
  const asked = counts.requests - counts.firstHits
  return {
    first: counts.firstHits / counts.requests,
    second: counts.storeHits / asked,
    storeLoad: asked / counted,
    originLoad: (asked - counts.storeHits) / counted,
    frozen: counts.frozen / counted / instances,
  }
}

function read(cache, store, clock, key) {
  if (cache.get(key) !== undefined) return 'firstHits'
  const held = store.get(key)
  const isHeld = held > clock.seconds
  const expires = isHeld ? held : clock.seconds + SCENE.ttlSeconds
  if (!isHeld) store.set(key, expires)
  // What comes from the store lives for what is left of its life there.
  cache.set(key, key, { ttl: expires - clock.seconds, sizeBytes: SCENE.rowBytes })
  return isHeld ? 'storeHits' : 'load'
}

function newCache(maxSizeBytes, clock) {
  const now = () => Date.UTC(2026, 0, 1) + clock.seconds * 1_000
  return controllerOf(new FaaSCacheDict({ maxSizeBytes, now, sweepInterval: null }))
}

function traffic(seconds) {
  return 0.6 + 0.4 * Math.cos((2 * Math.PI * seconds) / SCENE.waveSeconds)
}

// Few rows often and most rarely: the row of rank n is asked for 1/n as often as the first.
const shares = (() => {
  const sums = new Float64Array(SCENE.rows)
  let sum = 0
  for (let rank = 0; rank < SCENE.rows; rank++) {
    sum += 1 / (rank + 1)
    sums[rank] = sum
  }
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

function seeded(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
