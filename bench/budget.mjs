import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { dataSets, textsOf } from './support/data-sets.mjs'
import { alive, resident } from './support/figures.mjs'
import { kinds } from './support/kinds.mjs'
import { inFreshProcess, tools } from './support/process.mjs'
import { marked, table, whole } from './support/report.mjs'
import { classes, OPAQUE } from './support/values.mjs'

const BUDGET = 64 * 2 ** 20
const FILLED = [0.95, 1.2]
const READINGS = 10

export function run({ quick, isWanted }) {
  tools()
  const failures = []
  const judged = (name, ratio, range) => {
    if (!(ratio >= range[0] && ratio <= range[1])) failures.push(`${name}: ${ratio.toFixed(3)}`)
    return marked(ratio, range)
  }
  const visible = classes.filter(({ group }) => group !== OPAQUE).map(({ name }) => name)
  const filled = [...visible, ...Object.keys(dataSets)].filter((name) => isWanted(`fill ${name}`))
  const fills = filled.map((name) => {
    const { items, charged, real } = orDied('filled', [name], ['--expose-gc'])
    return [name, whole(items), judged(`64M of ${name}`, charged / real, FILLED)]
  })
  const million = quick ? 20_000 : 1_000_000
  const survived = Object.keys(kinds).filter((name) => isWanted(`survive ${name}`))
  const survivors = survived.map((name) => {
    const { most } = kinds[name]
    const flags = ['--expose-gc', '--max-old-space-size=128']
    const { writes, evictions, live } = orDied('survivor', [name, million], flags)
    const ratio = judged(`128 MB, ${name}`, live / BUDGET, [0, most])
    return [name, whole(writes), whole(evictions), ratio, most]
  })
  const text = `## A process of 128 MB that is written to without end

\`node --max-old-space-size=128\`, a budget of 64M. Alive is the growth of heap and external memory since
before the cache, after a forced collection, the most of ${READINGS} readings.

${table(['written', 'writes', 'evicted', 'most alive ÷ budget', 'wanted at most'], survivors)}

## A cache filled to 64M

${table(['filled with', 'entries', 'sizeBytes ÷ growth of the process'], fills)}
`
  return { title: 'Budget', text, failures }
}

function orDied(name, args, flags) {
  try {
    return inFreshProcess(import.meta.url, name, args, { flags })
  } catch (error) {
    console.error(String(error))
    return {}
  }
}

/** Fills a cache with values of one class, or the rows of one data set again and again. */
export async function filled(name) {
  const texts = Object.hasOwn(dataSets, name) ? textsOf(name) : []
  const make =
    classes.find((each) => each.name === name)?.make ??
    ((at) => JSON.parse(texts[at % texts.length]))
  const fill = (maxSizeBytes) => {
    const cache = controllerOf(new FaaSCacheDict({ maxSizeBytes, sweepInterval: null }))
    for (let id = 0; cache.stats().evictions === 0; id++) cache.set(`id-${id}`, make(id))
    return cache
  }
  const bytes = name === 'SharedArrayBuffers' ? resident : alive
  fill(BUDGET / 32)
  const before = await bytes()
  const cache = fill(BUDGET)
  const real = (await bytes()) - before
  const { items, sizeBytes } = cache.stats()
  return { items, charged: sizeBytes, real }
}

/** Writes more than fits, again and again, and gives the most that was alive. */
export async function survivor(name, million) {
  const { keyOf = (id) => `key-${id}`, writes: part = 1, maker } = kinds[name]
  const make = await maker()
  const writes = million * part
  const empty = await alive()
  const cache = controllerOf(new FaaSCacheDict({ maxSizeBytes: BUDGET }))
  let live = 0
  for (let reading = 1, id = 0; reading <= READINGS; reading++) {
    for (; id < (writes * reading) / READINGS; id++) {
      cache.set(keyOf(id), make(id))
      // A handler answers one request at a time.
      if (id % 1_000 === 0) await new Promise(setImmediate)
    }
    live = Math.max(live, (await alive()) - empty)
  }
  return { writes, evictions: cache.stats().evictions, live }
}
