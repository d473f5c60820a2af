import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const run = promisify(execFile)
const fileOf = (name: string) => new URL(`../../lib/${name}.ts`, import.meta.url).pathname

/** Bundles a module that imports `faas-cache-dict`, or its advisor, into one script, which any runtime can run. */
export async function scriptOf(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: '.' },
    alias: {
      'faas-cache-dict/advisor': fileOf('advisor'),
      'faas-cache-dict': fileOf('index'),
    },
    bundle: true,
    write: false,
    format: 'esm',
    external: ['node:*'],
    // The system limits an argument to 128 KiB.
    minify: true,
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

/** Runs a module in a child process and parses its output as JSON. */
export async function inChild(source: string, ...flags: string[]): Promise<unknown> {
  const script = await scriptOf(source)
  const { stdout } = await run(process.execPath, argumentsFor(script, flags))
  return JSON.parse(stdout)
}

/**
 * The arguments with which this runtime runs a script. Deno passes flags to V8 in an option of its
 * own, and takes a script for a module only if it exports something.
 */
export function argumentsFor(script: string, flags: string[] = []): string[] {
  if (!('Deno' in globalThis)) return [...flags, '--input-type=module', '-e', script]
  const engine = flags.length === 0 ? [] : [`--v8-flags=${flags.join(',')}`]
  return ['eval', ...engine, `${script}\nexport {}`]
}
