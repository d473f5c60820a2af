import { list, threadTime } from './support/figures.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table, whole } from './support/report.mjs'

const INTERVAL = 1_000
const nested = (depth) =>
  depth === 0
    ? { name: 'a leaf of the tree', at: 0.5 }
    : { left: nested(depth - 1), right: nested(depth - 1), depth }
const chain = (length) => {
  let head = null
  for (let at = 0; at < length; at++) head = { at, next: head }
  return head
}
const integers = (length) => list(length, (at) => at)
const texts = (length) => list(length, (at) => `text ${at}`)
const one = (make) => () => ({ entries: { value: make() } })
const rows = (length) => Object.fromEntries(list(length, (at) => [`row-${at}`, { at }]))

/** What the sweep measures again, and the options of its cache. */
const SUBJECTS = {
  'a tree of 500,000 objects': one(() => nested(18)),
  'a linked list of 1,000,000': one(() => chain(1_000_000)),
  'a Map of 1,000,000': one(() => new Map(integers(1_000_000).map((at) => [`key ${at}`, { at }]))),
  'a Set of 1,000,000': one(() => new Set(texts(1_000_000))),
  'an array of 10,000,000 integers': one(() => integers(10_000_000)),
  'an array of 10,000,000 doubles': one(() => new Array(10_000_000).fill(0.5)),
  'an array of 2,000,000 strings': one(() => texts(2_000_000)),
  'an array of 1,000 strings of 100,000': one(() =>
    list(1_000, (at) => `${at}語`.padEnd(100_000, 'x')),
  ),
  'one object of 200,000 keys': one(() =>
    Object.fromEntries(texts(200_000).map((key) => [key, { key }])),
  ),
  'a sparse array of 100,000': one(() => {
    const sparse = []
    for (let at = 1; at <= 100_000; at++) sparse[at * 1_000] = at
    return sparse
  }),
  'a promise of 2,000,000 strings': one(() => Promise.resolve(texts(2_000_000))),
  '1,000 Maps of 1,000': one(() =>
    list(1_000, () => new Map(integers(1_000).map((at) => [at, at]))),
  ),
  '200,000 entries': () => ({ entries: rows(200_000) }),
  '2,000 entries, a sizeOf of 0.1 ms': () => ({
    entries: rows(2_000),
    sizeOf: (row) => {
      for (const from = performance.now(); performance.now() - from < 0.1; );
      return row.at + 1
    },
  }),
}

export function run({ quick, isWanted }) {
  const names = Object.keys(SUBJECTS)
    .filter(isWanted)
    .slice(0, quick ? 2 : undefined)
  const rows = names.map((name) => {
    const { slices, longest } = inFreshProcess(import.meta.url, 'sweepSlices', [name], {
      on: 'node24',
      flags: ['--max-old-space-size=6000'],
    })
    return [name, whole(slices), longest.toFixed(1)]
  })
  const text = `How long the background sweep holds the thread, by its processor time on Node 24, which the system
counts in steps of some milliseconds. The sweep lists the keys of one object in one step.

${table(['measured again by the sweep', 'slices', 'longest slice, ms'], rows)}
`
  return { title: 'The background sweep', text }
}

export async function sweepSlices(name) {
  const setTimer = globalThis.setTimeout
  let slices = []
  let onEnd = () => {}
  // The sweep keeps no process alive.
  setInterval(() => {}, INTERVAL)
  // Slices follow one another without the pause. After the last one the next is an interval away.
  globalThis.setTimeout = (callback, delay) => {
    if (delay >= INTERVAL) onEnd()
    const slice = () => {
      const from = threadTime()
      callback()
      slices.push(threadTime() - from)
    }
    return setTimer(slice, delay >= INTERVAL ? 10 : 0)
  }
  const { controllerOf, FaaSCacheDict } = await import('../dist/index.js')
  const { entries, ...options } = SUBJECTS[name]()
  const controller = controllerOf(
    new FaaSCacheDict({ maxSizeBytes: '8G', sweepInterval: INTERVAL / 1_000, ...options }, entries),
  )
  const walked = () =>
    new Promise((end) => {
      onEnd = end
    })
  // The second walk counts: the first is for the compiler. An unused cache would rest.
  await walked()
  slices = []
  controller.get(Object.keys(entries)[0])
  await walked()
  controller.close()
  return { slices: slices.length, longest: Math.max(...slices) }
}
