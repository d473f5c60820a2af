import { spawnSync } from 'node:child_process'
import { list, median } from './support/figures.mjs'
import { compiled, filling, peers } from './support/peers.mjs'
import { commandOf, inFreshProcess, root, versionOf } from './support/process.mjs'
import { table, whole } from './support/report.mjs'
import { keysOf, user } from './support/rows.mjs'

/** Runs the same loops without a cache. */
const NOTHING = { make: () => null, set: 'out = value', get: 'out = key' }
const VALUES = { 'short texts': (id) => `value ${id}`, 'JSON rows': user }
const COUNTS = [100, 1_000, 10_000]

/** What to import from which packages, and how to make, write and read a cache. */
const STARTS = {
  'faas-cache-dict': [
    { 'faas-cache-dict': '{ FaaSCacheDict }' },
    "new FaaSCacheDict({ defaultTtl: '1h' })",
    'cache[key] = key',
    'cache[key]',
  ],
  'lru-cache, object-sizeof': [
    { 'lru-cache': '{ LRUCache }', 'object-sizeof': 'sizeof' },
    'new LRUCache({ ttl: 3_600_000, maxSize: 2 ** 25, sizeCalculation: sizeof })',
    'cache.set(key, key)',
    'cache.get(key)',
  ],
  ocache: [
    { ocache: '{ createMemoryStorage }' },
    'createMemoryStorage({ maxBytes: 2 ** 25 })',
    'cache.set(key, key)',
    'cache.get(key)',
  ],
  Map: [{}, 'new Map()', 'cache.set(key, key)', 'cache.get(key)'],
}

export async function run({ quick, against, isWanted }) {
  const rounds = quick ? 3 : 15
  const sections = []
  for (const on of quick ? ['node20'] : ['node20', 'node22', 'node24']) {
    if (isWanted('start')) sections.push(startTable(on, rounds, against))
    for (const kind of Object.keys(VALUES)) {
      if (isWanted(kind)) sections.push(usesTable(on, kind, rounds))
    }
  }
  const text = `Fresh processes in turn, the median of ${rounds}. A start is the time of a whole process that imports
a package, makes a cache, and writes and reads 10 entries, beyond that of an empty process. Writes and
reads are times of the first calls in a process, beyond the same loops without a cache; lru-cache
measures values with object-sizeof.

${sections.join('\n\n')}
`
  return { title: 'Cold: young processes', text }
}

function startTable(on, rounds, against) {
  const starts = { '': [{}, 'null', '0', '0'], ...STARTS }
  const [, ...rest] = STARTS['faas-cache-dict']
  if (against) starts['before'] = [{ [against]: '{ FaaSCacheDict }' }, ...rest]
  const times = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(starts)) {
      for (const kind of ['ESM', 'CommonJS']) {
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
  const { '': empty, ...others } = times
  const rows = Object.entries(others).map(([name, byKind]) => [
    name,
    ...Object.entries(byKind).map(([kind, all]) => (median(all) - median(empty[kind])).toFixed(1)),
  ])
  return `## Start, Node ${versionOf(on)}\n\n${table(['milliseconds', 'ESM', 'CommonJS'], rows)}`
}

function scriptOf(kind, [imports, make, write, read]) {
  const lines = Object.entries(imports).map(([from, names]) => {
    const path = !from.startsWith('/') ? from : `${from}/index.${kind === 'ESM' ? 'js' : 'cjs'}`
    return kind === 'ESM' ? `import ${names} from '${path}'` : `const ${names} = require('${path}')`
  })
  return `${lines.join('\n')}
  const cache = ${make}
  for (let i = 0; i < 10; i++) { const key = 'key-' + i; ${write} }
  for (let i = 0; i < 10; i++) { const key = 'key-' + i; ${read} }
  process.exit()`
}

function usesTable(on, kind, rounds) {
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
  const of = (name, count, part) => median(uses[name][count].map((use) => use[part]))
  const rows = names.map((name) => [
    name,
    (of(name, 100, 'construction') * 1_000).toFixed(0),
    ...['writes', 'reads'].flatMap((part) =>
      COUNTS.map((count) => (of(name, count, part) - of('nothing', count, part)).toFixed(1)),
    ),
  ])
  const heads = ['writes', 'reads'].flatMap((part) =>
    COUNTS.map((count) => `${whole(count)} ${part}, ms`),
  )
  return `## The first uses, ${kind}, Node ${versionOf(on)}\n\n${table(['cache', 'construction, µs', ...heads], rows)}`
}

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
