import { entrySize } from './byte-size.ts'
import { type Duration, milliseconds } from './duration.ts'
import { refuseUnknown } from './known.ts'
import { outOfRange, wrongKind } from './refusal.ts'

/** What one write may say of its entry. */
export interface WriteOptions {
  /** How long the entry lives, instead of `defaultTtl`. Not together with `expiresAt`. */
  ttl?: Duration | undefined
  /** When the entry expires: a `Date` or epoch milliseconds. Not together with `ttl`. */
  expiresAt?: Date | number | undefined
  /**
   * Bytes of value and key instead of what `sizeOf` says: from 0 to 2 ** 53, rounded up. What the
   * cache's own structure costs comes on top.
   */
  sizeBytes?: number | undefined
}

/** What a write said of its entry, checked; `undefined` where it said nothing. */
export interface WriteTerms {
  /** Milliseconds, `Infinity` for ever. */
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
  const { ttl, expiresAt, sizeBytes } = refuseUnknown('The write options', options, [
    'ttl',
    'expiresAt',
    'sizeBytes',
  ])
  if (ttl !== undefined && expiresAt !== undefined) {
    throw new TypeError('A write takes either ttl or expiresAt, not both')
  }
  return {
    ttl: ttl === undefined ? undefined : milliseconds('ttl', ttl),
    expiresAt: expiresAt === undefined ? undefined : instant('expiresAt', expiresAt),
    sizeBytes: sizeBytes === undefined ? undefined : entrySize('sizeBytes', sizeBytes),
  }
}

/** Epoch milliseconds of a number or of a `Date` of any realm. */
export function instant(name: string, value: unknown): number {
  const accepted = 'a valid Date or epoch milliseconds'
  let time = value
  try {
    time = Date.prototype.getTime.call(value)
  } catch {}
  if (typeof time !== 'number') throw wrongKind(name, accepted, value)
  if (Math.abs(time) < Number.POSITIVE_INFINITY) return time
  throw outOfRange(name, accepted, value)
}
