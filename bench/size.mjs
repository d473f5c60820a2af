import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { root } from './support/process.mjs'
import { table, whole } from './support/report.mjs'

const PACKAGES = [
  'faas-cache-dict',
  'lru-cache',
  'quick-lru',
  'tiny-lru',
  'ocache',
  'keyv',
  'cacheable',
]

export async function run() {
  const sizes = []
  for (const name of PACKAGES) {
    const { contents } = await bundled(name)
    sizes.push([name, whole(contents.length), whole(gzipSync(contents, { level: 9 }).length)])
  }
  const { inputs } = await bundled('./lib/index.ts')
  const folders = {}
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const [, folder = path] = /^(lib\/\w+\/)/.exec(path) ?? []
    folders[folder] = (folders[folder] ?? 0) + bytesInOutput
  }
  const parts = Object.entries(folders).sort(([, one], [, other]) => other - one)
  const text = `Everything that a package exports, bundled by esbuild with its dependencies.

${table(['package', 'bytes, minified', 'bytes, gzipped'], sizes)}

${table(
  ['file or folder', 'bytes, minified'],
  parts.map(([part, bytes]) => [`\`${part}\``, whole(bytes)]),
)}
`
  return { title: 'Size of the bundle', text }
}

async function bundled(name) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `import * as all from '${name}'; globalThis.all = all`, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    logLevel: 'error',
  })
  return { contents: outputFiles[0].contents, inputs: Object.values(metafile.outputs)[0].inputs }
}
