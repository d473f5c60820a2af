import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import lambdaLocal from 'lambda-local'

lambdaLocal.getLogger().silent = true

// A minute of an outage in 3 seconds: all durations are a twentieth of what a handler would choose.
const TTL = 50
const STALE_IF_ERROR = 2_000
const TIMEOUT = 50
const RETRY_AFTER = 100
const OUTAGE = 3_000
/** An entry may expire so much early. */
const TOLERANCE = 20
/** Virtual time is in whole milliseconds. */
const ROUNDING = 1

const outages = {
  'is killed': 'SIGKILL',
  'hangs, and goes on': 'SIGSTOP',
}
for (const [what, signal] of Object.entries(outages)) {
  test(`an origin ${what}: requests get stale values within staleIfError, then errors`, {
    timeout: 30_000,
  }, async (t) => {
    const origin = await startOrigin()
    const { invoke, attempts, answers } = functionOf(origin.url)
    const answered = async () => {
      for (;;) {
        const request = await invoke()
        if (request.error === undefined) return request
      }
    }
    const loaded = await answered()
    const early = answers.at(-1) + TTL + STALE_IF_ERROR - TOLERANCE
    const late = loaded.end + TTL + STALE_IF_ERROR
    await origin.send(signal)
    const requests = []
    do requests.push(await invoke())
    while (performance.now() < loaded.end + OUTAGE)

    const failed = requests.filter(({ error }) => error !== undefined)
    const served = requests.filter(({ error }) => error === undefined)
    const tooEarly = failed.filter(({ end }) => end < early)
    const tooLate = served.filter(({ start }) => start > late)
    assert.deepEqual({ tooEarly, tooLate }, { tooEarly: [], tooLate: [] })
    const retries = attempts.filter((at) => at > loaded.end && at < early)
    const gap = Math.min(...retries.slice(1).map((at, i) => at - retries[i]))
    assert.ok(gap >= RETRY_AFTER - ROUNDING, `it tried again after ${gap} ms`)
    assert.ok(served.length > 100 && failed.length > 5 && retries.length > 5)
    const counts = `${served.length} requests served, ${failed.length} failed`
    t.diagnostic(`${counts}; ${retries.length} attempts, at least ${gap.toFixed()} ms apart`)

    if (signal === 'SIGSTOP') {
      await origin.send('SIGCONT')
      await answered()
      await origin.send('SIGKILL')
    }
  })
}

/** A function of Lambda, which stays warm. */
function functionOf(url) {
  const attempts = []
  const answers = []
  const controller = controllerOf(
    new FaaSCacheDict({
      defaultTtl: TTL / 1_000,
      staleIfError: STALE_IF_ERROR / 1_000,
      timeout: TIMEOUT / 1_000,
      retryAfter: RETRY_AFTER / 1_000,
      onError() {},
    }),
  )
  const load = async (_key, { signal }) => {
    attempts.push(performance.now())
    const text = await (await fetch(url, { signal })).text()
    answers.push(performance.now())
    return text
  }
  const lambdaFunc = { handler: ({ key }) => controller.getOrSet(key, load) }
  const invoke = async () => {
    const start = performance.now()
    const error = await lambdaLocal
      .execute({ event: { key: 'a' }, lambdaFunc, timeoutMs: 10_000 })
      .then(() => undefined, String)
    return { start, end: performance.now(), error }
  }
  return { invoke, attempts, answers }
}

/** A process, which signals can end or stop. */
async function startOrigin() {
  const program = `
    const server = require('node:http').createServer((_, response) => response.end('value'))
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  const send = async (signal) => {
    child.kill(signal)
    if (signal === 'SIGKILL') await once(child, 'exit')
  }
  return { url: `http://127.0.0.1:${Number(port)}`, send }
}
