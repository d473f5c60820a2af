import fc from 'fast-check'
import { contents, Deferred, type ValuePair } from '../values.ts'
import { Call, type World } from '../world.ts'
import { entryTtls, keys } from './keys.ts'
import type { Step } from './step.ts'

/** A factory for the cache and the same one for the model. */
interface Factory {
  readonly text: string
  make(world: World): { readonly real: () => unknown; readonly model: () => unknown }
}

const returning = (value: ValuePair) => ({ real: () => value.real, model: () => value.model })

const plain: fc.Arbitrary<Factory> = contents.map((content) => ({
  text: `returns ${content.text}`,
  make: (world) => returning(world.make(content)),
}))

const slow: fc.Arbitrary<Factory> = fc.constant({
  text: 'returns a pending promise',
  make(world) {
    const deferred = new Deferred(Promise)
    world.loading.push(deferred)
    return returning({ real: deferred.promise, model: deferred.naive })
  },
})

const failing: fc.Arbitrary<Factory> = fc.boolean().map((throwsAtOnce) => {
  const failure = new Error('the factory failed')
  const fail = () => {
    throw failure
  }
  return {
    text: throwsAtOnce ? 'throws at once' : 'rejects',
    make: () => ({
      real: throwsAtOnce ? fail : () => Promise.reject(failure),
      model: fail,
    }),
  }
})

const withStep = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Factory> =>
  fc.record({ inner, factory: fc.oneof(plain, slow) }).map(({ inner, factory }) => ({
    text: `first does ${inner.text} and then ${factory.text}`,
    make(world) {
      const step = inner.pair(world)
      const { real, model } = factory.make(world)
      return {
        real: () => {
          step.real()
          return real()
        },
        model: () => {
          step.model()
          return model()
        },
      }
    },
  }))

const computedTtls = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: entryTtls },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
)

const calls = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
  fc
    .record({
      key: keys,
      factory: fc.oneof(
        { weight: 3, arbitrary: plain },
        { weight: 3, arbitrary: slow },
        { weight: 1, arbitrary: failing },
        { weight: 2, arbitrary: withStep(inner) },
      ),
      ttl: computedTtls,
      isComputed: fc.boolean(),
    })
    .map(({ key, factory, ttl, isComputed }) => ({
      text: `getOrSet(${JSON.stringify(key)}, a factory that ${factory.text}, ${ttl})`,
      starts: 'load' as const,
      pair(world) {
        const made = factory.make(world)
        const call = new Call()
        world.calls.push(call)
        // NaN rejects at the call, so only a function may return it.
        const options = { ttl: isComputed || Number.isNaN(ttl) ? () => ttl : ttl }
        return {
          real: () => call.follow(world.controller.getOrSet(key, made.real as never, options)),
          model: () => {
            call.model = world.model.loads.get(key, made.model, () =>
              ttl === undefined ? undefined : ttl * 1_000,
            )
          },
        }
      },
    }))

const settlings: fc.Arbitrary<Step> = fc
  .record({ content: fc.option(contents, { freq: 3 }), at: fc.nat(3) })
  .map(({ content, at }) => ({
    text: `load ${at} ${content ? `fulfils with ${content.text}` : 'rejects'}`,
    starts: 'load' as const,
    isPossible: ({ loading }) => loading.length > 0,
    pair(world) {
      const [deferred] = world.loading.splice(at % world.loading.length, 1)
      const value = content ? world.make(content) : undefined
      return {
        real: () => {
          deferred?.settle(value)
        },
        model: () => {
          if (deferred) world.model.model.microtasks.settle(deferred.naive, deferred.outcome(value))
        },
      }
    },
  }))

export const loads = (inner: fc.Arbitrary<Step>) =>
  fc.oneof({ weight: 3, arbitrary: calls(inner) }, { weight: 2, arbitrary: settlings })
