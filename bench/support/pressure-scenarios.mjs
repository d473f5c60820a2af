import { list } from './figures.mjs'
import { order } from './rows.mjs'

// Of what a function of 128 MB may use: 40, 60, 10, 8, 77 and 110 MB.
const OWN = 40 / 128
const GROWN = 60 / 128
const MORE = 10 / 128
const GARBAGE = 8 / 128
const MOST = 77 / 128
const LISTS = 110 / 128

const letters = (id, length) => `${id} `.padEnd(length, 'abcdefghij klmnopqrst uvwxyz ')
/** A text of its own, as a response brings it. */
const text = (id, length) => Buffer.from(letters(id, length)).latin1Slice()
/** Parses faster than `order` makes a row: a case must end in seconds. */
export const template = (lines) => {
  const parts = JSON.stringify(order('@', lines)).split('@')
  return (id) => JSON.parse(parts.join(id))
}
const row = template(17)
const largeRow = template(200)
const buffer = (id, length) => Buffer.from(new ArrayBuffer(length)).fill(id)

export const objects = (bytes) =>
  list(bytes / 104, (id) => ({ id, text: `text ${id}`, price: id + 0.5 }))
const buffers = (bytes) => list(bytes / 2 ** 20, (id) => buffer(id, 2 ** 20))

class Session {
  #text
  constructor(id) {
    this.#text = text(id, 2_000)
  }
  get length() {
    return this.#text.length
  }
}
const closure = (id) => {
  const captured = text(id, 2_000)
  return () => captured
}
const counts = () => {
  const counts = {}
  counts[404] = 1
  return counts
}
/** With so many computed names, the engine keeps the properties in a hash table. */
const texts = (id) => {
  const row = {}
  for (let at = 0; at < 24; at++) row[`text${at}`] = text(id, 20)
  return row
}
const deleted = (id) => {
  const changed = row(id)
  delete changed.name
  return changed
}
const later = async (id) => {
  await new Promise(setImmediate)
  return largeRow(id)
}

const held = (make, part) => (limit) => {
  const own = make(part * limit)
  return () => own
}
/** Holds memory for 50 requests, again and again. */
const inSomeRequests =
  (make, part, times = 20) =>
  (limit) => {
    let spikes = 0
    let left = 0
    let own
    return ({ progress }) => {
      if (left-- === 0) own = undefined
      if (progress * times >= spikes + 0.5) {
        spikes++
        left = 50
        own = make(part * limit)
      }
      return own
    }
  }
/** Grows from `from` until four fifths of the scenario. */
const grows =
  (part, from = 0) =>
  (limit) => {
    const own = []
    const step = limit / 1_000
    return ({ progress }) => {
      const grown = Math.min((progress - from) / (0.8 - from), 1)
      while (own.length * step < part * limit * grown) own.push(objects(step))
    }
  }
const both = (one, other) => (limit) => {
  const first = one(limit)
  const second = other(limit)
  return (request) => [first(request), second(request)]
}
/** Twenty lists in the cache, which take 110 MB in the end. */
const lists = (limit) => {
  let count = 0
  return ({ progress, cache }) => {
    while (count * rows.bytes < progress * LISTS * limit) {
      const name = `list-${++count % 20}`
      cache[name] ??= []
      cache[name]?.push(row(count))
    }
  }
}

const rows = { bytes: 2_700, make: row }

/**
 * What a process does with a cache. `make` gives a value of about `bytes`. `beside` is called with
 * the limit in bytes and gives what each request does beside the cache. A scenario of `seconds` is
 * played only asynchronously.
 */
export const scenarios = {
  'JSON rows': rows,
  'Buffers of 1 KB': { bytes: 1_200, make: (id) => buffer(id, 1_024) },
  'Buffers of 64 KB': { bytes: 65_700, make: (id) => buffer(id, 65_536) },
  'strings of 1 MB': { bytes: 1_000_100, make: (id) => text(id, 1_000_000) },
  // More than they take: a million is enough to fill every budget.
  'tiny entries': { bytes: 200, make: (id) => id },
  'copies of 24 texts by Object.assign': {
    bytes: 2_600,
    make: (id) => Object.assign({}, texts(id)),
  },
  'rows after delete': { bytes: 3_100, make: deleted },
  'objects with counts[404] = 1': { bytes: 5_000, make: counts },
  'closures over 2 KB': { bytes: 2_200, make: closure },
  'private fields of 2 KB': { bytes: 2_200, make: (id) => new Session(id) },
  'slices of texts of 64 KB': {
    bytes: 65_700,
    make: (id) => text(id, 65_536).slice(1_000, 1_030),
  },
  'subarrays of Buffers of 64 KB': {
    bytes: 65_700,
    make: (id) => buffer(id, 65_536).subarray(1_000, 1_030),
  },
  'objects keyed by ids': {
    bytes: 1_000,
    make: (id) => Object.fromEntries(list(10, (at) => [`user-${id}-${at}`, at])),
  },
  'rows, and lists that grow in place': { ...rows, beside: lists },
  'rows, and lists that grow in place in 12 seconds': { ...rows, beside: lists, seconds: 12 },
  'rows that grow in place': {
    ...rows,
    make: (id) => ({ ...row(id), visits: [] }),
    use: (row, request) => row.visits.push(letters(request, 400)),
  },
  'rows, and 40 MB held': { ...rows, beside: held(objects, OWN) },
  'rows, and 40 MB of objects in some requests': {
    ...rows,
    beside: inSomeRequests(objects, OWN),
  },
  'rows, and 40 MB of Buffers in some requests': {
    ...rows,
    beside: inSomeRequests(buffers, OWN),
  },
  'rows, 40 MB held, and 10 MB in some requests': {
    ...rows,
    beside: both(held(objects, OWN), inSomeRequests(objects, MORE)),
  },
  'rows, and 77 MB held since before the cache': { ...rows, beside: held(objects, MOST) },
  'rows, and 8 MB of garbage in some requests': {
    ...rows,
    beside: inSomeRequests(objects, GARBAGE, 100),
  },
  'rows, and other data grows to 60 MB': { ...rows, beside: grows(GROWN) },
  'rows, then only read while other data grows to 60 MB': {
    ...rows,
    beside: grows(GROWN, 0.5),
    writesUntil: 0.5,
  },
  'rows, then only read while other data grows to 60 MB in 12 seconds': {
    ...rows,
    beside: grows(GROWN, 0.5),
    writesUntil: 0.5,
    seconds: 12,
  },
  'two caches of rows': { ...rows, caches: 2 },
  'eight caches of rows': { ...rows, caches: 8 },
  'promises of large rows': { bytes: 29_000, make: (id) => Promise.resolve(largeRow(id)) },
  'promises of large rows that come later': { bytes: 29_000, make: later },
  'rows replaced constantly': { ...rows, keys: 5_000, isWrittenAgain: true },
  'one-off keys with a TTL': {
    bytes: 600,
    make: (id) => ({ token: text(id, 400), id }),
    keyOf: (id, request) => `https://example.com/${id}?token=${request}`,
    settings: { defaultTtl: '2s' },
  },
  'rows, and a leak elsewhere': { ...rows, beside: grows(1.5) },
}
