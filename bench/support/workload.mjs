// A function that reads rows of JSON through a cache. Few rows are asked for often.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { randomFrom } from './figures.mjs'
import { objects, template } from './pressure-scenarios.mjs'
import { root } from './process.mjs'

const MEBIBYTE = 2 ** 20
const SKEW = 0.9
/** Bytes of a row of 17 lines. A row has more lines where the limit is larger. */
const ROW_BYTES = 2_700
const LINES = 17
/** All rows ÷ the limit. */
const ROWS = 1.5
const READS_A_ROW = 2

/**
 * Plays `READS_A_ROW` reads for each row and counts the second half of them.
 *
 * @param limit - MiB that the heap or the container allows
 * @param budget - a value of `maxSizeBytes`, or `none`: a cache of one entry
 * @param own - what the function holds, as a part of the limit
 * @param garbage - MiB of objects that live as long as a request
 * @param every - one request of so many makes them
 * @param readsARequest - at most 20 of them take a turn of the event loop
 */
export async function play({
  limit,
  budget,
  guard,
  own = 0,
  garbage = 0,
  every = 1,
  readsARequest = 20,
  seconds = 120,
}) {
  const dist = process.env.BENCH_AGAINST ?? join(root, 'dist')
  const { controllerOf, FaaSCacheDict } = await import(pathToFileURL(join(dist, 'index.js')))
  const held = objects(own * limit * MEBIBYTE)
  const scale = Math.max(1, limit / 128)
  const row = template(LINES * scale)
  const keys = Math.round((ROWS * limit * MEBIBYTE) / (ROW_BYTES * scale))
  const next = zipf(keys, randomFrom(17))
  const cache = new FaaSCacheDict({
    memoryGuard: guard,
    ...(budget === 'none' ? { maxItems: 1 } : { maxSizeBytes: budget }),
  })
  const controller = controllerOf(cache)
  const reads = keys * READS_A_ROW
  const from = performance.now()
  let hits = 0
  let counted = 0
  let least = Infinity
  let most = 0
  let slowest = 0
  for (let read = 0; read < reads && performance.now() < from + seconds * 1_000; ) {
    const isSpike = garbage > 0 && Math.floor(read / readsARequest) % every === 0
    let dropped = isSpike ? objects(garbage * MEBIBYTE) : undefined
    const isCounted = read >= reads / 2
    for (const end = read + readsARequest; read < end; read++) {
      const id = next()
      const key = `key-${id}`
      const isHit = cache[key] !== undefined
      if (!isHit) cache[key] = row(id)
      if (isCounted) {
        counted++
        if (isHit) hits++
      }
      if (read % 20 === 0) {
        const before = performance.now()
        await new Promise(setImmediate)
        slowest = Math.max(slowest, performance.now() - before)
      }
    }
    dropped = dropped?.length
    if (isCounted) {
      least = Math.min(least, controller.effectiveMaxSizeBytes)
      most = Math.max(most, controller.effectiveMaxSizeBytes)
    }
  }
  const { sizeBytes, pressureEvictions, maxSizeBytes } = controller.stats()
  return {
    hitRate: hits / counted,
    counted: counted / (reads / 2),
    least,
    most,
    maxSizeBytes: maxSizeBytes ?? controller.maxSizeBytes,
    sizeBytes,
    pressureEvictions,
    slowest,
    held: held.length,
    ms: Math.round(performance.now() - from),
  }
}

/** Picks rows: the row of rank n is read 1/n ** skew as often as the first. */
export function zipf(keys, random, skew = SKEW) {
  const sums = new Float64Array(keys)
  let sum = 0
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -skew
  return () => {
    const share = random() * sum
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] < share) low = middle + 1
      else high = middle
    }
    return low
  }
}
