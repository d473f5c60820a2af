import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandOf, root, versionOf } from '../install.mjs'

const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const onNode = { args: [vitest], pool: 'forks' }
const runners = {
  node20: onNode,
  node22: onNode,
  node24: onNode,
  node26: onNode,
  bun: { args: ['--bun', vitest], pool: 'threads' },
  deno: { args: ['run', '-A', vitest], pool: 'threads' },
}

export const specRuntimes = Object.keys(runners)

/** Runs the specs of the public face against the package that is installed in a folder. */
export function runSpecs(t, name, consumer) {
  const { args, pool } = runners[name]
  const report = join(consumer, `${name}.json`)
  const { status, stderr } = spawnSync(
    commandOf(name),
    [...args, 'run', `--pool=${pool}`, '--reporter=json', `--outputFile=${report}`],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SPECS_AGAINST: consumer },
      timeout: 300_000,
    },
  )
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const specs = testResults.flatMap(({ assertionResults }) => assertionResults)
  for (const { fullName, status } of specs) {
    if (status !== 'passed' && status !== 'failed') t.diagnostic(`skipped: ${fullName}`)
  }
  t.diagnostic(`version ${versionOf(name)}, ${numPassedTests} of ${specs.length} passed`)
  const failures = [
    ...testResults.filter((file) => file.assertionResults.length === 0),
    ...specs.filter((spec) => spec.status === 'failed'),
  ].map(({ name, message, fullName, failureMessages }) =>
    `${fullName ?? name}: ${failureMessages?.[0] ?? message}`.slice(0, 400),
  )
  assert.deepEqual(failures, [])
  assert.ok(numPassedTests > 0)
  // Vitest uses what Deno's workers do not implement, so it never exits with 0 there.
  if (name !== 'deno') assert.equal(status, 0, stderr)
}
