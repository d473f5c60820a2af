import { FaaSCacheDict } from 'faas-cache-dict'

// At module scope: it lives as long as the instance does.
export const cache = new FaaSCacheDict({
  defaultTtl: '5m',
  maxSizeBytes: process.env.CACHE_SIZE ?? '25%',
})

/** Reads a country through the cache; one load for any number of concurrent callers. */
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
