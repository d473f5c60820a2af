import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { list, median, threadTime } from './figures.mjs'
import { root } from './process.mjs'
import { order } from './rows.mjs'

const ENTRIES = 10_000
const ROUNDS = 60
const WARM_UP = 10
/** Operations of one cache before the other one has its turn. */
const PASS = 5_000
const HELD = 300_000
const LIMIT = 2 ** 30
const SECONDS = 20
const PREFIX = 'entry'

const load = () =>
  import(pathToFileURL(join(process.env.BENCH_AGAINST ?? join(root, 'dist'), 'index.js')))

/**
 * What writes and reads take with the guard ÷ without, in turn: the median of all rounds.
 *
 * @param isFirst - whether the cache with the guard is made first
 */
export async function costs(isFirst) {
  const { FaaSCacheDict } = await load()
  const results = {}
  for (const [name, { values, keys, isRead }] of Object.entries(operations())) {
    const caches = [isFirst, !isFirst].map(
      (memoryGuard) => new FaaSCacheDict({ maxItems: ENTRIES, maxSizeBytes: '64M', memoryGuard }),
    )
    let at = 0
    const pass = (cache) => {
      for (let count = 0; count < PASS; count++) {
        const key = keys[at % keys.length]
        if (!isRead) cache[key] = values[at % values.length]
        else if (cache[key] === undefined) throw new Error(`${key} is missing`)
        at++
      }
    }
    const times = [[], []]
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const start = at
      for (const which of round & 1 ? [1, 0] : [0, 1]) {
        at = start
        const cache = caches[which]
        if (isRead && round === -WARM_UP)
          for (const [at, key] of keys.entries()) cache[key] = values[at]
        const from = performance.now()
        pass(cache)
        if (round >= 0) times[which].push(performance.now() - from)
        await new Promise(setImmediate)
      }
    }
    const [on, off] = isFirst ? times : times.toReversed()
    results[name] = {
      ratio: median(on.map((time, at) => time / off[at])),
      least: Math.min(...on) / Math.min(...off),
      nanoseconds: (median(off) / PASS) * 1e6,
    }
  }
  return results
}

function operations() {
  const texts = list(ENTRIES, (at) => `text ${at}`)
  const rows = list(ENTRIES, (at) => order(at))
  const keys = list(ENTRIES, (at) => `${PREFIX}-${at}`)
  const more = list(4 * ENTRIES, (at) => `${PREFIX}-${at}`)
  return {
    'a write of a tiny text': { values: texts, keys: more },
    'a write of a row': { values: rows, keys: more },
    'an overwrite by a tiny text': { values: texts, keys },
    'an overwrite by a row': { values: rows, keys },
    'a read': { values: rows, keys, isRead: true },
  }
}

/** The longest that a cut of many entries holds the thread: between two turns, and in one write. */
export async function holds({ isWriting = false }) {
  const { FaaSCacheDict, controllerOf } = await load()
  const gauge = new FakeGauge()
  putInCharge(gauge, new FaaSCacheDict())
  const cache = new FaaSCacheDict({ maxSizeBytes: LIMIT, onDelete: () => {} })
  const controller = controllerOf(cache)
  let id = 0
  const write = () => {
    cache[`${PREFIX}-${id}`] = { id, text: `text ${id}` }
    id++
  }
  while (id < HELD) write()
  globalThis.gc()
  await new Promise((resolve) => setTimeout(resolve, 100))
  gauge.used = 0.96
  write()
  let longest = 0
  let longestWrite = 0
  let last = threadTime()
  const from = performance.now()
  while (performance.now() < from + SECONDS * 1_000 && controller.size > HELD / 50) {
    if (isWriting) {
      const before = threadTime()
      write()
      longestWrite = Math.max(longestWrite, threadTime() - before)
    }
    await new Promise(setImmediate)
    const now = threadTime()
    longest = Math.max(longest, now - last)
    last = now
  }
  return { longest, longestWrite, left: controller.size }
}

class FakeGauge {
  /** Of the limit. */
  used = 0.3

  read() {
    const old = this.used * LIMIT
    const nothing = { young: 0, resident: 0, needed: 0, containerLimit: Infinity }
    return { ...nothing, old, oldPages: old, allocated: old, heapLimit: LIMIT }
  }

  collect() {
    return this.read()
  }

  onCollection() {}
}

/** Gives all caches to come a guard with this gauge. `cache` has the process make the real one. */
function putInCharge(gauge, cache) {
  const shared = Symbol.for('faas-cache-dict.guard.1')
  for (let id = 0; globalThis[shared] === undefined; id++) cache[id] = id
  const { constructor: Guard } = globalThis[shared]
  Object.defineProperty(globalThis, shared, { value: new Guard(gauge), configurable: true })
}
