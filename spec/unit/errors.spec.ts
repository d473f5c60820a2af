import { expect, it, vi } from 'vitest'
import * as here from '../../lib/errors.ts'

vi.resetModules()
const other: typeof here = await import('../../lib/errors.ts')

it('an error of one copy of the package is an instance of the class of another', () => {
  expect(other.KeyError).not.toBe(here.KeyError)
  const missing = new other.KeyError('k')
  const tooLarge = new other.DataTooLargeError('k', 2, 1)
  expect(missing instanceof here.KeyError).toBe(true)
  expect(tooLarge instanceof here.DataTooLargeError).toBe(true)
  expect(new here.KeyError('k') instanceof other.KeyError).toBe(true)
  expect(missing instanceof here.DataTooLargeError).toBe(false)
  expect(tooLarge instanceof here.KeyError).toBe(false)
})

it('the mark by which they are told is not seen in what an error shows', () => {
  expect(Object.keys(new here.KeyError('k'))).toEqual(['key'])
  expect(Reflect.ownKeys(new here.KeyError('k')).filter((key) => typeof key === 'symbol')).toEqual(
    [],
  )
})

it('a copy of another version finds the mark under the same registered symbol', () => {
  const mark = Symbol.for('faas-cache-dict.error')
  expect(Reflect.get(new here.KeyError('k'), mark)).toBe('KeyError')
  expect(Reflect.get(new here.DataTooLargeError('k', 2, 1), mark)).toBe('DataTooLargeError')
})

it('the name of an error can be set, as that of any', () => {
  const error = new here.KeyError('k')
  error.name = 'Missing'
  expect(String(error)).toMatch(/^Missing: /)
})
