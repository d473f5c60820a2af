import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const COUNT = 200_000
const makers = {
  'faas-cache-dict': async () => {
    const { FaaSCacheDict, controllerOf } = await import('../dist/index.js')
    return () => controllerOf(new FaaSCacheDict({ defaultTtl: '1h', maxSizeBytes: '4G' }))
  },
  'lru-cache, ttl and maxSize, no max': async () => {
    const { LRUCache } = await import('lru-cache')
    return () => new LRUCache({ ttl: 3_600_000, maxSize: 2 ** 40, sizeCalculation: () => 1 })
  },
  'lru-cache, ttl, maxSize and max': async () => {
    const { LRUCache } = await import('lru-cache')
    const sized = { maxSize: 2 ** 40, sizeCalculation: () => 1 }
    return () => new LRUCache({ max: COUNT, ttl: 3_600_000, ...sized })
  },
  'quick-lru': async () => {
    const { default: QuickLRU } = await import('quick-lru')
    return () => new QuickLRU({ maxSize: COUNT, maxAge: 3_600_000 })
  },
  'tiny-lru': async () => {
    const { lru } = await import('tiny-lru')
    return () => lru(COUNT, 3_600_000)
  },
  Map: async () => () => new Map(),
}

const name = process.argv[2]
if (name === undefined) {
  console.log('bytes an entry, beyond key and value, for 200,000 entries:')
  for (const each of Object.keys(makers)) {
    const file = fileURLToPath(import.meta.url)
    const bytes = execFileSync(process.execPath, ['--expose-gc', file, each], { encoding: 'utf8' })
    console.log(`  ${each}: ${bytes.trim()}`)
  }
} else {
  const make = await makers[name]()
  const keys = Array.from({ length: COUNT }, (_, i) => `key-${i}`)
  const before = used()
  // Made after the first reading, since some allocate all they may need at once.
  const cache = make()
  for (const key of keys) cache.set(key, true)
  console.log(((used() - before) / COUNT).toFixed(1))
  // What is measured must outlive the measurement.
  if (cache.get(keys[0]) !== true || keys.length !== COUNT) throw new Error('entries were lost')
}

function used() {
  for (let i = 0; i < 4; i++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
