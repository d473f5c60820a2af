import { Cacheable, CacheableHooks } from 'cacheable'
import { FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'
import { reportOnce } from './outage.mjs'
import { messages, secondTier } from './second-tier.mjs'

const { REDIS_URL, CACHE_SIZE = '25%', TTL_SECONDS = '60' } = process.env
const seconds = Number(TTL_SECONDS)

// The first tier has a TTL of its own: whatever becomes of Redis, no value outlives it there.
export const cache = new FaaSCacheDict({ defaultTtl: seconds, maxSizeBytes: CACHE_SIZE })

const shared = REDIS_URL && {
  secondary: secondTier(seconds * 1_000),
  sync: { qified: messages() },
}

export const tiers = new Cacheable({ primary: createKeyv(cache), nonBlocking: true, ...shared })
tiers.on('error', reportOnce)
// What expires in Redis just as it is read comes without a TTL, and would be given a whole one.
tiers.onHook(CacheableHooks.BEFORE_SECONDARY_SETS_PRIMARY, (item) => {
  item.ttl ||= 1
})
