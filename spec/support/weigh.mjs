import { pathToFileURL } from 'node:url'

const { heapSize } = await import(pathToFileURL(process.argv[2]).href)
let count = 0
/** Unique and flat, so that the engine can neither share it nor keep it in pieces. */
const text = () => Buffer.from(`v${(++count).toString(36).padStart(12, '0')}`).toString('latin1')
const list = (length, make) => Array.from({ length }).map((_, at) => make(at))

class Point {
  name = text()
  x = ++count
  y = count + 0.5
}

/** Name, how many, maker. */
const classes = [
  ['strings', 200_000, text],
  ['strings of two bytes a character', 150_000, () => JSON.parse(`"${text()}日本語日本語"`)],
  ['bigints', 150_000, () => 10n ** 30n + BigInt(++count)],
  ['arrays of integers', 4000, () => list(200, (at) => at + count)],
  ['arrays of doubles', 4000, () => list(200, (at) => at + 0.5)],
  ['class instances', 150_000, () => new Point()],
  ['maps', 4000, () => new Map(list(20, () => [text(), text()]))],
  ['sets', 4000, () => new Set(list(20, text))],
  ['typed arrays', 4000, () => new Float64Array(500)],
  ['array buffers', 4000, () => new ArrayBuffer(4096)],
  ['large buffers', 4000, () => Buffer.alloc(10_000)],
  [
    'rows',
    20_000,
    () =>
      JSON.parse(
        JSON.stringify({
          id: ++count,
          name: text(),
          at: { lat: count / 7, tags: [text(), text()] },
        }),
      ),
  ],
  ['objects of 2 unique keys', 20_000, () => ({ [text()]: 1, [text()]: 2 })],
  ['objects of 20 unique keys', 4000, () => Object.fromEntries(list(20, (at) => [text(), at]))],
  [
    'sparse arrays',
    10_000,
    () => {
      const sparse = []
      for (let at = 1; at < 20; at++) sparse[at * 5000] = at
      return sparse
    },
  ],
]

const memory = async () => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const [, amount, make] = classes.find(([name]) => name === process.argv[3])
for (let i = 0; i < 3000; i++) make()
const kept = new Array(amount).fill(null)
const before = await memory()
for (let i = 0; i < amount; i++) kept[i] = make()
const real = (await memory()) - before
let charged = 0
for (const value of kept) charged += heapSize(value, '')
console.log(charged / real)
