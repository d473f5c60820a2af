import { wrongCommand } from './failure.ts'
import type { Parser } from './parser.ts'

const DELIMITERS = [',', ';', '\t']
/** A longer record has a quote that does not end. */
const MOST_CHARACTERS = 2 ** 16
const MOST_LINES = 16

/** The delimiter that a header has most often outside of quotes, or `undefined`. */
export function delimiterOf(header: string): string | undefined {
  const unquoted = header.replace(/"[^"]*"/g, '')
  const count = (delimiter: string) => unquoted.split(delimiter).length - 1
  const [most] = DELIMITERS.toSorted((a, b) => count(b) - count(a)) as [string]
  return count(most) > 0 ? most : undefined
}

/** Comma-separated values as in RFC 4180, also by semicolons or tabs. The first record names the columns. */
export function csvParser(fields: readonly string[]): Parser {
  let delimiter = ','
  let columns: readonly number[] | undefined
  let pending = ''
  let lines = 0
  return (line) => {
    if (columns === undefined && pending === '') delimiter = delimiterOf(line) ?? ','
    lines = pending === '' ? 1 : lines + 1
    const isWhole = lines === 1 || line.includes('"')
    pending = pending === '' ? line : `${pending}\n${line}`
    const values = isWhole ? valuesOf(pending, delimiter) : undefined
    if (values === undefined) {
      if (pending.length < MOST_CHARACTERS && lines < MOST_LINES) return undefined
      pending = ''
      return 'a quote that is not closed'
    }
    pending = ''
    if (columns === undefined) {
      columns = columnsOf(fields, values)
      return undefined
    }
    return columns.map((at) => values[at])
  }
}

function columnsOf(fields: readonly string[], header: readonly string[]): number[] {
  const names = header.map((name) => name.trim())
  return fields.map((field) => {
    const at = names.indexOf(field)
    if (at >= 0) return at
    throw wrongCommand(`No column "${field}"; the columns are ${names.join(', ')}`)
  })
}

/** `undefined` if a quote is not closed. */
function valuesOf(record: string, delimiter: string): string[] | undefined {
  if (!record.includes('"')) return record.split(delimiter)
  const values: string[] = []
  for (let at = 0; ; at++) {
    let value = ''
    if (record[at] === '"') {
      const end = closingQuote(record, at + 1)
      if (end < 0) return undefined
      value = record.slice(at + 1, end).replaceAll('""', '"')
      at = end + 1
    }
    const next = record.indexOf(delimiter, at)
    values.push(value + record.slice(at, next < 0 ? undefined : next))
    if (next < 0) return values
    at = next
  }
}

/** The index of the next quote that is not doubled, or -1. */
function closingQuote(record: string, from: number): number {
  let at = record.indexOf('"', from)
  while (at >= 0 && record[at + 1] === '"') at = record.indexOf('"', at + 2)
  return at
}
