import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

// When a process restarts in the same environment, its temporary folder is still there.
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
    // The file does not exist yet, is damaged, or has the format of another version.
    if (error.code !== 'ENOENT') console.warn('Starting cold:', error.message)
  }
}

// Writes and then renames, so that a killed process leaves no half-written snapshot.
function save() {
  writeFileSync(`${file}.new`, serialize(controller.dump()))
  renameSync(`${file}.new`, file)
}

async function load(id) {
  return { id, loadedAt: new Date() }
}
