import KeyvRedis from '@keyv/redis'
import { Cacheable } from 'cacheable'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'
import { Keyv } from 'keyv'

const { ORIGIN, REDIS_URL, REDIS_TIMEOUT_MS = '200', CACHE_SIZE = '25%', TTL = '60s' } = process.env
const patience = Number(REDIS_TIMEOUT_MS)

// The first tier has a TTL of its own: whatever becomes of Redis, no value outlives it there.
export const cache = new FaaSCacheDict({ defaultTtl: TTL, maxSizeBytes: CACHE_SIZE })
export const tiers = new Cacheable({ primary: createKeyv(cache), ttl: TTL, nonBlocking: true })

let isReported = false

if (REDIS_URL) {
  const socket = { connectTimeout: patience, reconnectStrategy: patience }
  const store = new KeyvRedis({ url: REDIS_URL, disableOfflineQueue: true, socket })
  store.client.on('ready', () => {
    isReported = false
  })
  for (const source of [store.client, tiers]) source.on('error', reportOnce)
  tiers.secondary = new Keyv({ store, useKeyPrefix: false })
  tiers.secondary.on('error', reportOnce)
  // Not awaited: the first requests are served by the origin, should Redis not be there yet.
  store.client.connect().catch(reportOnce)
}

/** Reads a row through both tiers; where Redis is slow or gone, the origin is asked. */
export async function handler({ id }) {
  const row = await controllerOf(cache).getOrSet(id, () => read(id))
  return { statusCode: 200, body: JSON.stringify(row) }
}

export async function close() {
  await tiers.disconnect()
}

async function read(id) {
  return (await withinPatience(tiers.get(id))) ?? (await load(id))
}

async function load(id) {
  const response = await fetch(`${ORIGIN}/${encodeURIComponent(id)}`)
  if (!response.ok) throw new Error(`The origin answered ${response.status} for ${id}`)
  const row = await response.json()
  // Into both tiers, without waiting for the second.
  await tiers.set(id, row)
  return row
}

/** `undefined` where it takes longer than a request may wait for Redis. */
async function withinPatience(promise) {
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, patience)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** An outage is one line in the log, not one a request. */
function reportOnce(error) {
  if (isReported) return
  isReported = true
  console.warn('The second tier does not answer:', error)
}
