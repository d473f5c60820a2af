import { heapSize } from '../size/heap-size.ts'
import { checkedOptions, wrongKind } from './check.ts'
import { itemLimitFrom } from './terms.ts'
import { type ByteSize, bytesFrom, type Duration, millisecondsFrom } from './units.ts'

/** From value and key to bytes: finite, not below 0, rounded up. */
export type SizeOf<K extends string = string, V = unknown> = (value: V, key: K) => number

/** Why a value left. */
export type Reason = 'deleted' | 'evicted' | 'expired' | 'replaced' | 'cleared' | 'rejected'

/**
 * A value that has expired as it is written leaves at once, with reason `'expired'`. If a promise was
 * stored, `value` is that promise, or the one that the cache kept in its place once it had fulfilled.
 * `sizeBytes` is what the entry was charged. The hook may be async: `onError` gets its rejection.
 */
export type OnDelete<K extends string = string, V = unknown> = (
  key: K,
  value: V,
  reason: Reason,
  sizeBytes: number,
) => void

/**
 * `source` names what failed:
 * - `'onDelete'`: the hook threw, rejected, or removed entries without end;
 * - `'sweep'`: the background sweep, or `sizeOf` in it;
 * - `'ttl'`: a `ttl` function of `getOrSet` threw or gave no TTL;
 * - `'promise'`: the cache could not subscribe to a stored promise, or `now` threw as it settled;
 * - `'sizeOf'`: what a stored promise fulfilled with could not be measured.
 */
export type OnError = (error: unknown, context: { source: string; key?: string }) => void

/**
 * The options of a cache. A value of the wrong kind is a `TypeError` and one out of range a
 * `RangeError`; both name the option, the value and what is accepted. An option that is `undefined`
 * has its default; an unknown one is a `TypeError`.
 */
export interface CacheOptions<K extends string = string, V = unknown> {
  /**
   * How long an entry lives after it was written: seconds (a fraction is fine), or a string with a
   * unit: `'500ms'`, `'10s'`, `'5m'`, `'2h'`, `'1d'`. `null` or `Infinity`: it never expires.
   * Reading does not prolong it; each write starts it anew.
   * @default null
   */
  defaultTtl?: Duration | undefined
  /**
   * What the whole cache may weigh, its own structure included: a whole number of bytes; `'64K'`,
   * `'128M'`, `'1.5G'`, `'1T'` in powers of 1024, either case; or `'25%'` of the memory this process
   * may use, of which each cache takes its own share. At least the 2,780 bytes of an empty cache.
   * `null` or `Infinity`: no limit.
   * @default '25%'
   */
  maxSizeBytes?: ByteSize | undefined
  /**
   * How many entries are kept: a whole number above 0. `null` or `Infinity`: no limit. In any case a
   * cache keeps 8,388,608 entries (2 ** 23) at most, since a `Map` of the engine ends at about twice as
   * many.
   * @default null
   */
  maxItems?: number | null | undefined
  /**
   * What an entry weighs: a number of bytes from 0 to 2 ** 53, rounded up. The cost of the cache's
   * own structure is added to it.
   * @default heapSize
   */
  sizeOf?: SizeOf<K, V> | undefined
  /**
   * What a write does that could not fit an empty cache: `'throw'` a `DataTooLargeError`, or `'skip'`
   * it without a word. Either way the older value under the key leaves.
   * @default 'throw'
   */
  onTooLarge?: 'throw' | 'skip' | undefined
  /**
   * Told of every value that leaves, after the cache has settled. May use the cache. If it throws,
   * the removal stands and `onError` is told. A hook that removes another entry for each removal
   * would never end. So after a million removals in answer to one call `onError` is told, and the
   * hook does not hear of the rest.
   */
  onDelete?: OnDelete<K, V> | undefined
  /**
   * Told of what must not break the cache, such as a hook that throws. By default one `console.warn`
   * an error.
   */
  onError?: OnError | undefined
  /**
   * How long a promise that has not settled is served, stored or of `getOrSet`: seconds, or a string
   * with a unit, as `defaultTtl`.
   * @default '30s'
   */
  pendingTtl?: Duration | undefined
  /**
   * The time between background sweeps: seconds, or a string with a unit, as `defaultTtl`; `null`:
   * none. Expiry is right without any.
   *
   * A sweep removes what has expired, forgets loads of `getOrSet` that are given up, and measures again
   * what may have grown in place. If nothing was read or written since the last sweep, and that sweep
   * found no growth, the search for growth rests until the next use. While it rests, it misses growth
   * through a reference that the program kept. The first sweep after the next use finds that growth; so
   * does `remeasure`. A cache that nobody uses still removes what expires, late by up to a quarter of
   * the time since its last use.
   *
   * So `runAllTimers` of Jest, Vitest and sinon ends. It does not end if `onDelete` writes a new entry
   * with a TTL for each entry that expires.
   * @default '5s'
   */
  sweepInterval?: Duration | undefined
  /**
   * The present time in epoch milliseconds, for tests and simulations. TTLs and `pendingTtl` go by
   * it; the timer of the sweep does not. Fake timers need none.
   * @default the cache's own clock
   */
  now?: (() => number) | undefined
}

/** The options, resolved: times in milliseconds, and `Infinity` for what has no limit. */
export interface Settings {
  defaultTtl: number
  maxSizeBytes: number
  maxItems: number
  readonly sizeOf: SizeOf
  readonly skipsTooLarge: boolean
  readonly onDelete: OnDelete | undefined
  readonly onError: OnError | undefined
  readonly pendingTtl: number
  readonly sweepInterval: number
  readonly now: (() => number) | undefined
  /** As they were given, for printing. */
  readonly given: Readonly<Record<'defaultTtl' | 'maxSizeBytes' | 'maxItems', unknown>>
}

const KNOWN = [
  'defaultTtl',
  'maxSizeBytes',
  'maxItems',
  'sizeOf',
  'onTooLarge',
  'onDelete',
  'onError',
  'pendingTtl',
  'sweepInterval',
  'now',
]

/** The settings that the options ask for. */
export function settingsFrom(options: unknown): Settings {
  const {
    defaultTtl = null,
    maxSizeBytes = '25%',
    maxItems = null,
    sizeOf = heapSize,
    onTooLarge = 'throw',
    onDelete,
    onError,
    pendingTtl = 30,
    sweepInterval = 5,
    now,
  } = checkedOptions('The options', options, KNOWN)
  if (onTooLarge !== 'throw' && onTooLarge !== 'skip') {
    throw wrongKind('onTooLarge', "'throw' or 'skip'", onTooLarge)
  }
  return {
    defaultTtl: millisecondsFrom('defaultTtl', defaultTtl),
    maxSizeBytes: bytesFrom('maxSizeBytes', maxSizeBytes),
    maxItems: itemLimitFrom('maxItems', maxItems),
    sizeOf: optionalFunction('sizeOf', sizeOf) as SizeOf,
    skipsTooLarge: onTooLarge === 'skip',
    onDelete: optionalFunction('onDelete', onDelete) as OnDelete | undefined,
    onError: optionalFunction('onError', onError) as OnError | undefined,
    pendingTtl: millisecondsFrom('pendingTtl', pendingTtl),
    sweepInterval: millisecondsFrom('sweepInterval', sweepInterval),
    now: optionalFunction('now', now) as (() => number) | undefined,
    given: { defaultTtl, maxSizeBytes, maxItems },
  }
}

function optionalFunction(name: string, value: unknown): unknown {
  if (value !== undefined && typeof value !== 'function') throw wrongKind(name, 'a function', value)
  return value
}
