import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** A folder in `.cache` of a program that depends on these, pinned, and on the package as built. */
export function consumerFolder(name, dependencies) {
  const folder = join(root, '.cache', name)
  const run = (command, ...args) =>
    execFileSync(command, args, { cwd: folder, stdio: 'inherit', timeout: 300_000 })

  mkdirSync(folder, { recursive: true })
  const manifest = { private: true, type: 'module', dependencies }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  // Peers as given: Keyv's suite asks for version 5, and is to run with version 6 as well.
  const flags = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
  run('npm', 'install', ...flags, '--loglevel=error')
  const installed = join(folder, 'node_modules/faas-cache-dict')
  rmSync(installed, { recursive: true, force: true })
  for (const part of ['dist', 'package.json']) {
    cpSync(join(root, part), join(installed, part), { recursive: true })
  }
  return { folder, run }
}

export function buildPackage() {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' })
}
