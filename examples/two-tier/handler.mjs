import { controllerOf } from 'faas-cache-dict'
import { cache, tiers } from './tiers.mjs'

const { ORIGIN, ORIGIN_TIMEOUT_MS = '2000' } = process.env

/** Reads a row through both tiers; with a `row` in the event, writes it through them. */
export async function handler({ id, row }) {
  if (row !== undefined) await write(id, row)
  else row = await controllerOf(cache).getOrSet(id, () => read(id))
  return { statusCode: 200, body: JSON.stringify(row) }
}

/** From Redis, or else from the origin: one look for all requests that wait for the row. */
async function read(id) {
  const held = await tiers.get(id)
  if (held !== undefined) return held
  const row = await origin(id)
  // Not by `tiers.set`, which tells all instances: a row that was only read is no news to them.
  tiers.secondary?.set(id, row)
  return row
}

async function write(id, row) {
  await origin(id, { method: 'PUT', body: JSON.stringify(row) })
  // Not awaited, since Redis may hang. The other instances are told.
  tiers.set(id, row)
}

async function origin(id, request) {
  const signal = AbortSignal.timeout(Number(ORIGIN_TIMEOUT_MS))
  const response = await fetch(`${ORIGIN}/${encodeURIComponent(id)}`, { ...request, signal })
  if (!response.ok) throw new Error(`The origin answered ${response.status} for ${id}`)
  return response.json()
}
