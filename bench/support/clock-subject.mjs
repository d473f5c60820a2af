// Holds one entry in each cache and answers commands, on Node, Bun or Deno.
import { createInterface } from 'node:readline'
import { LRUCache } from 'lru-cache'
import QuickLRU from 'quick-lru'
import { FaaSCacheDict } from '../../dist/index.js'

const { TTLCache } = await import(process.argv[2])
const makers = {
  'faas-cache-dict': (ttl) => new FaaSCacheDict({ defaultTtl: ttl / 1000 }, { a: 1 }),
  'lru-cache': (ttl) => new LRUCache({ max: 10, ttl }).set('a', 1),
  'quick-lru': (ttl) => new QuickLRU({ maxSize: 10, maxAge: ttl }).set('a', 1),
  '@isaacs/ttlcache': (ttl) => {
    const cache = new TTLCache({ max: 10, ttl })
    cache.set('a', 1)
    return cache
  },
}
const mapped = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))

let caches = {}
const commands = {
  clocks: () => ({ wall: Date.now(), monotonic: performance.now() }),
  write(ttl) {
    caches = mapped(makers, (make) => make(Number(ttl)))
    return commands.clocks()
  },
  /** Whether each serves its entry. */
  read: () => mapped(caches, (cache) => (cache.get ? cache.get('a') : cache.a) === 1),
}
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ')
  console.log(JSON.stringify(commands[command](...args)))
}
process.exit()
