import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from './servers.mjs'
import { startStage } from './stage.mjs'

const TTL_SECONDS = 3
const stage = await startStage({ TTL_SECONDS: String(TTL_SECONDS), CACHE_SIZE: '64K' })
const { origin } = stage
const [one, two] = stage.instances
const isInRedis = (id) => until(async () => (await one('second', id)) !== undefined)
after(stage.stop)
await stage.connected()
await stage.all('forget')

test('a row that one process loads from the origin, another reads from Redis', async () => {
  const before = origin.loads
  await one('request', { id: 'read' })
  await isInRedis('read')
  await two('request', { id: 'read' })
  assert.equal(origin.loads, before + 1)
  assert.deepEqual(Object.keys(await two('held')), ['read'])
})

test('the first tier keeps a row from Redis for the rest of its TTL there', async () => {
  await one('request', { id: 'aged' })
  await isInRedis('aged')
  await delay(1_500)
  await two('request', { id: 'aged' })
  await until(async () => (await two('ttl', 'aged')) < TTL_SECONDS - 1.4)
})

test('a row that expires in Redis while it is read does not stay in the first tier', async () => {
  assert.deepEqual(await one('readAsItExpires', 'last'), { id: 'last' })
  await delay(100)
  assert.equal('last' in (await one('held')), false)
})

test('a row that has expired in Redis is loaded from the origin again', async () => {
  await one('request', { id: 'expired' })
  await isInRedis('expired')
  await stage.all('forget')
  await two('request', { id: 'expired' })
  await stage.all('forget')
  const before = origin.loads
  await delay(TTL_SECONDS * 1_000)
  assert.equal(await one('second', 'expired'), undefined)
  await two('request', { id: 'expired' })
  assert.equal(origin.loads, before + 1)
})

test('a write goes through to the origin, and is in both tiers', async () => {
  await one('request', { id: 'written', row: { name: 'Ada' } })
  assert.deepEqual(origin.rows.get('written'), { name: 'Ada' })
  assert.deepEqual((await one('held')).written, { name: 'Ada' })
  await isInRedis('written')
  const before = origin.loads
  await stage.all('forget')
  assert.deepEqual(await two('request', { id: 'written' }), { name: 'Ada' })
  assert.equal(origin.loads, before)
})

test('a row that is too large for the first tier is served from Redis without a report', async () => {
  origin.rows.set('large', { text: 'x'.repeat(100_000) })
  for (const each of stage.instances) {
    const { text } = await each('request', { id: 'large' })
    assert.equal(text.length, 100_000)
    await isInRedis('large')
  }
  assert.equal('large' in (await two('held')), false)
  const before = origin.loads
  await one('request', { id: 'large' })
  assert.equal(origin.loads, before)
  assert.deepEqual(await stage.all('reports'), [[], []])
})

test('a failing origin fails the request, and the next request asks it again', async () => {
  origin.rows.set('bad', undefined)
  origin.fails = true
  await assert.rejects(one('request', { id: 'bad' }), /The origin answered 500 for bad/)
  origin.fails = false
  assert.equal((await one('request', { id: 'bad' })).id, 'bad')
})

test('without a Redis URL, the first tier works alone', async () => {
  const alone = await startStage({ isRedisUp: false, REDIS_URL: '' })
  const [instance] = alone.instances
  try {
    await instance('request', { id: 'row' })
    await instance('request', { id: 'row' })
    await instance('request', { id: 'row', row: { name: 'Ada' } })
    assert.deepEqual(await instance('held'), { row: { name: 'Ada' } })
    assert.equal(alone.origin.loads, 1)
    assert.deepEqual(await instance('reports'), [])
  } finally {
    await alone.stop()
  }
})
