import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Subject } from './clocks.mjs'
import { loaders } from './loaders.mjs'
import { root, tools } from './process.mjs'

const HOUR = 3_600_000
const SECOND = 1_000
/** Seconds after its load from which a value is not to be served. */
const OLDEST = 10 + 60
/** Milliseconds between two instances, since an answer takes a processor. */
const SHIFT = 200
/** Milliseconds until the origin answers; `Infinity` if it closes the connection instead. */
const origins = { up: SECOND / 2, slow: 4.5 * SECOND, down: Infinity }

const MAY_LOSE_EARLY =
  'wall clock set back an hour, seen so, then put right; requests after 3 and 6 s'

/** The origin is up for the first load. */
export const outageScenes = {
  'right clocks; requests after 12, 40 and 80 s': async (visit) => {
    await visit.load()
    await visit.request(12)
    await visit.request(40)
    await visit.request(80)
  },
  'frozen for an hour, monotonic clock stopped; requests after 12 s and an hour': async (visit) => {
    await visit.load()
    await visit.request(12)
    visit.skipAnHour()
    await visit.request(20)
  },
  'wall clock set back an hour after the load; requests after 12 and 80 s': async (visit) => {
    await visit.load()
    visit.setWallClock(-1)
    await visit.request(12)
    await visit.request(80)
  },
  'wall clock an hour ahead at the load, then put right; requests after 12 and 80 s': async (
    visit,
  ) => {
    visit.setWallClock(1)
    await visit.load()
    visit.setWallClock(0)
    await visit.request(12)
    await visit.request(80)
  },
  [MAY_LOSE_EARLY]: async (visit) => {
    await visit.load()
    visit.setWallClock(-1)
    await visit.request(3)
    visit.setWallClock(0)
    await visit.request(6)
  },
}

/** An instance with one cache, and its origin. */
class Visit {
  answers = []
  #subject
  #clocksBefore
  #loadedAt
  /** What the clocks of the instance have missed, and how far its wall clock is wrong. */
  #missed = 0
  #wrongBy = 0
  #delay = origins.up
  #laterDelay
  #server = createServer(async (_request, response) => {
    if (this.#delay === Infinity) return response.destroy()
    await pause(this.#delay)
    // On an open connection, the next answer could be there before the instance is stopped.
    response.setHeader('connection', 'close')
    response.end(String(this.#now))
  })

  async start(engine, name, hasWaitUntil, origin) {
    this.#laterDelay = origins[origin]
    await new Promise((listening) => this.#server.listen(0, '127.0.0.1', listening))
    const url = `http://127.0.0.1:${this.#server.address().port}`
    const program = join(root, 'bench/support/load-subject.mjs')
    const packages = join(tools(), 'x.js')
    this.#subject = new Subject([...engine, program, name, String(hasWaitUntil), url, packages])
    this.#clocksBefore = await this.#subject.ask('clocks')
  }

  async load() {
    let answer
    do {
      answer = await this.#subject.ask('request')
      this.#loadedAt = this.#now
      await this.#subject.stopped()
      // On a busy machine, the first load may take longer than the wish allows.
    } while (answer.writtenAt === undefined)
    this.#delay = this.#laterDelay
  }

  async request(second) {
    await pause(this.#loadedAt + second * SECOND - Date.now())
    const { writtenAt, error, waited } = await this.#subject.ask('request')
    this.answers.push({
      age: error === undefined ? Math.floor((this.#now - writtenAt) / SECOND) : undefined,
      waited: Math.round((2 * waited) / SECOND) / 2,
      sinceLoad: (this.#now - this.#loadedAt) / SECOND,
    })
    await this.#subject.stopped()
  }

  setWallClock(hours) {
    this.#wrongBy = hours * HOUR
    this.#subject.setWallClock(`${hours < 0 ? '' : '+'}${hours}h`)
  }

  skipAnHour() {
    this.#missed = HOUR
    this.#subject.setWallClock('+1h')
  }

  async end() {
    await this.#subject.requireStep(this.#clocksBefore, this.#wrongBy + this.#missed)
    await this.#subject.end()
    this.#server.close()
  }

  get #now() {
    return Date.now() + this.#missed
  }
}

/** Plays scenes on engines. Returns tables of who served what, and what this library did wrong. */
export async function outages(engines, scenes, headOf) {
  const cells = {}
  const failures = []
  for (const [engine, command] of Object.entries(engines)) {
    for (const origin of Object.keys(origins)) {
      for (const { key, visit, isOurs, scene } of await played(command, scenes, origin)) {
        cells[key] ??= {}
        cells[key][engine] = visit.answers.map(textOf).join(' · ')
        const isWrong = (answer) => !isAllowed(answer, origin, scene)
        if (isOurs && visit.answers.some(isWrong)) {
          failures.push(`${key}, ${engine}: ${cells[key][engine]}`)
        }
      }
    }
  }
  const names = Object.keys(loaders)
  const tables = scenes.map((scene) => {
    const rows = Object.keys(origins).flatMap((origin) =>
      [false, true].map((hasWaitUntil) => [
        origin,
        hasWaitUntil ? 'yes' : 'no',
        ...names.map((name) => cells[keyOf(scene, origin, hasWaitUntil, name)]),
      ]),
    )
    return { scene, heads: ['origin', '`waitUntil`', ...names.map(headOf)], rows }
  })
  return { tables, failures }
}

const keyOf = (scene, origin, hasWaitUntil, name) =>
  `${scene}, origin ${origin}, ${hasWaitUntil ? 'with' : 'without'} waitUntil, ${name}`

async function played(engine, scenes, origin) {
  const visits = []
  for (const scene of scenes) {
    for (const [name, loader] of Object.entries(loaders)) {
      for (const hasWaitUntil of loader.hasWaitUntil ? [false, true] : [false]) {
        const visit = new Visit()
        // One at a time, since a start takes the processors.
        await visit.start(engine, name, hasWaitUntil, origin)
        const key = keyOf(scene, origin, hasWaitUntil, name)
        visits.push({ key, visit, scene, isOurs: name === 'faas-cache-dict' })
      }
    }
  }
  const play = async ({ visit, scene }, index) => {
    await pause(index * SHIFT)
    await outageScenes[scene](visit)
    await visit.end()
  }
  await Promise.all(visits.map(play))
  return visits
}

function isAllowed({ age, sinceLoad }, origin, scene) {
  if (age !== undefined) return age < OLDEST
  return scene === MAY_LOSE_EARLY || (origin !== 'up' && sinceLoad >= OLDEST)
}

function textOf({ age, waited }) {
  const isTooOld = age >= OLDEST
  const what = age === undefined ? 'error' : isTooOld ? `**${ageOf(age)}**` : ageOf(age)
  return waited === 0 ? what : `${what} after ${waited} s`
}

const ageOf = (seconds) => (seconds < 3600 ? `${seconds} s` : `${Math.floor(seconds / 3600)} h`)

export const wishes = () =>
  Object.entries(loaders)
    .map(([name, { wish }]) => `- ${name}: ${wish}.`)
    .join('\n')
