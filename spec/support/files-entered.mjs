import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'

// Prints the files of lib/ whose functions each operation calls, as JSON.
const { outputFiles } = buildSync({
  entryPoints: ['lib/index.ts'],
  bundle: true,
  format: 'esm',
  write: false,
})
const [{ text }] = outputFiles
// A bundle names each file in a comment before its code.
const files = [...text.matchAll(/^\/\/ lib\/(\S+)\.ts$/gm)]
const fileAt = (offset) => files.findLast(({ index }) => index <= offset)?.[1]

const script = join(tmpdir(), `files-entered-${process.pid}.mjs`)
writeFileSync(script, text)
const url = pathToFileURL(script).href

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const { FaaSCacheDict } = await import(url)

async function filesEntered(act) {
  await session.post('Profiler.takePreciseCoverage')
  act()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const called = result
    .find((each) => each.url === url)
    .functions.flatMap(({ ranges: [range] }) =>
      range.count > 0 ? [fileAt(range.startOffset)] : [],
    )
  return [...new Set(called)].sort()
}

let time = Date.now()
let count = 0
const cache = new FaaSCacheDict({ defaultTtl: '1h' })
const brief = new FaaSCacheDict({ defaultTtl: '1s', now: () => time })
const insert = () => {
  cache[`row-${++count}`] = { id: count, name: `name ${count}` }
}
const operations = {
  read: () => cache.text,
  overwrite: () => {
    cache.text = `text ${++count}`
  },
  insert,
  expiry: () => brief.gone,
}
// Before it is traced, each operation has run, and the table has grown.
for (let i = 0; i < 20; i++) insert()
operations.overwrite()
operations.read()
brief.gone = 1
time += 2_000

const walks = {}
for (const [name, act] of Object.entries(operations)) walks[name] = await filesEntered(act)
console.log(JSON.stringify(walks))
