import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from './redis.mjs'
import { startStage } from './stage.mjs'

const TTL_MS = 2_000
// From the stamp of a row to its store lies one turn of the event loop, on a machine that may be busy.
const TURN_MS = 250

const stage = await startStage({ isRedisUp: false })
after(stage.stop)

/** A load on both processes, and what happens in the middle of it. */
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

/** Until an outage now would be another one. */
async function calm() {
  await stage.connected()
  await delay(1_500)
  await stage.connected()
  await stage.all('reports')
}

test('without Redis the origin serves two processes, and each says so once', async () => {
  await load()
  await reportedOnceEach()
})

test('once Redis is there, both use it, and there is nothing to report', async () => {
  await stage.restartRedis()
  await calm()
  await load()
  assert.deepEqual(await stage.all('reports'), [[], []])
})

test('Redis hangs and goes on in the middle of a load', async () => {
  const hangMs = 4_000
  const outcomes = await load(async () => {
    stage.redis.hang()
    await delay(hangMs)
    stage.redis.goOn()
  })
  for (const { slowestMs } of outcomes) assert.ok(slowestMs < hangMs, 'a request waited it out')
  await reportedOnceEach()
  await calm()
})

test('Redis dies and comes back in the middle of a load', async () => {
  await load(async () => {
    await stage.redis.die()
    await delay(500)
    await stage.restartRedis()
  })
  await reportedOnceEach()
  await calm()
})

test('Redis stays dead for a load, and spares the origin again when it is back', async () => {
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
