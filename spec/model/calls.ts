import type { LoadTerms } from './naive/load.ts'
import {
  fulfilledWith,
  NaivePromise,
  type NaiveSignal,
  type Outcome,
  rejectedWith,
} from './naive/promise.ts'
import type { Loading } from './scenario.ts'
import type { World } from './world.ts'

/** A promise of the cache, such as a call of `getOrSet`, and its two outcomes. */
export class Call {
  real: Outcome | undefined
  model = new NaivePromise()

  follow(real: PromiseLike<unknown>): void {
    real.then(
      (value) => {
        this.real = fulfilledWith(value)
      },
      (error) => {
        this.real = rejectedWith(error)
      },
    )
  }
}

/** A signal that a caller gives to its calls. */
export interface CallerSignal {
  readonly real: AbortController
  readonly model: NaiveSignal
}

/** Stands for a function that throws. */
export const FAILING_TTL = -1

/** The options of one call. Those that are `undefined` are those of the cache. Seconds. */
export interface CallOptions extends Loading {
  readonly ttl: number | undefined
  readonly ttlIsFunction: boolean
  readonly softTimeout: number | null | undefined
  readonly refresh: boolean | undefined
}

/** The options of a call, for the cache. */
export function optionsFor(world: World, options: CallOptions, signal: CallerSignal | undefined) {
  const { ttl, ttlIsFunction, waitUntil, ...rest } = options
  const giveTtl = () => {
    if (ttl === FAILING_TTL) throw new Error('the function failed')
    return ttl
  }
  return {
    ...rest,
    ttl: ttlIsFunction ? giveTtl : ttl,
    signal: signal?.real.signal,
    waitUntil: waitUntilFor(world, waitUntil),
  }
}

/** The options of a call, for the model. */
export function termsFor(
  { scenario: { loading }, trace, handedOver }: World,
  options: Partial<CallOptions> = {},
  signal?: CallerSignal,
): LoadTerms {
  const given = <Name extends keyof Loading>(name: Name) =>
    options[name] === undefined ? loading[name] : options[name]
  const { ttl, softTimeout, refresh } = options
  const waitUntil = given('waitUntil')
  return {
    ttlOf: () => (ttl === undefined ? undefined : ttl === FAILING_TTL ? Number.NaN : ttl * 1_000),
    staleWhileRevalidate: millisecondsOf(given('staleWhileRevalidate')),
    staleIfError: millisecondsOf(given('staleIfError')),
    retryAfter: millisecondsOf(given('retryAfter'), 1_000),
    timeout: millisecondsOf(given('timeout') ?? null),
    softTimeout: typeof softTimeout === 'number' ? softTimeout * 1_000 : undefined,
    refresh: refresh === true,
    signal: signal?.model,
    waitUntil:
      waitUntil &&
      ((done) => {
        trace.model.push({ kind: 'handed over' })
        handedOver.model.push(done)
        if (waitUntil === 'throws') throw new Error('waitUntil failed')
      }),
  }
}

/** The option `waitUntil`, for the cache. */
export function waitUntilFor({ trace, handedOver }: World, kind: Loading['waitUntil']) {
  if (kind === undefined) return undefined
  return (done: PromiseLike<unknown>) => {
    trace.real.push({ kind: 'handed over' })
    const call = new Call()
    call.follow(done)
    handedOver.real.push(call)
    if (kind === 'throws') throw new Error('waitUntil failed')
  }
}

/** Milliseconds for an option in seconds. `null` is without end. */
export function millisecondsOf(seconds: number | null | undefined, ifNotGiven = 0): number {
  if (seconds === undefined) return ifNotGiven
  return seconds === null ? Number.POSITIVE_INFINITY : seconds * 1_000
}
