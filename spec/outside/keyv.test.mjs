import { join } from 'node:path'
import { test } from 'node:test'
import { consumerOf, copyInto, manifest, must, root } from './install.mjs'

const { keyv, vitest } = manifest.devDependencies
const specs = ['spec/keyv.spec.ts', 'spec/keyv-model.spec.ts']

for (const version of [keyv, '6.1.0']) {
  test(`Keyv ${version}`, async (t) => {
    const folder = consumerOf({
      '@keyv/test-suite': '2.1.2',
      '@vitest/coverage-v8': vitest,
      keyv: version,
      vitest,
    })
    copyInto(folder, 'spec/outside/keyv')
    await t.test("passes Keyv's own suite over the packed package", () => {
      must('npx', ['vitest', 'run'], folder)
    })
    await t.test('compiles with the types of the adapter', () => {
      must(join(root, 'node_modules/.bin/tsc'), [], folder)
    })
    await t.test('passes the specs of the adapter', () => {
      must('npx', ['vitest', 'run', ...specs], root, { KEYV: join(folder, 'node_modules/keyv') })
    })
  })
}
