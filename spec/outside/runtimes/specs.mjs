import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandOf, root, versionOf } from '../install.mjs'

const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const forks = { args: [vitest], pool: 'forks' }
const runners = {
  node20: forks,
  node22: forks,
  node24: forks,
  node26: forks,
  bun: { args: ['--bun', vitest], pool: 'threads' },
  // Vitest asks Deno's workers for what they do not implement, and never exits with 0 there.
  deno: { args: ['run', '-A', vitest], pool: 'threads', exits: false },
}

export const specRuntimes = Object.keys(runners)

/** Runs the specs of the public face against the package that is installed in a folder. */
export function runSpecs(name, consumer) {
  const { args, pool, exits = true } = runners[name]
  const report = join(consumer, `${name}.json`)
  const { stdout, stderr, status } = spawnSync(
    commandOf(name),
    [...args, 'run', `--pool=${pool}`, '--reporter=json', `--outputFile=${report}`],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SPECS_AGAINST: consumer },
      timeout: 300_000,
    },
  )
  const version = versionOf(name)
  if (!existsSync(report)) {
    console.log(`no report, exit ${status}\n${stdout}\n${stderr}`.slice(0, 4_000))
    return { version, passed: 0, failed: 1 }
  }
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  let failed = numFailedTests
  for (const { name: file, message, assertionResults } of testResults) {
    if (assertionResults.length === 0) {
      failed++
      console.log(`FAILED ${file}: ${message}`)
    }
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
  const skipped = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName)
  return { version, passed: numPassedTests, failed, skipped }
}
