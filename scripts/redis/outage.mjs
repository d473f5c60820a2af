import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, startRedis, until } from './server.mjs'

const reports = []
console.warn = (...args) => reports.push(args)
process.on('unhandledRejection', (error) => {
  console.error('A rejection that nobody handles:', error)
  process.exit(1)
})

let loads = 0
const origin = createServer((request, response) => {
  loads += 1
  response.end(JSON.stringify({ id: request.url.slice(1), at: Date.now() }))
}).listen(0, '127.0.0.1')
await once(origin, 'listening')

const port = await freePort()
const ttl = 1_000
Object.assign(process.env, {
  ORIGIN: `http://127.0.0.1:${origin.address().port}`,
  REDIS_URL: `redis://127.0.0.1:${port}`,
  REDIS_TIMEOUT_MS: '100',
  TTL: `${ttl}ms`,
})
const { handler, cache, tiers, close } = await import('./handler.mjs')
let requests = 0

console.log('before Redis is there')
await serve(300)
assert.equal(reports.length, 1, 'reported once')

console.log('Redis starts')
let redis = await startRedis(port)
await until(async () => (await tiers.secondary.set('probe', 1)) === true)
await serve(500)
await handler({ id: 'shared' })
await delay(50)
for (const key of Object.keys(cache)) delete cache[key]
const before = loads
await handler({ id: 'shared' })
assert.equal(loads, before, 'the second tier spares the origin')

console.log('Redis hangs')
redis.kill('SIGSTOP')
await serve(500)
redis.kill('SIGCONT')

console.log('Redis stops in the middle of a load')
reports.length = 0
const load = serve(2_000)
await delay(20)
redis.kill('SIGKILL')
await once(redis, 'exit')
await load
assert.equal(reports.length, 1, 'reported once')

console.log('Redis is back')
redis = await startRedis(port)
await until(async () => (await tiers.secondary.set('probe', 1)) === true)
await serve(500)

console.log(`${requests} requests, none failed, none stale; ${loads} asked the origin`)
redis.kill('SIGKILL')
await Promise.race([close().catch(() => {}), delay(500)])
origin.close()
process.exit(0)

async function serve(count) {
  const batch = 50
  for (let done = 0; done < count; done += batch) {
    await Promise.all(
      Array.from({ length: batch }, () => request(Math.floor(Math.random() ** 3 * 100))),
    )
    await delay(5)
  }
}

/** The first tier takes over what is left of the TTL in the second; a request takes its time. */
async function request(id) {
  const { statusCode, body } = await handler({ id: String(id) })
  requests += 1
  assert.equal(statusCode, 200)
  const { at } = JSON.parse(body)
  assert.ok(Date.now() - at < ttl + 500, `${id} is ${Date.now() - at} ms old`)
}
