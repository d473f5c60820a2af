import { wrongCommand } from './failure.ts'
import type { Parser } from './parser.ts'

const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"'
const LINE = new RegExp(
  `^(\\S+) \\S+ (\\S.*?) \\[([^\\]]+)\\] ${QUOTED} (\\d{3}|-) (\\d+|-)(?: ${QUOTED} ${QUOTED})?`,
)
const REQUEST = /^([A-Z]+) (\S.*?)(?: HTTP\/\d(?:\.\d)?)?$/

/** Where each field is among the groups of `LINE`, followed by those of `REQUEST`. */
const GROUPS: Readonly<Record<string, number>> = {
  host: 1,
  user: 2,
  time: 3,
  status: 5,
  bytes: 6,
  referer: 7,
  agent: 8,
  method: 10,
  path: 11,
}

export function isCommonLog(line: string): boolean {
  return LINE.test(line)
}

/** The common log format, or the combined one, which adds the referer and the agent. */
export function commonLogParser(fields: readonly string[]): Parser {
  const unknown = fields.find((field) => !Object.hasOwn(GROUPS, field))
  if (unknown !== undefined) {
    throw wrongCommand(
      `The common log format has no field "${unknown}"; its fields are ${Object.keys(GROUPS).join(', ')}`,
    )
  }
  const groups = fields.map((field) => GROUPS[field] as number)
  const needsRequest = fields.includes('method') || fields.includes('path')
  return (line) => {
    const match = LINE.exec(line)
    if (match === null) return 'not in the common log format'
    const request = needsRequest ? REQUEST.exec(match[4] as string) : []
    if (request === null) return 'no HTTP request'
    const all = [...match, ...request]
    // A response without a body has a dash for its bytes.
    return groups.map((at) => (at === GROUPS['bytes'] && all[at] === '-' ? 0 : all[at]))
  }
}
