import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { list, median, randomFrom, shuffle } from './support/figures.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table, whole } from './support/report.mjs'
import { keysOf, parsed } from './support/rows.mjs'

const BATCH = 50
const BATCHES = 1000
const MOST_GROWTH = 1.5

export function run({ quick, most }) {
  const few = 1_000
  const many = Math.min(quick ? 10_000 : 1_000_000, most)
  const subjects = ['cache', 'map', 'mapWithWork']
  const measured = (count) =>
    Object.fromEntries(
      subjects.map((subject) => [
        subject,
        inFreshProcess(import.meta.url, 'writeTime', [subject, count], { flags: ['--expose-gc'] }),
      ]),
    )
  const [small, large] = [measured(few), measured(many)]
  const beyond = (subject) =>
    (large.cache - Math.max(0, large[subject] - small[subject])) / small.cache

  const text = `A write of a new key at the item limit, while a tenth of the entries have expired and are scattered,
and what such a write asks of a Map alone: get, delete and set. Nanoseconds.

${table(
  ['entries', 'cache', 'Map, with work between the calls', 'Map, in a bare loop'],
  [
    [few, small],
    [many, large],
  ].map(([count, { cache, map, mapWithWork }]) => [count, cache, mapWithWork, map].map(whole)),
)}

Beyond what the Map's time grows, a write takes ${beyond('mapWithWork').toFixed(2)} times as long among many (at most ${MOST_GROWTH});
by the Map in a bare loop ${beyond('map').toFixed(2)}.
`
  const failures = beyond('mapWithWork') <= MOST_GROWTH ? [] : ['the growth of a write']
  return { title: 'Expiry', text, failures }
}

/** Nanoseconds of a write. */
export function writeTime(subject, entries) {
  const expired = entries / 10
  const random = randomFrom(1)
  const times = []
  while (times.length < BATCHES) {
    const write = { cache: fullCache, map: fullMap, mapWithWork: fullMapWithWork }[subject](
      entries,
      random,
    )
    const keys = parsed(keysOf(expired, 'new-key'))
    // Before each small cache it would leave the processor cold and make the ratio look better.
    if (expired > BATCH * BATCHES) globalThis.gc()
    for (let from = 0; from + BATCH <= expired && times.length < BATCHES; from += BATCH) {
      const began = performance.now()
      for (let index = from; index < from + BATCH; index++) write(keys[index], index)
      times.push(((performance.now() - began) / BATCH) * 1e6)
    }
  }
  // The first half is for the compiler.
  return median(times.slice(times.length / 2))
}

/** A full cache in which a tenth has expired. */
function fullCache(entries, random) {
  let time = 1_700_000_000_000
  const controller = controllerOf(
    new FaaSCacheDict({
      maxItems: entries,
      maxSizeBytes: null,
      sweepInterval: null,
      now: () => time,
    }),
  )
  const long = list(1_000, (at) => ({ ttl: `${3_600_000 + at * 3_600}ms` }))
  const brief = list(100, (at) => ({ ttl: `${100 + at}ms` }))
  const expiring = tenth(entries, random)
  parsed(keysOf(entries, 'old-key')).forEach((key, index) => {
    const ttls = expiring.has(index) ? brief : long
    controller.set(key, index, ttls[Math.floor(random() * ttls.length)])
  })
  time += 1_000
  return (key, index) => controller.set(key, index, long[index % 1_000])
}

/**
 * What a write at the limit asks of a Map: a miss, a scattered key leaves, a new one comes. In a
 * bare loop the processor waits for the memory of several calls at once; in a program that does
 * anything between them it waits for each.
 */
function fullMap(entries, random, between = () => {}) {
  const keys = parsed(keysOf(entries, 'old-key'))
  const map = new Map(keys.map((key, index) => [key, index]))
  const leaving = shuffle([...tenth(entries, random)], random).map((index) => keys[index])
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
/** Each step waits for the one before, and there are more than the processor looks ahead. */
const fullMapWithWork = (entries, random) =>
  fullMap(entries, random, () => {
    let mixed = state
    for (let step = 0; step < 60; step++) mixed = (Math.imul(mixed, 1_664_525) + 1) | 0
    state = mixed
  })

/** Exactly a tenth of the indices, in their order. */
function tenth(entries, random) {
  const chosen = new Set()
  for (let index = 0; index < entries; index++) {
    if (random() * (entries - index) < entries / 10 - chosen.size) chosen.add(index)
  }
  return chosen
}
