import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tools = join(root, '.cache/package-tools')
const work = join(root, '.cache/package-test')
const bare = join(work, 'consumer')
const results = []

function run(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 180_000,
  })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}\n${error ?? ''}${stdout ?? ''}${stderr ?? ''}`)
  }
  return stdout
}

function check(name, what) {
  try {
    what()
    results.push([name, 'passed'])
  } catch (error) {
    results.push([name, 'FAILED'])
    console.error(`--- ${name}\n${error.message}\n`)
  }
}

function install(folder, ...packages) {
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], folder)
}

mkdirSync(tools, { recursive: true })
cpSync(join(root, 'scripts/package/tools.json'), join(tools, 'package.json'))
cpSync(join(root, 'scripts/package/rollup.mjs'), join(tools, 'rollup.mjs'))
install(tools)

rmSync(work, { recursive: true, force: true })
mkdirSync(bare, { recursive: true })
run('npm', ['pack', '--silent', '--pack-destination', work], root)
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const tarball = join(work, `faas-cache-dict-${version}.tgz`)

check('tarball holds what it should', () => {
  const names = run('tar', ['-tzf', tarball], root).trim().split('\n')
  const strangers = names.filter(
    (name) => !/^package\/(dist\/.+|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(name),
  )
  if (strangers.length > 0) throw new Error(`It also holds ${strangers.join(', ')}`)
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.cjs']) {
    if (!names.includes(`package/${name}`)) throw new Error(`It lacks ${name}`)
  }
})
check('publint --strict', () => {
  run(join(tools, 'node_modules/.bin/publint'), ['--strict', tarball], root)
})
check('attw --profile node16', () => {
  run(join(tools, 'node_modules/.bin/attw'), ['--profile', 'node16', tarball], root)
})

writeFileSync(join(bare, 'package.json'), '{ "private": true }\n')
install(bare, tarball, `second-copy@${tarball}`)
cpSync(join(root, 'scripts/package'), bare, { recursive: true })

for (const flags of [[], ['--no-experimental-require-module']]) {
  check(['both builds and a second copy', ...flags].join(' '), () => {
    run(process.execPath, [...flags, 'two-builds.cjs'], bare)
  })
}

for (const compiler of ['typescript-5', 'typescript-7']) {
  const tsc = join(tools, 'node_modules', compiler)
  const { bin } = JSON.parse(readFileSync(join(tsc, 'package.json'), 'utf8'))
  for (const resolution of ['node16', 'nodenext', 'bundler']) {
    for (const type of ['module', 'commonjs']) {
      check(`${compiler} ${resolution} ${type}`, () => {
        const folder = join(bare, `${compiler}-${resolution}-${type}`)
        mkdirSync(folder)
        writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type }))
        cpSync(join(root, 'scripts/package/consumer.ts'), join(folder, 'consumer.ts'))
        const compilerOptions = {
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          target: 'es2022',
          lib: ['es2022'],
          types: [],
          module: resolution !== 'bundler' ? resolution : type === 'module' ? 'esnext' : 'preserve',
          moduleResolution: resolution,
        }
        const project = JSON.stringify({ compilerOptions, files: ['consumer.ts'] })
        writeFileSync(join(folder, 'tsconfig.json'), project)
        run(process.execPath, [join(tsc, bin.tsc), '-p', '.'], folder)
      })
    }
  }
}

const expected = JSON.stringify(['first', true, 'second', true, 'first', 'function'])
// `object-sizeof` reads Node's `global`, which esbuild, unlike rollup's plugin, leaves as it is.
const objectSizeofSaysGlobal = '--define:global=globalThis'
const targets = {
  node: {
    format: 'cjs',
    esbuild: ['--platform=node'],
    exportConditions: ['node'],
  },
  browser: {
    format: 'iife',
    esbuild: ['--platform=browser', objectSizeofSaysGlobal],
    exportConditions: ['browser'],
  },
  worker: {
    format: 'iife',
    esbuild: ['--platform=browser', objectSizeofSaysGlobal, '--conditions=workerd,worker'],
    exportConditions: ['workerd', 'worker'],
  },
}
for (const [target, { format, esbuild, exportConditions }] of Object.entries(targets)) {
  check(`esbuild for ${target}, then run`, () => {
    const bin = join(root, 'node_modules/.bin/esbuild')
    run(
      bin,
      [
        'bundled.js',
        '--bundle',
        `--format=${format}`,
        `--outfile=esbuild-${target}.${format}`,
        ...esbuild,
        '--log-level=error',
      ],
      bare,
    )
    runBundle(join(bare, `esbuild-${target}.${format}`), format)
  })
  const output = join(bare, `rollup-${target}.${format}`)
  const options = join(bare, `rollup-${target}.json`)
  writeFileSync(
    options,
    JSON.stringify({ input: join(bare, 'bundled.js'), output, format, exportConditions }),
  )
  check(`rollup for ${target}, then run`, () => {
    run(process.execPath, [join(tools, 'rollup.mjs'), options], tools)
    runBundle(output, format)
  })
}

/** In Node as its own program; elsewhere with the language alone. */
function runBundle(path, format) {
  const seen = format === 'cjs' ? seenByNode(path) : seenByLanguage(path)
  if (seen !== expected) throw new Error(`Seen ${seen}, expected ${expected}`)
}

function seenByNode(path) {
  const script = `require(${JSON.stringify(path)}); process.stdout.write(globalThis.seen)`
  return run(process.execPath, ['-e', script], bare)
}

function seenByLanguage(path) {
  const context = createContext({})
  runInContext(readFileSync(path, 'utf8'), context, { filename: path })
  return context.seen
}

const width = Math.max(...results.map(([name]) => name.length))
for (const [name, verdict] of results) console.log(name.padEnd(width), verdict)
const failed = results.filter(([, verdict]) => verdict !== 'passed').length
console.log(`${results.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
