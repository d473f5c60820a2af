import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

const { ORIGIN, FRESH = '1m', STALE = '1h' } = process.env

const cache = new FaaSCacheDict({
  defaultTtl: FRESH,
  staleIfError: STALE, // while the origin fails, serve a value for so long after its TTL
  timeout: '2s', // an origin that does not answer has failed
  retryAfter: '5s', // after a failure, leave the origin alone for so long
  onError: (error, { key }) => console.warn(`Serving ${key} stale: ${error.message}`),
})
export const controller = controllerOf(cache)

export async function handler({ code }) {
  try {
    const rate = await controller.getOrSet(code, load)
    return { statusCode: 200, body: JSON.stringify(rate) }
  } catch (error) {
    return { statusCode: 502, body: error.message }
  }
}

async function load(code, { signal }) {
  const response = await fetch(`${ORIGIN}/rates/${encodeURIComponent(code)}`, { signal })
  if (!response.ok) throw new Error(`The origin answered ${response.status} for ${code}`)
  return response.json()
}
