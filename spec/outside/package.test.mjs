import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandOf, must, root } from './install.mjs'
import { importQuietly, importsOf, seenByLanguage } from './package/alone.mjs'
import { bundles } from './package/bundles.mjs'
import { typedProjects } from './package/compile.mjs'
import { examples } from './package/examples.mjs'
import { programOf, snippetsOf } from './package/tour.mjs'

const node = process.execPath
const asLambda = '--no-experimental-require-module'
const tools = join(root, '.cache/package-tools')
// An empty project, out of reach of this one's node_modules.
const consumer = mkdtempSync(join(tmpdir(), 'consumer-'))
const results = []

async function check(name, what) {
  try {
    await what()
    results.push([name, 'passed'])
  } catch (error) {
    results.push([name, 'FAILED'])
    console.error(`--- ${name}\n${error.message}\n`)
  }
}

function equal(seen, expected) {
  if (seen !== expected) throw new Error(`Seen ${seen}, expected ${expected}`)
}

function install(folder, ...packages) {
  must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], folder)
}

mkdirSync(tools, { recursive: true })
cpSync(join(root, 'spec/outside/package/tools.json'), join(tools, 'package.json'))
cpSync(join(root, 'spec/outside/package/rollup.mjs'), join(tools, 'rollup.mjs'))
install(tools)

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const tarball = join(consumer, `faas-cache-dict-${manifest.version}.tgz`)
writeFileSync(join(consumer, 'package.json'), '{ "private": true }\n')
must('npm', ['pack', '--silent', '--pack-destination', consumer], root)
install(consumer, tarball)
const dist = (name) => join(consumer, 'node_modules/faas-cache-dict/dist', name)

await check('tarball holds what it should', () => {
  const names = must('tar', ['-tzf', tarball], root).trim().split('\n')
  const strangers = names.filter(
    (name) => !/^package\/(dist\/.+|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(name),
  )
  if (strangers.length > 0) throw new Error(`It also holds ${strangers.join(', ')}`)
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.cjs']) {
    if (!names.includes(`package/${name}`)) throw new Error(`It lacks ${name}`)
  }
})
await check('publint --strict', () => {
  must(join(tools, 'node_modules/.bin/publint'), ['--strict', tarball], root)
})
await check('attw, node10 included', () => {
  must(join(tools, 'node_modules/.bin/attw'), [tarball], root)
})

const byLanguage = JSON.stringify([['d', 'e'], 2, true, 32 * 1024 ** 2, true, true])
for (const build of ['index.js', 'index.cjs']) {
  await check(`${build} imports nothing`, async () => {
    equal((await importsOf(dist(build))).join(), '')
  })
  await check(`${build} starts, reads and draws nothing at import`, () =>
    importQuietly(dist(build)),
  )
  await check(`${build} works with the language alone`, async () => {
    equal(await seenByLanguage(dist(build)), byLanguage)
  })
}

// The README's tour as a newcomer follows it: what a section says to install is installed.
const readme = readFileSync(join(consumer, 'node_modules/faas-cache-dict/README.md'), 'utf8')
const tour = {
  'Five minutes': [],
  'In front of a shared store': [`keyv@${manifest.devDependencies.keyv}`],
}
for (const [section, packages] of Object.entries(tour)) {
  if (packages.length > 0) install(consumer, ...packages)
  const snippets = snippetsOf(readme, section).filter(({ language }) => language === 'js')
  for (const [system, flags] of [
    ['esm', []],
    ['cjs', []],
    ['cjs', [asLambda]],
  ]) {
    await check(`README, ${section}: ${system} ${flags.join(' ')}`.trim(), () => {
      if (snippets.length === 0) throw new Error('The section has no code')
      for (const [index, { code }] of snippets.entries()) {
        const file = join(consumer, `tour-${index}.${system === 'esm' ? 'mjs' : 'cjs'}`)
        writeFileSync(file, programOf(code, system))
        must(node, [...flags, file], consumer)
      }
    })
  }
}

