import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { controllerOf, FaaSCacheDict } from '../dist/index.js'

const SIZES = [10_000, 100_000, 1_000_000]
const ROUNDS = (size) => Math.max(7, 1_000_000 / size)

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1]

/** Nanoseconds an entry, by `load` and by filling a `Map` with the same entries, in turn. */
function measured(size) {
  const entries = Array.from({ length: size }, (_, id) => ({
    key: `user-${id}`,
    value: { id, name: `name ${id}`, isAdmin: false },
    expiresAt: Date.now() + 3_600_000 + id,
  }))
  const snapshot = { format: 'faas-cache-dict', version: 1, entries }
  const times = { load: [], map: [] }
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
    timed('map', () => {
      const map = new Map()
      for (const { key, value } of entries) map.set(key, value)
      return map
    })
  }
  return { load: median(times.load), map: median(times.map) }
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
    'load of a snapshot, a row and a TTL an entry; beside it, a Map filled with the same:',
  )
  for (const [index, { load, map }] of results.entries()) {
    const [by, ofMap] = [load / results[0].load, map / results[0].map]
    console.log(
      `  ${SIZES[index].toLocaleString('en').padStart(9)} entries: ${load.toFixed(0)} ns an entry, ` +
        `${by.toFixed(2)} of the smallest; Map ${map.toFixed(0)} ns, ${ofMap.toFixed(2)}`,
    )
  }
}
