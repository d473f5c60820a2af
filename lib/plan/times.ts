const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const COMMON = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d)(\d\d))?$/
const ISO =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?: ?Z| ?([+-]\d\d)(?::?(\d\d))?)?)?$/i
const NUMBER = /^\d+(?:\.\d+)?$/

/** Epoch seconds stay below 1e11 until the year 5138. Milliseconds, micro- and nanoseconds follow. */
const FIRST_MILLISECONDS = 1e11
/** In nanoseconds, the same moment. */
const END = 1e20

/** Epoch milliseconds, or `undefined` for what is no time. Times without a zone are UTC. */
export function timeFrom(value: unknown): number | undefined {
  if (typeof value === 'number') return epochFrom(value)
  if (typeof value !== 'string') return undefined
  if (NUMBER.test(value)) return epochFrom(Number(value))
  return value[2] === '/' ? commonTimeFrom(value) : isoTimeFrom(value)
}

function epochFrom(value: number): number | undefined {
  if (!(value >= 0 && value < END)) return undefined
  if (value < FIRST_MILLISECONDS) return value * 1_000
  let milliseconds = value
  while (milliseconds >= FIRST_MILLISECONDS * 1_000) milliseconds /= 1_000
  return milliseconds
}

/** A time of the common log format, such as `17/May/2015:10:05:03 +0000`. */
function commonTimeFrom(text: string): number | undefined {
  const match = COMMON.exec(text)
  if (match === null) return undefined
  const [, day, name, year, hour, minute, second, sign, zoneHours, zoneMinutes] = match
  const month = MONTHS.indexOf(name as string) / 3
  if (!Number.isInteger(month) || month < 0 || Number(day) > 31) return undefined
  const zone = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * 60_000
  const local = Date.UTC(
    Number(year),
    month,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  return sign === '-' ? local + zone : local - zone
}

function isoTimeFrom(text: string): number | undefined {
  const match = ISO.exec(text)
  if (match === null) return undefined
  const [, day, time = '00:00', hours = '+00', minutes = '00'] = match
  const epoch = Date.parse(`${day}T${time}${hours}:${minutes}`)
  return Number.isNaN(epoch) ? undefined : epoch
}
