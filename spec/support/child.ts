import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const run = promisify(execFile)
const library = new URL('../../lib/index.ts', import.meta.url).pathname

/** A module that may import `faas-cache-dict`, as one script for any runtime. */
export async function scriptOf(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: '.' },
    alias: { 'faas-cache-dict': library },
    bundle: true,
    write: false,
    format: 'esm',
    external: ['node:*'],
    // A system takes an argument of 128 KiB at the most.
    minifyWhitespace: true,
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

/** Runs a module in a process of its own and gives what it printed, as JSON. */
export async function inChild(source: string, ...flags: string[]): Promise<unknown> {
  const script = await scriptOf(source)
  const { stdout } = await run(process.execPath, argumentsFor(script, flags))
  return JSON.parse(stdout)
}

/**
 * What makes this runtime run a script. Deno takes the engine's flags by another name, and tells a
 * module by what it exports.
 */
export function argumentsFor(script: string, flags: string[] = []): string[] {
  if (!('Deno' in globalThis)) return [...flags, '--input-type=module', '-e', script]
  const engine = flags.length === 0 ? [] : [`--v8-flags=${flags.join(',')}`]
  return ['eval', ...engine, `${script}\nexport {}`]
}
