import { controllerOf } from 'faas-cache-dict'
import lambdaLocal from 'lambda-local'
import { codes, startOrigin } from './origin.mjs'

const INVOCATIONS = 3_000

lambdaLocal.getLogger().silent = true
const random = seeded(2026)
const origin = await startOrigin(random)
process.env.ORIGIN = origin.url
process.env.CACHE_SIZE = '1M'
const { cache, handler } = await import('../lambda.mjs')

// Clearing the cache before each invocation shows the same handler without a cache.
const without = await play('without the cache', INVOCATIONS / 5, () => controllerOf(cache).clear())
controllerOf(cache).resetStats()
const before = origin.requests()
const withCache = await play('with the cache', INVOCATIONS, () => {})
const loads = origin.requests() - before
await origin.stop()

console.log(String(cache))
const { hitRate, evictions } = controllerOf(cache).stats()
console.log(`\nhit rate             ${(hitRate * 100).toFixed(1)} %`)
console.log(`requests to origin   ${loads} for ${INVOCATIONS} invocations`)
console.log(`evictions            ${evictions}`)
console.log(`latency                 median       p99`)
for (const [name, times] of [
  ['without the cache', without],
  ['with the cache', withCache],
]) {
  console.log(`  ${name.padEnd(18)} ${show(times, 0.5)} ${show(times, 0.99)}`)
}
async function play(name, invocations, prepare) {
  const times = []
  for (let count = 1; count <= invocations; count++) {
    prepare()
    const started = performance.now()
    await lambdaLocal.execute({
      event: { id: pick() },
      lambdaFunc: { handler },
      timeoutMs: 10_000,
    })
    times.push(performance.now() - started)
    if (count % (invocations / 10) === 0) console.log(`${name}: ${count} invocations`)
  }
  return times.sort((a, b) => a - b)
}

// Picks a few ids often and most of them rarely.
function pick() {
  return codes[Math.floor(codes.length * random() ** 3)]
}

function show(times, quantile) {
  return `${times[Math.floor(times.length * quantile)].toFixed(2).padStart(6)} ms`
}

function seeded(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
