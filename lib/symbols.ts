import type { Cache } from './cache.ts'

/** Under which Node, Deno and Bun ask how a value is to be printed. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for(
  'nodejs.util.inspect.custom',
) as never

type Inspect = (value: unknown, options: object) => string

const beingShown = /* @__PURE__ */ new WeakSet<Cache>()

/** What a dictionary answers to a symbol: a few serve printing and disposal, none is ever stored. */
export function answerTo(cache: Cache, symbol: symbol): unknown {
  switch (symbol) {
    case Symbol.toPrimitive:
      return () => describe(cache)
    case Symbol.dispose:
      return () => cache.close()
    case INSPECT:
      return (depth: number, options: object, inspect: Inspect) =>
        print(cache, depth, options, inspect)
  }
  return undefined
}

/** One line, with the options as they were given. */
export function describe(cache: Cache, name = 'FaaSCacheDict'): string {
  cache.purge()
  const { defaultTtl, maxSizeBytes, maxItems } = cache.settings.given
  const { sizeBytes, size } = cache.table
  return `<${name}; defaultTtl=${defaultTtl}, maxSizeBytes=${maxSizeBytes}, maxItems=${maxItems}, sizeBytes=${sizeBytes}, items=${size}>`
}

function print(cache: Cache, depth: number, options: object, inspect: Inspect): string {
  const line = describe(cache)
  // The object that is shown is a new one each time, so a cache that holds itself would not end.
  if (depth < 0 || beingShown.has(cache)) return line
  beingShown.add(cache)
  try {
    // The options still say the depth at which the outermost call began.
    return `${line} ${inspect(Object.fromEntries(cache.entries()), { ...options, depth })}`
  } finally {
    beingShown.delete(cache)
  }
}
