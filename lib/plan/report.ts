import { A_POINT } from '../advisor/report.ts'
import {
  budgetText,
  bytesText,
  counted,
  durationText,
  momentText,
  percent,
  whole,
} from '../figures.ts'
import type { Arguments } from './arguments.ts'
import type { Point } from './fleet.ts'
import { FORMATS } from './format.ts'
import type { Simulation } from './simulation.ts'

const HEAD = ['budget', 'hit rate', 'origin calls', 'origin bytes']
const MARK = '->'

export function reportOf(
  given: Arguments,
  simulation: Simulation,
  points: readonly Point[],
  recommended: Point | undefined,
): string {
  const paragraphs = [
    [sourceText(given.name, simulation), ...timeLines(simulation), ...termLines(given, simulation)],
    tableLines(points, recommended),
    adviceLines(points, recommended),
    notes(given, points),
  ]
  return paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n')
}

/** What was read, in one line. */
export function sourceText(name: string, { format, lines, fleet }: Simulation): string {
  const { uses, keys, bytes } = fleet
  const about = keys.isExact ? '' : 'about '
  return `${name}: ${FORMATS[format].name}, ${counted(lines, 'line')}, ${counted(uses, 'use')} of ${about}${counted(keys.count, 'key')}, ${bytesText(bytes)}`
}

function timeLines({ time: { first, last, mostBack } }: Simulation): string[] {
  if (last === 0) return []
  const span = `${momentText(first)} to ${momentText(last)} UTC, ${durationText(last - first)}`
  if (mostBack === 0) return [span]
  return [
    span,
    `Times go back by up to ${durationText(mostBack)}. Such a use is taken at the latest time before it.`,
  ]
}

/** What was assumed. */
function termLines(given: Arguments, { fleet }: Simulation): string[] {
  const { instances, recycle, maxEntry, ttl, scale } = given
  const lines: string[] = []
  if (typeof ttl === 'number' && ttl < Infinity) lines.push(`TTL ${durationText(ttl)}`)
  if (typeof ttl === 'string') lines.push(`TTL by the field ${ttl}`)
  if (scale !== 1) lines.push(`${whole(scale)} times the logged bytes`)
  if (instances > 1) {
    const part = instances > fleet.simulated ? `; ${fleet.simulated} of them are simulated` : ''
    lines.push(`${whole(instances)} instances, each with a cache of this budget${part}`)
  }
  if (recycle < Infinity) lines.push(`A new instance replaces each after ${durationText(recycle)}`)
  if (maxEntry < Infinity) lines.push(`Entries above ${bytesText(maxEntry)} are not stored`)
  return lines
}

function tableLines(points: readonly Point[], recommended: Point | undefined): string[] {
  const rows = points.map((point) => [
    bytesText(point.maxSizeBytes),
    percent(point.hitRate),
    whole(point.originCalls),
    bytesText(point.originBytes),
  ])
  const widths = HEAD.map((_, at) =>
    Math.max(...[HEAD, ...rows].map((row) => (row[at] as string).length)),
  )
  const line = (cells: readonly string[], mark: string) =>
    [mark, ...cells.map((cell, at) => cell.padStart(widths[at] as number))].join('  ')
  const blank = ' '.repeat(MARK.length)
  return [
    line(HEAD, blank),
    ...rows.map((row, at) => line(row, points[at] === recommended ? MARK : blank)),
  ]
}

function adviceLines(points: readonly Point[], recommended: Point | undefined): string[] {
  if (recommended === undefined) {
    return ['No budget has hits: no key is used again, or only once it has expired.']
  }
  const best = points.reduce((a, b) => (b.hitRate > a.hitRate ? b : a))
  const option = `maxSizeBytes: ${budgetText(recommended.maxSizeBytes)}`
  if (best === recommended) return [option, 'No other budget here has a higher hit rate.']
  const why = `Its hit rate is within a point of the best, ${percent(best.hitRate)} with ${bytesText(best.maxSizeBytes)}.`
  return [option, why]
}

function notes({ scale, bytes, maxEntry }: Arguments, points: readonly Point[]): string[] {
  const falls = points.some(({ hitRate }, at) => hitRate < (points[at - 1]?.hitRate ?? 0) - A_POINT)
  const lines: string[] = []
  const estimates = points.filter(({ share }) => share < 1)
  const [first] = estimates
  if (first !== undefined) {
    const least = Math.min(...estimates.map(({ share }) => share))
    lines.push(
      `From ${bytesText(first.maxSizeBytes)} on, these are estimates from a sample of the keys: at least 1 in ${whole(1 / least)}.`,
    )
  }
  if (falls && maxEntry === Infinity) {
    lines.push(
      'A larger budget has a lower hit rate where it stores very large entries: see --max-entry.',
    )
  }
  if (scale === 1 && typeof bytes !== 'number') {
    lines.push(
      'Values are charged as logged. A parsed one takes more memory than its text: see --scale.',
    )
  }
  return lines
}
