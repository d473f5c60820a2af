import { invalidNumber } from './check.ts'
import { memoryLimit } from './memory-limit.ts'

/**
 * A number of bytes: a whole number, a string such as `'64K'`, `'128M'`, `'1.5G'` or `'1T'` (powers of
 * 1024, either case, rounded down to a byte), or a percentage such as `'25%'` of the memory that this
 * process may use. `null` or `Infinity`: no limit.
 */
export type ByteSize = number | string | null

/**
 * A length of time: a number of seconds (a fraction is fine), or a string with a unit: `'500ms'`,
 * `'10s'`, `'5m'`, `'2h'`, `'1d'`. `null` or `Infinity`: no limit. A string without a unit, such as
 * `'10'`, is a `TypeError`.
 */
export type Duration = number | string | null

type Units = Readonly<Record<string, number>>
type NumberAndUnit = [text: string, number: string, unit: string]

const OR_NO_LIMIT = ', or null or Infinity for no limit'
const BYTE_UNITS: Units = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }
const TIME_UNITS: Units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `Infinity` for no limit. */
export function bytesFrom(name: string, value: unknown, whole = memoryLimit): number {
  const accepted =
    "a whole number of bytes above 0, a string such as '64K', '128M', '1.5G' or '1T', a percentage such as '25%'"
  const number = typeof value === 'string' ? bytesIn(value, whole) : value
  return limitFrom(name, accepted, value, number)
}

/** As `bytesFrom`. A percentage is of the budget. */
export function entryLimitFrom(value: unknown, maxSizeBytes: number): number {
  const whole = Math.min(maxSizeBytes, Number.MAX_SAFE_INTEGER)
  const bytes = bytesFrom('maxEntrySizeBytes', value, () => whole)
  // A part of no limit is no limit either.
  return maxSizeBytes === Infinity && String(value).endsWith('%') ? Infinity : bytes
}

/** A number of entries, `Infinity` for no limit. */
export function itemLimitFrom(name: string, value: unknown): number {
  return limitFrom(name, 'a whole number above 0', value, value)
}

function limitFrom(name: string, accepted: string, value: unknown, number: unknown): number {
  if (value === null || value === Infinity) return Infinity
  if (Number.isInteger(number) && (number as number) > 0) return number as number
  throw invalidNumber(name, accepted + OR_NO_LIMIT, value, number)
}

function bytesIn(text: string, whole: () => number): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)([kmgt%])$/.exec(text.toLowerCase())
  if (match === null) return undefined
  const [, number, unit] = match as unknown as NumberAndUnit
  if (unit !== '%') return Math.floor(Number(number) * (BYTE_UNITS[unit] as number))
  return Number(number) > 100 ? NaN : Math.floor((Number(number) / 100) * whole())
}

/** Milliseconds, at least 0, `Infinity` for no limit. */
export function waitFrom(name: string, value: unknown): number {
  return durationFrom(name, 'seconds, 0 or more', 0, value)
}

/** Milliseconds above 0, `Infinity` for no limit. */
export function millisecondsFrom(name: string, value: unknown): number {
  return durationFrom(name, 'seconds above 0', Number.MIN_VALUE, value)
}

/**
 * Milliseconds for one entry, `Infinity` for no limit. A TTL of 0 or less means that the entry has
 * expired already: programs often compute it.
 */
export function ttlFrom(name: string, value: unknown): number {
  return durationFrom(name, 'seconds', -Infinity, value)
}

function durationFrom(name: string, seconds: string, min: number, value: unknown): number {
  const duration = millisecondsIn(value)
  if (duration !== undefined && duration >= min) return duration
  const accepted = `${seconds}, a string with a unit such as '500ms', '10s', '5m', '2h' or '1d'`
  throw invalidNumber(name, accepted + OR_NO_LIMIT, value, duration)
}

function millisecondsIn(value: unknown): number | undefined {
  if (typeof value === 'number') return value * 1_000
  if (value === null) return Infinity
  const match = typeof value === 'string' && /^(-?\d+(?:\.\d+)?)(ms|[smhd])$/.exec(value)
  if (!match) return undefined
  const [, number, unit] = match as unknown as NumberAndUnit
  return Number(number) * (TIME_UNITS[unit] as number)
}

export const ENTRY_SIZE_RANGE = 'a number of bytes from 0 to 2 ** 53'

/** Whether an entry may have this size. Above 2 ** 53 a number cannot represent every whole byte. */
export function isEntrySize(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 2 ** 53
}

/** The size that a write states for its entry, rounded up to a byte. */
export function entrySizeFrom(name: string, value: unknown): number {
  if (isEntrySize(value)) return Math.ceil(value)
  throw invalidNumber(name, ENTRY_SIZE_RANGE, value, value)
}
