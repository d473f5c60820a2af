import type { Cache } from './cache.ts'
import { shown } from './options/shown.ts'

/** The few symbols that are answered, and never stored. */
export type SymbolAnswers = Readonly<Record<symbol, unknown>> & { readonly __proto__: null }

const PLAIN: object = /* @__PURE__ */ Object.create(null)

/**
 * The traps of one dictionary. `get` and `set` close over its cache, so that a use is one call; the
 * target stays empty, so that no invariant of a Proxy can be broken by what comes and goes.
 */
export function trapsFor(
  cache: Cache,
  answers: SymbolAnswers,
  isProxy: (receiver: unknown) => boolean,
): ProxyHandler<object> {
  return {
    get(_target, key) {
      if (typeof key === 'symbol') return answers[key]
      // A library that asks whether this is a promise, or says how it is written, makes no use of it.
      if ((key === 'then' || key === 'toJSON') && cache.findLive(key) === 0) return undefined
      return cache.use(key)
    },

    set(_target, key, value, receiver) {
      // What was made by Object.create(cache) keeps its own writes, as it would of a plain object.
      if (!isProxy(receiver)) return Reflect.set(PLAIN, key, value, receiver)
      store(cache, key, value)
      return true
    },

    has: (_target, key) => typeof key === 'string' && cache.findLive(key) !== 0,

    deleteProperty(_target, key) {
      if (typeof key === 'string') cache.delete(key)
      return true
    },

    ownKeys: () => cache.keys(),

    getOwnPropertyDescriptor(_target, key) {
      const slot = typeof key === 'string' ? cache.findLive(key) : 0
      if (slot === 0) return undefined
      const value = cache.table.values[slot]
      return { value, writable: true, enumerable: true, configurable: true }
    },

    defineProperty(_target, key, descriptor) {
      const { writable = true, enumerable = true, configurable = true } = descriptor
      if (!('value' in descriptor) || !writable || !enumerable || !configurable) {
        throw new TypeError(
          `A cache holds plain values: ${shown(key)} can be defined with a value and no attribute false only`,
        )
      }
      store(cache, key, descriptor.value)
      return true
    },

    setPrototypeOf(_target, prototype) {
      if (prototype === null) return true
      throw new TypeError('A cache takes no prototype: every string is a key of its own')
    },

    preventExtensions() {
      throw new TypeError('A cache cannot be frozen, sealed or made inextensible')
    },
  }
}

function store(cache: Cache, key: string | symbol, value: unknown): void {
  if (typeof key === 'symbol') throw new TypeError('A symbol is no key of a cache')
  cache.write(key, value)
}
