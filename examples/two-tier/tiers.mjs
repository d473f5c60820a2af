import { Cacheable, CacheableHooks } from 'cacheable'
import { FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'
import { reportOnce } from './outage.mjs'
import { messages, secondTier } from './second-tier.mjs'

const { REDIS_URL, CACHE_SIZE = '25%', TTL_SECONDS = '60' } = process.env

// With its own TTL, the first tier removes an entry in time even if Redis is down.
export const cache = new FaaSCacheDict({ defaultTtl: `${TTL_SECONDS}s`, maxSizeBytes: CACHE_SIZE })

const shared = REDIS_URL && {
  secondary: secondTier(Number(TTL_SECONDS) * 1_000),
  sync: { qified: messages() },
}

export const tiers = new Cacheable({ primary: createKeyv(cache), nonBlocking: true, ...shared })
tiers.on('error', reportOnce)
// A row that expires in Redis while it is read arrives without a TTL. Without this hook, the first
// tier would keep it for a full TTL.
tiers.onHook(CacheableHooks.BEFORE_SECONDARY_SETS_PRIMARY, (item) => {
  item.ttl ||= 1
})
