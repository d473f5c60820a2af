import { withoutContext } from './context.ts'
import { isNativePromise } from './native-promise.ts'

/** What a promise has fulfilled with. */
export interface Fulfilled {
  readonly value: unknown
}

/** From the promise that a cache keeps to what it has fulfilled with. */
const values = new WeakMap<object, unknown>()
/** From the promise that was stored to the one that a cache keeps in its place. */
const kept = new WeakMap<object, Promise<unknown>>()

/** Notes that a stored promise has fulfilled. Gives the promise to keep, which has nothing of a request. */
export function noteFulfilled(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  const before = keptFor(promise)
  if (values.has(before)) return before
  const bare = bareOf(promise, value)
  if (bare !== promise) kept.set(promise, bare)
  values.set(bare, value)
  return bare
}

/** What a stored promise has fulfilled with, if it is one that has. */
export function fulfilledValue(value: unknown): Fulfilled | undefined {
  if (!isNativePromise(value)) return undefined
  const promise = keptFor(value)
  return values.has(promise) ? { value: values.get(promise) } : undefined
}

/** Whether they are the same value, or a promise and the one that is kept in its place. */
export function isSame(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || keptFor(one as object) === keptFor(other as object)
}

function keptFor<T extends object>(promise: T): T | Promise<unknown> {
  return kept.get(promise) ?? promise
}

/** The promise without own properties: platforms and tracing agents keep a request in these. */
function bareOf(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  if (Reflect.ownKeys(promise).length === 0 || isThenable(value)) return promise
  return withoutContext(Promise.resolve(value))
}

/** A value may get a `then` after a promise fulfilled with it. It is not called. */
function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
  } catch {
    return true
  }
}
