import fc from 'fast-check'
import { Call, type CallOptions, FAILING_TTL, optionsFor, termsFor } from '../calls.ts'
import { ModelError } from '../naive/entry.ts'
import type { Factory as ModelFactory } from '../naive/load.ts'
import { NaiveSignal, outcomeOf, rejectedWith } from '../naive/promise.ts'
import { pauses, timeouts, waitUntils, windows } from '../scenario.ts'
import { contents, Deferred, FAILURE, type ValuePair, type ValueSpec } from '../values.ts'
import type { World } from '../world.ts'
import { entryTtls, keys } from './keys.ts'
import type { Step } from './step.ts'

/** What a factory does for the keys that it is called with, for the cache and for the model. */
interface Made {
  readonly real: (keys: readonly string[]) => unknown
  readonly model: (keys: readonly string[]) => unknown
}

interface Factory {
  readonly text: string
  make(world: World): Made
}

const returning = ({ real, model }: ValuePair): Made => ({ real: () => real, model: () => model })

const plain: fc.Arbitrary<Factory> = contents.map((content) => ({
  text: `returns ${content.text}`,
  make: (world) => returning(world.make(content)),
}))

/** Each of its calls returns a promise of its own. */
const slowOf = (isBatch: boolean): fc.Arbitrary<Factory> =>
  fc.constant({
    text: 'returns a pending promise',
    make(world) {
      const returned: Deferred[] = []
      return {
        real: (keys) => {
          const deferred = new Deferred(Promise)
          returned.push(deferred)
          world.loading.push({ deferred, missing: isBatch ? keys : undefined })
          return deferred.promise
        },
        model: () => returned.shift()?.naive,
      }
    },
  })

const slow = slowOf(false)
const slowBatch = slowOf(true)

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

/** Waits for itself, unless the key has a live value. */
const selfish: fc.Arbitrary<Factory> = fc.constant({
  text: 'asks for its own key',
  make: (world) => ({
    real: ([key]) => world.controller.getOrSet(key as string, () => 1),
    model: ([key]) => world.model.loads.get(key as string, () => 1, termsFor(world)),
  }),
})

const withStep = (inner: fc.Arbitrary<Step>, factories: fc.Arbitrary<Factory>) =>
  fc.record({ inner, factory: factories }).map(({ inner, factory }) => ({
    text: `first does ${inner.text} and then ${factory.text}`,
    make(world: World) {
      const step = inner.pair(world)
      const { real, model } = factory.make(world)
      return {
        real: (keys: readonly string[]) => {
          step.real()
          return real(keys)
        },
        model: (keys: readonly string[]) => {
          step.model()
          return model(keys)
        },
      }
    },
  }))

type Results = [string, unknown][]

/** The forms in which `loadMany` may give its results. */
const forms = {
  'a Map': (results: Results) => new Map(results),
  'an object': (results: Results) => Object.fromEntries(results),
  pairs: (results: Results) => new Set(results),
  'an array': (results: Results, missing: readonly string[]) => {
    const given = new Map(results)
    return missing.map((key) => given.get(key))
  },
}

/** What `loadMany` may give in vain, and the error. */
const failures = [
  { text: 'an array that is too long', real: (missing: readonly string[]) => [...missing, 1] },
  { text: 'a number', real: () => 1 },
  {
    text: 'a promise that rejects',
    real: ([key]: readonly string[]) => new Map([[key, Promise.reject(FAILURE)]]),
    error: FAILURE,
  },
]

const failingBatches: fc.Arbitrary<Factory> = fc
  .constantFrom(...failures)
  .map(({ text, real, error = new ModelError('TypeError') }) => ({
    text: `returns ${text}`,
    make: () => ({
      real,
      model: () => {
        throw error
      },
    }),
  }))

