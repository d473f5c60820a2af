import type { Readable } from 'node:stream'
import type { Arguments } from './arguments.ts'
import { BadLines } from './bad-lines.ts'
import { POWERS_OF_TWO } from './budgets.ts'
import { Fleet } from './fleet.ts'
import { type Format, formatOf } from './format.ts'
import { linesOf, MOST_CHARACTERS } from './lines.ts'
import { LogTime } from './log-time.ts'
import type { Progress } from './progress.ts'
import { useReader } from './uses.ts'

/** Lines that the format is recognised from. */
const FIRST_LINES = 20

/** What was read, and what it did to the caches. */
export interface Simulation {
  format: Format
  /** Without blank ones. */
  lines: number
  bad: BadLines
  time: LogTime
  fleet: Fleet
}

export async function simulate(
  given: Arguments,
  source: Readable,
  progress: Progress,
): Promise<Simulation> {
  const batches = linesOf(source, (bytes) => progress.add(bytes))
  const head = await headOf(batches)
  const format = given.format ?? formatOf(given.name, head)
  const read = useReader(given, format)
  const fleet = new Fleet({ ...given, budgets: given.budgets ?? POWERS_OF_TWO })
  const bad = new BadLines()
  const time = new LogTime()
  let number = 0
  let lines = 0
  const take = (line: string) => {
    number++
    if (line === '') return
    lines++
    const use = line.length > MOST_CHARACTERS ? 'too long' : read(line)
    if (typeof use === 'string') bad.add(number, use, line)
    else if (use !== undefined) fleet.use(use, time.advance(use.time))
  }
  for (const line of head) take(line)
  for await (const batch of batches) {
    for (const line of batch) take(line)
    progress.show(lines)
  }
  return { format, lines, bad, time, fleet }
}

async function headOf(batches: AsyncGenerator<string[]>): Promise<string[]> {
  const head: string[] = []
  while (head.length < FIRST_LINES) {
    const { value, done } = await batches.next()
    if (done) break
    head.push(...value)
  }
  return head
}
