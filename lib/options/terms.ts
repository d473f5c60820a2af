import { isFakeTimeBefore } from '../time/clock.ts'
import { checkedOptions, invalidNumber } from './check.ts'
import type { Settings } from './options.ts'
import {
  type ByteSize,
  bytesFrom,
  type Duration,
  entryLimitFrom,
  entrySizeFrom,
  itemLimitFrom,
  ttlFrom,
} from './units.ts'

/**
 * The options of `set`, for one entry. An option that is `undefined` has its default. A value of the
 * wrong type is a `TypeError`, a number out of range a `RangeError`, an unknown option a `TypeError`.
 *
 * @example
 * controller.set('token', token, { ttl: '5m' })
 * controller.set('session', session, { expiresAt: Date.UTC(2030, 0, 1) })
 */
export interface WriteOptions {
  /**
   * How long the entry lives: a number of seconds, or a string with a unit such as `'5m'`. `null` or
   * `Infinity`: it never expires. A TTL of 0 or less means that the entry has expired already: the
   * cache counts the write and an expiration, and keeps nothing. A `TypeError` together with
   * `expiresAt`.
   * @default the option `defaultTtl` of the cache
   */
  ttl?: Duration | undefined
  /**
   * When the entry expires, by the wall clock: a `Date` or a number of epoch milliseconds. A time in
   * the past means that the entry has expired already, as with a `ttl` of 0. A time below 1e11 (March
   * 1973) looks like epoch seconds and is a `RangeError`. A `TypeError` together with `ttl`.
   * @default none: `ttl` decides
   */
  expiresAt?: Date | number | undefined
  /**
   * The size of key and value in bytes, from 0 to 2 ** 53, rounded up. The cache then does not call
   * `sizeOf`, and `remeasure` and the sweep do not measure the entry again. The cache adds the cost
   * of its own structure.
   * @default what `sizeOf` returns
   */
  sizeBytes?: number | undefined
}

/** Checked write options, `undefined` for each that is absent. */
export interface WriteTerms {
  /** Milliseconds, `Infinity` for no limit. */
  readonly ttl: number | undefined
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined
  readonly sizeBytes: number | undefined
  /** Whole milliseconds for which the value is kept beyond its deadline. */
  readonly window: number | undefined
}

export const DEFAULT_TERMS: WriteTerms = {
  ttl: undefined,
  expiresAt: undefined,
  sizeBytes: undefined,
  window: undefined,
}
const WRITE_OPTIONS = ['ttl', 'expiresAt', 'sizeBytes']

// Each option by name: a table of checks made a write with a TTL twice as slow.
export function writeTermsFrom(options: unknown): WriteTerms {
  const { ttl, expiresAt, sizeBytes } = checkedOptions('The write options', options, WRITE_OPTIONS)
  if (ttl !== undefined && expiresAt !== undefined) {
    throw new TypeError('A write takes either ttl or expiresAt, not both')
  }
  return {
    ttl: ttl === undefined ? undefined : ttlFrom('ttl', ttl),
    expiresAt: expiresAt === undefined ? undefined : instantFrom('expiresAt', expiresAt),
    sizeBytes: sizeBytes === undefined ? undefined : entrySizeFrom('sizeBytes', sizeBytes),
    window: undefined,
  }
}

/** March 1973 in epoch milliseconds. In epoch seconds it is the year 5138. */
const MIN_INSTANT = 1e11

/** Epoch milliseconds of a number, or of a `Date` of any realm. */
export function instantFrom(name: string, value: unknown): number {
  const time = typeof value === 'number' ? value : timeOf(value)
  const isAccepted =
    Number.isFinite(time) && ((time as number) >= MIN_INSTANT || isFakeTimeBefore(MIN_INSTANT))
  if (isAccepted) return time as number
  const accepted =
    'a valid Date or epoch milliseconds of at least 1e11 (March 1973), not seconds (if the option now counts from 0, use a TTL)'
  throw invalidNumber(name, accepted, time ?? value, time)
}

function timeOf(date: unknown): number | undefined {
  try {
    return Date.prototype.getTime.call(date)
  } catch {
    return undefined
  }
}

/**
 * The new limits for `resize`. A limit that is absent or `undefined` does not change.
 *
 * @example
 * controller.resize({ maxSizeBytes: '64M', maxItems: null })
 */
export interface Limits {
  /** As the option `maxSizeBytes` of the cache. `null` or `Infinity`: no limit. */
  maxSizeBytes?: ByteSize | undefined
  /**
   * As the option `maxEntrySizeBytes` of the cache: a percentage is of the new `maxSizeBytes`. `null`: no
   * limit of its own.
   */
  maxEntrySizeBytes?: ByteSize | undefined
  /** As the option `maxItems` of the cache. `null` or `Infinity`: no limit. */
  maxItems?: number | null | undefined
}

/** Limits as numbers, `Infinity` for no limit. */
export interface NewLimits {
  readonly maxSizeBytes: number
  readonly maxEntrySizeBytes: number
  readonly maxItems: number
  /** As they were given, for an error message and for the next change. */
  readonly givenSizeBytes: unknown
  readonly givenEntrySizeBytes: unknown
}

/** A limit that is not given stays. */
export function limitsFrom(limits: unknown, settings: Settings): NewLimits {
  const { maxSizeBytes, maxEntrySizeBytes, maxItems } = checkedOptions('The limits', limits, [
    'maxSizeBytes',
    'maxEntrySizeBytes',
    'maxItems',
  ])
  const budget =
    maxSizeBytes === undefined ? settings.maxSizeBytes : bytesFrom('maxSizeBytes', maxSizeBytes)
  const givenEntrySizeBytes =
    maxEntrySizeBytes === undefined ? settings.given.maxEntrySizeBytes : maxEntrySizeBytes
  return {
    maxSizeBytes: budget,
    maxEntrySizeBytes: entryLimitFrom(givenEntrySizeBytes, budget),
    maxItems: maxItems === undefined ? settings.maxItems : itemLimitFrom('maxItems', maxItems),
    givenSizeBytes: maxSizeBytes,
    givenEntrySizeBytes,
  }
}
