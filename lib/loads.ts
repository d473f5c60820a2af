import type { Cache, Load } from './cache.ts'
import { type Duration, milliseconds } from './options/duration.ts'

/** Seconds, a string with a unit, `null`, or a function of the loaded value that gives one. */
export type LoadTtl<V> = Duration | ((value: V) => Duration | undefined) | undefined

/** The live value, as a use, or what the load of the key gives. */
export function getOrLoad(
  cache: Cache,
  key: string,
  factory: () => unknown,
  ttl: LoadTtl<unknown>,
): Promise<unknown> {
  const slot = cache.use(key)
  if (slot !== 0) return Promise.resolve(cache.table.valueAt(slot))
  cache.statistics.misses++
  const now = cache.clock.now()
  const joined = cache.loads?.get(key)
  if (joined !== undefined && now < joined.givenUpAt) {
    return join(cache, key, joined, () => getOrLoad(cache, key, factory, ttl))
  }

  return begin(cache, key, factory, ttl, now)
}

function begin(
  cache: Cache,
  key: string,
  factory: () => unknown,
  ttl: LoadTtl<unknown>,
  now: number,
): Promise<unknown> {
  const { weak } = cache
  let start!: (outcome: unknown) => void
  const outcome = new Promise<unknown>((resolve) => {
    start = resolve
  })
  const promise = outcome.then(
    (value) => {
      const cache = weak.deref()
      if (cache !== undefined && end(cache, key, load)) keep(cache, key, value, ttl)
      return value
    },
    (error) => {
      const cache = weak.deref()
      if (cache !== undefined) end(cache, key, load)
      throw error
    },
  )
  const load: Load = { promise, givenUpAt: now + cache.settings.pendingTtl }
  cache.loads ??= new Map()
  forgetGivenUp(cache.loads, now)
  cache.loads.set(key, load)
  // As with a stored promise, a failure that nobody awaits raises nothing.
  promise.catch(() => {})
  // Registered before it runs, since the factory may ask for the same key.
  start(run(factory))
  return promise
}

// They are in the order in which they began, and so in that in which they are given up.
function forgetGivenUp(loads: Map<string, Load>, now: number): void {
  for (const [key, { givenUpAt }] of loads) {
    if (now < givenUpAt) return
    loads.delete(key)
  }
}

/** Nobody joins it from here on. Whether nothing has overtaken it. */
function end(cache: Cache, key: string, load: Load): boolean {
  if (cache.loads?.get(key) !== load) return false
  cache.loads.delete(key)
  return cache.clock.now() < load.givenUpAt
}

// A load that failed has been forgotten, unless the request of a Worker that began it has ended:
// then it fails only for those who join it later, and may be begun again.
function join(
  cache: Cache,
  key: string,
  load: Load,
  again: () => Promise<unknown>,
): Promise<unknown> {
  const promise = load.promise.catch((error) => {
    if (cache.loads?.get(key) !== load) throw error
    cache.loads.delete(key)
    return again()
  })
  // As the load itself: one that nobody awaits raises nothing.
  promise.catch(() => {})
  return promise
}

function keep(cache: Cache, key: string, value: unknown, ttl: LoadTtl<unknown>): void {
  const chosen = typeof ttl === 'function' ? ttl(value) : ttl
  cache.writeIfItFits(key, value, {
    ttl: chosen === undefined ? undefined : milliseconds('ttl', chosen),
    expiresAt: undefined,
    sizeBytes: undefined,
  })
}

async function run(factory: () => unknown): Promise<unknown> {
  return factory()
}
