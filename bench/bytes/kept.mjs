import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './install.mjs'

const folder = join(cache, 'found')

export function keep(version, part, found) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${version}-${part}.json`), JSON.stringify(found))
}

/** What was found last, by version of Node, the oldest first. */
export function kept() {
  const byVersion = new Map()
  for (const name of readdirSync(folder).sort()) {
    const [, version, part] = /^(.+)-(\w+)\.json$/.exec(name)
    if (!byVersion.has(version)) byVersion.set(version, { version })
    byVersion.get(version)[part] = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  }
  return [...byVersion.values()]
}
