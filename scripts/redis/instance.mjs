import { RedisMessageProvider } from '@qified/redis'
import { Cacheable } from 'cacheable'
import { FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv } from 'faas-cache-dict/keyv'

// An instance of a function, which does as it is told and answers with what its first tier holds.
const [, , uri] = process.argv
const cache = new FaaSCacheDict({ defaultTtl: '5m' })
const qified = new RedisMessageProvider({ uri })
const tiers = new Cacheable({ primary: createKeyv(cache), sync: { qified } })

process.on('message', async ({ set, remove }) => {
  if (set) await tiers.set(...set)
  if (remove) await tiers.delete(remove)
  process.send({ ...cache })
})
