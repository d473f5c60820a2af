import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { must, root } from '../install.mjs'
import { open } from '../runtimes/chromium.mjs'
import { LATEST, serve } from '../runtimes/workerd.mjs'

// `object-sizeof` uses Node's `global`. Rollup's plugin replaces it, esbuild only if a flag says so.
const forBrowser = ['--platform=browser', '--define:global=globalThis']
const targets = {
  node: { format: 'cjs', flags: ['--platform=node'], conditions: ['node'], run: runInNode },
  browser: { format: 'iife', flags: forBrowser, conditions: ['browser'], run: runInChromium },
  worker: {
    format: 'esm',
    flags: [...forBrowser, '--conditions=workerd,worker'],
    conditions: ['workerd', 'worker'],
    run: runInWorkerd,
  },
}
const extensions = { cjs: 'cjs', iife: 'js', esm: 'mjs' }

/** Bundles bundled.js with each bundler for each target; `run` gives what the bundle prints there. */
export function* bundles(folder, tools) {
  for (const [target, { format, flags, conditions, run }] of Object.entries(targets)) {
    const fileOf = (bundler) => `${bundler}-${target}.${extensions[format]}`
    yield {
      name: `esbuild for ${target}, minified, then run there`,
      run: () => {
        const file = fileOf('esbuild')
        const output = [`--format=${format}`, `--outfile=${file}`, '--log-level=error']
        const args = ['bundled.js', '--bundle', '--minify', ...output, ...flags]
        must(join(root, 'node_modules/.bin/esbuild'), args, folder)
        return run(folder, file)
      },
    }
    yield {
      name: `rollup for ${target}, then run there`,
      run: () => {
        const file = fileOf('rollup')
        const options = { tools, input: 'bundled.js', file, format, conditions }
        must(process.execPath, ['rollup.mjs', JSON.stringify(options)], folder)
        return run(folder, file)
      },
    }
  }
}

function runInNode(folder, file) {
  const script = `require('./${file}'); process.stdout.write(globalThis.seen)`
  return must(process.execPath, ['-e', script], folder)
}

async function runInChromium(folder, file) {
  const { tab, close } = await open(folder, `<!doctype html><script src="/${file}"></script>`)
  try {
    return await tab.evaluate('globalThis.seen')
  } finally {
    await close()
  }
}

async function runInWorkerd(folder, file) {
  const main = `import './bundle.mjs'
export default { fetch: () => new Response(globalThis.seen) }
`
  writeFileSync(join(folder, 'main.mjs'), main)
  const modules = { 'main.mjs': 'main.mjs', 'bundle.mjs': basename(file) }
  const { port, close } = await serve(folder, LATEST, modules)
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`)).text()
  } finally {
    await close()
  }
}
