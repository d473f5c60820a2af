import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { requireSupportedNode } from '../../lib/engine.ts'

test('a Node without what the library stands on is refused, and told which it needs', () => {
  const refused = () => requireSupportedNode({ versions: { node: '18.20.8' } })
  expect(refused).toThrow('faas-cache-dict needs Node 20.19 or later; this is Node 18.20.8')
})

test('the version that it names is that of engines', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(JSON.parse(manifest).engines.node).toBe('>=20.19')
})

test('where there is no process, nothing is asked of it', () => {
  vi.stubGlobal('process', undefined)
  try {
    requireSupportedNode()
  } finally {
    vi.unstubAllGlobals()
  }
})

test.each([
  ['the Node that runs this', undefined],
  ['a browser with a shim of process', { versions: {} }],
  ['a Worker with less of it', {}],
  ['Bun', { versions: { node: '18.0.0', bun: '1.0.0' } }],
  ['Deno', { versions: { node: '18.0.0', deno: '1.40.0' } }],
])('%s is let be', (_name, process) => {
  expect(() => requireSupportedNode(process)).not.toThrow()
})
