import KeyvRedis, { defaultReconnectStrategy } from '@keyv/redis'
import { RedisMessageProvider } from '@qified/redis'
import { Keyv } from 'keyv'
import { noteAnswer, reportOnce, withTimeout } from './outage.mjs'

const { REDIS_URL, REDIS_TIMEOUT_MS = '200' } = process.env
const timeoutMs = Number(REDIS_TIMEOUT_MS)

class RedisWithTimeout extends KeyvRedis {
  // Requests wait for the first connection until the timeout. After that the client keeps trying to
  // connect, and every command fails at once until it succeeds.
  connected = withTimeout(timeoutMs, this.client.connect(), 'Redis').catch(reportOnce)

  async get(key) {
    await this.connected
    const text = await withTimeout(timeoutMs, super.get(key), 'Redis')
    noteAnswer()
    return text
  }

  // When Keyv reads an expired entry, it deletes the entry, and the request waits for that too.
  delete(key) {
    return withTimeout(timeoutMs, super.delete(key), 'Redis')
  }
}

/** A Keyv over Redis whose entries live `ttl` milliseconds. */
export function secondTier(ttl) {
  const connection = {
    url: REDIS_URL,
    disableOfflineQueue: true,
    // Limits the commands that wait while Redis hangs.
    commandsQueueMaxLength: 1_000,
    socket: { reconnectStrategy: defaultReconnectStrategy },
  }
  const store = new RedisWithTimeout(connection, { throwOnErrors: true })
  const keyv = new Keyv({ store, useKeyPrefix: false, ttl })
  for (const source of [store.client, keyv]) source.on('error', reportOnce)
  return keyv
}

/** Publishes the writes and removals of this instance to the other instances. */
export function messages() {
  const provider = new RedisMessageProvider({ uri: REDIS_URL })
  // Messages are dropped while Redis is down. The TTL limits how long others serve the old value.
  provider.pub.options.disableOfflineQueue = true
  for (const client of [provider.pub, provider.sub]) client.on('error', reportOnce)
  return provider
}
