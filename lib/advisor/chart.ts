import { bytesText, percent, whole } from '../figures.ts'
import type { AdvisorReport } from './report.ts'

const BAR = 24
const EIGHTHS = ' ▏▎▍▌▋▊▉'
const NOW = 'now →'
const FEW_USES = 1_000

/** A report as plain text, a line for each budget. */
export function chartOf({ points, recommended, uses }: AdvisorReport, present: number): string {
  const rows = points.map(({ maxSizeBytes, hitRate, loadsSaved, msSaved }) => [
    maxSizeBytes === present ? NOW : '',
    bytesText(maxSizeBytes),
    bar(hitRate),
    percent(hitRate),
    whole(loadsSaved),
    timeText(msSaved),
  ])
  const table = [['', 'maxSizeBytes', '', 'hit rate', 'loads saved', 'time saved'], ...rows]
  const widths = (table[0] as string[]).map((_, column) =>
    Math.max(...table.map((row) => (row[column] as string).length)),
  )
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 2
          ? cell.padEnd(widths[column] as number)
          : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  )
  return [...lines, advice(points, recommended, uses, present)].join('\n')
}

function advice(
  points: AdvisorReport['points'],
  recommended: number,
  uses: number,
  present: number,
): string {
  if (uses === 0) return 'No uses yet.'
  const rateAt = (bytes: number) =>
    percent(points.find(({ maxSizeBytes }) => maxSizeBytes === bytes)?.hitRate as number)
  const isPresent = recommended === present
  const change = isPresent
    ? `keep maxSizeBytes at ${bytesText(present)}: ${rateAt(present)} of ${whole(uses)} uses are hits`
    : `maxSizeBytes: '${bytesText(recommended)}': ${rateAt(recommended)} of ${whole(uses)} uses would be hits, now ${rateAt(present)}`
  const doubt = uses < FEW_USES ? ' (few uses yet)' : ''
  return `Recommended: ${change}${doubt}.`
}

function bar(rate: number): string {
  const eighths = Math.round(rate * BAR * 8)
  return `${'█'.repeat(eighths >> 3)}${EIGHTHS[eighths & 7]}`.trimEnd()
}

function timeText(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1_000) return `${Math.round(ms)} ms`
  if (size < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  return size < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}
