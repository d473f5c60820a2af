/** Descriptions of the symbols under which a platform keeps the context of a request on an object. */
const CONTEXTS = new Set<string | undefined>([
  'kResourceStore', // Node 20 and 22, for each AsyncLocalStorage
  'kAsyncLocalStorageContext', // Node 24 and later without AsyncContextFrame
  'kAsyncContextFrame', // Node 22 and later, on timers
  'context_frame', // Node 22 and later, on an AsyncResource
  'kAsyncContext', // Deno
  'kClientAsyncContext', // Bun
])

/** What else Node and Deno keep on handles: numbers, and all other timers of the process. */
const OTHERS = new Set<string | symbol | undefined>([
  'async_id_symbol',
  'trigger_async_id_symbol',
  '_idleNext',
  '_idlePrev',
  '_timer',
])

/** Whether the platform made a property, so that it is no part of the value. */
export function isPlatformKey(key: string | symbol): boolean {
  if (typeof key === 'string') return OTHERS.has(key)
  return CONTEXTS.has(key.description) || OTHERS.has(key.description)
}

/** Removes the context of the request from an object that was just made. */
export function withoutContext<T extends object>(object: T): T {
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (CONTEXTS.has(symbol.description)) Reflect.set(object, symbol, undefined)
  }
  return object
}
