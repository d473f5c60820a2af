import { heapSize } from '../size/heap-size.ts'
import { booleanFrom, checkedOptions, functionFrom, invalidNumber, wrongKind } from './check.ts'
import {
  type LoadDefaults,
  type LoadTerms,
  loadDefaultsFrom,
  type WaitUntil,
} from './load-terms.ts'
import { knownMemoryLimit } from './memory-limit.ts'
import {
  type ByteSize,
  bytesFrom,
  type Duration,
  entryLimitFrom,
  itemLimitFrom,
  millisecondsFrom,
} from './units.ts'

/** The size of a value and its key in bytes: from 0 to 2 ** 53. The cache rounds it up. */
export type SizeOf<K extends string = string, V = unknown> = (value: V, key: K) => number

/**
 * Why the cache removed an entry:
 * - `'deleted'`: by `delete`, `pop`, `popOldest` or `popNewest`;
 * - `'evicted'`: to keep a limit, to give memory back, by `evictOldest`, or as too large a value;
 * - `'expired'`: its TTL had passed, if only as it was written, also if it was kept as stale meanwhile;
 * - `'replaced'`: a write stored another value under the key, or was refused as too large;
 * - `'cleared'`: by `clear`;
 * - `'rejected'`: the stored promise rejected.
 */
export type Reason = 'deleted' | 'evicted' | 'expired' | 'replaced' | 'cleared' | 'rejected'

/**
 * A function that the cache calls for each value that it has removed. `sizeBytes` is what the cache
 * charged for the entry. For a stored promise `value` is that promise or, after it has fulfilled,
 * possibly another promise with the same value. An async function may reject: `onError` gets the
 * error.
 */
export type OnDelete<K extends string = string, V = unknown> = (
  key: K,
  value: V,
  reason: Reason,
  sizeBytes: number,
) => void

/**
 * A function that the cache calls with each error that must not break it. `key` is the key of the
 * entry, if the error belongs to one. `source` names what failed:
 * - `'onDelete'`: the hook threw, rejected, or removed entries without end;
 * - `'sweep'`: the background sweep, or `sizeOf` during it;
 * - `'ttl'`: a `ttl` function of `getOrSet` threw or returned no TTL;
 * - `'promise'`: the cache could not subscribe to a stored promise, or `now` threw as it settled;
 * - `'sizeOf'`: the value of a stored promise could not be measured;
 * - `'load'`: a load failed, and no caller got the error;
 * - `'waitUntil'`: that function threw or rejected.
 */
export type OnError = (error: unknown, context: { source: string; key?: string }) => void

/**
 * The options of a cache. All are optional; an option that is `undefined` has its default.
 *
 * A value of the wrong type is a `TypeError`, a number out of range a `RangeError`. Both name the
 * option, the value and what is accepted. An unknown option is a `TypeError`.
 *
 * @example
 * new FaaSCacheDict({ defaultTtl: '5m', maxSizeBytes: '64M', maxItems: 10_000 })
 */
