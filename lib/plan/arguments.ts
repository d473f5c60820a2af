import { parseArgs } from 'node:util'
import { bytesFrom, ENTRY_SIZE_RANGE, isEntrySize, millisecondsFrom } from '../options/units.ts'
import { EMPTY_BYTES } from '../table/table.ts'
import { wrongCommand } from './failure.ts'
import { FORMATS, type Format } from './format.ts'

/** What the command line says. `undefined` where it says nothing. */
export interface Arguments {
  /** `-` for standard input. */
  file: string
  /** Of the file, for messages. */
  name: string
  format: Format | undefined
  key: readonly string[] | undefined
  /** A field, or a number of bytes. */
  bytes: string | number | undefined
  time: string | undefined
  /** A field, or milliseconds. */
  ttl: string | number | undefined
  scale: number
  instances: number
  /** Milliseconds, `Infinity` for never. */
  recycle: number
  budgets: readonly number[] | undefined
  /** The most bytes of an entry, `Infinity` for no limit. */
  maxEntry: number
  svg: string | undefined
}

const text = { type: 'string' } as const
const OPTIONS = {
  key: text,
  bytes: text,
  time: text,
  ttl: text,
  scale: text,
  instances: text,
  recycle: text,
  budgets: text,
  'max-entry': text,
  format: text,
  svg: text,
  help: { type: 'boolean', short: 'h' },
} as const

/** `undefined` if the command asks for help. */
export function argumentsFrom(words: readonly string[]): Arguments | undefined {
  const { values, positionals } = parsed(words)
  const [command, file, another] = positionals
  if (values.help || words.length === 0) return undefined
  if (command !== 'plan') {
    throw wrongCommand(
      `${command === undefined ? 'No command' : `Unknown command "${command}"`}; there is one, plan`,
    )
  }
  if (file === undefined) throw wrongCommand('plan needs a file, or - for standard input')
  if (another !== undefined) {
    throw wrongCommand(
      `plan reads one file; to read several: cat ${file} ${another} | npx faas-cache-dict plan -`,
    )
  }
  for (const [name, value] of Object.entries(values)) {
    if (value === '') throw wrongCommand(`--${name} is empty`)
  }
  if (values.key?.split(',').includes('')) throw wrongCommand('--key has an empty part')
  const maxEntry = values['max-entry']
  const { key, bytes, time, ttl, scale, instances, recycle, budgets, format, svg } = values
  return {
    file,
    // Without what a terminal would obey, and what no XML can hold.
    name: file === '-' ? 'standard input' : file.replace(/\p{Cc}/gu, '\ufffd'),
    format: format === undefined ? undefined : formatIn(format),
    key: key?.split(','),
    bytes: isFigure(bytes) ? entryBytesIn(bytes) : bytes,
    time,
    ttl: isFigure(ttl) ? durationIn('ttl', ttl) : ttl,
    scale: scale === undefined ? 1 : numberIn('scale', scale),
    instances: instances === undefined ? 1 : countIn('instances', instances),
    recycle: recycle === undefined ? Infinity : durationIn('recycle', recycle),
    budgets: budgets === undefined ? undefined : budgetsIn(budgets),
    maxEntry: maxEntry === undefined ? Infinity : bytesIn('max-entry', maxEntry),
    svg,
  }
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    // The message goes on with advice for positional arguments.
    throw wrongCommand((error as Error).message.split(/\.\s/)[0] as string)
  }
}

/** A value that begins with a digit is no name of a field. */
function isFigure(value: string | undefined): value is string {
  return value !== undefined && /^[-.]?\d/.test(value)
}

function bytesIn(option: string, given: string): number {
  const accepted = 'bytes, or a size such as 64K, 128M or 1.5G'
  return checked(option, accepted, given, () =>
    bytesFrom(option, /^\d+$/.test(given) ? Number(given) : given, () => NaN),
  )
}

function entryBytesIn(given: string): number {
  const bytes = bytesIn('bytes', given)
  if (isEntrySize(bytes)) return bytes
  throw wrongCommand(`--bytes takes ${ENTRY_SIZE_RANGE}; got "${given}"`)
}

function durationIn(option: string, given: string): number {
  const accepted = 'a time with a unit, such as 500ms, 10s, 5m, 2h or 1d'
  return checked(option, accepted, given, () => millisecondsFrom(option, given))
}

function checked<Result>(option: string, accepted: string, given: string, read: () => Result) {
  try {
    return read()
  } catch {
    throw wrongCommand(`--${option} takes ${accepted}; got "${given}"`)
  }
}

function numberIn(option: string, given: string): number {
  const number = /^\d+(\.\d+)?$/.test(given) ? Number(given) : 0
  if (number > 0) return number
  throw wrongCommand(`--${option} takes a number above 0; got "${given}"`)
}

function countIn(option: string, given: string): number {
  const number = /^\d+$/.test(given) ? Number(given) : 0
  if (number > 0) return number
  throw wrongCommand(`--${option} takes a whole number above 0; got "${given}"`)
}

function budgetsIn(given: string): number[] {
  const budgets = given.split(',').map((size) => bytesIn('budgets', size))
  const small = budgets.find((budget) => budget <= EMPTY_BYTES)
  if (small !== undefined) {
    throw wrongCommand(
      `An empty cache takes ${EMPTY_BYTES} bytes, so --budgets cannot have ${small}`,
    )
  }
  return [...new Set(budgets)].sort((a, b) => a - b)
}

function formatIn(given: string): Format {
  if (Object.hasOwn(FORMATS, given)) return given as Format
  throw wrongCommand(`--format takes ${Object.keys(FORMATS).join(', ')}; got "${given}"`)
}
