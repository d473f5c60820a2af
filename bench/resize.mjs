import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { median, threadTime } from './support/figures.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table, whole } from './support/report.mjs'

const CHANGES = {
  'fewer bytes': { maxSizeBytes: 65_536 },
  'fewer items': { maxItems: 1 },
  'more bytes': { maxSizeBytes: '4G' },
}

export function run({ quick, most }) {
  const counts = [3_000, 30_000, 300_000].filter((count) => count <= (quick ? 30_000 : most))
  const results = inFreshProcess(import.meta.url, 'resizeTimes', [counts], {
    on: 'node24',
    flags: ['--max-old-space-size=4000'],
  })
  const text = `Microseconds for each entry that is evicted, or kept, by the processor time of the thread on Node 24.

${table(
  ['entries', ...Object.keys(CHANGES)],
  counts.map((count, at) => [whole(count), ...results[at].map((time) => time.toFixed(2))]),
)}
`
  return { title: 'resize', text }
}

export function resizeTimes(counts) {
  const times = counts.map(() => Object.keys(CHANGES).map(() => []))
  for (let round = -1; round < 3; round++) {
    for (const [at, count] of counts.entries()) {
      for (const [which, change] of Object.values(CHANGES).entries()) {
        const cache = controllerOf(new FaaSCacheDict({ maxSizeBytes: '2G', sweepInterval: null }))
        for (let id = 0; id < count; id++) cache.set(`key-${id}`, id)
        const from = threadTime()
        cache.resize(change)
        // The first round is for the compiler.
        if (round >= 0) times[at][which].push(((threadTime() - from) * 1_000) / count)
      }
    }
  }
  return times.map((changes) => changes.map(median))
}
