import { type ByteSize, byteSize } from './byte-size.ts'
import { refuseUnknown } from './known.ts'
import { outOfRange, wrongKind } from './refusal.ts'

/** New limits of a cache. One that is absent or `undefined` stays as it is; `null` is none. */
export interface Limits {
  /** As the option of this name. */
  maxSizeBytes?: ByteSize | undefined
  /** As the option of this name. */
  maxItems?: number | null | undefined
}

/** Entries, `Infinity` for no limit. */
export function itemLimit(name: string, value: unknown): number {
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
  const { maxSizeBytes, maxItems } = refuseUnknown('The limits', limits, [
    'maxSizeBytes',
    'maxItems',
  ])
  return {
    maxSizeBytes: maxSizeBytes === undefined ? undefined : byteSize('maxSizeBytes', maxSizeBytes),
    maxItems: maxItems === undefined ? undefined : itemLimit('maxItems', maxItems),
    givenSizeBytes: maxSizeBytes,
  }
}
