import type { CacheController } from './controller.ts'

// Shared by every copy and build of the package, so that each knows the caches of the others.
const REGISTRY = /* @__PURE__ */ Symbol.for('faas-cache-dict.registry.1')

type Registry = WeakMap<object, CacheController>

/** For this copy alone, if `globalThis` is frozen. */
const own: Registry = /* @__PURE__ */ new WeakMap()

function registry(): Registry {
  const shared = globalThis as { [REGISTRY]?: Registry }
  if (shared[REGISTRY] === undefined) Reflect.defineProperty(globalThis, REGISTRY, { value: own })
  return shared[REGISTRY] ?? own
}

export function register(cache: object, controller: CacheController): void {
  registry().set(cache, controller)
}

export function registered(cache: unknown): CacheController | undefined {
  // A WeakMap has no entry for a value that is not an object.
  return registry().get(cache as object)
}
