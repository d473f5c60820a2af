import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, '.cache/keyv')
const inherit = { cwd: folder, stdio: 'inherit' }

mkdirSync(folder, { recursive: true })
writeFileSync(
  join(folder, 'package.json'),
  JSON.stringify({
    private: true,
    type: 'module',
    dependencies: {
      '@keyv/test-suite': '2.1.2',
      '@vitest/coverage-v8': '4.1.12',
      keyv: '5.6.0',
      keyv6: 'npm:keyv@6.1.0',
      vitest: '4.1.12',
    },
  }),
)
writeFileSync(join(folder, 'vitest.config.js'), 'export default {}\n')
// Scripts would compile the database that the suite's own tests run on.
execFileSync('npm', ['install', '--ignore-scripts', '--loglevel=error'], inherit)
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' })
copyFileSync(join(root, 'scripts/keyv/suite.test.mjs'), join(folder, 'suite.test.mjs'))
rmSync(join(folder, 'dist'), { recursive: true, force: true })
mkdirSync(join(folder, 'dist'))
for (const file of ['index.js', 'index.js.map', 'keyv.js', 'keyv.js.map']) {
  copyFileSync(join(root, 'dist', file), join(folder, 'dist', file))
}
execFileSync('npx', ['vitest', 'run'], inherit)
