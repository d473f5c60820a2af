import { setTimeout as delay } from 'node:timers/promises'
import { controllerOf } from 'faas-cache-dict'
import { handler } from './handler.mjs'
import { cache, tiers } from './tiers.mjs'

// An instance of a function, in a process that runs the commands of its parent.
const reports = []
console.warn = (...args) => reports.push(args.map(String).join(' '))

// Each row gets the time at which it came from the origin, so that its age is known.
const { fetch } = globalThis
globalThis.fetch = async (...request) => {
  const response = await fetch(...request)
  const row = await response.json()
  return {
    ok: response.ok,
    status: response.status,
    json: async () => ({ ...row, at: Date.now() }),
  }
}

const commands = {
  request: async (event) => JSON.parse((await handler(event)).body),
  held: () => ({ ...cache }),
  ttl: (id) => controllerOf(cache).ttl(id),
  forget: () => controllerOf(cache).clear(),
  remove: (id) => tiers.delete(id),
  second: (id) => tiers.secondary.get(id).catch(() => undefined),
  readAsItExpires: async (id) => {
    const { getRaw } = tiers.secondary
    tiers.secondary.getRaw = async () => ({ value: { id }, expires: Date.now() })
    try {
      return await tiers.get(id)
    } finally {
      tiers.secondary.getRaw = getRaw
    }
  },
  reports: () => reports.splice(0),
  serve,
}

/** Sends requests, fifty at a time, mostly for few of the rows: at least `count`, for at least `forMs`. */
async function serve({ count, forMs = 0, rows = 300 }) {
  const outcome = { served: 0, failed: [], oldestMs: 0, slowestMs: 0 }
  const end = Date.now() + forMs
  while (outcome.served + outcome.failed.length < count || Date.now() < end) {
    await Promise.all(Array.from({ length: 50 }, () => one(outcome, rows)))
    await delay(5)
  }
  return outcome
}

async function one(outcome, rows) {
  const started = Date.now()
  try {
    const id = `row-${Math.floor(Math.random() ** 3 * rows)}`
    const { at } = await commands.request({ id })
    outcome.served++
    outcome.oldestMs = Math.max(outcome.oldestMs, started - at)
    outcome.slowestMs = Math.max(outcome.slowestMs, Date.now() - started)
  } catch (error) {
    outcome.failed.push(String(error))
  }
}

process.on('message', async ({ number, command, argument }) => {
  try {
    process.send({ number, result: await commands[command](argument) })
  } catch (error) {
    process.send({ number, error: String(error) })
  }
})
