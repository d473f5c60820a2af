import fc from 'fast-check'
import type { Step } from './step.ts'
import { contents, Deferred, type Twin } from '../values.ts'
import { Call, type World } from '../world.ts'
import { keys, ttlsOfOne } from './keys.ts'

/** What a factory does, on both sides. */
interface Factory {
  readonly text: string
  make(world: World): { readonly real: () => unknown; readonly model: () => unknown }
}

const gives = (twin: Twin) => ({ real: () => twin.real, model: () => twin.model })

const plain: fc.Arbitrary<Factory> = contents.map((content) => ({
  text: `gives ${content.text}`,
  make: (world) => gives(world.make(content)),
}))

const slow: fc.Arbitrary<Factory> = fc.constant({
  text: 'takes its time',
  make(world) {
    const deferred = new Deferred(Promise)
    world.loading.push(deferred)
    return gives({ real: deferred.promise, model: deferred.naive })
  },
})

const failing: fc.Arbitrary<Factory> = fc.boolean().map((isAtOnce) => {
  const failure = new Error('no')
  const fail = () => {
    throw failure
  }
  return {
    text: isAtOnce ? 'throws at once' : 'rejects',
    make: () => ({
      real: isAtOnce ? fail : () => Promise.reject(failure),
      model: fail,
    }),
  }
})

const meddling = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Factory> =>
  fc.record({ inner, factory: fc.oneof(plain, slow) }).map(({ inner, factory }) => ({
    text: `does ${inner.text} and ${factory.text}`,
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

const ttlsOfValues = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: ttlsOfOne },
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
        { weight: 2, arbitrary: meddling(inner) },
      ),
      ttl: ttlsOfValues,
      isComputed: fc.boolean(),
    })
    .map(({ key, factory, ttl, isComputed }) => ({
      text: `getOrSet(${JSON.stringify(key)}, a factory that ${factory.text}, ${ttl})`,
      starts: 'load' as const,
      pair(world) {
        const made = factory.make(world)
        const call = new Call()
        world.calls.push(call)
        // One that is none fails the call at once, unless a function gives it.
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
    text: `load ${at} ${content ? `gives ${content.text}` : 'rejects'}`,
    starts: 'load' as const,
    isPossible: ({ loading }) => loading.length > 0,
    pair(world) {
      const [deferred] = world.loading.splice(at % world.loading.length, 1)
      const twin = content ? world.make(content) : undefined
      return {
        real: () => {
          deferred?.settle(twin)
        },
        model: () => {
          if (deferred) world.model.model.microtasks.settle(deferred.naive, deferred.outcome(twin))
        },
      }
    },
  }))

export const loads = (inner: fc.Arbitrary<Step>) =>
  fc.oneof({ weight: 3, arbitrary: calls(inner) }, { weight: 2, arbitrary: settlings })
