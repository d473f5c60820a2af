import { controllerOf, FaaSCacheDict } from '../../dist/index.js'

// What `resize` costs for each entry that goes, or stays, from three thousand to three hundred thousand of them.
const ROUNDS = 3
const now = process.threadCpuUsage
  ? () => Object.values(process.threadCpuUsage()).reduce((sum, part) => sum + part, 0) / 1_000
  : () => performance.now()
const counts = [3_000, 30_000, 300_000]
const results = counts.map((count) => ({ count, downBytes: [], downItems: [], up: [] }))

for (let round = -1; round < ROUNDS; round++) {
  for (const result of results) {
    const { count } = result
    const bytes = timed(count, (cache) => cache.resize({ maxSizeBytes: 65_536 }))
    const items = timed(count, (cache) => cache.resize({ maxItems: 1 }))
    const up = timed(count, (cache) => cache.resize({ maxSizeBytes: '4G' }))
    // The first round is for the compiler.
    if (round < 0) continue
    result.downBytes.push(bytes)
    result.downItems.push(items)
    result.up.push(up)
  }
}
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1]
console.log(
  JSON.stringify(
    results.map(({ count, ...times }) => ({
      count,
      ...Object.fromEntries(Object.entries(times).map(([name, each]) => [name, median(each)])),
    })),
  ),
)

function timed(count, resize) {
  const cache = controllerOf(new FaaSCacheDict({ maxSizeBytes: '2G', sweepInterval: null }))
  for (let at = 0; at < count; at++) cache.set(`key-${at}`, at)
  const from = now()
  resize(cache)
  return now() - from
}
