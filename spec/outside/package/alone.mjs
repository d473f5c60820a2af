import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'

/** The modules that a file of the build imports. */
export async function importsOf(file) {
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    packages: 'external',
    platform: 'node',
    outdir: 'unused',
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  return Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path))
}

// Globals that some engines or realms lack.
const absent = [
  'WeakRef',
  'FinalizationRegistry',
  'SharedArrayBuffer',
  'Atomics',
  'WebAssembly',
  'console',
  'structuredClone',
]
// An import must use none of these, so each throws.
const forbidden = `
  const refuse = (name) => () => { throw new Error('the import calls ' + name) }
  Date.now = refuse('Date.now')
  Math.random = refuse('Math.random')
  globalThis.performance = { now: refuse('performance.now') }
  globalThis.setTimeout = refuse('setTimeout')
  globalThis.setInterval = refuse('setInterval')
  globalThis.queueMicrotask = refuse('queueMicrotask')
  globalThis.process = new Proxy({}, { get: (_, name) => refuse('process.' + String(name))() })
`
const use = `
  const cache = new library.FaaSCacheDict({ defaultTtl: '10s', maxItems: 2 }, { a: { b: [1, 'c'] } })
  const controller = library.controllerOf(cache)
  cache.d = new Map([[1, new Date(0)]])
  cache.e = Promise.resolve(1)
  globalThis.seen = JSON.stringify({
    keys: Object.keys(cache),
    size: controller.size,
    isEvicted: cache.a === undefined,
    maxSizeBytes: controller.maxSizeBytes,
    isCharged: 'd' in cache && controller.sizeBytes > 0,
  })
`

/** What a cache gives in a realm that has the language and nothing else. */
export async function resultWithLanguageAlone(file) {
  const context = bareContext()
  runInContext(await asScript(file), context)
  runInContext(use, context)
  return JSON.parse(context.seen)
}

/** Throws if an import starts a timer, reads a clock or the process, or draws a random number. */
export async function importQuietly(file) {
  const context = bareContext()
  runInContext(forbidden, context)
  runInContext(await asScript(file), context)
}

function bareContext() {
  const context = createContext({})
  for (const name of absent) runInContext(`delete globalThis.${name}`, context)
  return context
}

async function asScript(file) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'iife',
    globalName: 'library',
    platform: 'neutral',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0].text
}
