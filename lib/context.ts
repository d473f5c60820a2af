/** Under which symbols, by description, a platform hangs the context of a request on what it makes. */
const CONTEXTS = new Set<string | undefined>([
  'kResourceStore', // Node 20 and 22, for each AsyncLocalStorage
  'kAsyncLocalStorageContext', // Node 24 and later without AsyncContextFrame
  'kAsyncContextFrame', // Node 22 and later, on timers
  'context_frame', // Node 22 and later, on an AsyncResource
  'kAsyncContext', // Deno
  'kClientAsyncContext', // Bun
])

/** What else Node and Deno hang on handles: numbers, and all other timers of the process. */
const OTHERS = new Set<string | symbol | undefined>([
  'async_id_symbol',
  'trigger_async_id_symbol',
  '_idleNext',
  '_idlePrev',
  '_timer',
])

/** Whether a property is the platform's own, and no part of the value that has it. */
export function isPlatformKey(key: string | symbol): boolean {
  if (typeof key === 'string') return OTHERS.has(key)
  return CONTEXTS.has(key.description) || OTHERS.has(key.description)
}

/** Takes the context of the request off an object that was made just now. */
export function withoutContext<T extends object>(object: T): T {
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (CONTEXTS.has(symbol.description)) Reflect.set(object, symbol, undefined)
  }
  return object
}
