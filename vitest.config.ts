import { defineConfig } from 'vitest/config'

const source = (path: string) => new URL(`./lib/${path}`, import.meta.url).pathname

// A folder with the package installed, to run the specs of its public face against.
const installed = process.env.SPECS_AGAINST
const built = (name: string) => `${installed}/node_modules/faas-cache-dict/dist/${name}.js`

// Another version of Keyv, for the specs of what stands on it. A package that is installed brings
// one of its own: another copy, whose stores `cacheable` would not know as Keyvs.
const own = new URL('./node_modules/keyv/dist/index.js', import.meta.url).pathname
const keyv = process.env.KEYV ?? (installed && own)

export default defineConfig({
  resolve: {
    alias: [
      ...(keyv ? [{ find: /^keyv$/, replacement: keyv }] : []),
      { find: /^faas-cache-dict$/, replacement: installed ? built('index') : source('index.ts') },
      {
        find: /^faas-cache-dict\/(payload|keyv)$/,
        replacement: installed ? built('$1') : source('$1.ts'),
      },
    ],
  },
  test: {
    include: ['spec/**/*.spec.ts'],
    // What is charged is to be what the engine of each runtime holds.
    exclude: installed ? ['spec/unit/!(size-accuracy)*'] : [],
    // Specs of the clock load the library anew, which takes a module that Vitest has transformed.
    server: { deps: { inline: [/faas-cache-dict\/dist/] } },
    pool: 'forks',
    // Deno's workers take no flags; what needs the collector there starts a process of its own.
    execArgv: 'Deno' in globalThis ? [] : ['--expose-gc'],
    testTimeout: 60_000,
    coverage: {
      include: ['lib/**'],
      reporter: [['text', { skipFull: true }]],
      thresholds: { 100: true },
    },
  },
})
