import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from './servers.mjs'
import { startStage } from './stage.mjs'

const TTL_MS = 2_000
// Between the time of a row and its store lies one turn of the event loop, on a busy machine.
const TURN_MS = 250

const stage = await startStage({ isRedisUp: false })
after(stage.stop)

/** Sends load to both processes, and runs `meanwhile` in the middle of it. */
async function load(meanwhile = async () => {}) {
  const [outcomes] = await Promise.all([
    stage.all('serve', { count: 2_000, forMs: 6_000 }),
    delay(500).then(meanwhile),
  ])
  for (const { served, failed, oldestMs, slowestMs } of outcomes) {
    assert.deepEqual(failed, [])
    assert.ok(served >= 2_000)
    assert.ok(oldestMs < TTL_MS + TURN_MS, `a row was served ${oldestMs} ms old`)
    console.log(`# ${served} requests; oldest row ${oldestMs} ms, slowest request ${slowestMs} ms`)
  }
  return outcomes
}

async function reportedOnceEach() {
  for (const reports of await stage.all('reports')) {
    assert.equal(reports.length, 1, `reported: ${reports.join('\n')}`)
    assert.match(reports[0], /^The second tier does not answer/)
  }
}

/** Waits until the next outage would be reported as a new one. */
async function calm() {
  await stage.connected()
  await delay(1_500)
  await stage.connected()
  await stage.all('reports')
}

test('without Redis the origin serves two processes, and each reports it once', async () => {
  await load()
  await reportedOnceEach()
})

test('once Redis is up, both use it and report nothing', async () => {
  await stage.restartRedis()
  await calm()
  await load()
  assert.deepEqual(await stage.all('reports'), [[], []])
})

test('Redis hangs and continues during a load', async () => {
  const hangMs = 4_000
  const outcomes = await load(async () => {
    stage.redis.hang()
    await delay(hangMs)
    stage.redis.goOn()
  })
  for (const { slowestMs } of outcomes) assert.ok(slowestMs < hangMs, 'a request waited for Redis')
  await reportedOnceEach()
  await calm()
})

test('Redis dies and comes back during a load', async () => {
  await load(async () => {
    await stage.redis.die()
    await delay(500)
    await stage.restartRedis()
  })
  await reportedOnceEach()
  await calm()
})

test('Redis stays dead during a load, and serves again when it is back', async () => {
  await stage.redis.die()
  await load()
  await reportedOnceEach()
  await stage.restartRedis()
  await calm()
  const before = stage.origin.loads
  const [one, two] = stage.instances
  await one('request', { id: 'shared' })
  await until(async () => (await one('second', 'shared')) !== undefined)
  await two('request', { id: 'shared' })
  assert.equal(stage.origin.loads, before + 1)
})
