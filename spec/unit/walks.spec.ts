import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const at = (path: string) => new URL(`../../${path}`, import.meta.url)

/** The lines `read: traps, cache, …` of the design notes. */
const written = Object.fromEntries(
  [...readFileSync(at('docs/design.md'), 'utf8').matchAll(/^(\w+): +(.+)$/gm)].map(
    ([, name, files]) => [name, (files as string).split(', ').sort()],
  ),
)

it('each operation enters the files that docs/design.md names', () => {
  const traced = execFileSync(process.execPath, [at('spec/support/files-entered.mjs').pathname])
  expect(written).toEqual(JSON.parse(String(traced)))
})
