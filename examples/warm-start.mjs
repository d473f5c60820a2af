import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

// A process that restarts in the same environment finds its temporary folder as it left it.
const file = process.env.SNAPSHOT_FILE ?? join(tmpdir(), 'faas-cache-dict.snapshot')

export const cache = new FaaSCacheDict({ defaultTtl: '10m', maxSizeBytes: '16M' })
const controller = controllerOf(cache)
restore()

export async function handler({ id }) {
  const isWarm = id in cache
  const value = await controller.getOrSet(id, () => load(id))
  if (!isWarm) save()
  return { value, isWarm }
}

function restore() {
  try {
    controller.load(deserialize(readFileSync(file)))
  } catch (error) {
    // Nothing there yet, or written by another version: start cold.
    if (error.code !== 'ENOENT') console.warn('Starting cold:', error.message)
  }
}

// Renamed into place, so that a process that is killed leaves no half of a snapshot.
function save() {
  writeFileSync(`${file}.new`, serialize(controller.dump()))
  renameSync(`${file}.new`, file)
}

async function load(id) {
  return { id, loadedAt: new Date() }
}
