import fc from 'fast-check'
import { ModelError, type Terms } from '../naive/entry.ts'
import { inertValues, settledPromises, TOO_LARGE, UNIT, type ValueSpec } from '../values.ts'
import { entryTtls, keys } from './keys.ts'
import { readProperty } from './reads.ts'
import { type Step, step } from './step.ts'

type Values = fc.Arbitrary<ValueSpec>

const assignments = (values: Values): fc.Arbitrary<Step> =>
  fc
    .record({ key: keys, spec: values, isDefined: fc.boolean() })
    .map(({ key, spec, isDefined }) => ({
      text: `cache[${JSON.stringify(key)}] = ${spec.text}`,
      pair(world) {
        const value = world.make(spec)
        return {
          real: () => {
            if (isDefined) Object.defineProperty(world.cache, key, { value: value.real })
            else world.cache[key] = value.real
          },
          model: () => world.model.model.write(key, value.model),
        }
      },
    }))

const terms = fc.oneof(
  fc.constant({}),
  entryTtls.map((ttl) => ({ ttl })),
  fc.integer({ min: -5, max: 5_000 }).map((by) => ({ by })),
  fc.constantFrom(0, 1, 2, TOO_LARGE).map((units) => ({ units })),
) as fc.Arbitrary<{ ttl?: number; by?: number; units?: number }>

const sets = (values: Values): fc.Arbitrary<Step> =>
  fc.record({ key: keys, spec: values, terms }).map(({ key, spec, terms: { ttl, by, units } }) => ({
    text: `set(${JSON.stringify(key)}, ${spec.text}, ${JSON.stringify({ ttl, by, units })})`,
    pair(world) {
      const value = world.make(spec)
      const sizeBytes = units === undefined ? undefined : units * UNIT
      return {
        real: () => {
          const expiresAt = by === undefined ? undefined : world.clock.time + by
          const { controller } = world
          return controller.set(key, value.real, { ttl, expiresAt, sizeBytes }) === controller
        },
        model: () => {
          const own: Terms = {
            ttl: ttl === undefined ? undefined : ttl * 1_000,
            expiresAt: by === undefined ? undefined : world.clock.time + by,
            sizeBytes,
          }
          world.model.model.write(key, value.model, own)
          return true
        },
      }
    },
  }))

const defaultNames = fc.constantFrom('setDefault', 'getOrInsert', 'getOrInsertComputed')

const defaults = (values: Values): fc.Arbitrary<Step> =>
  fc.record({ key: keys, spec: values, name: defaultNames }).map(({ key, spec, name }) => ({
    text: `${name}(${JSON.stringify(key)}, ${spec.text})`,
    pair(world) {
      const value = world.make(spec)
      const given = name === 'getOrInsertComputed' ? () => value.real : value.real
      return {
        real: () => world.controller[name](key, given as never),
        model: () => world.model.setDefault(key, value.model),
      }
    },
  }))

const updates = (values: Values): fc.Arbitrary<Step> =>
  fc.array(fc.tuple(keys, values), { minLength: 1, maxLength: 3 }).map((pairs) => ({
    text: `update(${pairs.map(([key, spec]) => `${JSON.stringify(key)}: ${spec.text}`)})`,
    pair(world) {
      const made = pairs.map(([key, spec]) => [key, world.make(spec)] as const)
      return {
        real: () => {
          world.controller.update(made.map(([key, { real }]) => [key, real] as const))
        },
        model: () => world.model.update(made.map(([key, { model }]) => [key, model] as const)),
      }
    },
  }))

const rewrites: fc.Arbitrary<Step> = keys.map((key) => ({
  ...step(
    `cache[${JSON.stringify(key)}] = its own value`,
    ({ cache, controller }) => {
      cache[key] = controller.peek(key)
    },
    ({ model: { model } }) => model.write(key, model.live(key)?.value),
  ),
  starts: 'promises' as const,
}))

const copies: fc.Arbitrary<Step> = fc.tuple(keys, keys).map(([from, to]) => ({
  ...step(
    `cache[${JSON.stringify(to)}] = cache[${JSON.stringify(from)}]`,
    ({ cache }) => {
      cache[to] = cache[from]
    },
    (world) => world.model.model.write(to, readProperty(world, from)),
  ),
  starts: 'promises' as const,
}))

const symbol = Symbol('not a key')
const refusals = fc.constantFrom<Step>(
  step(
    'cache[symbol] = 1',
    ({ cache }) => Reflect.set(cache, symbol, 1),
    () => {
      throw new ModelError('TypeError')
    },
  ),
  step(
    'defineProperty with writable: false',
    ({ cache }) => Object.defineProperty(cache, 'a', { value: 1, writable: false }),
    () => {
      throw new ModelError('TypeError')
    },
  ),
  step(
    'Object.freeze(cache)',
    ({ cache }) => Object.freeze(cache),
    () => {
      throw new ModelError('TypeError')
    },
  ),
  step(
    'setPrototypeOf',
    ({ cache }) => Object.setPrototypeOf(cache, {}),
    () => {
      throw new ModelError('TypeError')
    },
  ),
  step(
    'set with ttl and expiresAt',
    ({ controller, clock }) => controller.set('a', 1, { ttl: 1, expiresAt: clock.time + 1 }),
    () => {
      throw new ModelError('TypeError')
    },
  ),
  step(
    'set with ttl NaN',
    ({ controller }) => controller.set('a', 1, { ttl: Number.NaN }),
    () => {
      throw new ModelError('RangeError')
    },
  ),
  step(
    'update with a symbol key',
    ({ controller }) =>
      controller.update([
        ['a', 1],
        [symbol, 2],
      ] as never),
    () => {
      throw new ModelError('TypeError')
    },
  ),
)

/** Writes that start nothing in microtasks. */
export const inertWrites = fc.oneof(
  { weight: 6, arbitrary: assignments(inertValues) },
  { weight: 5, arbitrary: sets(inertValues) },
  { weight: 1, arbitrary: defaults(inertValues) },
  { weight: 1, arbitrary: updates(inertValues) },
)

export const writes = fc.oneof(
  { weight: 12, arbitrary: inertWrites },
  { weight: 2, arbitrary: rewrites },
  { weight: 2, arbitrary: copies },
  { weight: 1, arbitrary: refusals },
)

export const settledWrites: fc.Arbitrary<Step> = fc
  .oneof(assignments(settledPromises), sets(settledPromises), defaults(settledPromises))
  .map((writing) => ({ ...writing, starts: 'promises' as const }))
