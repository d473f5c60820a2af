import { bars } from './support/charts.mjs'
import { median } from './support/figures.mjs'
import { names as operations } from './support/operations.mjs'
import { peers } from './support/peers.mjs'
import { inFreshProcess, versionOf } from './support/process.mjs'
import { marked, table, whole } from './support/report.mjs'

const OPERATIONS = new URL('./support/operations.mjs', import.meta.url)
const PEERS = Object.keys(peers)
const OURS = ['controller', 'cache[key]']
/** An operation, and the two caches whose times are compared. */
const COMPARED = {
  'controller.get(key) ÷ lru-cache': ['hit', 'controller', 'lru-cache'],
  'cache[key] ÷ lru-cache': ['hit', 'cache[key]', 'lru-cache'],
  'cache[key] ÷ a bare Proxy over a Map': ['hit', 'cache[key]', 'Proxy of Map'],
  'controller.set(key, text) ÷ lru-cache': ['overwrite', 'controller', 'lru-cache'],
  'cache[key] = text ÷ lru-cache': ['overwrite', 'cache[key]', 'lru-cache'],
  'the same by a bare Proxy over a Map ÷ lru-cache': ['overwrite', 'Proxy of Map', 'lru-cache'],
  'cache.name = text ÷ lru-cache': ['overwrite one name', 'cache[key]', 'lru-cache'],
  'a JSON row ÷ lru-cache with object-sizeof': ['a JSON row', 'controller', 'lru-cache'],
  'a JSON row ÷ ocache': ['a JSON row', 'controller', 'ocache'],
  'an insert ÷ lru-cache': ['insert', 'controller', 'lru-cache'],
  'an insert at the byte limit ÷ lru-cache': [
    'insert at the byte limit',
    'controller',
    'lru-cache',
  ],
  'Object.entries(cache) ÷ lru-cache': ['copy all, per entry', 'cache[key]', 'lru-cache'],
}
/** The same operations of this build and of the one given by `--against`. */
const BUILDS = Object.fromEntries(
  operations.flatMap((operation) =>
    OURS.map((cache) => [`${operation}: ${cache}`, [operation, cache, `${cache} before`]]),
  ),
)

export async function run({ quick, most, together, against, isWanted }) {
  const effort = quick ? { turns: 3, milliseconds: 12 } : { turns: 5, milliseconds: 30 }
  const rounds = quick ? 1 : 3
  const wanted = operations.filter(isWanted)
  const groups = together ? [wanted] : wanted.map((name) => [name])
  // All caches at once, a million entries each.
  const flags = ['--max-old-space-size=12000']
  const columns = [
    ...[1_000, 10_000, 100_000, 1_000_000].map((count) => ({ on: 'node20', count, rounds })),
    ...[10_000, 1_000_000].map((count) => ({ on: 'node24', count, rounds: 1 })),
  ].filter(({ on, count }) => count <= most && !(quick && (count > 10_000 || on === 'node24')))

  for (const column of columns) {
    const { on, count } = column
    column.head = `${whole(count)} entries, Node ${versionOf(on)}`
    column.runs = []
    for (let round = 0; round < column.rounds; round++) {
      const parts = groups.map((group) =>
        inFreshProcess(OPERATIONS, 'timed', [group, count, effort], { on, flags }),
      )
      column.runs.push(Object.assign({}, ...parts))
      console.error(`${column.head}: round ${round + 1} of ${column.rounds}`)
    }
  }

  const processes = together ? 'All operations run in one process' : 'Each operation has a process'
  const settings = Object.entries(peers).map(([name, peer]) => `- \`${name}\`: ${peer.settings}`)
  const text = `${processes}, in which all caches take turns, ${effort.turns} turns each. A figure is the median of ${rounds} such processes on Node 20, of one on Node 24.

${settings.join('\n')}

## Relative time, lower is faster

${against ? `This build ÷ ${against}.\n\n${comparison(BUILDS, columns)}` : comparison(COMPARED, columns)}

${columns.map((column) => `## ${column.head}\n\nNanoseconds, and in brackets the time relative to lru-cache.\n\n${times(column)}\n`).join('\n')}`
  const chart = () => chartOf(columns.find(({ count }) => count === 10_000))
  return { title: 'Speed', text, chart }
}

const timeOf = ({ runs }, operation, peer) => median(runs.map((run) => run[operation]?.[peer]))
const ratioOf = ({ runs }, operation, peer, base) =>
  median(runs.map((run) => run[operation]?.[peer] / run[operation]?.[base]))

function comparison(compared, columns) {
  const rows = Object.entries(compared).map(([name, caches]) => [
    name,
    ...columns.map((column) => {
      const ratio = ratioOf(column, ...caches)
      return Number.isNaN(ratio) ? '' : marked(ratio)
    }),
  ])
  const filled = rows.filter(([, ...cells]) => cells.some(Boolean))
  return table(['relative time', ...columns.map(({ head }) => head)], filled)
}

function times(column) {
  const rows = Object.keys(column.runs[0]).map((operation) => [
    operation,
    ...PEERS.map((peer) => {
      const time = timeOf(column, operation, peer)
      if (time === undefined) return ''
      return `${whole(time)} (${marked(ratioOf(column, operation, peer, 'lru-cache'))})`
    }),
  ])
  return table(['operation', ...PEERS], rows)
}

export function chartOf(column) {
  const operations = ['hit', 'overwrite', 'insert', 'insert at the byte limit']
  const rows = [...operations, 'enumerate, per entry'].flatMap((operation) =>
    [...OURS, 'lru-cache', 'quick-lru', 'tiny-lru'].flatMap((peer) => {
      const ratio = ratioOf(column, operation, peer, 'lru-cache')
      return Number.isNaN(ratio) ? [] : [{ group: operation, name: peer, value: ratio }]
    }),
  )
  return bars(`Relative time of an operation: ${column.head}`, rows, {
    axis: 'time ÷ time of lru-cache, shorter is faster',
    base: 1,
    ours: OURS,
  })
}
