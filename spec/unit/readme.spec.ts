import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { transform } from 'esbuild'
import * as library from 'faas-cache-dict'
import * as keyv from 'faas-cache-dict/keyv'
import { describe, expect, test } from 'vitest'

const { noting, snippetsOf } = await import(
  new URL('../../scripts/package/tour.mjs', import.meta.url).href
)
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const snippets: { language: 'js' | 'ts'; code: string }[] = snippetsOf(readme)
const modules: Record<string, unknown> = {
  'faas-cache-dict': library,
  'faas-cache-dict/keyv': keyv,
}
const AsyncFunction = (async () => {}).constructor as FunctionConstructor

describe('every snippet of the README', () => {
  test.each(snippets)('runs, and gives what it says: %#', async ({ language, code }) => {
    const { code: noted, promised } = noting(code)
    const { code: script } = await transform(
      noted
        .replace(/import (\{.+\}) from '(.+)'/g, "const $1 = await load('$2')")
        .replaceAll('await import(', 'await load(')
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
  })

  test('there are some, and they promise values', () => {
    expect(snippets.length).toBeGreaterThanOrEqual(5)
    expect(snippets.flatMap(({ code }) => noting(code).promised).length).toBeGreaterThanOrEqual(10)
  })
})
