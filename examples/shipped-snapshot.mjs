import { readFileSync } from 'node:fs'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

// The build writes this file with `JSON.stringify(controllerOf(cache).dump())`. It is deployed with the
// function, so the first request of every instance is a hit.
const file = new URL(process.env.SHIPPED_SNAPSHOT ?? './snapshot.json', import.meta.url)

export const cache = new FaaSCacheDict({ defaultTtl: '1h' })
controllerOf(cache).load(JSON.parse(readFileSync(file, 'utf8')))

export async function handler({ code }) {
  return { rate: cache[code] ?? null }
}
