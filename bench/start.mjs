import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { median } from './speed/measured.mjs'

const ROUNDS = process.argv.includes('--quick') ? 7 : 41
const root = fileURLToPath(new URL('..', import.meta.url))
const packages = ['faas-cache-dict', 'lru-cache', 'keyv', 'cacheable']
const scripts = { 'empty, ESM': ['--input-type=module', ''], 'empty, require': ['-', ''] }
for (const name of packages) {
  scripts[`${name}, ESM`] = ['--input-type=module', `import '${name}'`]
  scripts[`${name}, require`] = ['-', `require('${name}')`]
}

const times = Object.fromEntries(Object.keys(scripts).map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, [kind, text]] of Object.entries(scripts)) {
    const options = kind === '-' ? ['--input-type=commonjs'] : [kind]
    const start = performance.now()
    execFileSync(process.execPath, [...options, '--eval', text], { cwd: root })
    times[name].push(performance.now() - start)
  }
}
for (const [name, list] of Object.entries(times)) {
  const empty = median(times[name.endsWith('ESM') ? 'empty, ESM' : 'empty, require'])
  const whole = median(list)
  console.log(
    `${name}: ${whole.toFixed(1)} ms, ${(whole - empty).toFixed(1)} ms over the empty script`,
  )
}

for (const name of packages) {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
  })
  const [{ contents }] = outputFiles
  console.log(
    `${name}: ${contents.length} bytes bundled and minified, ${gzipSync(contents).length} gzipped`,
  )
}
console.log(`dist: ${bytesIn(join(root, 'dist'))} bytes unpacked, source maps included`)

function bytesIn(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  const sizes = files.filter((file) => file.isFile())
  return sizes.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}
