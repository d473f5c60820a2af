import { spawnSync } from 'node:child_process'
import { list, median } from './support/figures.mjs'
import { compiled, filling, peers } from './support/peers.mjs'
import { commandOf, inFreshProcess, root, versionOf } from './support/process.mjs'
import { marked, table, whole } from './support/report.mjs'
import { keysOf, user } from './support/rows.mjs'

/** Runs the same loops without a cache. */
const NOTHING = { make: () => null, set: 'out = value', get: 'out = key' }
const VALUES = { 'short texts': (id) => `value ${id}`, 'JSON rows': user }
const COUNTS = [100, 1_000, 10_000]

/** Ratios to lru-cache with object-sizeof that are wanted at most, by count where there are several. */
const WANTED = {
  start: 1,
  construction: 1,
  writes: { 'short texts': [0.9, 0.9, 0.9], 'JSON rows': [1, 1, 0.9] },
  reads: [0.6, 0.6, 0.6],
}

/** What to import from which packages, and how to make, write and read a cache. */
const STARTS = {
  'faas-cache-dict': [
    { 'faas-cache-dict': '{ FaaSCacheDict }' },
    "new FaaSCacheDict({ defaultTtl: '1h' })",
    'cache[key] = key',
    'cache[key]',
  ],
  'lru-cache': [
    { 'lru-cache': '{ LRUCache }', 'object-sizeof': 'sizeof' },
    `new LRUCache({
      ttl: 3_600_000,
      maxSize: 2 ** 25,
      sizeCalculation: (value, key) => sizeof(value) + sizeof(key),
    })`,
    'cache.set(key, key)',
    'cache.get(key)',
  ],
  'quick-lru': [
    { 'quick-lru': '{ default as QuickLRU }' },
    'new QuickLRU({ maxSize: 1_000, maxAge: 3_600_000 })',
    'cache.set(key, key)',
    'cache.get(key)',
  ],
  ocache: [
    { ocache: '{ createMemoryStorage }' },
    'createMemoryStorage({ maxBytes: 2 ** 25 })',
    'cache.set(key, key, { ttl: 3_600 })',
    'cache.get(key)',
  ],
  Map: [{}, 'new Map()', 'cache.set(key, key)', 'cache.get(key)'],
}

export async function run({ quick, against, isWanted }) {
  const rounds = quick ? 3 : 15
  const sections = []
  const failures = []
  /** A ratio for a table. It fails if it is ours, and more than is wanted. */
  const ratioOf = (name, what, value, most) => {
    const isOurs = name === 'faas-cache-dict' || name === 'cache[key]'
    if (isOurs && !(value <= most)) failures.push(`${what}: ${value.toFixed(2)}, wanted ${most}`)
    return isOurs ? marked(value, [0, most]) : value.toFixed(2)
  }
  for (const on of quick ? ['node20'] : ['node20', 'node22', 'node24']) {
    if (isWanted('start')) sections.push(startTable(on, rounds, against, ratioOf))
    for (const kind of Object.keys(VALUES)) {
      if (isWanted(kind)) sections.push(usesTable(on, kind, rounds, ratioOf))
    }
  }
  const text = `Fresh processes in turn, the median of ${rounds}. A start is the time of a whole process that imports
a package, makes a cache, and writes and reads 10 entries, beyond that of an empty process. Writes and
reads are times of the first calls in a process, beyond the same loops without a cache; lru-cache
measures keys and values with object-sizeof. The lower tables are ratios to lru-cache.

${sections.join('\n\n')}
`
  return { title: 'Cold: young processes', text, failures }
}

