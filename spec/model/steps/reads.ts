import { inspect } from 'node:util'
import fc from 'fast-check'
import { NaivePromise } from '../naive/promise.ts'
import type { World } from '../world.ts'
import { KEYS, keys } from './keys.ts'
import { type Step, step } from './step.ts'

/** `cache[key]`. Reading a missing `then` or `toJSON` is not a use. */
export const readProperty = ({ model: { model } }: World, key: string): unknown =>
  model.use(key, key !== 'then' && key !== 'toJSON')

const ofKey = (
  name: (key: string) => string,
  real: (world: World, key: string) => unknown,
  model: (world: World, key: string) => unknown,
): fc.Arbitrary<Step> =>
  keys.map((key) =>
    step(
      name(JSON.stringify(key)),
      (world) => real(world, key),
      (world) => model(world, key),
    ),
  )

const isIn = ({ model }: World, key: string) => model.model.live(key) !== undefined
const peek = ({ model }: World, key: string) => model.model.live(key)?.value

export const uses = fc.oneof(
  ofKey(
    (key) => `cache[${key}]`,
    ({ cache }, key) => cache[key],
    readProperty,
  ),
  ofKey(
    (key) => `Object.create(cache)[${key}]`,
    ({ cache }, key) => (Object.create(cache) as typeof cache)[key],
    readProperty,
  ),
  ofKey(
    (key) => `get(${key})`,
    ({ controller }, key) => controller.get(key),
    ({ model }, key) => model.model.use(key),
  ),
  ofKey(
    (key) => `getOrThrow(${key})`,
    ({ controller }, key) => controller.getOrThrow(key),
    ({ model }, key) => model.getOrThrow(key),
  ),
)

export const peeks = fc.oneof(
  ofKey(
    (key) => `sizeOf(${key}) > 0`,
    ({ controller }, key) => controller.sizeOf(key) > 0,
    ({ model }, key) => model.model.require(key) !== undefined,
  ),
  fc.constant(
    step(
      'has(0), a number',
      ({ controller }) => [controller.has(0), controller.isExpired(0)],
      (world) => [isIn(world, '0'), world.model.isExpired('0')],
    ),
  ),
  ofKey(
    (key) => `${key} in cache`,
    ({ cache }, key) => key in cache,
    isIn,
  ),
  ofKey(
    (key) => `has(${key})`,
    ({ controller }, key) => controller.has(key),
    isIn,
  ),
  ofKey(
    (key) => `peek(${key})`,
    ({ controller }, key) => controller.peek(key),
    peek,
  ),
  ofKey(
    (key) => `descriptor of ${key}`,
    ({ cache }, key) => Object.getOwnPropertyDescriptor(cache, key)?.value,
    peek,
  ),
  ofKey(
    (key) => `ttl(${key})`,
    ({ controller }, key) => controller.ttl(key),
    ({ model }, key) => model.ttl(key),
  ),
  ofKey(
    (key) => `Object.hasOwn(${key})`,
    ({ cache }, key) => Object.hasOwn(cache, key),
    isIn,
  ),
)

const liveKeys = ({ model }: World) => [...model.entries()].map(([key]) => key)
/** Reads every live entry, oldest first. */
const readAll = (world: World) => liveKeys(world).map((key) => [key, readProperty(world, key)])

const isSerialisable = ({ model }: World) =>
  model.model.entries.every(({ key, value }) => key !== 'toJSON' && typeof value !== 'bigint')

// Joined by hand, since an object would put integer-like keys first.
const jsonOf = (world: World) => {
  const pairs = readAll(world).map(([key, value]) => [
    JSON.stringify(key),
    value instanceof NaivePromise ? '{}' : JSON.stringify(value),
  ])
  return `{${pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}:${value}`]))}}`
}

const inOrderOf = (entries: [string, unknown][]) =>
  KEYS.flatMap((key) => entries.filter(([name]) => name === key))

export const enumerations: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  step('Object.keys(cache)', ({ cache }) => Object.keys(cache), liveKeys),
  step(
    'for (key in cache)',
    ({ cache }) => {
      const seen: string[] = []
      for (const key in cache) seen.push(key)
      return seen
    },
    liveKeys,
  ),
  step('Object.entries(cache)', ({ cache }) => Object.entries(cache), readAll),
  step(
    '{ ...cache }',
    ({ cache }) => inOrderOf(Object.entries({ ...cache })),
    (world) => inOrderOf(readAll(world) as [string, unknown][]),
  ),
  {
    ...step('JSON.stringify(cache)', ({ cache }) => JSON.stringify(cache), jsonOf),
    isPossible: isSerialisable,
  },
  step(
    'String(cache) and inspect(cache)',
    ({ cache, controller }) => [
      /items=(\d+)>$/.exec(String(cache))?.[1],
      inspect(cache).startsWith('<FaaSCacheDict; '),
      inspect(controller).length > 0,
    ],
    ({ model }) => [String(model.size()), true, true],
  ),
  step('[...keys()]', ({ controller }) => [...controller.keys()], liveKeys),
  step(
    '[...values()]',
    ({ controller }) => [...controller.values()],
    ({ model }) => [...model.entries()].map(([, value]) => value),
  ),
  step(
    'forEach()',
    ({ controller }) => {
      const seen: unknown[] = []
      controller.forEach((value, key, itself) => {
        seen.push([key, value, itself === controller])
      })
      return seen
    },
    ({ model }) => [...model.entries()].map((pair) => [...pair, true]),
  ),
)

/** An iteration that runs another step in between. */
export const iterations = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
  fc
    .record({ inner, isReversed: fc.boolean(), at: fc.nat(2) })
    .map(({ inner, isReversed, at }) => ({
      text: `${isReversed ? 'reversed()' : 'entries()'}, and ${inner.text} at ${at}`,
      pair(world) {
        const { real, model } = inner.pair(world)
        const iterate = (entries: Iterable<unknown>, act: () => unknown) => {
          const seen: unknown[] = []
          for (const entry of entries) {
            if (seen.length === at) act()
            seen.push(entry)
          }
          return seen
        }
        return {
          real: () => {
            const { controller } = world
            return iterate(isReversed ? controller.reversed() : controller, real)
          },
          model: () => iterate(isReversed ? world.model.reversed() : world.model.entries(), model),
        }
      },
    }))

const symbol = Symbol('not a key')
export const symbols: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  step(
    'cache[symbol]',
    ({ cache }) => [
      Reflect.get(cache, symbol),
      symbol in cache,
      Reflect.deleteProperty(cache, symbol),
    ],
    () => [undefined, false, true],
  ),
)
