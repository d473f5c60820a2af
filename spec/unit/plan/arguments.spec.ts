import { expect, test } from 'vitest'
import { type Arguments, argumentsFrom } from '../../../lib/plan/arguments.ts'
import { Failure } from '../../../lib/plan/failure.ts'

const given = (...words: string[]) => argumentsFrom(['plan', 'log', ...words]) as Arguments

test('without options, all is left to the format', () => {
  expect(given()).toEqual({
    file: 'log',
    name: 'log',
    format: undefined,
    key: undefined,
    bytes: undefined,
    time: undefined,
    ttl: undefined,
    scale: 1,
    instances: 1,
    recycle: Infinity,
    budgets: undefined,
    maxEntry: Infinity,
    svg: undefined,
  })
})

test('all options', () => {
  expect(
    given(
      '--key=method,a.b',
      '--bytes=size',
      '--time=ts',
      '--ttl=90s',
      '--scale=2.5',
      '--instances=20',
      '--recycle=20m',
      '--budgets=64M,4K,65536,64K',
      '--max-entry=1M',
      '--format=json',
      '--svg=chart.svg',
    ),
  ).toEqual({
    file: 'log',
    name: 'log',
    format: 'json',
    key: ['method', 'a.b'],
    bytes: 'size',
    time: 'ts',
    ttl: 90_000,
    scale: 2.5,
    instances: 20,
    recycle: 1_200_000,
    budgets: [4096, 65_536, 67_108_864],
    maxEntry: 1_048_576,
    svg: 'chart.svg',
  })
})

test('a value that begins with a digit is a size or a time, and any other names a field', () => {
  expect(given('--bytes=2K').bytes).toBe(2048)
  expect(given('--bytes=100').bytes).toBe(100)
  expect(given('--bytes=size2').bytes).toBe('size2')
  expect(given('--ttl=max_age').ttl).toBe('max_age')
})

test('- is standard input', () => {
  expect(argumentsFrom(['plan', '-'])).toMatchObject({ file: '-', name: 'standard input' })
})

test.each([
  [[]],
  [['--help']],
  [['-h']],
  [['plan', '--help']],
  [['plan', 'log', '--key=a', '--help']],
])('help: %j', (words) => {
  expect(argumentsFrom(words)).toBeUndefined()
})

test.each([
  [['simulate'], 'Unknown command "simulate"; there is one, plan'],
  [['--key=a'], 'No command; there is one, plan'],
  [['plan'], 'plan needs a file, or - for standard input'],
  [['plan', 'a', 'b'], 'cat a b | npx faas-cache-dict plan -'],
  [['plan', 'a', '--kye=b'], "Unknown option '--kye'"],
  [['plan', 'a', '--key'], "Option '--key <value>' argument missing"],
  [['plan', 'a', '--key='], '--key is empty'],
  [['plan', 'a', '--key=a,'], '--key has an empty part'],
  [['plan', 'a', '--bytes=99999999T'], '--bytes takes a number of bytes from 0 to 2 ** 53'],
  [['plan', 'a', '--svg='], '--svg is empty'],
  [
    ['plan', 'a', '--bytes=2KB'],
    '--bytes takes bytes, or a size such as 64K, 128M or 1.5G; got "2KB"',
  ],
  [['plan', 'a', '--bytes=-5'], '--bytes takes bytes'],
  [['plan', 'a', '--bytes=0'], '--bytes takes bytes'],
  [['plan', 'a', '--bytes=25%'], '--bytes takes bytes'],
  [
    ['plan', 'a', '--ttl=5'],
    '--ttl takes a time with a unit, such as 500ms, 10s, 5m, 2h or 1d; got "5"',
  ],
  [['plan', 'a', '--ttl=0s'], '--ttl takes a time'],
  [['plan', 'a', '--recycle=soon'], '--recycle takes a time'],
  [['plan', 'a', '--instances=0'], '--instances takes a whole number above 0; got "0"'],
  [['plan', 'a', '--instances=1.5'], '--instances takes'],
  [['plan', 'a', '--scale=0'], '--scale takes a number above 0; got "0"'],
  [['plan', 'a', '--scale=x'], '--scale takes'],
  [['plan', 'a', '--budgets=64M,'], '--budgets takes bytes'],
  [['plan', 'a', '--budgets=1K'], 'so --budgets cannot have 1024'],
  [['plan', 'a', '--format=xml'], '--format takes json, csv, common; got "xml"'],
])('a wrong command has one line and exit code 2: %j', (words, message) => {
  let error: unknown
  try {
    argumentsFrom(words)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(Failure)
  expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) })
  expect((error as Error).message).not.toContain('\n')
})
