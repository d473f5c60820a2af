// The longest time for which the background sweep holds the thread, by what it measures.
// By the processor time of this thread where the engine tells it (Node 24), since other processes
// may hold the processor meanwhile.
const now = process.threadCpuUsage
  ? () => Object.values(process.threadCpuUsage()).reduce((sum, part) => sum + part, 0) / 1_000
  : () => performance.now()
const INTERVAL = 1_000
const setTimer = globalThis.setTimeout
let slices = []
let onEnd = () => {}
// The sweep by itself keeps no process alive.
const alive = setInterval(() => {}, INTERVAL)
// Slices follow one another without the pause, and a walk has ended where the next is far.
globalThis.setTimeout = (callback, delay) => {
  if (delay >= INTERVAL) onEnd()
  return setTimer(
    () => {
      const from = now()
      callback()
      slices.push(now() - from)
    },
    delay >= INTERVAL ? 10 : 0,
  )
}

const { controllerOf, FaaSCacheDict } = await import('../../dist/index.js')

const nested = (depth) =>
  depth === 0
    ? { name: 'a leaf of the tree', at: 0.5 }
    : { left: nested(depth - 1), right: nested(depth - 1), depth }
const chain = (length) => {
  let head = null
  for (let at = 0; at < length; at++) head = { at, next: head }
  return head
}
const integers = (length) => Array.from({ length }, (_, at) => at)
const texts = (length) => Array.from({ length }, (_, at) => `text ${at}`)

/** What is measured again, and the options. */
const subjects = {
  'a tree of 500,000 objects': () => nested(18),
  'a linked list of 1,000,000': () => chain(1_000_000),
  'a Map of 1,000,000': () => new Map(integers(1_000_000).map((at) => [`key ${at}`, { at }])),
  'a Set of 1,000,000': () => new Set(texts(1_000_000)),
  'an array of 10,000,000 integers': () => integers(10_000_000),
  'an array of 10,000,000 doubles': () => new Array(10_000_000).fill(0.5),
  'an array of 2,000,000 strings': () => texts(2_000_000),
  'an array of 1,000 strings of 100,000': () =>
    Array.from({ length: 1_000 }, (_, at) => `${at}語`.padEnd(100_000, 'x')),
  'one object of 200,000 keys': () =>
    Object.fromEntries(texts(200_000).map((key) => [key, { key }])),
  'a sparse array of 100,000': () => {
    const sparse = []
    for (let at = 1; at <= 100_000; at++) sparse[at * 1_000] = at
    return sparse
  },
  'a promise of 2,000,000 strings': () => Promise.resolve(texts(2_000_000)),
  '1,000 Maps of 1,000': () =>
    Array.from({ length: 1_000 }, () => new Map(integers(1_000).map((at) => [at, at]))),
}

const asked = process.argv[2]
const results = []
for (const [name, make] of Object.entries(subjects)) {
  if (asked !== undefined && !name.includes(asked)) continue
  results.push({ name, ...(await swept({ value: make() }, {})) })
}
if (asked === undefined) {
  const rows = Object.fromEntries(integers(200_000).map((at) => [`row-${at}`, { at }]))
  results.push({ name: '200,000 entries', ...(await swept(rows, {})) })
  const sizeOf = (row) => {
    for (const from = performance.now(); performance.now() - from < 0.1; );
    return row.at + 1
  }
  const few = Object.fromEntries(Object.entries(rows).slice(0, 2_000))
  results.push({ name: '2,000 entries, a sizeOf of 0.1 ms', ...(await swept(few, { sizeOf })) })
}
clearInterval(alive)
console.log(JSON.stringify(results))

/** The second of two whole walks: the first is for the compiler. */
async function swept(entries, options) {
  const controller = controllerOf(
    new FaaSCacheDict({ maxSizeBytes: '8G', sweepInterval: INTERVAL / 1_000, ...options }, entries),
  )
  const walked = () =>
    new Promise((end) => {
      onEnd = end
    })
  await walked()
  slices = []
  // Unused, it would rest.
  controller.get(Object.keys(entries)[0])
  await walked()
  controller.close()
  const longest = Math.max(...slices)
  return { slices: slices.length, longest, median: median(slices) }
}

function median(times) {
  return times.toSorted((a, b) => a - b)[times.length >> 1]
}
