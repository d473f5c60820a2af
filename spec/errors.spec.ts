import { expect, it } from 'vitest'
import { DataTooLargeError, KeyError } from '../lib/errors.ts'

it('a DataTooLargeError is a RangeError that says which key, how large and how large at the most', () => {
  const error = new DataTooLargeError('report', 2_048, 1_024)
  expect(error).toBeInstanceOf(RangeError)
  expect(error).toMatchObject({ name: 'DataTooLargeError', key: 'report', sizeBytes: 2_048 })
  expect(error.maxSizeBytes).toBe(1_024)
  expect(error.message).toMatch(/"report".*2048 bytes.*1024 bytes/)
})

it('a KeyError is an Error that says which key', () => {
  const error = new KeyError('absent')
  expect(error).toBeInstanceOf(Error)
  expect(error).not.toBeInstanceOf(RangeError)
  expect(error).toMatchObject({ name: 'KeyError', key: 'absent' })
  expect(error.message).toContain('"absent"')
})
