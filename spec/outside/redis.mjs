import { spawnSync } from 'node:child_process'
import { consumerOf, copyInto, manifest } from './install.mjs'

// The example of two tiers, in processes of its own, with a real Redis server on loopback.
const { cacheable, keyv } = manifest.devDependencies
const folder = consumerOf({ '@keyv/redis': '5.1.6', '@qified/redis': '0.10.1', cacheable, keyv })
copyInto(folder, 'examples/two-tier', 'spec/outside/redis')
const scenarios = ['tiers', 'invalidation', 'outage', 'slow'].map((name) => `${name}.test.mjs`)
const flags = ['--test', '--test-concurrency=1', '--test-reporter=spec']
const { status } = spawnSync('node', [...flags, ...scenarios], { cwd: folder, stdio: 'inherit' })
process.exitCode = status ?? 1