for (const { name, run } of examples(consumer, join(root, 'examples'))) await check(name, run)

cpSync(join(root, 'spec/outside/package'), consumer, { recursive: true })
await check('stack traces lead to lib', () => {
  const stacks = JSON.parse(must(node, ['--enable-source-maps', 'traces.cjs'], consumer))
  equal(stacks.length, 2)
  for (const stack of stacks) {
    const [, file, line] = /\/(lib\/[\w/-]+\.ts):(\d+):\d+/.exec(stack) ?? []
    if (file === undefined) throw new Error(stack)
    const source = readFileSync(join(root, file), 'utf8').split('\n')[line - 1]
    if (!source.includes('throw new KeyError')) throw new Error(`${file}:${line} is ${source}`)
  }
})
const failing = "controllerOf(new FaaSCacheDict()).getOrThrow('absent')"
for (const script of [
  `const { controllerOf, FaaSCacheDict } = require('faas-cache-dict'); ${failing}`,
  `import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'; ${failing}`,
]) {
  await check(`an uncaught error prints short lines: ${script.split(' ')[0]}`, () => {
    const type = script.startsWith('import') ? 'module' : 'commonjs'
    const args = [`--input-type=${type}`, '-e', script]
    const { stderr } = spawnSync(node, args, { cwd: consumer, encoding: 'utf8' })
    const [place, line] = stderr.split('\n')
    if (!/dist\/index\.c?js:\d+$/.test(place) || line.length > 160) throw new Error(stderr)
  })
}
// Keyv itself does not load there.
await check('both builds load where a program has added to Object.prototype', () => {
  const script = `
    Object.prototype.extra = () => {}
    Object.prototype.maxItems = 0
    const use = ({ FaaSCacheDict }, { payloadSize }) => {
      const cache = new FaaSCacheDict({ sizeOf: payloadSize }, { a: 1 })
      if (cache.a !== 1) throw new Error('It does not work')
    }
    const names = ['faas-cache-dict', 'faas-cache-dict/payload']
    use(...names.map((name) => require(name)))
    Promise.all(names.map((name) => import(name))).then((modules) => use(...modules))`
  must(node, ['-e', script], consumer)
})
await check('an unsupported Node is told which one is needed', () => {
  const script = "new (require('faas-cache-dict').FaaSCacheDict)()"
  const { status, stderr } = spawnSync(commandOf('node18'), ['-e', script], {
    cwd: consumer,
    encoding: 'utf8',
  })
  const needed = manifest.engines.node.replace('>=', '')
  const said = stderr.includes(`faas-cache-dict needs Node ${needed} or later; this is Node 18.`)
  if (status === 0 || !said) throw new Error(`exit ${status}\n${stderr.slice(-1_000)}`)
})

install(consumer, `second-copy@${tarball}`)
for (const flags of [[], [asLambda]]) {
  await check(['both builds and a second copy', ...flags].join(' '), () => {
    must(node, [...flags, 'two-builds.cjs'], consumer)
  })
}
const source = join(root, 'spec/outside/package/consumer.ts')
for (const { name, project, args } of typedProjects(consumer, tools, source)) {
  await check(name, () => must(node, args, project))
}
const shown = ['FaaSCacheDict', 'CacheController', '#<FaaSCacheDict> could not be cloned.']
const expected = JSON.stringify(['first', true, 'second', true, 'first', 'function', ...shown])
const bundlers = { esbuild: join(root, 'node_modules/.bin/esbuild'), rollup: tools }
for (const { name, run } of bundles(consumer, bundlers)) {
  await check(name, async () => equal(await run(), expected))
}

rmSync(consumer, { recursive: true, force: true })
const width = Math.max(...results.map(([name]) => name.length))
for (const [name, verdict] of results) console.log(name.padEnd(width), verdict)
const failed = results.filter(([, verdict]) => verdict !== 'passed').length
console.log(`${results.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
