import { commonLogParser, isCommonLog } from './common-log.ts'
import { csvParser, delimiterOf } from './csv.ts'
import { Failure } from './failure.ts'
import { jsonParser } from './json.ts'
import type { Parser } from './parser.ts'

export const FORMATS = {
  json: { name: 'JSON lines', parser: jsonParser },
  csv: { name: 'CSV', parser: csvParser },
  common: { name: 'common log format', parser: commonLogParser },
} as const satisfies Record<string, { name: string; parser: (fields: string[]) => Parser }>

export type Format = keyof typeof FORMATS

/** The format of a log, from its first lines. */
export function formatOf(name: string, lines: readonly string[]): Format {
  const texts = lines.map((line) => line.trim()).filter((line) => line !== '')
  const [header] = texts
  if (header === undefined) throw new Failure(`${name} is empty`)
  const json = texts.filter((line) => line.startsWith('{')).length
  const common = texts.filter(isCommonLog).length
  if (json + common > 0) return json >= common ? 'json' : 'common'
  if (header.startsWith('[')) {
    throw new Failure(`${name} looks like one JSON array; make lines of it with jq -c '.[]'`)
  }
  if (isText(header) && delimiterOf(header) !== undefined) return 'csv'
  throw new Failure(
    `The first lines of ${name} are neither JSON objects, nor CSV, nor in the common log format; see --format`,
  )
}

/** Whether there are no control characters but tabs, and nothing that is not UTF-8. */
function isText(line: string): boolean {
  return !/[^\P{Cc}\t]|\ufffd/u.test(line)
}
