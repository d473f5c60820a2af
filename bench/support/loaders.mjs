import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { LRUCache } from 'lru-cache'
import { defineCachedFunction } from 'ocache'
import { controllerOf, FaaSCacheDict } from '../../dist/index.js'

const quiet = () => {}

/**
 * What each cache has for one wish: fresh for 10 s, then stale while it revalidates for 20 s, stale if the
 * origin fails for 60 s, and no load longer than 2 s. A cache with one window has 60 s. `wish` is how it is
 * spelled; `make` returns a function that reads one key.
 */
export const loaders = {
  'faas-cache-dict': {
    wish: "`defaultTtl: '10s', staleWhileRevalidate: '20s', staleIfError: '60s', timeout: '2s'`",
    hasWaitUntil: true,
    make: (load, waitUntil) => {
      const controller = controllerOf(
        new FaaSCacheDict({
          defaultTtl: '10s',
          staleWhileRevalidate: '20s',
          staleIfError: '60s',
          timeout: '2s',
          onError: quiet,
        }),
      )
      return () => controller.getOrSet('a', (_key, { signal }) => load(signal), { waitUntil })
    },
  },
  'lru-cache': {
    wish: '`ttl`, `allowStale`, `allowStaleOnFetchRejection`, `allowStaleOnFetchAbort`, `noDeleteOnFetchRejection`, `fetch(key, { signal: AbortSignal.timeout(2_000) })`; it has no window',
    hasWaitUntil: false,
    make: (load) => {
      const cache = new LRUCache({
        max: 10,
        ttl: 10_000,
        allowStale: true,
        allowStaleOnFetchRejection: true,
        allowStaleOnFetchAbort: true,
        noDeleteOnFetchRejection: true,
        fetchMethod: (_key, _stale, { signal }) => load(signal),
      })
      return () => cache.fetch('a', { signal: AbortSignal.timeout(2_000) })
    },
  },
  bentocache: {
    wish: "`ttl: '10s', grace: '70s', graceBackoff: '1s', hardTimeout: '2s'`; `grace` counts from the write, and serves stale at once by default",
    hasWaitUntil: false,
    make: async (load) => {
      const { BentoCache, bentostore } = await tool('bentocache')
      const { memoryDriver } = await tool('bentocache/drivers/memory')
      const cache = new BentoCache({
        default: 'memory',
        ttl: '10s',
        grace: '70s',
        graceBackoff: '1s',
        hardTimeout: '2s',
        stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10 })) },
      })
      return () => cache.getOrSet({ key: 'a', factory: () => load() })
    },
  },
  '@epic-web/cachified': {
    wish: '`ttl: 10_000, swr: 60_000`; it has no timeout',
    hasWaitUntil: true,
    make: async (load, waitUntil) => {
      const { cachified } = await tool('@epic-web/cachified')
      const terms = { key: 'a', cache: new Map(), ttl: 10_000, swr: 60_000, waitUntil }
      return () => cachified({ ...terms, getFreshValue: () => load() })
    },
  },
  ocache: {
    wish: '`maxAge: 10, swr: true, staleMaxAge: 60, maxResolveTime: 2`',
    hasWaitUntil: true,
    make: (load, waitUntil) =>
      defineCachedFunction(() => load(), {
        name: 'a',
        maxAge: 10,
        swr: true,
        staleMaxAge: 60,
        maxResolveTime: 2,
        waitUntil,
        onError: quiet,
      }),
  },
}

/** Imports one of the packages of `tools.json`. The last argument of the process is a file beside them. */
async function tool(name) {
  const module = await import(pathToFileURL(createRequire(process.argv.at(-1)).resolve(name)))
  // What CommonJS exports is in `default` on Node and beside it on Bun.
  return { ...module.default, ...module }
}
