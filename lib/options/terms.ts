import { isFakeTimeBefore } from '../time/clock.ts'
import { checkedOptions, outOfRange, wrongKind } from './check.ts'
import { type ByteSize, bytesFrom, type Duration, entrySizeFrom, ttlFrom } from './units.ts'

/** What one write may say of its entry. */
export interface WriteOptions {
  /**
   * How long the entry lives, instead of `defaultTtl`. If it is 0 or less, the entry has expired
   * already and is not kept. Not together with `expiresAt`.
   */
  ttl?: Duration | undefined
  /**
   * When the entry expires: a `Date` or epoch milliseconds. If it is in the past, the entry has expired
   * already and is not kept. A time below 1e11 is taken for seconds and throws a `RangeError`. Not
   * together with `ttl`.
   */
  expiresAt?: Date | number | undefined
  /**
   * Bytes of value and key instead of what `sizeOf` says: from 0 to 2 ** 53, rounded up. The cost of
   * the cache's own structure is added.
   */
  sizeBytes?: number | undefined
}

/** What a write said of its entry, checked; `undefined` where it said nothing. */
export interface WriteTerms {
  /** Milliseconds, `Infinity` for no end. */
  readonly ttl: number | undefined
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined
  readonly sizeBytes: number | undefined
}

export const DEFAULT_TERMS: WriteTerms = {
  ttl: undefined,
  expiresAt: undefined,
  sizeBytes: undefined,
}

export function writeTermsFrom(options: unknown): WriteTerms {
  const { ttl, expiresAt, sizeBytes } = checkedOptions('The write options', options, [
    'ttl',
    'expiresAt',
    'sizeBytes',
  ])
  if (ttl !== undefined && expiresAt !== undefined) {
    throw new TypeError('A write takes either ttl or expiresAt, not both')
  }
  return {
    ttl: ttl === undefined ? undefined : ttlFrom('ttl', ttl),
    expiresAt: expiresAt === undefined ? undefined : instantFrom('expiresAt', expiresAt),
    sizeBytes: sizeBytes === undefined ? undefined : entrySizeFrom('sizeBytes', sizeBytes),
  }
}

/** March 1973. A time below it is in seconds, or of a clock that counts from 0. */
const EARLIEST = 1e11

/** Epoch milliseconds of a number or of a `Date` of any realm. */
export function instantFrom(name: string, value: unknown): number {
  const accepted = 'a valid Date or epoch milliseconds'
  const time = typeof value === 'number' ? value : timeOf(value)
  if (time === undefined) throw wrongKind(name, accepted, value)
  if (!(Math.abs(time) < Number.POSITIVE_INFINITY)) throw outOfRange(name, accepted, value)
  if (time >= EARLIEST || isFakeTimeBefore(EARLIEST)) return time
  const hint = 'multiply seconds by 1000; with a now option that counts from 0, use a ttl'
  throw outOfRange(name, `${accepted}, at least ${EARLIEST} (March 1973): ${hint}`, time)
}

function timeOf(date: unknown): number | undefined {
  try {
    return Date.prototype.getTime.call(date)
  } catch {
    return undefined
  }
}

/** New limits of a cache. One that is absent or `undefined` stays as it is; `null` is none. */
export interface Limits {
  /** As the option of this name. */
  maxSizeBytes?: ByteSize | undefined
  /** As the option of this name. */
  maxItems?: number | null | undefined
}

/** Entries, `Infinity` for no limit. */
export function itemLimitFrom(name: string, value: unknown): number {
  if (value === null || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const accepted = 'a whole number above 0, or null or Infinity for no limit'
  if (typeof value !== 'number') throw wrongKind(name, accepted, value)
  if (value > 0 && Number.isInteger(value)) return value
  throw outOfRange(name, accepted, value)
}

/** The limits, checked: `undefined` for one that stays, `Infinity` for none. */
export function limitsFrom(limits: unknown): {
  maxSizeBytes: number | undefined
  maxItems: number | undefined
  /** As it was given, for a message. */
  givenSizeBytes: unknown
} {
  const { maxSizeBytes, maxItems } = checkedOptions('The limits', limits, [
    'maxSizeBytes',
    'maxItems',
  ])
  return {
    maxSizeBytes: maxSizeBytes === undefined ? undefined : bytesFrom('maxSizeBytes', maxSizeBytes),
    maxItems: maxItems === undefined ? undefined : itemLimitFrom('maxItems', maxItems),
    givenSizeBytes: maxSizeBytes,
  }
}
