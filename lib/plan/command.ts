import {
  accessSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { momentText, whole } from '../figures.ts'
import { type Arguments, argumentsFrom } from './arguments.ts'
import { recommendedOf, worthShowing } from './budgets.ts'
import { chartOf } from './chart.ts'
import { Failure, wrongCommand } from './failure.ts'
import { Progress } from './progress.ts'
import { reportOf, sourceText } from './report.ts'
import { type Simulation, simulate } from './simulation.ts'
import { USAGE } from './usage.ts'

/** Those of the process. */
export interface Streams {
  stdin: Readable
  stdout: Writable
  stderr: Writable & { isTTY?: boolean }
}

/** Runs the command, and returns its exit code. */
export async function command(words: readonly string[], streams: Streams): Promise<number> {
  const { stdout, stderr } = streams
  stdout.on('error', ignoreBrokenPipe)
  try {
    const given = argumentsFrom(words)
    stdout.write(given === undefined ? USAGE : await plan(given, streams))
    return 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    stderr.write(`faas-cache-dict: ${error.message}\n`)
    return error.exitCode
  }
}

/** The reader of a pipe may leave early, as `head` does. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

async function plan(given: Arguments, { stdin, stderr }: Streams): Promise<string> {
  const { svg, name } = given
  if (svg !== undefined) {
    // Before the log is read, which takes long.
    await attempt(`write ${svg}`, () => accessSync(dirname(svg), constants.W_OK))
    if (isSameFile(svg, given.file)) throw wrongCommand(`--svg=${svg} is the log itself`)
  }
  const simulation = await simulated(given, stdin, stderr)
  const { bad, fleet, time } = simulation
  if (time.hasStoodStill && (given.ttl !== undefined || given.recycle < Infinity)) {
    throw new Failure(
      `${name} is not in order: many lines come before ${momentText(time.last)} but after a line of that time. Sort it, the oldest first`,
    )
  }
  if (bad.count > 0) {
    stderr.write(`${whole(bad.count)} of ${whole(simulation.lines)} lines are left out:\n${bad}`)
  }
  if (fleet.uses === 0) throw new Failure(`No line of ${name} can be used`)
  const all = fleet.points()
  const points = given.budgets === undefined ? worthShowing(all) : all
  const recommended = recommendedOf(points)
  if (svg !== undefined) {
    const chart = chartOf(points, recommended, sourceText(basename(name), simulation))
    await attempt(`write ${svg}`, () => writeFileSync(svg, chart))
  }
  return reportOf(given, simulation, points, recommended)
}

function isSameFile(path: string, file: string): boolean {
  const target = statSync(path, { throwIfNoEntry: false })
  const log = file === '-' ? fstatSync(0) : statSync(file, { throwIfNoEntry: false })
  return target !== undefined && target.ino === log?.ino && target.dev === log.dev
}

async function simulated(
  given: Arguments,
  stdin: Readable,
  stderr: Streams['stderr'],
): Promise<Simulation> {
  const { file, name } = given
  return attempt(`read ${name}`, async () => {
    const descriptor = file === '-' ? undefined : openSync(file, 'r')
    const size = descriptor === undefined ? undefined : fstatSync(descriptor).size
    const source = descriptor === undefined ? stdin : createReadStream(file, { fd: descriptor })
    const progress = new Progress(stderr, size)
    try {
      return await simulate(given, source, progress)
    } finally {
      progress.end()
      source.destroy()
    }
  })
}

/** Errors of the system and of gzip say what is wrong, but not with what. */
async function attempt<Result>(what: string, act: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new Failure(`Cannot ${what}: ${error.message}`)
  }
}
