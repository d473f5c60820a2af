import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { commandOf, versionOf } from '../../spec/outside/install.mjs'

export { commandOf, versionOf }
export const root = fileURLToPath(new URL('../..', import.meta.url))
/** Holds the packages of `tools.json` and what benchmarks write for themselves. */
export const scratch = join(root, '.cache/bench')
const child = fileURLToPath(new URL('child.mjs', import.meta.url))

/**
 * Calls `name`, an export of `module`, in a fresh process and returns what it gives.
 *
 * @param on - what runs it: `node20` to `node26`, `bun` or `deno`; this Node by default
 * @param flags - for the engine
 * @param wrapper - a command that runs the command
 */
export function inFreshProcess(module, name, args = [], { on, flags = [], wrapper = [] } = {}) {
  const node = on === undefined ? process.execPath : commandOf(on)
  const engine = on === 'deno' ? ['run', '-A', `--v8-flags=${flags}`] : on === 'bun' ? [] : flags
  const program = [child, String(module), name, JSON.stringify(args)]
  return JSON.parse(
    run([...wrapper, node, ...engine, ...program], root)
      .split('\n')
      .at(-1),
  )
}

/** Installs the packages that only benchmarks need and returns their folder. */
export function tools() {
  const pinned = join(root, 'bench/tools.json')
  const manifest = join(scratch, 'package.json')
  if (!existsSync(manifest) || readFileSync(manifest, 'utf8') !== readFileSync(pinned, 'utf8')) {
    mkdirSync(scratch, { recursive: true })
    copyFileSync(pinned, manifest)
    run(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts'], scratch)
  }
  return join(scratch, 'node_modules')
}

/** Imports one of the packages of `tools.json`. */
export async function tool(name) {
  const { resolve } = (await import('node:module')).createRequire(join(tools(), 'x.js'))
  return import(pathToFileURL(resolve(name)))
}

/** What a command printed; throws if it fails. */
export function run([command, ...args], cwd) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  if (status === 0) return stdout
  throw new Error(
    `${command} ended with ${error ?? signal ?? status}: ${args.join(' ')}\n${stderr?.slice(-2_000)}`,
  )
}
