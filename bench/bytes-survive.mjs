import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// Fills and refills a cache of 64M in a process of 128 MB, one kind of value a process, and says
// what is alive at the end: heap and external memory after a forced collection, beyond those of the
// empty process, by the budget, and by what the cache says that it takes.
const BUDGET = 64 * 1024 ** 2
const kinds = {
  rows: (i) => ({
    id: i,
    name: `user ${i}`,
    email: `user-${i}@example.com`,
    tags: [`tag ${i}`, `tag ${i + 1}`],
    address: { street: `${i} High Street`, city: `City ${i}`, zip: String(i) },
    score: i + 0.5,
    active: true,
  }),
  maps: (i) => new Map(Array.from({ length: 20 }, (_, j) => [`k${i}-${j}`, j])),
  buffers: (i) => Buffer.alloc(2_000, i),
  tiny: (i) => i,
  ids: (i) => Object.fromEntries(Array.from({ length: 10 }, (_, j) => [`user-${i}-${j}`, j])),
  mix: (i) => kinds[['rows', 'maps', 'buffers', 'tiny', 'ids'][i % 5]](i),
}

const [kind, writes = '1000000'] = process.argv.slice(2)
if (kind in kinds) await fill(kind, Number(writes))
else {
  let died = 0
  for (const name of Object.keys(kinds)) {
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        '--expose-gc',
        '--max-old-space-size=128',
        fileURLToPath(import.meta.url),
        name,
        process.argv[2] ?? writes,
      ],
      { encoding: 'utf8' },
    )
    if (status !== 0) died++
    console.log(status === 0 ? stdout.trim() : `${name}: died with ${status}`)
  }
  process.exitCode = died === 0 ? 0 : 1
}

async function fill(name, count) {
  const { controllerOf, FaaSCacheDict } = await import('faas-cache-dict')
  const empty = await alive()
  const cache = new FaaSCacheDict({ maxSizeBytes: '64M' })
  const make = kinds[name]
  for (let i = 0; i < count; i++) {
    cache[`${name}-${i}`] = make(i)
    if (i % 10_000 === 0) await null
  }
  const live = (await alive()) - empty
  const { items, sizeBytes, evictions } = controllerOf(cache).stats()
  console.log(
    `${name.padEnd(8)} ${String(items).padStart(7)} items, ${String(evictions).padStart(7)} evicted, live ÷ budget ${(live / BUDGET).toFixed(3)}, charged ÷ live ${(sizeBytes / live).toFixed(3)}`,
  )
}

async function alive() {
  for (let i = 0; i < 4; i++) {
    await new Promise((turn) => setTimeout(turn, 10))
    globalThis.gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
