import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, '.cache/two-tier')
const dependencies = {
  cacheable: '2.5.0',
  '@keyv/redis': '5.1.6',
  '@qified/redis': '0.10.1',
  keyv: '5.6.0',
}

mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
execFileSync('npm', ['install', '--ignore-scripts', '--loglevel=error'], {
  cwd: folder,
  stdio: 'inherit',
})
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' })
const installed = join(folder, 'node_modules/faas-cache-dict')
rmSync(installed, { recursive: true, force: true })
for (const name of ['dist', 'package.json']) {
  cpSync(join(root, name), join(installed, name), { recursive: true })
}
cpSync(join(root, 'examples/two-tier/handler.mjs'), join(folder, 'handler.mjs'))
cpSync(join(root, 'scripts/redis'), folder, { recursive: true })
for (const script of ['outage.mjs', 'invalidation.mjs']) {
  execFileSync(process.execPath, [script], { cwd: folder, stdio: 'inherit', timeout: 120_000 })
}
