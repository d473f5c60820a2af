import { expect, it } from 'vitest'
import { heapSize } from '../../lib/size/heap-size.ts'

it.each([
  ['a Buffer of the pool', Buffer.from('a short text')],
  ['a long list of rows', Array.from({ length: 3001 }, (_, id) => ({ id, name: `n${id % 7}` }))],
  ['a long list of numbers', Array.from({ length: 3001 }, (_, at) => at / 3)],
  ['a long mixed list', Array.from({ length: 3001 }, (_, at) => (at % 3 ? at : `${at}`))],
  ['a Map of lists', new Map(Array.from({ length: 301 }, (_, at) => [at, [at, at / 7]]))],
  ['objects of unique keys', Array.from({ length: 301 }, (_, at) => ({ [`k${at}`]: at }))],
])('%s weighs whole bytes', (_name, value) => {
  expect(heapSize(value, 'key')).toSatisfy(Number.isSafeInteger)
})
