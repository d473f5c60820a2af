import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { until } from './servers.mjs'
import { startStage } from './stage.mjs'

const stage = await startStage()
const [one, two] = stage.instances
const seenBy = (each, id, name) => until(async () => (await each('held'))[id]?.name === name)
after(stage.stop)

/** Waits until both have subscribed; before, a write of one may not reach the other. */
async function bothListen() {
  for (const [from, to] of [
    [one, two],
    [two, one],
  ]) {
    await until(async () => {
      await from('request', { id: 'probe', row: { name: 'probe' } })
      await to('forget')
      await from('request', { id: 'probe', row: { name: 'again' } })
      await seenSoon(to)
      return true
    })
  }
}

async function seenSoon(to) {
  for (let tries = 0; tries < 10; tries++) {
    if ((await to('held')).probe?.name === 'again') return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('Not seen')
}

test('a write and a removal in one process are seen in the other', async () => {
  await bothListen()
  await two('request', { id: 'row', row: { name: 'old' } })
  await seenBy(one, 'row', 'old')
  await one('request', { id: 'row', row: { name: 'new' } })
  await seenBy(two, 'row', 'new')
  await two('remove', 'row')
  await until(async () => !('row' in (await one('held'))))
})

test('a read is not published to other processes', async () => {
  await one('request', { id: 'only-read' })
  await one('request', { id: 'marker', row: { name: 'after' } })
  await seenBy(two, 'marker', 'after')
  assert.equal('only-read' in (await two('held')), false)
})

test('a write while Redis is away is seen in the other as soon as the TTL is over', async () => {
  await one('request', { id: 'missed', row: { name: 'old' } })
  await seenBy(two, 'missed', 'old')
  await stage.redis.die()
  await one('request', { id: 'missed', row: { name: 'new' } })
  const written = Date.now()
  let name = 'old'
  while (name === 'old') {
    ;({ name } = await two('request', { id: 'missed' }))
    assert.ok(name === 'new' || Date.now() - written < 2_000, 'served the old row after its TTL')
  }
  assert.equal(name, 'new')
})

test('after an outage of Redis both listen again', async () => {
  await stage.restartRedis()
  await bothListen()
})
