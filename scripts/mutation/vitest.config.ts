import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { defineConfig } from 'vitest/config'
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
const SLOW = ['eviction']

export default defineConfig({
  ...shared,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...shared.test,
    exclude: [...BLIND, ...SLOW].map((name) => `spec/**/${name}.spec.ts`),
    env: { MODEL_RUNS: '150', PROXY_RUNS: '500' },
    execArgv: [],
    isolate: false,
    testTimeout: 20_000,
  },
})
