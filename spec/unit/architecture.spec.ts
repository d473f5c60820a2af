import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const lib = fileURLToPath(new URL('../../lib', import.meta.url))

const imports = new Map(
  readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, importsOf(name)]),
)

function importsOf(name: string): string[] {
  const text = readFileSync(join(lib, name), 'utf8')
  return [...text.matchAll(/from '([^']+)'/g)].map(([, target]) =>
    target?.startsWith('.') ? relative(lib, join(lib, dirname(name), target)) : (target as string),
  )
}

function reachable(name: string, found = new Set<string>()): Set<string> {
  for (const target of imports.get(name) ?? []) {
    if (found.has(target)) continue
    found.add(target)
    reachable(target, found)
  }
  return found
}

test('imports point one way: no file reaches itself', () => {
  expect(imports.size).toBeGreaterThan(20)
  for (const name of imports.keys()) expect([...reachable(name)], name).not.toContain(name)
})

test('the main entry reaches no package and no module of Node', () => {
  for (const target of reachable('index.ts')) expect([...imports.keys()]).toContain(target)
})

/** The rows of docs/design.md, from the top: the files of each. */
const rows = (() => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/design.md', import.meta.url)), 'utf8')
  const lines = page.matchAll(/^(\w+\/)? +((?:[\w/-]+ )*[\w/-]+) {3,}\S/gm)
  return [...lines]
    .map(([, folder = '', files = '']) => files.split(' ').map((file) => `${folder}${file}.ts`))
    .filter(([file]) => imports.has(file as string))
})()

test('docs/design.md names every file once', () => {
  expect(rows.flat().sort()).toEqual([...imports.keys()].sort())
})

test('a file imports files of its own row in docs/design.md or of the rows below it', () => {
  const rowOf = (file: string) => rows.findIndex((files) => files.includes(file))
  for (const [name, targets] of imports) {
    for (const target of targets.filter((each) => imports.has(each))) {
      expect(rowOf(target), `${name} imports ${target}`).toBeGreaterThanOrEqual(rowOf(name))
    }
  }
})

test('the tables know nothing of policy, time or size', () => {
  for (const [name, targets] of imports) {
    if (!name.startsWith('table/')) continue
    for (const target of targets) expect(target, name).toMatch(/^table\//)
  }
})

test('clocks, sizes and options know nothing of the cache', () => {
  for (const [name, targets] of imports) {
    const [folder] = name.split('/')
    if (!['time', 'size', 'options'].includes(folder as string)) continue
    for (const target of targets)
      expect(target, name).toMatch(/^((time|size|options)\/|(engine|stack)\.ts$)/)
  }
})
