import { FaaSCacheDict } from 'faas-cache-dict'

// At module scope, so that the cache lives as long as the instance of the function.
export const cache = new FaaSCacheDict({
  defaultTtl: '5m',
  maxSizeBytes: process.env.CACHE_SIZE ?? '25%',
})

/** Reads a country through the cache. Concurrent callers share one load. */
export async function handler(event) {
  const { id } = event
  const country = await (cache[id] ??= load(id))
  return {
    statusCode: 200,
    body: JSON.stringify({ name: country.name.common, area: country.area }),
  }
}

async function load(id) {
  const response = await fetch(`${process.env.ORIGIN}/countries/${encodeURIComponent(id)}`)
  if (!response.ok) throw new Error(`The origin answered ${response.status} for ${id}`)
  return response.json()
}
