import type { Cache } from './cache.ts'
import { namedClass } from './engine.ts'
import { MISSING } from './entries.ts'
import { formatValue, keyFrom } from './options/check.ts'
import { describe, INSPECT, print } from './printing.ts'

const PLAIN: object = /* @__PURE__ */ Object.create(null)

export function proxyOver(cache: Cache): object {
  return Target.proxyOver(cache)
}

/**
 * The target of a dictionary's Proxy. It has no property, so that entries that come and go break no
 * invariant of a Proxy. It holds its cache where only the traps see it, so that all dictionaries share
 * one handler.
 */
const Target = /* @__PURE__ */ namedClass({
  FaaSCacheDict: class {
    readonly #cache: Cache
    #proxy: object | undefined

    constructor(cache: Cache) {
      this.#cache = cache
    }

    static proxyOver(cache: Cache): object {
      const target = new Target(cache)
      target.#proxy = new Proxy(target, Target.#traps)
      return target.#proxy
    }

    // util.inspect looks at the target and runs no trap.
    get [INSPECT](): unknown {
      return answerTo(this.#cache, INSPECT)
    }

    static readonly #traps: ProxyHandler<Target> = {
      get(target, key) {
        const cache = target.#cache
        if (typeof key === 'symbol') return answerTo(cache, key)
        return cache.read(key, undefined, isMiss)
      },

      set(target, key, value, receiver) {
        // An object made by Object.create(cache) keeps its own writes, as with a plain object.
        if (receiver !== target.#proxy) return Reflect.set(PLAIN, key, value, receiver)
        target.#cache.write(typeof key === 'string' ? key : keyFrom(key), value)
        return true
      },

      has: (target, key) => target.#cache.has(key as string),

      deleteProperty(target, key) {
        if (typeof key === 'string') target.#cache.delete(key)
        return true
      },

      ownKeys: (target) => target.#cache.keys(),

      getOwnPropertyDescriptor(target, key) {
        const value = target.#cache.peek(key as string)
        if (value === MISSING) return undefined
        return { value, writable: true, enumerable: true, configurable: true }
      },

      defineProperty(target, key, descriptor) {
        const { writable = true, enumerable = true, configurable = true } = descriptor
        if (!('value' in descriptor) || !writable || !enumerable || !configurable) {
          throw new TypeError(
            `Cannot define ${formatValue(key)}: a cache accepts only a value that is writable, enumerable and configurable`,
          )
        }
        target.#cache.write(keyFrom(key), descriptor.value)
        return true
      },

      getPrototypeOf: () => null,

      setPrototypeOf(_target, prototype) {
        if (prototype === null) return true
        throw new TypeError('The prototype of a cache is always null')
      },

      preventExtensions() {
        throw new TypeError('A cache cannot be frozen, sealed or made inextensible')
      },
    }
  },
})

type Target = InstanceType<typeof Target>

/** Libraries read two keys to recognise a promise and a `toJSON` method. */
function isMiss(key: string): boolean {
  return key !== 'then' && key !== 'toJSON'
}

/** A few symbols serve printing and disposal. No value is stored under a symbol. */
function answerTo(cache: Cache, symbol: symbol): unknown {
  switch (symbol) {
    case Symbol.toPrimitive:
      return () => describe(cache)
    case Symbol.dispose:
      return () => cache.close()
    case INSPECT:
      return (depth: number, options: object, inspect: Parameters<typeof print>[3]) =>
        print(cache, depth, options, inspect)
  }
  return undefined
}
