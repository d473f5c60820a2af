import type { WriteTerms } from './options/write-options.ts'

/** A stored promise that has not settled, and the terms that its entry takes on when it has. */
export interface Pending {
  readonly promise: Promise<unknown>
  terms: WriteTerms
  readonly rejected: () => void
}

const fulfilled = new WeakMap<object, { readonly value: unknown }>()

/** What the promise fulfilled with, kept for snapshots, which promises cannot enter. */
export function rememberFulfilled(promise: object, value: unknown): void {
  fulfilled.set(promise, { value })
}

export function fulfilledValue(promise: object): { readonly value: unknown } | undefined {
  return fulfilled.get(promise)
}
