import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { list, median } from './support/figures.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table, whole } from './support/report.mjs'

export function run({ quick, most }) {
  const sizes = [10_000, 100_000, 1_000_000].filter((size) => size <= (quick ? 100_000 : most))
  const results = sizes.map((size) =>
    inFreshProcess(import.meta.url, 'entryTimes', [size], {
      flags: ['--expose-gc', '--max-old-space-size=8000'],
    }),
  )
  const parts = Object.keys(results[0])
  const text = `Nanoseconds an entry, a JSON row with a deadline each; in brackets, relative to the smallest size.

${table(
  ['entries', 'load', 'dump', 'a Map filled with the same'],
  results.map((result, at) => [
    whole(sizes[at]),
    ...parts.map(
      (part) => `${whole(result[part])} (${(result[part] / results[0][part]).toFixed(2)})`,
    ),
  ]),
)}
`
  return { title: 'dump and load', text }
}

export function entryTimes(size) {
  const entries = list(size, (id) => ({
    key: `user-${id}`,
    value: { id, name: `name ${id}`, isAdmin: false },
    expiresAt: Date.now() + 3_600_000 + id,
  }))
  const snapshot = { format: 'faas-cache-dict', version: 1, entries }
  const times = { load: [], dump: [], map: [] }
  const timed = (name, fill) => {
    globalThis.gc()
    const began = performance.now()
    const filled = fill()
    times[name].push(((performance.now() - began) / size) * 1e6)
    return filled
  }
  for (let round = 0; round < Math.max(7, 1_000_000 / size); round++) {
    const controller = timed('load', () =>
      controllerOf(new FaaSCacheDict({ maxSizeBytes: '4G', sweepInterval: null })).load(snapshot),
    )
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
