import { controllerOf } from 'faas-cache-dict'
import { cache, tiers } from './tiers.mjs'

const { ORIGIN, ORIGIN_TIMEOUT_MS = '2000' } = process.env

/** Reads a row through both tiers; with a `row` in the event, writes it through them. */
export async function handler({ id, row }) {
  if (row !== undefined) await write(id, row)
  else row = await controllerOf(cache).getOrSet(id, () => read(id))
  return { statusCode: 200, body: JSON.stringify(row) }
}

/** Reads the row from Redis, or from the origin if Redis has none. */
async function read(id) {
  const cached = await tiers.get(id)
  if (cached !== undefined) return cached
  const row = await origin(id)
  // `tiers.set` would publish the row to all instances, which is useful only for a changed row.
  tiers.secondary?.set(id, row)
  return row
}

async function write(id, row) {
  await origin(id, { method: 'PUT', body: JSON.stringify(row) })
  // Stores the row in both tiers and publishes it. Not awaited, since Redis may hang.
  tiers.set(id, row)
}

async function origin(id, request) {
  const signal = AbortSignal.timeout(Number(ORIGIN_TIMEOUT_MS))
  const response = await fetch(`${ORIGIN}/${encodeURIComponent(id)}`, { ...request, signal })
  if (!response.ok) throw new Error(`The origin answered ${response.status} for ${id}`)
  return response.json()
}
