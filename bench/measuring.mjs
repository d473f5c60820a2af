import sizeof from 'object-sizeof'
import { heapSize } from '../dist/index.js'
import { exposeOcache } from './bytes.mjs'
import { list, median } from './support/figures.mjs'
import { inFreshProcess, scratch } from './support/process.mjs'
import { marked, table } from './support/report.mjs'
import { order } from './support/rows.mjs'

export async function run({ quick }) {
  await exposeOcache()
  const figures = inFreshProcess(import.meta.url, 'measuringTimes', [quick ? 5 : 31])
  const { jsonBytes, own, ofSizeof, ofOcache, doublings, texts } = figures
  const failures = []
  const row = (name, value, unit, most) => {
    if (!(value <= most)) failures.push(`${name}: ${value.toFixed(2)}`)
    return [name, `${marked(value, [0, most])}${unit}`, most === Infinity ? '' : `${most}${unit}`]
  }
  const text = `${table(
    ['what is measured', 'time', 'wanted at most'],
    [
      row(`a row of ${Math.round(jsonBytes)} bytes of JSON`, own * 1_000, ' µs', Infinity),
      row('that ÷ object-sizeof', own / ofSizeof, '', 0.3),
      row('that ÷ ocache', own / ofOcache, '', 1),
      row('10 MB of text, 1 byte a character', texts[0], ' ms', 2),
      row('10 MB of text, 2 bytes a character', texts[1], ' ms', 2),
      row('the same, one wide character in its middle', texts[2], ' ms', 2),
    ],
  )}

A row twice as large takes ${doublings.map((times) => times.toFixed(2)).join(', ')} times as long, from 1 to 64 KB.
`
  return { title: 'The time to measure a value', text, failures }
}

/** Milliseconds. */
export async function measuringTimes(rounds) {
  const { entryBytes } = await import(`${scratch}/ocache.mjs`)
  const estimators = [(row) => heapSize(row, ''), sizeof, (row) => entryBytes('', row)]
  const rows = list(500, (id) => order(id))
  const [own, ofSizeof, ofOcache] = inTurns(
    rounds,
    estimators.map((bytesOf) => () => rows.forEach(bytesOf)),
  ).map((time) => time / rows.length)

  const growing = [1, 2, 4, 8, 16, 32, 64].map((times) =>
    list(Math.ceil(118 / times), (id) => order(id, 17 * times)),
  )
  const times = inTurns(
    rounds,
    growing.map((rows) => () => rows.forEach(estimators[0])),
  ).map((time, at) => time / growing[at].length)

  const x = (length) => 'x'.repeat(length)
  const flat = [x(10_000_000), `${x(4_999_999)}語`, `${x(2_500_000)}語${x(2_499_999)}`].map(
    (text) => JSON.parse(`"${text}"`),
  )
  return {
    jsonBytes: JSON.stringify(rows).length / rows.length,
    own,
    ofSizeof,
    ofOcache,
    doublings: times.slice(1).map((time, at) => time / times[at]),
    texts: inTurns(
      rounds,
      flat.map((text) => () => heapSize(text, '')),
    ),
  }
}

/** Milliseconds of each, the median of rounds in which they take turns. */
function inTurns(rounds, runs) {
  const times = runs.map(() => [])
  for (let round = -5; round < rounds; round++) {
    for (let turn = 0; turn < runs.length; turn++) {
      const at = (turn + 5 + round) % runs.length
      const from = performance.now()
      for (let again = 0; again < 5; again++) runs[at]()
      // The first rounds are for the compiler.
      if (round >= 0) times[at].push((performance.now() - from) / 5)
    }
  }
  return times.map(median)
}
