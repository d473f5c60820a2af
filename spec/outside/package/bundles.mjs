import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { must } from '../install.mjs'
import { open } from '../runtimes/chromium.mjs'
import { LATEST, serve } from '../runtimes/workerd.mjs'

// `object-sizeof` reads Node's `global`, which esbuild, unlike rollup's plugin, leaves as it is.
const objectSizeofSaysGlobal = '--define:global=globalThis'
const targets = {
  node: {
    format: 'cjs',
    esbuild: ['--platform=node'],
    exportConditions: ['node'],
    seen: seenByNode,
  },
  browser: {
    format: 'iife',
    esbuild: ['--platform=browser', objectSizeofSaysGlobal],
    exportConditions: ['browser'],
    seen: seenByChromium,
  },
  worker: {
    format: 'esm',
    esbuild: ['--platform=browser', objectSizeofSaysGlobal, '--conditions=workerd,worker'],
    exportConditions: ['workerd', 'worker'],
    seen: seenByWorkerd,
  },
}
const extensions = { cjs: 'cjs', iife: 'js', esm: 'mjs' }

/** Each bundler for each target: `run` bundles, and gives what the bundle says where it is meant for. */
export function* bundles(folder, { esbuild, rollup }) {
  for (const [target, { format, esbuild: flags, exportConditions, seen }] of Object.entries(
    targets,
  )) {
    const made = (bundler) => join(folder, `${bundler}-${target}.${extensions[format]}`)
    yield {
      name: `esbuild for ${target}, minified, then run there`,
      run: () => {
        const file = made('esbuild')
        const args = [
          '--bundle',
          `--format=${format}`,
          `--outfile=${file}`,
          '--minify',
          '--log-level=error',
        ]
        must(esbuild, ['bundled.js', ...args, ...flags], folder)
        return seen(folder, file)
      },
    }
    yield {
      name: `rollup for ${target}, then run there`,
      run: () => {
        const output = made('rollup')
        const options = join(folder, `rollup-${target}.json`)
        const input = join(folder, 'bundled.js')
        writeFileSync(options, JSON.stringify({ input, output, format, exportConditions }))
        must(process.execPath, [join(rollup, 'rollup.mjs'), options], rollup)
        return seen(folder, output)
      },
    }
  }
}

function seenByNode(folder, file) {
  const script = `require(${JSON.stringify(file)}); process.stdout.write(globalThis.seen)`
  return must(process.execPath, ['-e', script], folder)
}

async function seenByChromium(folder, file) {
  const { tab, close } = await open(
    folder,
    `<!doctype html><script src="/${basename(file)}"></script>`,
  )
  try {
    return await tab.evaluate('globalThis.seen')
  } finally {
    await close()
  }
}

async function seenByWorkerd(folder, file) {
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
