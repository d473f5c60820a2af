import type { Cache } from './cache.ts'

/** Under this key Node, Deno and Bun look for a function that prints a value. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for(
  'nodejs.util.inspect.custom',
) as never

type Inspect = (value: unknown, options: object) => string

const beingPrinted = /* @__PURE__ */ new WeakSet<Cache>()

/** One line, with the options as the program wrote them. */
export function describe(cache: Cache, name = 'FaaSCacheDict'): string {
  const { defaultTtl, maxSizeBytes, maxItems } = cache.settings.given
  const { sizeBytes, items } = cache.stats()
  return `<${name}; defaultTtl=${defaultTtl}, maxSizeBytes=${maxSizeBytes}, maxItems=${maxItems}, sizeBytes=${sizeBytes}, items=${items}>`
}

/** That line and the live entries, as `util.inspect` prints an object. */
export function print(cache: Cache, depth: number, options: object, inspect: Inspect): string {
  const line = describe(cache)
  // The object that is printed is a new one each time, so a cache that holds itself would not end.
  if (depth < 0 || beingPrinted.has(cache)) return line
  beingPrinted.add(cache)
  try {
    // The options still hold the depth at which the outermost call began.
    return `${line} ${inspect(Object.fromEntries(cache.entries()), { ...options, depth })}`
  } finally {
    beingPrinted.delete(cache)
  }
}
