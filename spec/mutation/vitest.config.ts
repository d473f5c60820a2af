import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node'
import shared from '../../vitest.config.ts'

// Stryker runs the specs in threads, which take no flags for V8.
setFlagsFromString('--expose-gc')

// Specs that start processes or read files see the original code, so they cannot kill a mutant.
const BLIND = [
  'size-accuracy',
  'freeze',
  'process',
  'tour',
  'unit/architecture',
  'unit/readme',
  // It freezes globalThis, which Stryker writes to.
  'unit/registry',
  'unit/examples',
  'types',
]

// `eviction` takes long, and other specs kill the same mutants.
const EXCLUDED = [...BLIND, 'eviction', ...(process.env.MUTATION_WITHOUT?.split(',') ?? [])]

const BROAD = /\/(controller|order|expiry|dictionary)\.spec\.ts$/
const SLOW = /\/(hostile|proxy|keyv-model|memory-limit|size|hooks|model\/\w+)\.spec\.ts$/

// The spec that killed the last mutant runs first: it likely kills the next one, which is close by.
const killers: string[] = []

const learn: Reporter = {
  onTestCaseResult(test) {
    if (test.result().state === 'failed') killers.push(test.module.moduleId)
  },
}

/** A mutant ends at the first spec that fails, so broad specs run first and slow ones last. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const killed = killers.lastIndexOf(moduleId)
      if (killed >= 0 && !SLOW.test(moduleId)) return -killed - 1
      return BROAD.test(moduleId) ? 0 : SLOW.test(moduleId) ? 2 : 1
    }
    return files.toSorted((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  ...shared,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...shared.test,
    include: (process.env.MUTATION_ONLY?.split(',') ?? ['*']).map(
      (name) => `spec/**/${name}.spec.ts`,
    ),
    exclude: EXCLUDED.map((name) => `spec/**/${name}.spec.ts`),
    env: { MODEL_RUNS: '400', PROXY_RUNS: '400', LIST_LENGTH: '20000' },
    reporters: [learn],
    execArgv: [],
    // A spec that never settles kills its mutant. The slowest spec takes about ten seconds here.
    testTimeout: 20_000,
    sequence: { sequencer: QuickFirst },
  },
})
