import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { linesOf, MOST_CHARACTERS } from '../../../lib/plan/lines.ts'

async function linesFrom(chunks: Iterable<Uint8Array>, onBytes = (_bytes: number) => {}) {
  const lines: string[] = []
  for await (const batch of linesOf(Readable.from(chunks), onBytes)) lines.push(...batch)
  return lines
}

const text = 'first\r\nsecond\n\nünïcödé 🙂\nlast'
const expected = ['first', 'second', '', 'ünïcödé 🙂', 'last']
const oneByOne = (bytes: Uint8Array) => [...bytes].map((byte) => Uint8Array.of(byte))

const encodings = {
  'UTF-8': Buffer.from(text),
  'UTF-8 with a byte order mark': Buffer.from(`\ufeff${text}`),
  'UTF-16, little-endian': Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16, big-endian': Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
}
for (const [name, bytes] of Object.entries(encodings)) {
  test(`lines of ${name}, whole, in single bytes and compressed`, async () => {
    expect(await linesFrom([bytes])).toEqual(expected)
    expect(await linesFrom(oneByOne(bytes))).toEqual(expected)
    expect(await linesFrom([gzipSync(bytes)])).toEqual(expected)
    expect(await linesFrom(oneByOne(gzipSync(bytes)))).toEqual(expected)
  })
}

test('compressed files that were joined are read to the end', async () => {
  expect(await linesFrom([gzipSync('a\n'), gzipSync('b\n')])).toEqual(['a', 'b'])
})

test('a compressed file that ends early is an error', async () => {
  await expect(linesFrom([gzipSync(text).subarray(0, -9)])).rejects.toThrow(
    'unexpected end of file',
  )
})

test('an empty file has no lines; a single byte is a line', async () => {
  expect(await linesFrom([])).toEqual([])
  expect(await linesFrom([Buffer.from('a')])).toEqual(['a'])
})

test('a line that is too long is cut, and the next one is whole', async () => {
  const chunk = Buffer.alloc(2 ** 16, 'x')
  const lines = await linesFrom([...Array<Buffer>(40).fill(chunk), Buffer.from('\nnext')])
  expect(lines.map(({ length }) => length)).toEqual([MOST_CHARACTERS + 1, 4])
})

test('the bytes that were read are those of the file, compressed or not', async () => {
  const file = gzipSync(text)
  let bytes = 0
  await linesFrom([file.subarray(0, 30), file.subarray(30)], (read) => {
    bytes += read
  })
  expect(bytes).toBe(file.length)
})
