import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const folder = join(root, '.cache/stryker')
const version = '9.6.1'

mkdirSync(folder, { recursive: true })
writeFileSync(
  join(folder, 'package.json'),
  JSON.stringify({
    private: true,
    dependencies: {
      '@stryker-mutator/core': version,
      '@stryker-mutator/vitest-runner': version,
    },
  }),
)
// Without Vitest, which is then found where the specs find it: in the project.
run('npm', ['install', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'], folder)
const patterns = process.argv.slice(2)
const stryker = join(folder, 'node_modules/@stryker-mutator/core/bin/stryker.js')
run(
  process.execPath,
  [
    stryker,
    'run',
    'spec/mutation/stryker.config.json',
    ...(patterns.length > 0 ? ['--mutate', patterns.join(',')] : []),
  ],
  root,
)

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
