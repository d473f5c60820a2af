import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { transform } from 'esbuild'
import * as library from 'faas-cache-dict'
import * as advisor from 'faas-cache-dict/advisor'
import * as keyv from 'faas-cache-dict/keyv'
import { describe, expect, test } from 'vitest'

const { noting, snippetsOf } = await import(
  new URL('../outside/package/tour.mjs', import.meta.url).href
)
const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = ['.', 'docs'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)
const textOf = (page: string) => readFileSync(join(root, page), 'utf8')
const codeOf = (page: string): { language: 'js' | 'ts'; code: string }[] => snippetsOf(textOf(page))
const snippets = pages.flatMap((page) =>
  codeOf(page).map(({ language, code }, index) => [`${page} ${index}`, language, code] as const),
)
const modules: Record<string, unknown> = {
  'faas-cache-dict': library,
  'faas-cache-dict/advisor': advisor,
  'faas-cache-dict/keyv': keyv,
}
const AsyncFunction = (async () => {}).constructor as FunctionConstructor

describe('every snippet of a page', () => {
  test.each(snippets)(
    'runs and gives the values in its comments: %s',
    async (_name, language, code) => {
      const { code: noted, promised } = noting(code)
      const { code: script } = await transform(
        noted
          .replace(/import (\{.+\}) from '(.+)'/g, "const $1 = await load('$2')")
          .replaceAll('export async', 'async'),
        { loader: language },
      )
      const given: unknown[] = []
      const run = new AsyncFunction('load', 'note', script)
      await run(
        async (name: string) => modules[name] ?? import(name),
        (value: unknown) => given.push(value),
      )
      expect(given).toHaveLength(promised.length)
      for (const [index, value] of given.entries()) {
        expect(
          promised[index]?.startsWith(inspect(value)),
          `${promised[index]}: ${inspect(value)}`,
        ).toBe(true)
      }
    },
  )

  test.each(snippets)('imports at its top: %s', (_name, _language, code) => {
    const [, rest = ''] = /^(?:import .+\n)+([\s\S]+)$/.exec(code) ?? []
    expect(rest).not.toBe('')
    expect(rest).not.toMatch(/\bimport\b/)
  })

  test.each(['README.md', 'docs/loading.md'])('at least 5, with at least 10 values: %s', (page) => {
    expect(codeOf(page).length).toBeGreaterThanOrEqual(5)
    const values = codeOf(page).flatMap(({ code }) => noting(code).promised)
    expect(values.length).toBeGreaterThanOrEqual(10)
  })
})

describe('every relative link of a page', () => {
  test.each(pages)('leads to a file, and to a heading in it: %s', (page) => {
    const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string)
    for (const link of links.filter((each) => !/^[a-z]+:/.test(each))) {
      const [path, heading] = link.split('#')
      const target = path === '' ? join(root, page) : join(root, dirname(page), path as string)
      expect(existsSync(target), link).toBe(true)
      if (heading !== undefined) expect(anchorsOf(target), link).toContain(heading)
    }
  })
})

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
  return Array.from(headings, ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
