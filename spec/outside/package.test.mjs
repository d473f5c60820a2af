import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  commandOf,
  consumerOf,
  copyInto,
  install,
  installed,
  manifest,
  must,
  pack,
  root,
} from './install.mjs'
import { importQuietly, importsOf, resultWithLanguageAlone } from './package/alone.mjs'
import { bundles } from './package/bundles.mjs'
import { typedProjects } from './package/compile.mjs'
import { examples } from './package/examples.mjs'
import { programOf, snippetsOf } from './package/tour.mjs'

const node = process.execPath
// Lambda starts Node with this flag.
const asLambda = '--no-experimental-require-module'
const tools = installed('package-checks')
const tarball = pack()
const consumer = consumerOf({}, 'commonjs')
copyInto(consumer, 'spec/outside/package')
copyInto(join(consumer, 'examples'), 'examples')
const dist = (name) => join(consumer, 'node_modules/faas-cache-dict/dist', name)

test('the tarball holds the build, the manifest and three documents', () => {
  const names = must('tar', ['-tzf', tarball], root).trim().split('\n')
  const documents = ['README.md', 'LICENSE', 'CHANGELOG.md']
  const expected = [...documents, 'package.json', 'dist/index.js', 'dist/index.cjs']
  for (const name of expected) assert.ok(names.includes(`package/${name}`), `${name} is missing`)
  const isExpected = (name) => /^package\/dist\/./.test(name) || expected.includes(name.slice(8))
  assert.deepEqual(
    names.filter((name) => !isExpected(name)),
    [],
  )
})
test('publint --strict', () => {
  must(join(tools, 'node_modules/.bin/publint'), ['--strict', tarball], root)
})
test('attw, node10 included', () => {
  must(join(tools, 'node_modules/.bin/attw'), [tarball], root)
})

for (const build of ['index.js', 'index.cjs']) {
  test(`${build} imports nothing`, async () => {
    assert.deepEqual(await importsOf(dist(build)), [])
  })
  test(`the import of ${build} starts no timer, reads no clock and draws no number`, () =>
    importQuietly(dist(build)))
  test(`${build} works with the language alone`, async () => {
    assert.deepEqual(await resultWithLanguageAlone(dist(build)), {
      keys: ['d', 'e'],
      size: 2,
      isEvicted: true,
      maxSizeBytes: 32 * 1024 ** 2,
      isCharged: true,
    })
  })
}

// The README's tour as a newcomer follows it, with the packages that a section says to install.
const readme = readFileSync(join(consumer, 'node_modules/faas-cache-dict/README.md'), 'utf8')
const keyv = `keyv@${manifest.devDependencies.keyv}`
for (const [section, ...packages] of [['Quick start'], ['Keyv and Redis', keyv]]) {
  test(`README, ${section}`, async (t) => {
    if (packages.length > 0) install(consumer, ...packages)
    const snippets = snippetsOf(readme, section).filter(({ language }) => language === 'js')
    assert.ok(snippets.length > 0, 'the section has no code')
    for (const [system, ...flags] of [['mjs'], ['cjs'], ['cjs', asLambda]]) {
      await t.test([system, ...flags].join(' '), () => {
        for (const [index, { code }] of snippets.entries()) {
          const file = join(consumer, `tour-${index}.${system}`)
          writeFileSync(file, programOf(code, system))
          must(node, [...flags, file], consumer)
        }
      })
    }
  })
}

for (const [name, run] of Object.entries(examples)) test(`example: ${name}`, () => run(consumer))

test('stack traces lead to lib', () => {
  const stacks = JSON.parse(must(node, ['--enable-source-maps', 'traces.cjs'], consumer))
  assert.equal(stacks.length, 2)
  for (const stack of stacks) {
    const [, file, line] = /\/(lib\/[\w/-]+\.ts):(\d+):\d+/.exec(stack) ?? assert.fail(stack)
    const source = readFileSync(join(root, file), 'utf8').split('\n')[line - 1]
    assert.match(source, /throw new KeyError/, `${file}:${line}`)
  }
})
const failing = "controllerOf(new FaaSCacheDict()).getOrThrow('absent')"
for (const [type, script] of Object.entries({
  commonjs: `const { controllerOf, FaaSCacheDict } = require('faas-cache-dict'); ${failing}`,
  module: `import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'; ${failing}`,
})) {
  test(`an uncaught error prints short lines: ${type}`, () => {
    const [place, line] = errorOf(node, `--input-type=${type}`, '-e', script).split('\n')
    assert.match(place, /dist\/index\.c?js:\d+$/)
    assert.ok(line.length <= 160, line)
  })
}
// Keyv itself does not load in such a program.
test('both builds load in a program that has added to Object.prototype', () => {
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
test('an unsupported Node is told which version is needed', () => {
  const script = "new (require('faas-cache-dict').FaaSCacheDict)()"
  const needed = manifest.engines.node.replace('>=', '')
  const message = `faas-cache-dict needs Node ${needed} or later; this is Node 18.`
  const stderr = errorOf(commandOf('node18'), '-e', script)
  assert.ok(stderr.includes(message), stderr.slice(-1_000))
})
test('both builds and those of a second copy work on the same caches', () => {
  install(consumer, `second-copy@${tarball}`)
  must(node, ['two-builds.cjs'], consumer)
  must(node, [asLambda, 'two-builds.cjs'], consumer)
})
for (const { name, check } of typedProjects(consumer, tools)) test(name, check)
for (const { name, run } of bundles(consumer, tools)) {
  test(name, async () => {
    assert.deepEqual(JSON.parse(await run()), {
      values: ['first', 'second', 'first'],
      isKept: true,
      isInstance: true,
      createKeyv: 'function',
      names: ['FaaSCacheDict', 'CacheController'],
      message: '#<FaaSCacheDict> could not be cloned.',
    })
  })
}

/** The error output of a program that fails. */
function errorOf(command, ...args) {
  const { status, stderr } = spawnSync(command, args, { cwd: consumer, encoding: 'utf8' })
  assert.notEqual(status, 0)
  return stderr
}
