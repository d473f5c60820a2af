import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { buildPackage, consumerFolder, root } from './consumer-folder.mjs'

// Keyv's own suite over the package as built, and our specs of the adapter, with each version.
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const versions = { 'keyv-5': devDependencies.keyv, 'keyv-6': '6.1.0' }
const specs = ['spec/keyv.spec.ts', 'spec/keyv-model.spec.ts']

buildPackage()
for (const [name, keyv] of Object.entries(versions)) {
  console.log(`\nKeyv ${keyv}`)
  const { folder, run } = consumerFolder(name, {
    '@keyv/test-suite': '2.1.2',
    '@vitest/coverage-v8': devDependencies.vitest,
    keyv,
    vitest: devDependencies.vitest,
  })
  cpSync(join(root, 'spec/outside/keyv'), folder, { recursive: true })
  run('npx', 'vitest', 'run')
  run(
    'node',
    createRequire(import.meta.url)
      .resolve('typescript/package.json')
      .replace('package.json', 'bin/tsc'),
  )
  execFileSync('npx', ['vitest', 'run', ...specs], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, KEYV: join(folder, 'node_modules/keyv') },
  })
}
