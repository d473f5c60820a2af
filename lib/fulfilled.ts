import { withoutContext } from './context.ts'
import { isNativePromise } from './native-promise.ts'

/** What a promise has fulfilled with. */
export interface Fulfilled {
  readonly value: unknown
}

/** By what is kept of a promise that has fulfilled. */
const values = new WeakMap<object, unknown>()
/** By the promise that was stored, where another one is kept. */
const kept = new WeakMap<object, Promise<unknown>>()

/** A stored promise has fulfilled: the promise to keep, which carries nothing of a request. */
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

/** Whether they are one value, or a promise and what is kept of it. */
export function isSame(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || keptFor(one as object) === keptFor(other as object)
}

function keptFor<T extends object>(promise: T): T | Promise<unknown> {
  return kept.get(promise) ?? promise
}

/** Without properties of its own: under these platforms, and agents that trace, hang a request. */
function bareOf(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  if (Reflect.ownKeys(promise).length === 0 || isThenable(value)) return promise
  return withoutContext(Promise.resolve(value))
}

/** Whether it has become one since it was fulfilled with: its `then` is not called. */
function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
  } catch {
    return true
  }
}
