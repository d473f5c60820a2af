import { expect, test } from 'vitest'
import { FORMATS, type Format, formatOf } from '../../../lib/plan/format.ts'

/** What the parser gives for each line. */
function parsed(format: Format, fields: string[], ...lines: string[]) {
  return lines.map(FORMATS[format].parser(fields))
}

test('JSON: a field may be nested, or have a dot in its name', () => {
  const line = '{"a":{"b":1,"c":[2]},"d.e":3,"f":{"g.h":4}}'
  expect(parsed('json', ['a.b', 'd.e', 'a.c', 'a.x', 'x.y', 'a.b.c'], line)).toEqual([
    [1, 3, [2], undefined, undefined, undefined],
  ])
})

test('JSON: only properties of the object itself are fields', () => {
  expect(parsed('json', ['toString', 'a.length', '__proto__'], '{"a":"text"}')).toEqual([
    [undefined, undefined, undefined],
  ])
  expect(parsed('json', ['__proto__'], '{"__proto__":5}')).toEqual([[5]])
})

test('JSON: what is no object has a reason', () => {
  expect(parsed('json', ['a'], '{"a":', '[1]', 'null', '5')).toEqual([
    'not JSON',
    'no JSON object',
    'no JSON object',
    'no JSON object',
  ])
})

for (const [name, delimiter] of [
  ['commas', ','],
  ['semicolons', ';'],
  ['tabs', '\t'],
] as const) {
  test(`CSV: columns by name, between ${name}`, () => {
    const rows = [
      ['path', 'bytes', '"time"'],
      ['/a', '5', '1'],
      ['"/b,c;d\te"', '6', '2'],
      ['', '', ''],
      ['short'],
    ]
    const lines = rows.map((row) => row.join(delimiter))
    expect(parsed('csv', ['bytes', 'path', 'time'], ...lines)).toEqual([
      undefined,
      ['5', '/a', '1'],
      ['6', '/b,c;d\te', '2'],
      ['', '', ''],
      [undefined, 'short', undefined],
    ])
  })
}

test('CSV: quotes may hold line breaks and doubled quotes', () => {
  const lines = ['"a","the ""b"" of', 'it",b', '"one', 'two","""",""', '"""""",,x"y', '"z"w,,']
  expect(parsed('csv', ['a', 'b', 'the "b" of\nit'], ...lines)).toEqual([
    undefined,
    undefined,
    undefined,
    ['one\ntwo', '', '"'],
    ['""', 'x"y', ''],
    ['zw', '', ''],
  ])
})

test.each([
  ['15 lines', 'x', 15],
  ['65,536 characters', 'x'.repeat(10_000), 7],
])('CSV: a quote that is not closed takes at most %s with it', (_most, line, most) => {
  const parse = FORMATS.csv.parser(['a'])
  parse('a,b')
  expect(parse('"open,1')).toBeUndefined()
  let result: unknown
  let lines = 0
  while (result === undefined) {
    result = parse(line)
    lines++
  }
  expect(result).toBe('a quote that is not closed')
  expect(lines).toBe(most)
  expect(parse('next,2')).toEqual(['next'])
})

test('CSV: an unknown column is a wrong command, and the message names the columns', () => {
  expect(() => parsed('csv', ['c'], 'a,b')).toThrow('No column "c"; the columns are a, b')
})

const COMBINED =
  '10.0.0.1 - jane [17/May/2015:10:05:03 +0000] "GET /a%20b?c=d HTTP/1.1" 200 5120 "http://from/" "Agent \\"x\\" 1"'

test('common log format: all fields of a combined log', () => {
  const fields = ['host', 'user', 'time', 'method', 'path', 'status', 'bytes', 'referer', 'agent']
  expect(parsed('common', fields, COMBINED)).toEqual([
    [
      '10.0.0.1',
      'jane',
      '17/May/2015:10:05:03 +0000',
      'GET',
      '/a%20b?c=d',
      '200',
      '5120',
      'http://from/',
      'Agent \\"x\\" 1',
    ],
  ])
})

test('common log format: without referer and agent, with more fields after them, with spaces', () => {
  const common = '::1 - - [17/May/2015:10:05:03 +0000] "GET /a b HTTP/1.1" 304 -'
  expect(parsed('common', ['path', 'bytes', 'agent'], common, `${COMBINED} 0.003 rt`)).toEqual([
    ['/a b', 0, undefined],
    ['/a%20b?c=d', '5120', 'Agent \\"x\\" 1'],
  ])
  expect(
    parsed(
      'common',
      ['user', 'path'],
      common.replace('- - [', '- jane doe [').replace(' HTTP/1.1', ''),
    ),
  ).toEqual([['jane doe', '/a b']])
})

test('common log format: a line without a request has a reason, if a field needs the request', () => {
  const line = '10.0.0.1 - - [17/May/2015:10:05:03 +0000] "\\x16\\x03\\x01" 400 226'
  expect(parsed('common', ['path'], line, 'something else')).toEqual([
    'no HTTP request',
    'not in the common log format',
  ])
  expect(parsed('common', ['bytes'], line)).toEqual([['226']])
})

test('common log format: an unknown field is a wrong command', () => {
  expect(() => parsed('common', ['path', 'size'])).toThrow('no field "size"; its fields are host')
})

test.each([
  ['json', ['', '  {"a":1}', '{"a":2}']],
  ['json', ['the end of a line that was cut', '{"a":1}']],
  ['json', ["{'a':1}"]],
  ['common', ['cut', COMBINED]],
  ['csv', ['path,bytes', '/a,1']],
  ['csv', ['path\tbytes']],
] as const)('the format is %s, by the first lines', (format, lines) => {
  expect(formatOf('it', lines)).toBe(format)
})

test.each([
  [[], 'it is empty'],
  [['', ' '], 'it is empty'],
  [['[', '{"a":1},'.slice(1)], 'jq -c'],
  [['one', 'two'], 'neither JSON objects, nor CSV'],
  [['\x7fELF,\0\x01'], 'neither'],
  [['\ufffd,\ufffd'], 'neither'],
])('no format: %j', (lines, message) => {
  expect(() => formatOf('it', lines)).toThrow(message)
})