/** Values for the keys that `loadMany` is called with, in order. The model gets pairs. */
const successfulBatches: fc.Arbitrary<Factory> = fc
  .record({
    form: fc.constantFrom(...(Object.keys(forms) as (keyof typeof forms)[])),
    values: fc.array(fc.option(contents, { freq: 4, nil: undefined }), {
      minLength: 1,
      maxLength: 4,
    }),
    isPromised: fc.boolean(),
  })
  .map(({ form, values, isPromised }) => ({
    text: `returns ${form} of ${values.map((value) => value?.text ?? 'nothing')}${isPromised ? ', as promises' : ''}`,
    make(world) {
      const made = values.map((value: ValueSpec | undefined) => value && world.make(value))
      const pairsFor = (missing: readonly string[]) =>
        missing.flatMap((key, index) => {
          const value = made[index % made.length]
          // In an array, `undefined` stands for a key that is absent.
          const isAbsent = value === undefined || (form === 'an array' && value.real === undefined)
          return isAbsent ? [] : [[key, value] as const]
        })
      return {
        real: (missing) => {
          const results = pairsFor(missing).map<[string, unknown]>(([key, { real }]) => [
            key,
            isPromised ? Promise.resolve(real) : real,
          ])
          if (form !== 'an array') results.unshift(['a key nobody asked for', 1])
          return forms[form](results, missing)
        },
        model: (missing) => pairsFor(missing).map(([key, { model }]) => [key, model]),
      }
    },
  }))

const batches = fc.oneof(
  { weight: 8, arbitrary: successfulBatches },
  { weight: 1, arbitrary: failingBatches },
)

const factoriesOf = (
  inner: fc.Arbitrary<Step>,
  plain: fc.Arbitrary<Factory>,
  slow: fc.Arbitrary<Factory>,
  odd = failing,
) =>
  fc.oneof(
    { weight: 3, arbitrary: plain },
    { weight: 5, arbitrary: slow },
    { weight: 1, arbitrary: failing },
    { weight: 1, arbitrary: odd },
    { weight: 2, arbitrary: withStep(inner, fc.oneof(plain, slow, odd)) },
  )

/** Fewer keys than other steps have, so that calls meet. */
const loadedKeys = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: keys },
)

const computedTtls = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 6, arbitrary: fc.constantFrom(0.5, 1) },
  { weight: 2, arbitrary: entryTtls },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, FAILING_TTL) },
)

/** Most calls have the windows of the cache. */
const callWindows = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(undefined, 0) },
  { weight: 1, arbitrary: windows },
)

const options: fc.Arbitrary<CallOptions> = fc
  .record({
    ttl: computedTtls,
    ttlIsFunction: fc.boolean(),
    staleWhileRevalidate: callWindows,
    staleIfError: callWindows,
    softTimeout: fc.constantFrom(undefined, null, 0, 0.3, 0.3),
    timeout: timeouts,
    retryAfter: pauses,
    waitUntil: waitUntils,
    refresh: fc.constantFrom(undefined, undefined, undefined, false, true),
  })
  // NaN rejects at the call, so only a function may return it.
  .map(({ ttl, ttlIsFunction, ...rest }) => ({
    ...rest,
    ttl,
    ttlIsFunction: ttlIsFunction || ttl === FAILING_TTL || Number.isNaN(ttl),
  }))

const signals = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('none', 'own') },
  { weight: 2, arbitrary: fc.constant('the last one') },
  { weight: 1, arbitrary: fc.constant('aborted') },
)

function signalFor(world: World, kind: string) {
  if (kind === 'none') return undefined
  const last = world.callerSignals.at(-1)
  if (kind === 'the last one' && last !== undefined) return last
  const signal = { real: new AbortController(), model: new NaiveSignal() }
  if (kind === 'aborted') {
    const reason = new Error('aborted before the call')
    signal.real.abort(reason)
    signal.model.abort(reason)
  } else world.callerSignals.push(signal)
  return signal
}

/** The factory as the cache and the model call it. What it is given is traced. */
function traced({ trace, factorySignals }: World, { real, model }: Made) {
  const called = (keys: readonly string[], stale: unknown) =>
    ({ kind: 'called', keys, stale }) as const
  return {
    real: (
      given: string | readonly string[],
      context: { signal: AbortSignal; stale?: unknown },
    ) => {
      const keys = typeof given === 'string' ? [given] : [...given]
      trace.real.push(called(keys, context.stale))
      factorySignals.real.push(context.signal)
      return real(keys)
    },
    model: ((keys, signal, stale) => {
      trace.model.push(called(keys, stale))
      factorySignals.model.push(signal)
      return model(keys)
    }) as ModelFactory,
  }
}

