import { formatValue } from '../options/check.ts'
import { isEntrySize } from '../options/units.ts'
import type { Arguments } from './arguments.ts'
import { wrongCommand } from './failure.ts'
import { FORMATS, type Format } from './format.ts'
import { timeFrom } from './times.ts'

/** What a handler asks its cache for. */
export interface Use {
  key: string
  /** As logged. */
  bytes: number
  /** Epoch milliseconds; 0 without a field for the time. */
  time: number
  /** Milliseconds, `Infinity` for never. */
  ttl: number
}

/** Gives a use; or text, the reason why the line is not one; or `undefined` for no record. */
export type UseReader = (line: string) => Use | string | undefined

const BETWEEN_PARTS = '\0'

/** The arguments, with the defaults of the format. */
export function termsOf(given: Arguments, format: Format) {
  const isLog = format === 'common'
  const key = given.key ?? (isLog ? ['path'] : undefined)
  const bytes = given.bytes ?? (isLog ? 'bytes' : undefined)
  const time = given.time ?? (isLog ? 'time' : undefined)
  const { name } = FORMATS[format]
  if (key === undefined) throw wrongCommand(`${name}: --key must name a field`)
  if (bytes === undefined) throw wrongCommand(`${name}: --bytes must name a field or be a size`)
  if (time === undefined && given.ttl !== undefined) throw wrongCommand('--ttl needs --time')
  if (time === undefined && given.recycle < Infinity) throw wrongCommand('--recycle needs --time')
  return { key, bytes, time, ttl: given.ttl ?? Infinity }
}

export function useReader(given: Arguments, format: Format): UseReader {
  const { key, bytes, time, ttl } = termsOf(given, format)
  const fields = [...key]
  const indexOf = (field: string | number | undefined) =>
    typeof field === 'string' ? fields.push(field) - 1 : -1
  const bytesAt = indexOf(bytes)
  const timeAt = indexOf(time)
  const ttlAt = indexOf(ttl)
  const parse = FORMATS[format].parser(fields)

  /** Text is the reason why there is no key. */
  const keyIn = (values: readonly unknown[]) => {
    let text = ''
    for (let at = 0; at < key.length; at++) {
      const value = values[at]
      if (typeof value === 'object' || value === undefined) return undefined
      text += at === 0 ? value : BETWEEN_PARTS + value
    }
    return text
  }
  const wrong = (at: number, accepted: string, value: unknown) =>
    value === undefined
      ? `no field "${fields[at]}"`
      : `"${fields[at]}" is not ${accepted}: ${formatValue(value)}`

  return (line) => {
    const values = parse(line)
    if (typeof values !== 'object') return values
    const text = keyIn(values)
    if (text === undefined) {
      const at = key.findIndex(
        (_, at) => typeof values[at] === 'object' || values[at] === undefined,
      )
      return wrong(at, 'text or a number', values[at])
    }
    const size = bytesAt < 0 ? (bytes as number) : numberFrom(values[bytesAt])
    if (!isEntrySize(size)) return wrong(bytesAt, 'a number of bytes', values[bytesAt])
    const epoch = timeAt < 0 ? 0 : timeFrom(values[timeAt])
    if (epoch === undefined) return wrong(timeAt, 'a time', values[timeAt])
    const lives = ttlAt < 0 ? (ttl as number) : secondsFrom(values[ttlAt])
    if (Number.isNaN(lives)) return wrong(ttlAt, 'a number of seconds', values[ttlAt])
    return { key: text, bytes: size, time: epoch, ttl: lives }
  }
}

function numberFrom(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\s*-?\d/.test(value) ? Number(value) : NaN
}

/** Milliseconds. Without a TTL, an entry never expires. */
function secondsFrom(value: unknown): number {
  if (value === undefined || value === null || value === '') return Infinity
  return numberFrom(value) * 1_000
}
