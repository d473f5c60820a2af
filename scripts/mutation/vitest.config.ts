import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import shared from '../../vitest.config.ts'

// Stryker runs the specs in threads, which take no flags of the engine.
setFlagsFromString('--expose-gc')

// What starts processes, or reads files, sees the code as it was, whatever is mutated here.
const BLIND = [
  'size-accuracy',
  'freeze',
  'process',
  'tour',
  'unit/architecture',
  'unit/readme',
  'unit/examples',
  'types',
]

// What the others find as well.
const EXCLUDED = [...BLIND, 'eviction']

const BROAD = /\/(controller|order|expiry|dictionary)\.spec\.ts$/
const SLOW = /\/(hostile|proxy|keyv-model|memory-limit|size|hooks|model\/\w+)\.spec\.ts$/

/** A mutant is done with at the first spec that fails: what finds much comes first, what takes long last. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      BROAD.test(moduleId) ? 0 : SLOW.test(moduleId) ? 2 : 1
    return files.toSorted((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  ...shared,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...shared.test,
    exclude: EXCLUDED.map((name) => `spec/**/${name}.spec.ts`),
    env: { MODEL_RUNS: '150', PROXY_RUNS: '500' },
    execArgv: [],
    sequence: { sequencer: QuickFirst },
  },
})
