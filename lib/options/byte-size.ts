import { memoryLimit } from './memory-limit.ts'
import { outOfRange, wrongKind } from './refusal.ts'

/**
 * Bytes: a whole number, a string such as `'64K'`, `'128M'`, `'1.5G'` or `'1T'` in powers of 1024
 * (either case, rounded down to a byte), or a share such as `'25%'` of the memory that this process
 * may use; `null` or `Infinity` for no limit.
 */
export type ByteSize = number | string | null

const ACCEPTED =
  "a whole number of bytes above 0, a string such as '64K', '128M', '1.5G' or '1T', a share such as '25%', or null or Infinity for no limit"

/** Bytes, `Infinity` for no limit. */
export function byteSize(name: string, value: unknown): number {
  if (value === null || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const bytes = typeof value === 'number' ? value : parsed(value)
  if (bytes === undefined) throw wrongKind(name, ACCEPTED, value)
  if (bytes > 0 && Number.isInteger(bytes)) return bytes
  throw outOfRange(name, ACCEPTED, value)
}

function parsed(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const match = /^(-?\d+(?:\.\d+)?)([kmgt%])$/.exec(text.toLowerCase())
  if (match === null) return undefined
  const [, count, unit] = match as unknown as [string, string, string]
  if (unit !== '%') return Math.floor(Number(count) * 1024 ** ' kmgt'.indexOf(unit))
  const share = Number(count) / 100
  return share <= 1 ? Math.floor(share * memoryLimit()) : Number.NaN
}

/** Above it a number cannot hold every whole byte. */
const MOST_ENTRY_BYTES = 2 ** 53

export const ENTRY_SIZE = 'a number of bytes from 0 to 2 ** 53'

/** Whether it is a size that an entry may have. */
export function isEntrySize(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_ENTRY_BYTES
}

/** The size that a write gives for its entry, rounded up to a byte. */
export function entrySize(name: string, value: unknown): number {
  if (isEntrySize(value)) return Math.ceil(value)
  throw typeof value === 'number'
    ? outOfRange(name, ENTRY_SIZE, value)
    : wrongKind(name, ENTRY_SIZE, value)
}
