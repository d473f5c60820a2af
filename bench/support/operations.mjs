import { measure } from 'mitata'
import { list, median, randomFrom, shuffle } from './figures.mjs'
import { compiled, filling, peers } from './peers.mjs'
import { keysOf, order } from './rows.mjs'

export const BATCH = 1000
// A batch is long enough for the clock, so one sample is one batch.
const SAMPLES = { batch_threshold: 0, min_samples: 1 }
const rows = list(500, (id) => order(id))
const texts = list(500, (id) => `value ${id}`)

const inOrder = (count) => Uint32Array.from({ length: count }, (_, at) => at)
const shuffled = (count) => shuffle(inOrder(count), randomFrom(count))
const skewed = (count) => {
  const random = randomFrom(count)
  return Uint32Array.from({ length: Math.max(count, 10_000) }, () =>
    Math.floor(count ** random() - 1),
  )
}
const all = () => true

/** `body` gives the loop's text; `sequence` the indices of the keys that it goes through. */
const operations = {
  hit: { body: (peer) => `out = ${peer.get}`, sequence: shuffled, takes: all },
  miss: {
    body: (peer) => `out = ${peer.get}`,
    sequence: (count) => shuffled(count).map((at) => at + count),
    takes: all,
  },
  overwrite: { body: (peer) => peer.set, sequence: shuffled, takes: all },
  'read one name': {
    body: (peer) => `out = ${peer.getName}`,
    sequence: shuffled,
    isNamed: true,
    takes: all,
  },
  'overwrite one name': {
    body: (peer) => peer.setName,
    sequence: shuffled,
    isNamed: true,
    takes: all,
  },
  insert: { isFresh: true, takes: (peer) => peer.each },
  'insert at the item limit': {
    body: (peer) => peer.set,
    sequence: (count) => inOrder(2 * count),
    limit: 'items',
    takes: (peer) => peer.hasItemLimit,
  },
  'insert at the byte limit': {
    body: (peer) => peer.set,
    sequence: (count) => inOrder(2 * count),
    limit: 'bytes',
    takes: (peer) => peer.hasByteLimit,
  },
  '90 % reads, skewed': {
    body: (peer) => `if (i % 10 === 0) { ${peer.set} } else out = ${peer.get}`,
    sequence: skewed,
    takes: all,
  },
  'a JSON row': {
    body: (peer) => peer.set,
    sequence: shuffled,
    isWeighed: true,
    takes: (peer) => peer.weighs,
  },
  'enumerate, per entry': { whole: 'each', takes: (peer) => peer.each },
  'copy all, per entry': { whole: 'copy', takes: (peer) => peer.copy },
  'delete and write again': {
    body: (peer) => `${peer.delete}; ${peer.set}`,
    sequence: shuffled,
    takes: all,
  },
}
export const names = Object.keys(operations)

/** Nanoseconds of these operations on each peer that has them, by operation. */
export async function timed(names, count, { turns, milliseconds }) {
  const times = {}
  const keys = keysOf(2 * count)
  for (const name of names) {
    const operation = operations[name]
    const runs = Object.entries(peers)
      .filter(([, peer]) => operation.takes(peer) && count <= (peer.most ?? Infinity))
      .map(([name, peer]) => ({ name, times: [], ...prepared(peer, operation, count, keys) }))
    for (let turn = 0; turn < turns; turn++) {
      for (let at = 0; at < runs.length; at++) {
        const run = runs[(at + turn) % runs.length]
        const { p50 } = await measure(run.batch, { ...SAMPLES, min_cpu_time: milliseconds * 1e6 })
        run.times.push(p50 / run.size)
      }
    }
    times[name] = Object.fromEntries(runs.map(({ name, times }) => [name, median(times)]))
  }
  return times
}

/** Runs so many batches of an operation on one peer, once the engine has compiled it. */
export function repeated(peer, operation, count, batches) {
  const { batch } = prepared(peers[peer], operations[operation], count, keysOf(2 * count))
  for (let at = 0; at < 400 + batches; at++) batch()
}

/** One operation on a filled cache: a batch to run, and how many operations it is. */
function prepared(
  peer,
  { body, sequence, limit, isFresh, isWeighed, isNamed, whole },
  count,
  keys,
) {
  const values = isWeighed ? rows : texts
  const fill = filling(peer)
  const filled = (limits, amount = count) => {
    const cache = peer.make({ count: count + (isNamed ? 1 : 0), isWeighed, ...limits })
    fill(cache, keys, values, amount)
    return cache
  }
  if (isFresh) return { size: count, batch: () => filled() }
  const limits = { items: limit === 'items' ? count : undefined }
  if (limit === 'bytes' && peer.bytesOf) {
    // Under constant replacement the engine's own `Map` is larger than when it was filled.
    limits.bytes = peer.bytesOf(filled({ items: count }, 2 * count))
  }
  const cache = filled(limits)
  if (whole) return { size: count, batch: compiled('cache', peer[whole]).bind(null, cache) }
  if (isNamed) compiled('cache, value', peer.setName)(cache, texts[0])
  const start = limit ? count : 0
  const loop = `let at = ${start}; return () => { for (let i = 0; i < ${BATCH}; i++) {
    const index = sequence[at]; if (++at === sequence.length) at = 0
    const key = keys[index]; const value = values[(index + i) % values.length]
    ${body(peer)} } return out }`
  const batch = compiled('cache, keys, values, sequence', loop)
  return { size: BATCH, batch: batch(cache, keys, values, sequence(count)) }
}
