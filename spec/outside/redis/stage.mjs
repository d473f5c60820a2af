import { fork } from 'node:child_process'
import { freePort, startOrigin, startRedis, startSlowProxy, until } from './servers.mjs'

/** A Redis server, an origin, and two instances in processes of their own. */
export async function startStage({ isRedisUp = true, isBehindProxy = false, ...settings } = {}) {
  const port = await freePort()
  const origin = await startOrigin()
  const proxy = isBehindProxy ? await startSlowProxy(port) : undefined
  const stage = { origin, proxy, redis: isRedisUp ? await startRedis(port) : undefined }
  const env = {
    ORIGIN: origin.url,
    REDIS_URL: `redis://127.0.0.1:${proxy?.port ?? port}`,
    REDIS_TIMEOUT_MS: '1000',
    TTL_SECONDS: '2',
    ...settings,
  }
  stage.instances = [instance(env), instance(env)]
  stage.all = (command, argument) =>
    Promise.all(stage.instances.map((each) => each(command, argument)))
  /** Waits until both instances use Redis. */
  stage.connected = () =>
    Promise.all(
      stage.instances.map((each, i) =>
        until(async () => {
          await each('forget')
          await each('request', { id: `connected-${i}` })
          return (await each('second', `connected-${i}`)) !== undefined
        }),
      ),
    )
  stage.restartRedis = async () => {
    stage.redis = await startRedis(port)
  }
  stage.stop = async () => {
    for (const each of stage.instances) each.process.kill('SIGKILL')
    stage.redis?.goOn()
    await stage.redis?.die()
    origin.close()
    proxy?.close()
  }
  return stage
}

/** A function that sends a command to a process and returns its answer. */
function instance(env) {
  const child = fork('./instance.mjs', { env: { ...process.env, ...env } })
  const waiting = new Map()
  let sent = 0
  child.on('message', ({ number, result, error }) => {
    const { resolve, reject } = waiting.get(number)
    waiting.delete(number)
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  })
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`The instance ended with ${code}`))
  })
  const tell = (command, argument) =>
    new Promise((resolve, reject) => {
      waiting.set(++sent, { resolve, reject })
      child.send({ number: sent, command, argument })
    })
  return Object.assign(tell, { process: child })
}
