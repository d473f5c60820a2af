import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

const cache = controllerOf(new FaaSCacheDict({ maxSizeBytes: '64M' }))
const EMPTY_BYTES = cache.sizeBytes

/** Bytes of an entry without its value. A small integer takes none. */
function keyBytes(key) {
  cache.set(key, 0)
  return cache.sizeOf(key)
}

/** Uses of an access log, and nothing of a line that is cut. Times never go back. */
export function usesOf(log) {
  let now = 0
  return log.split('\n').flatMap((line) => {
    const [, time, path, bytes] = /\[(.+?)\] "\w+ (\S+) HTTP\S+" \d+ (\S+)/.exec(line) ?? []
    if (path === undefined) return []
    now = Math.max(now, Date.parse(time.replaceAll('/', ' ').replace(':', ' ')))
    return { now, key: path, bytes: bytes === '-' ? 0 : Number(bytes) }
  })
}

/** A cache of one budget in the plainest way: what has expired leaves first, then the oldest. */
export function exactly(uses, maxSizeBytes, ttl = Infinity) {
  const entries = new Map()
  const counts = { calls: 0, bytes: 0 }
  let room = maxSizeBytes - EMPTY_BYTES
  const remove = (key) => {
    room += entries.get(key).charged
    entries.delete(key)
  }
  for (const { now, key, bytes } of uses) {
    const entry = entries.get(key)
    if (entry?.deadline > now) {
      entries.delete(key)
      entries.set(key, entry)
      continue
    }
    if (entry) remove(key)
    counts.calls++
    counts.bytes += bytes
    const charged = bytes + keyBytes(key)
    if (charged > maxSizeBytes - EMPTY_BYTES) continue
    entries.set(key, { charged, deadline: now + ttl })
    room -= charged
    if (room < 0 && ttl < Infinity)
      for (const [each, { deadline }] of entries) if (deadline <= now) remove(each)
    for (const each of entries.keys()) {
      if (room >= 0) break
      remove(each)
    }
  }
  return counts
}