function startTable(on, rounds, against, ratioOf) {
  const starts = { '': [{}, 'null', '0', '0'], ...STARTS }
  const [, ...rest] = STARTS['faas-cache-dict']
  if (against) starts['before'] = [{ [against]: '{ FaaSCacheDict }' }, ...rest]
  const kinds = ['ESM', 'CommonJS']
  const times = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(starts)) {
      for (const kind of kinds) {
        const text = scriptOf(kind, start)
        const flag = `--input-type=${kind === 'ESM' ? 'module' : 'commonjs'}`
        const began = performance.now()
        const { status, stderr } = spawnSync(commandOf(on), [flag, '--eval', text], { cwd: root })
        if (status !== 0) throw new Error(`${name} failed: ${stderr}`)
        times[name] ??= { ESM: [], CommonJS: [] }
        times[name][kind].push(performance.now() - began)
      }
    }
  }
  const of = (name, kind) => median(times[name][kind]) - median(times[''][kind])
  const names = Object.keys(starts).filter((name) => name !== '')
  const node = `Node ${versionOf(on)}`
  return `## Start, ${node}

${table(
  ['milliseconds', ...kinds],
  names.map((name) => [name, ...kinds.map((kind) => of(name, kind).toFixed(1))]),
)}

${table(
  ['start ÷ lru-cache', ...kinds],
  names.map((name) => [
    name,
    ...kinds.map((kind) => {
      const ratio = of(name, kind) / of('lru-cache', kind)
      return ratioOf(name, `start, ${kind}, ${node}`, ratio, WANTED.start)
    }),
  ]),
)}`
}

function scriptOf(kind, [imports, make, write, read]) {
  const lines = Object.entries(imports).map(([from, names]) => {
    const path = !from.startsWith('/') ? from : `${from}/index.${kind === 'ESM' ? 'js' : 'cjs'}`
    return kind === 'ESM'
      ? `import ${names} from '${path}'`
      : `const ${names.replace(' as ', ': ')} = require('${path}')`
  })
  return `${lines.join('\n')}
  const cache = ${make}
  for (let i = 0; i < 10; i++) { const key = 'key-' + i; ${write} }
  for (let i = 0; i < 10; i++) { const key = 'key-' + i; ${read} }
  process.exit()`
}

function usesTable(on, kind, rounds, ratioOf) {
  const names = Object.keys(peers).filter((name) => !/controller|tiny-lru|Proxy/.test(name))
  const uses = {}
  for (let round = 0; round < rounds; round++) {
    for (const name of ['nothing', ...names]) {
      for (const count of COUNTS) {
        const use = inFreshProcess(import.meta.url, 'firstUses', [name, kind, count], { on })
        uses[name] ??= {}
        uses[name][count] ??= []
        uses[name][count].push(use)
      }
    }
  }
  const medianOf = (name, count, part) => median(uses[name][count].map((use) => use[part]))
  // Some caches allocate for all their entries as they are made, so this is the smallest one.
  const construction = (name) => medianOf(name, COUNTS[0], 'construction')
  const of = (name, count, part) => medianOf(name, count, part) - medianOf('nothing', count, part)
  const parts = ['writes', 'reads'].flatMap((part) => COUNTS.map((count, at) => [part, count, at]))
  const node = `Node ${versionOf(on)}`
  return `## The first uses, ${kind}, ${node}

${table(
  ['cache', 'construction, µs', ...parts.map(([part, count]) => headOf(part, count, ', ms'))],
  names.map((name) => [
    name,
    (construction(name) * 1_000).toFixed(0),
    ...parts.map(([part, count]) => of(name, count, part).toFixed(2)),
  ]),
)}

${table(
  ['÷ lru-cache', 'construction', ...parts.map(([part, count]) => headOf(part, count))],
  names.map((name) => [
    name,
    ratioOf(
      name,
      `construction, ${node}`,
      construction(name) / construction('lru-cache'),
      WANTED.construction,
    ),
    ...parts.map(([part, count, at]) => {
      const ratio = of(name, count, part) / of('lru-cache', count, part)
      const most = (part === 'writes' ? WANTED.writes[kind] : WANTED.reads)[at]
      return ratioOf(name, `${headOf(part, count)}, ${kind}, ${node}`, ratio, most)
    }),
  ]),
)}`
}

const headOf = (part, count, unit = '') => `${whole(count)} ${part}${unit}`

/** Milliseconds of the first uses in this process. */
export function firstUses(name, kind, count) {
  const peer = peers[name] ?? NOTHING
  const keys = keysOf(count)
  const values = list(count, VALUES[kind])
  const write = filling(peer)
  const read = compiled('cache, keys', `for (const key of keys) { ${peer.get} }`)
  const times = [performance.now()]
  const cache = peer.make({ count, isWeighed: true })
  times.push(performance.now())
  write(cache, keys, values)
  times.push(performance.now())
  read(cache, keys)
  times.push(performance.now())
  const [construction, writes, reads] = list(3, (at) => times[at + 1] - times[at])
  return { construction, writes, reads }
}
