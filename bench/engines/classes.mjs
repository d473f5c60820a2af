let count = 0
/** Unique and flat, so that no engine can share it nor keep it in pieces. */
const text = () => JSON.parse(`"v${(++count).toString(36).padStart(12, '0')}"`)
const list = (length, make) => Array.from({ length }, (_, at) => make(at))

class Point {
  name = text()
  x = ++count
  y = count + 0.5
}

const row = () =>
  JSON.parse(
    JSON.stringify({
      id: ++count,
      name: text(),
      email: `${text()}@example.com`,
      score: count + 0.5,
      active: true,
      address: { street: text(), city: text(), zip: count },
      tags: [text(), text()],
    }),
  )

/** By name: how many, and what makes one. The language alone, so that every engine can run it. */
export const classes = {
  rows: [20_000, row],
  strings: [150_000, text],
  'strings of two bytes a character': [150_000, () => JSON.parse(`"日本語${text()}"`)],
  'arrays of integers': [4_000, () => list(200, (at) => at + count++)],
  'arrays of doubles': [4_000, () => list(200, (at) => at + 0.5)],
  'arrays of rows': [1_000, () => list(20, row)],
  'class instances': [100_000, () => new Point()],
  maps: [4_000, () => new Map(list(20, () => [text(), text()]))],
  sets: [4_000, () => new Set(list(20, text))],
  dates: [100_000, () => new Date(++count)],
  bigints: [100_000, () => 10n ** 30n + BigInt(++count)],
  'typed arrays': [4_000, () => new Float64Array(500)],
  'array buffers': [4_000, () => new ArrayBuffer(4_096)],
  'objects of 10 unique keys': [8_000, () => Object.fromEntries(list(10, (at) => [text(), at]))],
}

let kept = []
let make

/** Before the first weighing: what is made once a kind is made, and room for the rest. */
export function prepare(name) {
  const [amount, maker] = classes[name]
  make = maker
  for (let i = 0; i < 2_000; i++) make()
  kept = new Array(amount).fill(null)
}

/** Between the two weighings. */
export function fill() {
  for (let i = 0; i < kept.length; i++) kept[i] = make()
}

/** After them: what a cache would charge for all of it. */
export function charged(heapSize) {
  let bytes = 0
  for (const value of kept) bytes += heapSize(value, '')
  return bytes
}
