import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { weighedValues } from '../support/weighed-values.mjs'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const script = here('../support/weigh.mjs')
const folder = mkdtempSync(join(tmpdir(), 'size-'))
const installed = process.env.SPECS_AGAINST
const module = installed
  ? join(installed, 'node_modules/faas-cache-dict/dist/index.js')
  : join(folder, 'heap-size.mjs')

beforeAll(() => {
  if (installed) return
  const entryPoints = [here('../../lib/size/heap-size.ts')]
  buildSync({ entryPoints, bundle: true, format: 'esm', outfile: module, logLevel: 'error' })
})
afterAll(() => rmSync(folder, { recursive: true }))

async function weigh(name: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    script,
    module,
    name,
  ])
  return Number(stdout.split(' ')[0])
}

// The charges follow V8 as Node is built. Other engines are charged the same figures.
const isNode = !('Bun' in globalThis) && !('Deno' in globalThis)

describe.runIf(isNode)('charged ÷ real in a fresh process', () => {
  it.each(Object.entries(weighedValues))('%s', async (name, [range]) => {
    const [from, to] = range
    let ratio = await weigh(name)
    if (!(ratio >= from && ratio <= to)) {
      // On a busy machine, a process sometimes holds more than the values that it weighs.
      const ratios = [ratio, await weigh(name), await weigh(name)].sort((a, b) => a - b)
      ratio = ratios[1] as number
    }
    expect(ratio).toBeGreaterThanOrEqual(from)
    expect(ratio).toBeLessThanOrEqual(to)
  })
})
