import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startStage } from './stage.mjs'

const SLOW_MS = 5_000
const ROWS = Array.from({ length: 30 }, (_, i) => `row-${i}`)
const stage = await startStage({
  isBehindProxy: true,
  TTL_SECONDS: '60',
  ORIGIN_TIMEOUT_MS: '2000',
})
const { origin, proxy } = stage
const [one] = stage.instances
after(stage.stop)

test('hits in the first tier do not wait for a slow Redis', async () => {
  await stage.connected()
  for (const id of ROWS) await one('request', { id })
  await one('reports')
  proxy.delayMs = SLOW_MS
  const { slowestMs, failed } = await one('serve', { count: 2_000, rows: ROWS.length })
  assert.deepEqual(failed, [])
  console.log(`# the slowest of 2000 took ${slowestMs} ms, Redis ${SLOW_MS} ms`)
  assert.ok(slowestMs < SLOW_MS)
  assert.deepEqual(await one('reports'), [])
})

test('a row that the first tier lacks comes from the origin before Redis answers, with one report', async () => {
  const before = origin.loads
  const started = Date.now()
  await Promise.all(['new-1', 'new-2', 'new-3'].map((id) => one('request', { id })))
  assert.equal(origin.loads, before + 3)
  assert.ok(Date.now() - started < SLOW_MS)
  const reports = await one('reports')
  assert.equal(reports.length, 1)
  assert.match(reports[0], /Redis did not answer within 1000 ms/)
})

test('a hanging origin fails the request in time, and the first tier still serves', async () => {
  origin.hangs = true
  const lost = assert.rejects(one('request', { id: 'lost' }), /TimeoutError/)
  const { failed, slowestMs } = await one('serve', { count: 1_000, rows: ROWS.length })
  assert.deepEqual(failed, [])
  assert.ok(slowestMs < SLOW_MS)
  await lost
})
