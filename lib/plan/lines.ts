import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

/** A longer line is cut to one character more. */
export const MOST_CHARACTERS = 2 ** 20

/** Bytes that tell how the text is encoded. */
const MARK_BYTES = 2
const ENCODINGS: Readonly<Record<string, string>> = { fffe: 'utf-16le', feff: 'utf-16be' }
const GZIP = '1f8b'

/** Lines without their ends, in batches. `onBytes` hears how many bytes were read. */
export async function* linesOf(
  source: Readable,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string[]> {
  const { mark, bytes } = await begun(source, onBytes)
  const plain = mark === GZIP ? await begun(unzipped(bytes), () => {}) : { mark, bytes }
  const decoder = new TextDecoder(ENCODINGS[plain.mark] ?? 'utf-8')
  let rest = ''
  for await (const chunk of plain.bytes) {
    const text = decoder.decode(chunk, { stream: true })
    const batch: string[] = []
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      batch.push(lineOf(rest + text.slice(start, end)))
      rest = ''
      start = end + 1
    }
    if (rest.length <= MOST_CHARACTERS) rest += text.slice(start)
    yield batch
  }
  rest += decoder.decode()
  if (rest !== '') yield [lineOf(rest)]
}

function lineOf(text: string): string {
  const line = text.endsWith('\r') ? text.slice(0, -1) : text
  return line.length > MOST_CHARACTERS ? line.slice(0, MOST_CHARACTERS + 1) : line
}

interface Begun {
  /** The first bytes in hexadecimal. */
  mark: string
  bytes: AsyncIterable<Uint8Array>
}

/** Looks at the first bytes, which may come one by one. */
async function begun(source: Readable, onBytes: (bytes: number) => void): Promise<Begun> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  let head = Buffer.alloc(0)
  while (head.length < MARK_BYTES) {
    const { value, done } = await chunks.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  onBytes(head.length)
  async function* bytes() {
    yield head
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      onBytes(next.value.length)
      yield next.value
    }
  }
  return { mark: head.toString('hex', 0, MARK_BYTES), bytes: bytes() }
}

function unzipped(bytes: AsyncIterable<Uint8Array>): Readable {
  const output = new PassThrough()
  pipeline(bytes, createGunzip(), output).catch((error) => output.destroy(error))
  return output
}
