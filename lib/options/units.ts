import { outOfRange, wrongKind } from './check.ts'
import { memoryLimit } from './memory-limit.ts'

/**
 * Bytes: a whole number, a string such as `'64K'`, `'128M'`, `'1.5G'` or `'1T'` in powers of 1024
 * (either case, rounded down to a byte), or a share such as `'25%'` of the memory that this process
 * may use; `null` or `Infinity` for no limit.
 */
export type ByteSize = number | string | null

const BYTES =
  "a whole number of bytes above 0, a string such as '64K', '128M', '1.5G' or '1T', a share such as '25%', or null or Infinity for no limit"

/** Bytes, `Infinity` for no limit. */
export function bytesFrom(name: string, value: unknown): number {
  if (value === null || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const bytes = typeof value === 'number' ? value : parsedBytes(value)
  if (bytes === undefined) throw wrongKind(name, BYTES, value)
  if (bytes > 0 && Number.isInteger(bytes)) return bytes
  throw outOfRange(name, BYTES, value)
}

function parsedBytes(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const match = /^(-?\d+(?:\.\d+)?)([kmgt%])$/.exec(text.toLowerCase())
  if (match === null) return undefined
  const [, count, unit] = match as unknown as [string, string, string]
  if (unit !== '%') return Math.floor(Number(count) * 1024 ** ' kmgt'.indexOf(unit))
  const share = Number(count) / 100
  return share <= 1 ? Math.floor(share * memoryLimit()) : Number.NaN
}

/**
 * How long: seconds (a fraction is fine), or a string with a unit, `'500ms'`, `'10s'`, `'5m'`,
 * `'2h'` or `'1d'`; `null` or `Infinity` for no end. `'10'` has no unit and is refused.
 */
export type Duration = number | string | null

const FORMS = "a string with a unit such as '500ms', '10s', '5m', '2h' or '1d', or null for ever"
const OF_OPTION = `seconds above 0, ${FORMS}`
const OF_ENTRY = `seconds, ${FORMS}`

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds, `Infinity` for no end. */
export function millisecondsFrom(name: string, value: unknown): number {
  const duration = durationFrom(name, OF_OPTION, value)
  if (duration > 0) return duration
  throw outOfRange(name, OF_OPTION, value)
}

/** The same for one entry. It may be 0 or less, since it is often computed: the entry has expired. */
export function ttlFrom(name: string, value: unknown): number {
  const duration = durationFrom(name, OF_ENTRY, value)
  if (!Number.isNaN(duration)) return duration
  throw outOfRange(name, OF_ENTRY, value)
}

function durationFrom(name: string, accepted: string, value: unknown): number {
  if (value === null) return Number.POSITIVE_INFINITY
  const duration = typeof value === 'number' ? value * 1_000 : parsedDuration(value)
  if (duration === undefined) throw wrongKind(name, accepted, value)
  return duration
}

function parsedDuration(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const match = /^(-?\d+(?:\.\d+)?)(ms|[smhd])$/.exec(text)
  if (match === null) return undefined
  const [, count, unit] = match as unknown as [string, string, string]
  return Number(count) * (UNITS[unit] as number)
}

/** Above it a number cannot hold every whole byte. */
const MOST_ENTRY_BYTES = 2 ** 53

export const ENTRY_SIZE_RANGE = 'a number of bytes from 0 to 2 ** 53'

/** Whether it is a size that an entry may have. */
export function isEntrySize(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_ENTRY_BYTES
}

/** The size that a write gives for its entry, rounded up to a byte. */
export function entrySizeFrom(name: string, value: unknown): number {
  if (isEntrySize(value)) return Math.ceil(value)
  throw typeof value === 'number'
    ? outOfRange(name, ENTRY_SIZE_RANGE, value)
    : wrongKind(name, ENTRY_SIZE_RANGE, value)
}
