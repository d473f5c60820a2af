import type { NaivePromise, NaiveSignal } from './promise.ts'

/** The options of one call, with those of the cache for the ones that are not given. Milliseconds. */
export interface LoadTerms {
  /** Gives `NaN` if it throws or gives no TTL. */
  ttlOf(value: unknown): number | undefined
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly softTimeout: number | undefined
  readonly timeout: number
  readonly retryAfter: number
  readonly refresh: boolean
  readonly signal: NaiveSignal | undefined
  readonly waitUntil: ((done: NaivePromise) => void) | undefined
}

export type Factory = (keys: readonly string[], signal: NaiveSignal, stale: unknown) => unknown

export type Pairs = readonly (readonly [string, unknown])[]

/** What can become of a call or of a load. */
export const OUTCOMES = [
  'hit',
  'miss',
  'refresh of a live value',
  'one joined one',
  'one joined many',
  'many joined one',
  'many joined many',
  'absent in a batch',
  'gone from the origin',
  'lost while others were loaded',
  'stale while revalidating',
  'stale while the origin is left alone',
  'stale by soft timeout',
  'nothing at hand by soft timeout',
  'stale by error',
  'live at hand',
  'timeout',
  'timeout of one caller',
  'one caller left',
  'all callers left',
  'aborted before the call',
  'asked for itself',
  'kept',
  'refused',
  'no ttl',
  'overtaken',
  'given up',
  'late',
  'failed in the background',
] as const

export type LoadOutcome = (typeof OUTCOMES)[number]

/** One call of a factory or of `loadMany`. */
export interface Load {
  readonly keys: readonly string[]
  readonly isBatch: boolean
  readonly terms: LoadTerms
  readonly begunAt: number
  /** Epoch milliseconds from which the load is neither joined nor stored. */
  readonly givenUpAt: number
  readonly signal: NaiveSignal
  /** Fulfils once the load is over and kept. */
  readonly done: NaivePromise
  waiters: Waiter[]
  isBackground: boolean
  isOver: boolean
}

/** A caller that waits for one key of a load. */
export interface Waiter {
  readonly key: string
  readonly terms: LoadTerms
  readonly load: Load
  readonly result: NaivePromise
  /** Whether it may get something else than what the load gives. */
  readonly mayLeave: boolean
  /** Called if a batch does not give the key. */
  readonly absent: () => void
}
