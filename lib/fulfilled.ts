import { isNativePromise } from './native-promise.ts'

/** What a promise has fulfilled with. */
export interface Fulfilled {
  readonly value: unknown
}

const known = new WeakMap<object, Fulfilled>()

/** A stored promise has fulfilled. */
export function noteFulfilled(promise: Promise<unknown>, value: unknown): void {
  known.set(promise, { value })
}

/** What a stored promise has fulfilled with, if it is one that has. */
export function fulfilledValue(value: unknown): Fulfilled | undefined {
  return isNativePromise(value) ? known.get(value) : undefined
}
