interface NodeModules {
  'node:async_hooks': typeof import('node:async_hooks')
  'node:crypto': typeof import('node:crypto')
  'node:diagnostics_channel': typeof import('node:diagnostics_channel')
  'node:fs': typeof import('node:fs')
  'node:net': typeof import('node:net')
  'node:util': typeof import('node:util')
  'node:v8': typeof import('node:v8')
}

/** A module of Node, without an import that other runtimes refuse; `undefined` if there is none. */
export function builtinModule<Name extends keyof NodeModules>(
  name: Name,
): Partial<NodeModules[Name]> | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.(name) as Partial<NodeModules[Name]> | undefined
  } catch {
    return
  }
}

/** Whether this is Cloudflare Workers, where promises and timers end with their request. */
export function isWorker(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } }
  return navigator?.userAgent === 'Cloudflare-Workers'
}

type Process = {
  readonly versions?: Readonly<Record<string, string | undefined>>
  readonly getBuiltinModule?: unknown
}

/** Throws on a Node that cannot report its heap limit or recognise a promise. */
export function requireSupportedNode(process: Process | undefined = globalThis.process): void {
  if (process === undefined || process.getBuiltinModule !== undefined) return
  const { node, bun, deno } = process.versions ?? {}
  if (node === undefined || bun !== undefined || deno !== undefined) return
  throw new Error(`faas-cache-dict needs Node 20.19 or later; this is Node ${node}`)
}

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

/** Refers to an object without keeping it alive, where the platform can. */
export interface Weakly<T extends object> {
  deref(): T | undefined
}

export function weakly<T extends object>(target: T): Weakly<T> {
  return globalThis.WeakRef ? new WeakRef(target) : { deref: () => target }
}

/** Removes the context of the request from an object that was just made. */
export function withoutContext<T extends object>(object: T): T {
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (CONTEXTS.has(symbol.description)) Reflect.set(object, symbol, undefined)
  }
  return object
}

/**
 * The one class in the object. The engine names it after its property, and minifiers do not rename
 * properties.
 */
export function namedClass<Class>(classes: Readonly<Record<string, Class>>): Class {
  return Object.values(classes)[0] as Class
}
