import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'

/** What a file of a build imports, by its own text. */
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

// What is not the language, or not in every engine.
const absent = [
  'WeakRef',
  'FinalizationRegistry',
  'SharedArrayBuffer',
  'Atomics',
  'WebAssembly',
  'console',
  'structuredClone',
]
// What an import must not touch: each throws.
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
  globalThis.seen = JSON.stringify([Object.keys(cache), controller.size, cache.a === undefined,
    controller.maxSizeBytes, 'd' in cache, controller.sizeBytes > 0])
`

/** What a cache says in a realm that has the language and nothing else. */
export async function seenByLanguage(file) {
  const context = bareContext()
  runInContext(await asScript(file), context)
  runInContext(use, context)
  return context.seen
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
