import sizeof from 'object-sizeof'
import { heapSize } from '../../dist/index.js'

// What measuring costs: this library and two others in turns, the median of rounds.
const { entryBytes } = await import(`${process.argv[2]}/ocache.mjs`)
const ROUNDS = 31
const row = (id, lines) =>
  JSON.parse(
    JSON.stringify({
      id,
      name: `Name of ${id}`,
      isActive: id % 2 === 0,
      tags: Array.from({ length: lines }, (_, at) => `tag ${id} ${at}`),
      lines: Array.from({ length: lines }, (_, at) => ({
        sku: `sku-${id}-${at}`,
        count: at,
        price: at + 0.5,
      })),
    }),
  )
const rowsOf = (lines, count = 500) => Array.from({ length: count }, (_, id) => row(id, lines))
const estimators = {
  'faas-cache-dict': (value) => heapSize(value, ''),
  'object-sizeof': sizeof,
  ocache: (value) => entryBytes('', value),
}

const rows = rowsOf(17)
const jsonBytes = JSON.stringify(rows).length / rows.length
const [own, ofSizeof, ofOcache] = inTurns(
  Object.values(estimators).map((bytesOf) => () => rows.forEach(bytesOf)),
)
const sizes = [1, 2, 4, 8, 16, 32, 64].map((times) => times * 17)
const growing = inTurns(
  sizes.map((lines) => {
    const values = rowsOf(lines, Math.ceil(2_000 / lines))
    const each = 1 / values.length
    return Object.assign(() => values.forEach(estimators['faas-cache-dict']), { each })
  }),
)
const latin = 'x'.repeat(10_000_000)
const wide = `${'x'.repeat(4_999_999)}語`
const wideInside = `${'x'.repeat(2_500_000)}語${'x'.repeat(2_499_999)}`
const texts = inTurns(
  [latin, wide, wideInside].map((text) => {
    const flat = JSON.parse(`"${text}"`)
    return () => heapSize(flat, '')
  }),
)

console.log(
  JSON.stringify({
    row: { jsonBytes, own, ofSizeof, ofOcache, count: rows.length },
    doublings: growing.slice(1).map((time, at) => time / growing[at]),
    latinMilliseconds: texts[0],
    wideMilliseconds: texts[1],
    wideInsideMilliseconds: texts[2],
  }),
)

/** Milliseconds of each, the median of rounds in which they take turns. */
function inTurns(runs) {
  const times = runs.map(() => [])
  for (let round = -5; round < ROUNDS; round++) {
    for (let turn = 0; turn < runs.length; turn++) {
      const at = (turn + ROUNDS + round) % runs.length
      const from = performance.now()
      for (let again = 0; again < 5; again++) runs[at]()
      const time = ((performance.now() - from) / 5) * (runs[at].each ?? 1)
      // The first rounds are for the compiler.
      if (round >= 0) times[at].push(time)
    }
  }
  return times.map((each) => each.sort((a, b) => a - b)[ROUNDS >> 1])
}
