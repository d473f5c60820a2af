import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandOf, versionOf } from '../install.mjs'
import { askOver, bundledDependency, MEBIBYTE } from './conform.mjs'

// Without a bundler. A bare name is looked up beside the module that imports it.
const modules = {
  'worker.mjs': 'worker.mjs',
  'faas-cache-dict': 'node_modules/faas-cache-dict/dist/index.js',
  'faas-cache-dict/payload': 'node_modules/faas-cache-dict/dist/payload.js',
}
const program = ['index.mjs', 'expect.mjs', 'values.mjs', 'checks.mjs', 'requests.mjs']

/** Workers had no WeakRef, and could not recognise a promise of a request that has ended. */
export const OLDEST = '2022-10-31'
/** Workers have Node's modules by default, and timers are objects. */
export const LATEST = '2026-11-17'
/** Workers have Node's modules only if a flag asks for them, and timers are numbers. */
export const WITH_NODE = '2025-06-16'

export async function workerd(consumer, compatibilityDate, options) {
  writeFileSync(
    join(consumer, 'worker.mjs'),
    `import { answer } from './index.mjs'
export default {
  async fetch(request, _, context) {
    const check = new URL(request.url).searchParams.get('check')
    return Response.json(await answer(check, (promise) => context.waitUntil(promise)))
  },
}
`,
  )
  const listed = {
    ...modules,
    ...Object.fromEntries(program.map((name) => [name, `conformance/${name}`])),
    'faas-cache-dict/object-sizeof': await bundledDependency(consumer),
  }
  const { port, close } = await serve(consumer, compatibilityDate, listed, options)
  return {
    version: versionOf('workerd'),
    expects: { clockAtImport: 0, defaultBudget: 32 * MEBIBYTE },
    ask: askOver(port),
    close,
  }
}

/** Starts a Worker of these modules, by name and file; the first is its main module. */
export async function serve(folder, compatibilityDate, modules, options = {}) {
  const { isInspected = false, v8Flags = [], compatibilityFlags = [] } = options
  const listed = Object.entries(modules).map(
    ([name, file]) => `(name = ${JSON.stringify(name)}, esModule = embed ${JSON.stringify(file)})`,
  )
  const config = join(folder, `workerd-${compatibilityDate}.capnp`)
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${JSON.stringify(v8Flags)},
  services = [(name = "main", worker = (
    modules = [${listed.join(', ')}],
    compatibilityDate = "${compatibilityDate}",
    compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`,
  )
  const inspector = isInspected ? ['--inspector-addr=127.0.0.1:0'] : []
  const worker = spawn(commandOf('workerd'), ['serve', config, '--control-fd=3', ...inspector], {
    // With V8 flags, workerd warns that it compiles its own code again.
    stdio: ['ignore', 'inherit', v8Flags.length > 0 ? 'ignore' : 'inherit', 'pipe'],
  })
  const ports = await new Promise((listening, failed) => {
    const found = {}
    worker.once('exit', (code) => failed(new Error(`workerd ended with ${code}`)))
    worker.stdio[3].on('data', (lines) => {
      for (const line of String(lines).trim().split('\n')) {
        const { event, port } = JSON.parse(line)
        found[event] = port
      }
      // The socket listens last.
      if (found.listen !== undefined) listening(found)
    })
  })
  return {
    port: ports.listen,
    inspectorPort: ports['listen-inspector'],
    close: () =>
      new Promise((closed) => {
        worker.once('exit', closed)
        worker.kill()
      }),
  }
}
