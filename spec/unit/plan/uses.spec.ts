import { expect, test } from 'vitest'
import { type Arguments, argumentsFrom } from '../../../lib/plan/arguments.ts'
import { useReader } from '../../../lib/plan/uses.ts'

const reader = (...options: string[]) =>
  useReader(argumentsFrom(['plan', 'log', ...options]) as Arguments, 'json')

const read = reader('--key=k', '--bytes=b', '--time=t', '--ttl=l')
const use = (fields: object) => read(JSON.stringify({ k: 'a', b: 1, t: 1, l: 1, ...fields }))

test('a line is a use, with times in milliseconds', () => {
  expect(use({ k: 'ü', b: '20', t: 5, l: 1.5 })).toEqual({
    key: 'ü',
    bytes: 20,
    time: 5_000,
    ttl: 1_500,
  })
})

test('a key is text, a number or a boolean', () => {
  expect(use({ k: 5 })).toMatchObject({ key: '5' })
  expect(use({ k: '' })).toMatchObject({ key: '' })
  expect(use({ k: false })).toMatchObject({ key: 'false' })
})

test('several fields make one key, and no others make the same', () => {
  const keyOf = (a: unknown, b: unknown) =>
    reader('--key=a,b', '--bytes=1')(JSON.stringify({ a, b }))
  expect(keyOf('x y', 'z')).not.toEqual(keyOf('x', 'y z'))
  expect(keyOf('GET', '/')).toEqual(keyOf('GET', '/'))
  expect(keyOf('GET', undefined)).toBe('no field "b"')
})

test('an entry without a TTL never expires; a TTL of 0 or less has passed', () => {
  for (const none of [undefined, null, ''])
    expect(use({ l: none })).toMatchObject({ ttl: Infinity })
  expect(use({ l: 0 })).toMatchObject({ ttl: 0 })
  expect(use({ l: '-5' })).toMatchObject({ ttl: -5_000 })
})

test('sizes and times may be the same for all lines', () => {
  const read = reader('--key=k', '--bytes=2K', '--time=t', '--ttl=5m')
  expect(read('{"k":"a","t":0}')).toEqual({ key: 'a', bytes: 2048, time: 0, ttl: 300_000 })
  expect(reader('--key=k', '--bytes=2K')('{"k":"a"}')).toMatchObject({ time: 0, ttl: Infinity })
})

test.each([
  [{ k: undefined }, 'no field "k"'],
  [{ k: null }, '"k" is not text or a number: null'],
  [{ k: ['a'] }, '"k" is not text or a number: an object'],
  [{ b: undefined }, 'no field "b"'],
  [{ b: -1 }, '"b" is not a number of bytes: -1'],
  [{ b: '-1' }, '"b" is not a number of bytes: "-1"'],
  [{ b: '-' }, '"b" is not a number of bytes: "-"'],
  [{ b: '' }, '"b" is not a number of bytes: ""'],
  [{ b: '5 K' }, '"b" is not a number of bytes: "5 K"'],
  [{ b: 1e300 }, '"b" is not a number of bytes: 1e+300'],
  [{ b: null }, '"b" is not a number of bytes: null'],
  [{ t: undefined }, 'no field "t"'],
  [{ t: 'noon' }, '"t" is not a time: "noon"'],
  [{ l: 'soon' }, '"l" is not a number of seconds: "soon"'],
  [{ l: true }, '"l" is not a number of seconds: true'],
])('a line that is no use has a reason: %j', (fields, reason) => {
  expect(use(fields)).toBe(reason)
})

test.each([
  [[], 'JSON lines: --key must name a field'],
  [['--key=k'], 'JSON lines: --bytes must name a field or be a size'],
  [['--key=k', '--bytes=1', '--ttl=5m'], '--ttl needs --time'],
  [['--key=k', '--bytes=1', '--recycle=5m'], '--recycle needs --time'],
])('what a format needs: %j', (options, message) => {
  expect(() => reader(...options)).toThrow(message)
})
