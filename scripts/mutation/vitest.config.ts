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

export default defineConfig({
  ...shared,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...shared.test,
    exclude: BLIND.map((name) => `spec/**/${name}.spec.ts`),
    execArgv: [],
    isolate: false,
    testTimeout: 5_000,
  },
})
