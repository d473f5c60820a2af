import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { freshKeys, median, randomFrom } from './support.mjs'

const [kind, given] = process.argv.slice(2)
const entries = Number(given)
const expired = entries / 10
const BATCH = 50
const BATCHES = 1000

const start = 1_700_000_000_000
const HOUR = 3_600_000

/** A full cache in which a tenth has expired, and what a write of a new key is. */
function fullCache(random) {
  let time = start
  const cache = new FaaSCacheDict({
    maxItems: entries,
    maxSizeBytes: null,
    sweepInterval: null,
    now: () => time,
  })
  const controller = controllerOf(cache)
  const options = Array.from({ length: 1000 }, (_, index) => ({ ttl: `${HOUR + index * 3600}ms` }))
  const brief = Array.from({ length: 100 }, (_, index) => ({ ttl: `${100 + index}ms` }))
  freshKeys('old', entries).forEach((key, index) => {
    const isBrief = random(entries - index) < left
    if (isBrief) left--
    controller.set(key, index, isBrief ? brief[random(100)] : options[random(1000)])
  })
  time += 1000
  return (key, index) => {
    controller.set(key, index, options[index % 1000])
  }
}

/**
 * What a write at the limit asks of a Map alone: a miss, a scattered key leaves, a new one comes.
 * In a bare loop the processor waits for the memory of several at once, across calls; in a program
 * that does anything between them it waits for each.
 */
function fullMap(random, between) {
  const keys = freshKeys('old', entries)
  const map = new Map(keys.map((key, index) => [key, index]))
  const leaving = []
  keys.forEach((key, index) => {
    if (random(entries - index) < left) {
      left--
      leaving.push(key)
    }
  })
  for (let index = leaving.length - 1; index > 0; index--) {
    const other = random(index + 1)
    ;[leaving[index], leaving[other]] = [leaving[other], leaving[index]]
  }
  let next = 0
  return (key, index) => {
    const found = map.get(key)
    between()
    map.delete(leaving[next++])
    between()
    if (found === undefined) map.set(key, index)
    between()
  }
}

let state = 1
/** Each step waits for the one before: more of them than the processor looks ahead. */
function work() {
  let mixed = state
  for (let step = 0; step < 60; step++) mixed = (Math.imul(mixed, 1_664_525) + 1) | 0
  state = mixed
}

const subjects = {
  cache: fullCache,
  map: (random) => fullMap(random, () => {}),
  mapWithWork: (random) => fullMap(random, work),
}

let left
const times = []
const random = randomFrom(1)
while (times.length < BATCHES) {
  left = expired
  const write = subjects[kind](random)
  const keys = freshKeys('new', expired)
  // Before each small cache it would leave the processor cold, and flatter the ratio.
  if (expired > BATCH * BATCHES) globalThis.gc()
  for (let from = 0; from + BATCH <= expired && times.length < BATCHES; from += BATCH) {
    const began = performance.now()
    for (let index = from; index < from + BATCH; index++) write(keys[index], index)
    times.push(((performance.now() - began) / BATCH) * 1e6)
  }
}
// The first half warms the engine up.
console.log(median(times.slice(times.length / 2)))
