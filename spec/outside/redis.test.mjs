import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildPackage, consumerFolder, root } from './consumer-folder.mjs'

// The two-tier example, as built, in processes of its own before a real Redis server on loopback.
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

buildPackage()
const { folder, run } = consumerFolder('two-tier', {
  '@keyv/redis': '5.1.6',
  '@qified/redis': '0.10.1',
  cacheable: devDependencies.cacheable,
  keyv: devDependencies.keyv,
})
for (const source of ['examples/two-tier', 'spec/outside/redis']) {
  cpSync(join(root, source), folder, { recursive: true })
}
const scenarios = ['tiers', 'invalidation', 'outage', 'slow'].map((name) => `${name}.test.mjs`)
run('node', '--test', '--test-concurrency=1', '--test-reporter=spec', ...scenarios)
