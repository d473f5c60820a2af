import { defineConfig } from 'vitest/config'

const source = (path: string) => new URL(`./lib/${path}`, import.meta.url).pathname

export default defineConfig({
  resolve: {
    alias: [
      { find: /^faas-cache-dict$/, replacement: source('index.ts') },
      { find: /^faas-cache-dict\/(payload|keyv)$/, replacement: source('$1.ts') },
    ],
  },
  test: {
    include: ['spec/**/*.spec.ts'],
    pool: 'forks',
    execArgv: ['--expose-gc'],
    testTimeout: 60_000,
  },
})
