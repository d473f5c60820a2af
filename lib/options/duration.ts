import { outOfRange, wrongKind } from './refusal.ts'

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
export function milliseconds(name: string, value: unknown): number {
  const duration = millisecondsOf(name, OF_OPTION, value)
  if (duration > 0) return duration
  throw outOfRange(name, OF_OPTION, value)
}

/** The same for one entry. It may be 0 or less, since it is often computed: the entry has expired. */
export function lifetime(name: string, value: unknown): number {
  const duration = millisecondsOf(name, OF_ENTRY, value)
  if (!Number.isNaN(duration)) return duration
  throw outOfRange(name, OF_ENTRY, value)
}

function millisecondsOf(name: string, accepted: string, value: unknown): number {
  if (value === null) return Number.POSITIVE_INFINITY
  const duration = typeof value === 'number' ? value * 1_000 : parsed(value)
  if (duration === undefined) throw wrongKind(name, accepted, value)
  return duration
}

function parsed(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  const match = /^(-?\d+(?:\.\d+)?)(ms|[smhd])$/.exec(text)
  if (match === null) return undefined
  const [, count, unit] = match as unknown as [string, string, string]
  return Number(count) * (UNITS[unit] as number)
}
