import { isNativePromise, subscribe } from './native-promise.ts'
import type { WriteTerms } from './options/write-options.ts'

/** A stored promise that has not settled, and the terms that its entry takes on when it has. */
export interface Pending {
  readonly promise: Promise<unknown>
  terms: WriteTerms
  /** In virtual time: it is not served from then on, unless it has settled. */
  readonly servedUntil: number
  readonly rejected: () => void
}

/** A load under way: one for all who ask for its key while it lasts. */
export interface Load {
  readonly promise: Promise<unknown>
  /** In virtual time: it is no longer joined then, nor kept. */
  readonly givenUpAt: number
}

const fulfilled = new WeakMap<object, { readonly value: unknown }>()

/** Calls one of the two once the promise has settled, and remembers what it fulfilled with. */
export function watch({ promise, rejected }: Pending, fulfil: () => void): void {
  subscribe(
    promise,
    (value) => {
      fulfilled.set(promise, { value })
      fulfil()
    },
    rejected,
  )
}

/** What a stored promise has fulfilled with, if it is one that has. */
export function fulfilledValue(value: unknown): { readonly value: unknown } | undefined {
  return isNativePromise(value) ? fulfilled.get(value) : undefined
}
