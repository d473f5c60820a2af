import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'size-'))
const bundle = join(folder, 'heap-size.mjs')

beforeAll(() => {
  const entryPoints = [here('../../lib/size/heap-size.ts')]
  buildSync({ entryPoints, bundle: true, format: 'esm', outfile: bundle, logLevel: 'error' })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Charged ÷ real, from and to. */
const classes: [string, number, number][] = [
  ['strings', 0.95, 1.08],
  ['strings of two bytes a character', 0.95, 1.08],
  ['bigints', 0.95, 1.08],
  ['arrays of integers', 0.95, 1.08],
  ['arrays of doubles', 0.95, 1.08],
  ['class instances', 0.95, 1.08],
  ['maps', 0.95, 1.08],
  ['sets', 0.95, 1.08],
  ['typed arrays', 0.95, 1.08],
  ['array buffers', 0.95, 1.08],
  ['large buffers', 0.95, 1.08],
  ['rows', 0.95, 1.08],
  ['objects of 2 unique keys', 0.8, 1.4],
  ['objects of 20 unique keys', 0.8, 1.4],
  ['sparse arrays', 0.8, 1.4],
]

it.each(classes)(
  '%s are charged what they weigh in a fresh process',
  { retry: 2 },
  (name, from, to) => {
    const script = here('../support/weigh.mjs')
    const weigh = () =>
      Number(execFileSync(process.execPath, ['--expose-gc', script, bundle, name]))
    // A heap holds more than what is weighed; the median of three leaves out the odd process.
    const [, ratio] = [weigh(), weigh(), weigh()].sort((a, b) => a - b)
    expect(ratio).toBeGreaterThanOrEqual(from)
    expect(ratio).toBeLessThanOrEqual(to)
  },
)