const shown = (options: CallOptions) =>
  JSON.stringify(options, (_name, value) => (Number.isNaN(value) ? 'NaN' : value))

const calls = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
  fc
    .record({
      key: keys,
      factory: factoriesOf(inner, plain, slow, selfish),
      options,
      signal: signals,
    })
    .map(({ key, factory, options, signal }) => ({
      text: `getOrSet(${JSON.stringify(key)}, a factory that ${factory.text}, ${shown(options)}, signal: ${signal})`,
      starts: 'load' as const,
      pair(world) {
        const { real, model } = traced(world, factory.make(world))
        const caller = signalFor(world, signal)
        const call = new Call()
        world.calls.push(call)
        return {
          real: () =>
            call.follow(
              world.controller.getOrSet(
                key,
                real as never,
                optionsFor(world, options, caller) as never,
              ),
            ),
          model: () => {
            call.model = world.model.loads.get(key, model, termsFor(world, options, caller))
          },
        }
      },
    }))

const callsOfMany = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Step> =>
  fc
    .record({
      keys: fc.array(loadedKeys, { maxLength: 4 }),
      factory: factoriesOf(inner, batches, slowBatch),
      options,
      signal: signals,
    })
    .map(({ keys, factory, options, signal }) => ({
      text: `getOrSetMany(${JSON.stringify(keys)}, a function that ${factory.text}, ${shown(options)}, signal: ${signal})`,
      starts: 'load' as const,
      pair(world) {
        const { real, model } = traced(world, factory.make(world))
        const caller = signalFor(world, signal)
        const call = new Call()
        world.calls.push(call)
        return {
          real: () => {
            const given = optionsFor(world, options, caller) as never
            const map = world.controller.getOrSetMany(keys, real as never, given)
            call.follow(map.then((pairs: Iterable<unknown>) => [...pairs]))
          },
          model: () => {
            call.model = world.model.loads.getMany(keys, model, termsFor(world, options, caller))
          },
        }
      },
    }))

const settlings: fc.Arbitrary<Step> = fc
  .record({ content: fc.option(contents, { freq: 2 }), batch: batches, at: fc.nat(3) })
  .map(({ content, batch, at }) => ({
    text: `load ${at} ${content ? `fulfils with ${content.text}, or a batch ${batch.text}` : 'rejects'}`,
    starts: 'load' as const,
    isPossible: ({ loading }) => loading.length > 0,
    pair(world) {
      const [load] = world.loading.splice(at % world.loading.length, 1)
      if (load === undefined) return { real: () => {}, model: () => {} }
      const { deferred, missing = [] } = load
      const single = content && returning(world.make(content))
      const made = content && load.missing ? batch.make(world) : single
      const outcome = () => (made ? outcomeOf(() => made.model(missing)) : rejectedWith(FAILURE))
      return {
        real: () => (made ? deferred.fulfil(made.real(missing)) : deferred.reject(FAILURE)),
        model: () => world.model.model.microtasks.settle(deferred.naive, outcome()),
      }
    },
  }))

const aborts: fc.Arbitrary<Step> = fc.nat(3).map((at) => ({
  text: `caller ${at} aborts`,
  starts: 'load' as const,
  isPossible: ({ callerSignals }) => callerSignals.length > 0,
  pair(world) {
    const [signal] = world.callerSignals.splice(at % world.callerSignals.length, 1)
    const reason = new Error('aborted')
    return { real: () => signal?.real.abort(reason), model: () => signal?.model.abort(reason) }
  },
}))

export const loads = (inner: fc.Arbitrary<Step>) =>
  fc.oneof(
    { weight: 4, arbitrary: calls(inner) },
    { weight: 2, arbitrary: callsOfMany(inner) },
    { weight: 4, arbitrary: settlings },
    { weight: 1, arbitrary: aborts },
  )