export interface CacheOptions<K extends string = string, V = unknown> {
  /**
   * How long an entry lives after a write: a number of seconds (a fraction is fine), or a string with
   * a unit: `'500ms'`, `'10s'`, `'5m'`, `'2h'`, `'1d'`. `null` or `Infinity`: it never expires. Each
   * write starts the TTL again; a read does not.
   * @default null
   */
  defaultTtl?: Duration | undefined
  /**
   * The part of each TTL by which it is shortened at random, at most: a number from 0 to 1. So entries that
   * were written together do not expire together, nor do those of instances that started together. Dates
   * (`expiresAt`, `expireAt`) are kept as they are.
   * @default 0
   */
  ttlJitter?: number | undefined
  /**
   * The budget of the whole cache in bytes, its own structure included: a whole number; `'64K'`,
   * `'128M'`, `'1.5G'`, `'1T'` in powers of 1024, either case; or a percentage such as `'25%'` of the
   * memory that this process may use. `null` or `Infinity`: no limit. A budget below the 3,060 bytes
   * of an empty cache is a `RangeError`. The budget of one cache does not count what other caches
   * hold: two caches with `'25%'` may use half of the memory. With `memoryGuard`, a cache may hold less
   * while the process is short of memory.
   * @default '25%'
   */
  maxSizeBytes?: ByteSize | undefined
  /**
   * The most that one entry may be charged, as `maxSizeBytes`; a percentage is of `maxSizeBytes`. A larger
   * entry is refused, as `onTooLarge` says, so that it does not flush the others. One that grows beyond it
   * later is evicted. `null`: as much as fits in an empty cache.
   * @default null
   */
  maxEntrySizeBytes?: ByteSize | undefined
  /**
   * The most entries that the cache keeps: a whole number above 0. `null` or `Infinity`: no limit of
   * your own. A cache never keeps more than 8,388,608 entries (2 ** 23), because a `Map` of the engine
   * ends at about twice as many.
   * @default null
   */
  maxItems?: number | null | undefined
  /**
   * Whether the cache gives memory back when the process runs short of it, on Node and Deno. When live
   * memory nears the limit of the engine's heap or of the container, every such cache of the process
   * evicts the same part of what it holds, but keeps a quarter of an equal share; the least recently used
   * entries go first. `onDelete` gets the reason `'evicted'`. Meanwhile a value that fits `maxSizeBytes`, but
   * not `effectiveMaxSizeBytes`, is evicted at once, without an error. The caches may grow again once a
   * collection of the engine has shown that there is room, up to `maxSizeBytes`. Garbage that
   * the engine has not collected yet evicts nothing. `effectiveMaxSizeBytes` of the controller is the
   * budget in force. The guard cannot help while a program writes to no cache and does not return to
   * the event loop.
   * @default true
   */
  memoryGuard?: boolean | undefined
  /**
   * Measures an entry: returns the bytes of value and key, from 0 to 2 ** 53, rounded up. The cache
   * adds the cost of its own structure. If `sizeOf` throws or returns anything else, the write throws
   * a `TypeError` and stores nothing.
   * @default heapSize
   */
  sizeOf?: SizeOf<K, V> | undefined
  /**
   * What happens if an entry is above `maxEntrySizeBytes` or does not fit in an empty cache: `'throw'` throws a `DataTooLargeError`,
   * `'skip'` ignores the write. Both remove an older value under the key and evict nothing else.
   * @default 'throw'
   */
  onTooLarge?: 'throw' | 'skip' | undefined
  /**
   * Called for every value that the cache removes, once the cache has settled. It may use the cache.
   * If it throws, the removal stands and `onError` gets the error. If it keeps removing entries,
   * `onError` gets an error after a million removals in one call, and `onDelete` does not get the rest.
   * @default none
   */
  onDelete?: OnDelete<K, V> | undefined
  /**
   * Called with each error that must not break the cache, such as the error of a hook that throws.
   * @default one `console.warn` for each error
   */
  onError?: OnError | undefined
  /**
   * How long the cache serves a pending promise, whether stored or of `getOrSet`: seconds, or a
   * string with a unit, as `defaultTtl`. After that a stored promise has expired, and the next
   * `getOrSet` starts a new load. `null` or `Infinity`: until it settles.
   * @default '30s'
   */
  pendingTtl?: Duration | undefined
  /**
   * For how long after its TTL `getOrSet` returns a value at once, while it loads a new one in the
   * background: seconds, or a string with a unit, as `defaultTtl`, 0 or more. Everything else takes the
   * entry for expired.
   * @default 0
   */
  staleWhileRevalidate?: Duration | undefined
  /**
   * For how long after its TTL `getOrSet` returns a value if the load fails: as `staleWhileRevalidate`. The
   * larger of the two is how long each entry is kept after its TTL. A stale entry is charged, and leaves
   * before live ones when space is needed.
   * @default 0
   */
  staleIfError?: Duration | undefined
  /**
   * How long a load of `getOrSet` may take before it fails with a `TimeoutError`: seconds above 0, or a
   * string with a unit, as `defaultTtl`. `null`: as long as it takes.
   * @default null
   */
  timeout?: Duration | undefined
  /**
   * How long after a failed load the origin is left alone, while there is a stale value to return: as
   * `defaultTtl`, 0 or more.
   * @default '1s'
   */
  retryAfter?: Duration | undefined
  /**
   * Called with the promise of each load of `getOrSet` that goes on in the background. For platforms that
   * freeze or end a request once it has its response, if their function serves all requests. One of a
   * request belongs in the options of `getOrSet`.
   * @default none
   */
  waitUntil?: WaitUntil | undefined
  /**
   * The time between background sweeps: seconds, or a string with a unit, as `defaultTtl`. `null` or
   * `Infinity`: no sweeps. Without a sweep, expired entries are still never served.
   *
   * A sweep removes expired entries, forgets loads of `getOrSet` that took longer than `pendingTtl`,
   * and measures values again that may have grown in place. The search for growth rests if the cache
   * was not used since the last sweep and that sweep found no growth; the next use wakes it. While it
   * rests, it misses growth through a reference that the program kept. The first sweep after the next
   * use finds that growth, and so does `remeasure`. The sweeps of an unused cache come later each
   * time: it removes an expired entry late by up to a quarter of the time since its last use.
   *
   * So `runAllTimers` of Jest, Vitest and sinon ends, unless `onDelete` writes a new entry with a TTL
   * for each entry that expires.
   * @default '5s'
   */
  sweepInterval?: Duration | undefined
  /**
   * Returns the present time in epoch milliseconds, for tests and simulations. It replaces the clock for
   * TTLs and `pendingTtl`, but not the timer of the sweep. Fake timers work without it. It must not use the
   * cache. If it returns anything but a finite number, the call that reads the time throws a `TypeError`.
   * @default the cache's own clock
   */
  now?: (() => number) | undefined
}

