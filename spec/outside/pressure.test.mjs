// A short form of `npm run bench -- memory-pressure`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../bench/memory-pressure.mjs'
import { container } from '../../bench/support/containers.mjs'

const SCENARIOS = [
  'JSON rows',
  'Buffers of 64 KB',
  'tiny entries',
  'copies of 24 texts by Object.assign',
  'closures over 2 KB',
  'slices of texts of 64 KB',
  'rows, and 40 MB held',
  'private fields of 2 KB',
  'rows, and other data grows to 60 MB',
  'two caches of rows',
]
const MEBIBYTE = 2 ** 20

const probe = container(128 * MEBIBYTE)
await probe?.remove()
const skip = probe ? false : 'no control group can be made here'

for (const [at, scenario] of SCENARIOS.entries()) {
  const setting = { scenario, limit: 128, budget: '50%', mode: at % 2 === 0 ? 'async' : 'sync' }
  test(`lives in a heap of 128 MB: ${scenario}`, async () => {
    const { outcome, ...figures } = await play({ ...setting, place: 'heap' })
    assert.equal(outcome, 'lives', JSON.stringify(figures))
  })
  test(`lives in a container of 128 MB: ${scenario}`, { skip }, async () => {
    const { outcome, ...figures } = await play({ ...setting, place: 'container' })
    assert.equal(outcome, 'lives', JSON.stringify(figures))
  })
}
