import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { controllerOf, FaaSCacheDict } from '../../dist/index.js'
import { alive } from './alive.mjs'
import { kinds } from './kinds.mjs'

// Writes more than fits, again and again, into a cache of 64M in a process of 128 MB, and says the
// most that was alive beyond the empty process at any of ten readings.
const BUDGET = 64 * 2 ** 20
const READINGS = 10
const [name, million, cache] = process.argv.slice(2)
const {
  keyOf,
  turns = 1,
  package: from,
  makeWith,
  make = makeWith(await imported(from)),
} = kinds[name]
const writes = Number(million) * turns

const empty = await alive()
const controller = controllerOf(new FaaSCacheDict({ maxSizeBytes: BUDGET }))
let live = 0
for (let reading = 1, id = 0; reading <= READINGS; reading++) {
  for (; id < (writes * reading) / READINGS; id++) {
    controller.set(keyOf(id), make(id))
    // A handler answers one request at a time.
    if (id % 1_000 === 0) await new Promise(setImmediate)
  }
  live = Math.max(live, (await alive()) - empty)
}
const { items, evictions, sizeBytes } = controller.stats()
console.log(JSON.stringify({ writes, items, evictions, sizeBytes, live, budget: BUDGET }))

function imported(name) {
  return import(pathToFileURL(createRequire(`${cache}/package.json`).resolve(name)))
}
