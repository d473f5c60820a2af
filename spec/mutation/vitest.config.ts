import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node'
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

// MUTATION_ONLY names the specs to run. What the others find as well; and what is left out of this run, which can only let more survive.
const EXCLUDED = [...BLIND, 'eviction', ...(process.env.MUTATION_WITHOUT?.split(',') ?? [])]

const BROAD = /\/(controller|order|expiry|dictionary)\.spec\.ts$/
const SLOW = /\/(hostile|proxy|keyv-model|memory-limit|size|hooks|model\/\w+)\.spec\.ts$/

// The last to have killed comes first: it likely kills the next mutant too, which is near the last.
const killers: string[] = []

const learn: Reporter = {
  onTestCaseResult(test) {
    if (test.result().state === 'failed') killers.push(test.module.moduleId)
  },
}

/** A mutant is done with at the first spec that fails: what finds much comes first, what takes long last. */
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
    env: { MODEL_RUNS: '60', PROXY_RUNS: '200', LIST_LENGTH: '20000' },
    reporters: [learn],
    execArgv: [],
    // What never settles is a mutant killed; the slowest takes a second, instrumented some ten.
    testTimeout: 20_000,
    sequence: { sequencer: QuickFirst },
  },
})
