import { fork } from 'node:child_process'
import { once } from 'node:events'
import { freePort, startRedis, until } from './server.mjs'

const port = await freePort()
const redis = await startRedis(port)
const [one, two] = [instance(), instance()]

// Until both have subscribed, a write of one may not reach the other.
await until(async () => {
  await told(one, { set: ['probe', 1] })
  return (await told(two, {})).probe === 1
})
await told(two, { set: ['row', 'old'] })
await until(async () => (await told(one, {})).row === 'old')
await told(one, { set: ['row', 'new'] })
await until(async () => (await told(two, {})).row === 'new')
await told(two, { remove: 'row' })
await until(async () => !('row' in (await told(one, {}))))

console.log('a write and a removal in one process are seen in the other')
for (const process of [one, two]) process.kill()
redis.kill('SIGKILL')
process.exit(0)

function instance() {
  const child = fork('./instance.mjs', [`redis://127.0.0.1:${port}`])
  process.on('exit', () => child.kill())
  return child
}

async function told(child, message) {
  child.send(message)
  const [held] = await once(child, 'message')
  return held
}
