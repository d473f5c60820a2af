// Runs beside its dependencies, in the folder that ../time.mjs installs them into.
import { createInterface } from 'node:readline'
import { TTLCache } from '@isaacs/ttlcache'
import { LRUCache } from 'lru-cache'
import QuickLRU from 'quick-lru'
import { FaaSCacheDict } from './faas-cache-dict.mjs'

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

let subjects = {}

const commands = {
  clocks: () => ({ wall: Date.now(), monotonic: performance.now() }),
  write(ttl) {
    subjects = Object.fromEntries(
      Object.entries(makers).map(([name, make]) => [name, make(Number(ttl))]),
    )
    return commands.clocks()
  },
  // Whether each serves its entry.
  read: () =>
    Object.fromEntries(
      Object.entries(subjects).map(([name, cache]) => [
        name,
        (name === 'faas-cache-dict' ? cache.a : cache.get('a')) === 1,
      ]),
    ),
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...given] = line.split(' ')
  console.log(JSON.stringify(commands[command](...given)))
}
process.exit()
