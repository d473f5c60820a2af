import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { controllerOf, FaaSCacheDict } from '../dist/index.js'

const SIZES = [10_000, 100_000, 1_000_000]
const ROUNDS = (size) => Math.max(7, 1_000_000 / size)

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1]

/** Nanoseconds an entry: `load`, `dump`, and a `Map` filled with the same entries, in turn. */
function measured(size) {
  const entries = Array.from({ length: size }, (_, id) => ({
    key: `user-${id}`,
    value: { id, name: `name ${id}`, isAdmin: false },
    expiresAt: Date.now() + 3_600_000 + id,
  }))
  const snapshot = { format: 'faas-cache-dict', version: 1, entries }
  const times = { load: [], dump: [], map: [] }
  const timed = (name, fill) => {
    globalThis.gc()
    const start = process.hrtime.bigint()
    const filled = fill()
    times[name].push(Number(process.hrtime.bigint() - start) / size)
    return filled
  }
  for (let round = 0; round < ROUNDS(size); round++) {
    const controller = timed('load', () => {
      const cache = new FaaSCacheDict({ maxSizeBytes: '4G', sweepInterval: null })
      return controllerOf(cache).load(snapshot)
    })
    if (controller.size !== size) throw new Error(`${controller.size} of ${size} were kept`)
    timed('dump', () => controller.dump())
    timed('map', () => {
      const map = new Map()
      for (const { key, value } of entries) map.set(key, value)
      return map
    })
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]))
}

const size = Number(process.argv[2])
if (size) console.log(JSON.stringify(measured(size)))
else {
  const file = fileURLToPath(import.meta.url)
  // In processes of their own, so that none is warmed by another.
  const results = SIZES.map((each) =>
    JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', file, String(each)], { encoding: 'utf8' }),
    ),
  )
  console.log(
    'nanoseconds an entry, a row with a TTL each; in brackets, of what the smallest takes:',
  )
  for (const [index, result] of results.entries()) {
    const shown = Object.entries(result).map(
      ([name, time]) => `${name} ${time.toFixed(0)} (${(time / results[0][name]).toFixed(2)})`,
    )
    console.log(`  ${SIZES[index].toLocaleString('en').padStart(9)} entries: ${shown.join(', ')}`)
  }
}
