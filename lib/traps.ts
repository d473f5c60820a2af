import type { Cache } from './cache.ts'
import { namedClass } from './named-class.ts'
import { shown } from './options/shown.ts'
import { answerTo, INSPECT } from './symbols.ts'

const PLAIN: object = /* @__PURE__ */ Object.create(null)

export function proxyOver(cache: Cache): object {
  return Target.proxyOver(cache)
}

/**
 * What a dictionary's Proxy stands before. It has no property of its own, so that no invariant of a
 * Proxy can be broken by what comes and goes, and holds its cache where only the traps see it, so
 * that all dictionaries share one handler.
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

    // util.inspect looks at the target, and runs no trap.
    get [INSPECT](): unknown {
      return answerTo(this.#cache, INSPECT)
    }

    static readonly #traps: ProxyHandler<Target> = {
      get(target, key) {
        const cache = target.#cache
        const slot = cache.use(key as string)
        if (slot !== 0) return cache.table.valueAt(slot)
        if (typeof key === 'symbol') return answerTo(cache, key)
        // Libraries read these to tell a promise or a `toJSON` method: that is no miss.
        if (key !== 'then' && key !== 'toJSON') cache.statistics.misses++
        return undefined
      },

      set(target, key, value, receiver) {
        // An object made by Object.create(cache) keeps its own writes, as with a plain object.
        if (receiver !== target.#proxy) return Reflect.set(PLAIN, key, value, receiver)
        if (typeof key === 'symbol') refuseSymbol()
        target.#cache.write(key as string, value)
        return true
      },

      has: (target, key) => target.#cache.findLive(key as string) !== 0,

      deleteProperty(target, key) {
        if (typeof key === 'string') target.#cache.delete(key)
        return true
      },

      ownKeys: (target) => target.#cache.keys(),

      getOwnPropertyDescriptor(target, key) {
        const cache = target.#cache
        const slot = cache.findLive(key as string)
        if (slot === 0) return undefined
        const value = cache.table.valueAt(slot)
        return { value, writable: true, enumerable: true, configurable: true }
      },

      defineProperty(target, key, descriptor) {
        const { writable = true, enumerable = true, configurable = true } = descriptor
        if (!('value' in descriptor) || !writable || !enumerable || !configurable) {
          throw new TypeError(
            `A cache holds plain values: ${shown(key)} can be defined with a value and no attribute false only`,
          )
        }
        if (typeof key === 'symbol') refuseSymbol()
        target.#cache.write(key as string, descriptor.value)
        return true
      },

      getPrototypeOf: () => null,

      setPrototypeOf(_target, prototype) {
        if (prototype === null) return true
        throw new TypeError('A cache takes no prototype: every string is a key of its own')
      },

      preventExtensions() {
        throw new TypeError('A cache cannot be frozen, sealed or made inextensible')
      },
    }
  },
})

type Target = InstanceType<typeof Target>

function refuseSymbol(): never {
  throw new TypeError('A symbol is no key of a cache')
}
