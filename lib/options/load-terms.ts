import { booleanFrom, checkedOptions, functionFrom, unpolluted, wrongKind } from './check.ts'
import { type Duration, millisecondsFrom, ttlFrom, waitFrom } from './units.ts'

/** Seconds, a string with a unit, `null`, or a function of the loaded value that returns one of these. */
export type LoadTtl<V> = Duration | ((value: V) => Duration | undefined) | undefined

/** Keeps a function alive until a promise settles, such as `ctx.waitUntil` of a Worker. */
export type WaitUntil = (promise: Promise<unknown>) => void

/** `AbortSignal`, or its outline in a program whose libraries do not declare it. */
export type LoadSignal = typeof globalThis extends { AbortSignal: { prototype: infer Declared } }
  ? Declared
  : { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void }

/** What a factory is given beside its key. */
export interface LoadContext<V = unknown> {
  /** Aborted when the load takes longer than `timeout`, or when all its callers have gone. */
  readonly signal: LoadSignal
  /**
   * The value whose TTL has passed, while it is kept, for a conditional request. With `refresh`, the
   * present value. `undefined` without one.
   */
  readonly stale: V | undefined
}

/**
 * The options of `getOrSet` and `getOrSetMany`. An option that is `undefined` has its default. A value of
 * the wrong type rejects with a `TypeError`, a number out of range with a `RangeError`, an unknown option
 * with a `TypeError`.
 *
 * Durations are a number of seconds, or a string with a unit such as `'500ms'`; `null` or `Infinity`: no
 * limit.
 *
 * @example
 * controller.getOrSet(id, loadUser, { ttl: '1m', staleWhileRevalidate: '10m', staleIfError: '1d' })
 */
export interface LoadOptions<V = unknown> {
  /**
   * How long the loaded value lives, or a function of the value that returns it. 0 or less: the value goes
   * to the callers and is not kept.
   * @default the option `defaultTtl` of the cache
   */
  ttl?: LoadTtl<V>
  /**
   * For so long after its TTL a value is returned at once, while one load goes on in the background. If
   * that load fails, `onError` gets the error with source `'load'`. As in RFC 5861.
   * @default the option of the cache, which is 0
   */
  staleWhileRevalidate?: Duration | undefined
  /**
   * For so long after its TTL a value is returned if the load fails or times out. `onError` gets the error
   * with source `'load'`, unless some caller got it. As in RFC 5861.
   * @default the option of the cache, which is 0
   */
  staleIfError?: Duration | undefined
  /**
   * With a value within `staleIfError`, how long the caller waits for the load before it gets that value.
   * The load goes on, and what it gives is kept.
   * @default null
   */
  softTimeout?: Duration | undefined
  /**
   * How long a load may take, from its beginning, above 0. After that its callers get a `TimeoutError`, or
   * a value within `staleIfError`; the factory's signal is aborted, and what it gives later is not kept.
   * A caller who joins the load waits no longer than its own `timeout`.
   * @default the option of the cache, which is null
   */
  timeout?: Duration | undefined
  /**
   * After a load has failed, how long the origin is left alone while there is a stale value to return.
   * @default the option of the cache, which is '1s'
   */
  retryAfter?: Duration | undefined
  /**
   * Ends the wait of this caller, who gets the reason of the signal. When all callers of a load have gone,
   * the factory's signal is aborted.
   * @default none
   */
  signal?: LoadSignal | undefined
  /**
   * Given the promise of each load that goes on in the background, for platforms that end or freeze a
   * request once it has its response. The promise never rejects.
   * @default the option of the cache, which is none
   */
  waitUntil?: WaitUntil | undefined
  /**
   * Loads even if there is a live value. Others get that value until the new one has come. Joins a load
   * that is under way.
   * @default false
   */
  refresh?: boolean | undefined
}

/** Those load options that are options of a cache as well. */
export type LoadDefaults = Pick<
  LoadOptions,
  'staleWhileRevalidate' | 'staleIfError' | 'timeout' | 'retryAfter' | 'waitUntil'
>

/** Checked load options: milliseconds, `Infinity` for no limit. */
export interface LoadTerms {
  /** As it was given, since a function may return it. */
  readonly ttl: LoadTtl<unknown>
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly softTimeout: number
  readonly timeout: number
  readonly retryAfter: number
  readonly signal: LoadSignal | undefined
  readonly waitUntil: WaitUntil | undefined
  readonly refresh: boolean
  /** How long the entry is kept beyond its TTL. Whole milliseconds. */
  readonly window: number
}

const NO_WINDOWS: LoadTerms = {
  ttl: undefined,
  staleWhileRevalidate: 0,
  staleIfError: 0,
  softTimeout: Infinity,
  timeout: Infinity,
  retryAfter: 1_000,
  signal: undefined,
  waitUntil: undefined,
  refresh: false,
  window: 0,
}
const LOAD_OPTIONS = [
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'softTimeout',
  'timeout',
  'retryAfter',
  'signal',
  'waitUntil',
  'refresh',
]
/** A deadline and such a window are added exactly. */
const LONGEST_WINDOW = 2 ** 51

/** The terms of calls without options. */
export function loadDefaultsFrom(options: LoadDefaults): LoadTerms {
  const isDefault = Object.values(options).every((option) => option === undefined)
  return isDefault ? NO_WINDOWS : termsFrom(unpolluted(options, LOAD_OPTIONS), NO_WINDOWS)
}

export function loadTermsFrom(options: unknown, defaults: LoadTerms): LoadTerms {
  if (options === undefined) return defaults
  return termsFrom(checkedOptions('The options', options, LOAD_OPTIONS), defaults)
}

// Each option by name: a hit takes no longer than a check of its options.
function termsFrom(options: LoadDefaults & LoadOptions, defaults: LoadTerms): LoadTerms {
  const { ttl, softTimeout, timeout, retryAfter, signal, waitUntil, refresh = false } = options
  if (ttl !== undefined && typeof ttl !== 'function') ttlFrom('ttl', ttl)
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw wrongKind('signal', 'an AbortSignal', signal)
  }
  const { staleWhileRevalidate: whileRevalidate, staleIfError: ifError } = options
  const staleWhileRevalidate =
    whileRevalidate === undefined
      ? defaults.staleWhileRevalidate
      : waitFrom('staleWhileRevalidate', whileRevalidate)
  const staleIfError =
    ifError === undefined ? defaults.staleIfError : waitFrom('staleIfError', ifError)
  const window = Math.max(staleWhileRevalidate, staleIfError)
  return {
    ttl,
    staleWhileRevalidate,
    staleIfError,
    softTimeout: softTimeout === undefined ? Infinity : waitFrom('softTimeout', softTimeout),
    timeout: timeout === undefined ? defaults.timeout : millisecondsFrom('timeout', timeout),
    retryAfter: retryAfter === undefined ? defaults.retryAfter : waitFrom('retryAfter', retryAfter),
    signal,
    waitUntil: waitUntil === undefined ? defaults.waitUntil : functionFrom('waitUntil', waitUntil),
    refresh: booleanFrom('refresh', refresh),
    window: window === 0 ? 0 : Math.min(Math.floor(window), LONGEST_WINDOW),
  }
}

/** Of any realm. */
function isAbortSignal(value: object): value is LoadSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as AbortSignal).aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function'
  )
}
