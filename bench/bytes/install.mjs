import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Where data sets and the other versions of Node lie. */
export const cache = join(root, '.cache/bench-bytes')

/** Data sets and other versions of Node, pinned, and the estimator that ocache keeps to itself. */
export async function install() {
  mkdirSync(cache, { recursive: true })
  copyFileSync(join(root, 'bench/bytes/packages.json'), join(cache, 'package.json'))
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--force'],
    { cwd: cache, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`npm install failed: ${stderr}`)
  await build({
    stdin: { contents: "export { entryBytes } from 'ocache'", resolveDir: root },
    outfile: join(cache, 'ocache.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
    plugins: [{ name: 'expose', setup: exposeEntryBytes }],
  })
}

function exposeEntryBytes(building) {
  building.onLoad({ filter: /ocache\/dist\/index\.mjs$/ }, async ({ path }) => {
    const { readFile } = await import('node:fs/promises')
    return { contents: `${await readFile(path, 'utf8')}\nexport { entryBytes }`, loader: 'js' }
  })
}
