import sizeof from 'object-sizeof'
import { heapSize } from '../../dist/index.js'
import { alive } from './alive.mjs'
import { classes, OUTSIDE, opaque } from './classes.mjs'
import { dataSets, textsOf } from './data-sets.mjs'

// Weighs one class of value or one data set, in a process of its own: what all of them together
// add to the heap, beside what each estimator says of them.
const [kind, name, cache] = process.argv.slice(2)
const { entryBytes } = await import(`${cache}/ocache.mjs`)
const makers = kind === 'class' ? makersOfClass() : makersOfData()
const values = new Array(makers.length).fill(null)
// Once for nothing: what the first values cost besides is code and feedback. A process does not
// give back at once what it once held.
if (!OUTSIDE.has(name)) await weigh()
values.fill(null)
const { real, charged } = await weigh()
console.log(
  JSON.stringify({
    count: values.length,
    real,
    charged,
    'object-sizeof': sum(sizeof),
    // 64 bytes of it are for an entry.
    ocache: sum((value) => entryBytes('', value) - 64),
  }),
)

/** Measured as they are made, as a cache does it. */
async function weigh() {
  const before = await alive(OUTSIDE.has(name))
  let charged = 0
  for (let at = 0; at < makers.length; at++) {
    values[at] = makers[at]()
    charged += heapSize(values[at], '')
  }
  return { charged, real: (await alive(OUTSIDE.has(name))) - before }
}

function makersOfClass() {
  const { amount, make } = [...classes, ...opaque].find((each) => each.name === name)
  return new Array(amount).fill(make)
}

function makersOfData() {
  const set = dataSets.find((each) => each.name === name)
  return textsOf(set, `${cache}/node_modules`).map((text) => () => JSON.parse(text))
}

function sum(bytesOf) {
  // Values of one class are alike: some stand for all, since some estimators are slow.
  const step = kind === 'class' ? Math.ceil(values.length / 100) : 1
  let bytes = 0
  let count = 0
  for (let at = 0; at < values.length; at += step, count++) {
    // What an estimator fails on counts for nothing.
    try {
      bytes += bytesOf(values[at]) || 0
    } catch {}
  }
  return (bytes * values.length) / count
}
