import { controllerOf } from 'faas-cache-dict'
import { advise } from 'faas-cache-dict/advisor'
import lambdaLocal from 'lambda-local'
import { codes, startOrigin } from './origin.mjs'

const INVOCATIONS = 3_000

lambdaLocal.getLogger().silent = true
const random = seeded(2026)
const origin = await startOrigin(random)
process.env.ORIGIN = origin.url
process.env.CACHE_SIZE = '1M'
const { cache, handler } = await import('../lambda.mjs')
const controller = controllerOf(cache)

// Clearing the cache before each invocation shows the same handler without a cache.
const rows = [await play('without the cache', INVOCATIONS / 5, () => controller.clear())]
const advisor = advise(cache)
rows.push(await play(`with ${process.env.CACHE_SIZE}`, INVOCATIONS))
console.log(String(cache))
console.log(advisor)
const { recommended } = advisor.report()
advisor.close()
controller.resize({ maxSizeBytes: recommended })
rows.push(await play('as recommended', INVOCATIONS))
await origin.stop()

console.log(`\n                    hit rate  requests to origin     median        p99`)
for (const { name, hitRate, requests, times } of rows) {
  const rate = `${(hitRate * 100).toFixed(1)} %`.padStart(8)
  const share = `${requests} for ${times.length}`.padStart(18)
  console.log(`${name.padEnd(18)}  ${rate}  ${share}  ${show(times, 0.5)}  ${show(times, 0.99)}`)
}

async function play(name, invocations, prepare = () => {}) {
  let before
  const times = []
  // The first tenth is not counted, so that the cache is warm.
  for (let count = 1 - invocations / 10; count <= invocations; count++) {
    if (count === 1) {
      controller.resetStats()
      before = origin.requests()
    }
    prepare()
    const started = performance.now()
    await lambdaLocal.execute({
      event: { id: pick() },
      lambdaFunc: { handler },
      timeoutMs: 10_000,
    })
    if (count < 1) continue
    times.push(performance.now() - started)
    if (count % (invocations / 10) === 0) console.log(`${name}: ${count} invocations`)
  }
  return {
    name,
    hitRate: controller.stats().hitRate,
    requests: origin.requests() - before,
    times: times.sort((a, b) => a - b),
  }
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