/** The options, checked: times in milliseconds, `Infinity` for no limit. */
export interface Settings {
  defaultTtl: number
  readonly ttlJitter: number
  maxSizeBytes: number
  maxEntrySizeBytes: number
  maxItems: number
  readonly memoryGuard: boolean
  readonly sizeOf: SizeOf
  readonly skipsTooLarge: boolean
  readonly onDelete: OnDelete | undefined
  readonly onError: OnError | undefined
  readonly pendingTtl: number
  readonly sweepInterval: number
  /** For calls of `getOrSet` without options. */
  readonly loadTerms: LoadTerms
  readonly now: (() => number) | undefined
  /** As they were given. */
  readonly given: Given
}

interface Given {
  readonly defaultTtl: unknown
  readonly maxSizeBytes: unknown
  maxEntrySizeBytes: unknown
  readonly maxItems: unknown
}

const OPTIONS: (keyof CacheOptions)[] = [
  'defaultTtl',
  'ttlJitter',
  'maxSizeBytes',
  'maxEntrySizeBytes',
  'maxItems',
  'memoryGuard',
  'sizeOf',
  'onTooLarge',
  'onDelete',
  'onError',
  'pendingTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'timeout',
  'retryAfter',
  'waitUntil',
  'sweepInterval',
  'now',
]

// No table of checks: settings that a loop fills take 450 bytes more in each cache than a literal.
export function settingsFrom(options: unknown): Settings {
  const {
    defaultTtl = null,
    ttlJitter = 0,
    maxSizeBytes = '25%',
    maxEntrySizeBytes = null,
    maxItems = null,
    memoryGuard = true,
    sizeOf = heapSize,
    onTooLarge = 'throw',
    onDelete,
    onError,
    pendingTtl = '30s',
    sweepInterval = '5s',
    now,
    staleWhileRevalidate,
    staleIfError,
    timeout,
    retryAfter,
    waitUntil,
  } = checkedOptions('The options', options, OPTIONS)
  if (onTooLarge !== 'throw' && onTooLarge !== 'skip') {
    throw wrongKind('onTooLarge', "'throw' or 'skip'", onTooLarge)
  }
  if (typeof ttlJitter !== 'number' || !(ttlJitter >= 0 && ttlJitter <= 1)) {
    throw invalidNumber('ttlJitter', 'a number from 0 to 1', ttlJitter, ttlJitter)
  }
  const budget = bytesFrom('maxSizeBytes', maxSizeBytes, knownMemoryLimit)
  return {
    defaultTtl: millisecondsFrom('defaultTtl', defaultTtl),
    ttlJitter,
    maxSizeBytes: budget,
    maxEntrySizeBytes: entryLimitFrom(maxEntrySizeBytes, budget),
    maxItems: itemLimitFrom('maxItems', maxItems),
    memoryGuard: booleanFrom('memoryGuard', memoryGuard),
    sizeOf: functionFrom('sizeOf', sizeOf),
    skipsTooLarge: onTooLarge === 'skip',
    onDelete: functionFrom('onDelete', onDelete),
    onError: functionFrom('onError', onError),
    pendingTtl: millisecondsFrom('pendingTtl', pendingTtl),
    sweepInterval: millisecondsFrom('sweepInterval', sweepInterval),
    loadTerms: loadDefaultsFrom({
      staleWhileRevalidate,
      staleIfError,
      timeout,
      retryAfter,
      waitUntil,
    } as LoadDefaults),
    now: functionFrom('now', now),
    given: { defaultTtl, maxSizeBytes, maxEntrySizeBytes, maxItems },
  }
}
