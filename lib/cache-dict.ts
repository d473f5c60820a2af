import { CacheController, cacheOf } from './controller.ts'
import { type CacheOptions, optionsText, type Settings, settingsFrom } from './options/options.ts'
import { shown } from './options/shown.ts'
import { pairsFrom } from './pairs.ts'
import { register, registered } from './registry.ts'
import type { EntriesOf, Properties, StringKeyOf, ValueOf } from './schema.ts'
import { trapsFor } from './traps.ts'

/** A dictionary of this schema: any property may be absent, or may have left. */
export type FaaSCacheDict<Schema extends object = Record<string, unknown>> = Properties<Schema>

export interface FaaSCacheDictConstructor {
  /**
   * A dictionary behind which a controller keeps the order of use, a TTL for each entry, a limit of
   * items and a budget of bytes.
   *
   * A wrong kind of option throws a `TypeError`, a value out of range a `RangeError`.
   */
  new <Schema extends object = Record<string, unknown>>(
    options?: CacheOptions<StringKeyOf<Schema>, ValueOf<Schema>>,
    entries?: NoInfer<EntriesOf<Schema>>,
  ): FaaSCacheDict<Schema>
  [Symbol.hasInstance](value: unknown): boolean
}

const INSPECT = /* @__PURE__ */ Symbol.for('nodejs.util.inspect.custom')

export const FaaSCacheDict = class FaaSCacheDict {
  constructor(options?: CacheOptions, entries?: unknown) {
    if (new.target !== FaaSCacheDict) {
      throw new TypeError('FaaSCacheDict cannot be subclassed: an instance has no prototype')
    }
    const settings = settingsFrom(options)
    const initial = entries === undefined ? [] : pairsFrom(entries)
    const controller = new CacheController(settings)
    const print = () => describe(controller, settings.given)
    const inspect = inspectWith(controller, print)
    const target = Object.create(null) as object
    const proxy: object = new Proxy(
      target,
      trapsFor(
        cacheOf(controller),
        {
          __proto__: null,
          [Symbol.toPrimitive]: print,
          [Symbol.dispose]: () => controller.close(),
          [INSPECT]: inspect,
        },
        (receiver) => receiver === proxy,
      ),
    )
    // util.inspect looks at the target and runs no trap.
    Object.defineProperty(target, INSPECT, {
      value: inspect,
      configurable: true,
    })
    register(proxy, controller)
    for (const [key, value] of initial) (proxy as Record<string, unknown>)[key] = value
    // biome-ignore lint/correctness/noConstructorReturn: the dictionary is the Proxy, not its class
    return proxy
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return registered(value) !== undefined
  }
} as unknown as FaaSCacheDictConstructor

/**
 * The controller of a dictionary, whichever build or copy of the package made it.
 *
 * Throws a `TypeError` for anything else.
 */
export function controllerOf<Schema extends object>(
  cache: FaaSCacheDict<Schema> & object,
): CacheController<Schema> {
  const controller = registered(cache)
  if (controller === undefined) {
    throw new TypeError(`controllerOf takes a FaaSCacheDict; got ${shown(cache)}`)
  }
  return controller as CacheController<Schema>
}

function describe(controller: CacheController, given: Settings['given']): string {
  const { sizeBytes, size } = controller
  return `<FaaSCacheDict; ${optionsText(given)}, sizeBytes=${sizeBytes}, items=${size}>`
}

type Inspect = (value: unknown, options: object) => string

function inspectWith(controller: CacheController, print: () => string) {
  let isInspecting = false
  return (depth: number, options: object, inspect: Inspect): string => {
    const line = print()
    // The object that is shown is a new one each time, so a cache that holds itself would not end.
    if (depth < 0 || isInspecting) return line
    isInspecting = true
    try {
      // The options still say the depth at which the outermost call began.
      return `${line} ${inspect(Object.fromEntries(controller.entries()), { ...options, depth })}`
    } finally {
      isInspecting = false
    }
  }
}
