import { defineConfig } from 'vitest/config'

const source = (path: string) => new URL(`./lib/${path}`, import.meta.url).pathname

// A folder with the package installed, if the specs of the public face are to run against it.
const installed = process.env.SPECS_AGAINST
const built = (name: string) => `${installed}/node_modules/faas-cache-dict/dist/${name}.js`

// The folder of another version of Keyv, for the specs of the adapter. An installed package would
// import its own copy of Keyv, whose stores `cacheable` does not accept as Keyvs.
const own = new URL('./node_modules/keyv/dist/index.js', import.meta.url).pathname
const keyv = process.env.KEYV ?? (installed && own)

export default defineConfig({
  resolve: {
    alias: [
      ...(keyv ? [{ find: /^keyv$/, replacement: keyv }] : []),
      { find: /^faas-cache-dict$/, replacement: installed ? built('index') : source('index.ts') },
      {
        find: /^faas-cache-dict\/(payload|keyv|advisor)$/,
        replacement: installed ? built('$1') : source('$1.ts'),
      },
    ],
  },
  test: {
    include: ['spec/**/*.spec.ts'],
    // Unit specs test the source, except that charges must match the memory of each runtime.
    exclude: installed ? ['spec/unit/!(size-accuracy)*'] : [],
    // Specs of the clock load the library again, which Vitest can do only if it transforms it.
    server: { deps: { inline: [/faas-cache-dict\/dist/] } },
    pool: 'forks',
    // Deno's workers take no flags, so specs that need the collector start a process there.
    execArgv: 'Deno' in globalThis ? [] : ['--expose-gc'],
    testTimeout: 60_000,
    coverage: {
      include: ['lib/**'],
      reporter: [['text', { skipFull: true }]],
      thresholds: { 100: true },
    },
  },
})
