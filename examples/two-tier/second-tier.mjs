import KeyvRedis, { defaultReconnectStrategy } from '@keyv/redis'
import { RedisMessageProvider } from '@qified/redis'
import { Keyv } from 'keyv'
import { answered, reportOnce, within } from './outage.mjs'

const { REDIS_URL, REDIS_TIMEOUT_MS = '200' } = process.env
const patience = Number(REDIS_TIMEOUT_MS)

class PatientRedis extends KeyvRedis {
  // The first requests wait for the connection as long as for an answer. It is tried on after that,
  // and meanwhile every command fails at once.
  connected = within(patience, this.client.connect(), 'Redis').catch(reportOnce)

  async get(key) {
    await this.connected
    const text = await within(patience, super.get(key), 'Redis')
    answered()
    return text
  }

  // Keyv removes what it finds expired, and a request waits for that as well.
  delete(key) {
    return within(patience, super.delete(key), 'Redis')
  }
}

export function secondTier(ttl) {
  const connection = {
    url: REDIS_URL,
    disableOfflineQueue: true,
    // Of those that wait for a Redis that hangs.
    commandsQueueMaxLength: 1_000,
    socket: { reconnectStrategy: defaultReconnectStrategy },
  }
  const store = new PatientRedis(connection, { throwOnErrors: true })
  const keyv = new Keyv({ store, useKeyPrefix: false, ttl })
  for (const source of [store.client, keyv]) source.on('error', reportOnce)
  return keyv
}

/** By which an instance tells the others of what it writes and removes through its tiers. */
export function messages() {
  const provider = new RedisMessageProvider({ uri: REDIS_URL })
  // What cannot be told now is not told later: the TTL bounds how long others serve what was.
  provider.pub.options.disableOfflineQueue = true
  for (const client of [provider.pub, provider.sub]) client.on('error', reportOnce)
  return provider
}
