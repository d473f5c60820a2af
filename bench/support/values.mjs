// Makers of values, in the language alone where they run on other engines. A text is unique and
// flat, so the engine can neither share it nor keep it in pieces.
import { list } from './figures.mjs'
import { parsed } from './rows.mjs'

let count = 0
const text = () => JSON.parse(`"v${(++count).toString(36).padStart(12, '0')}"`)
const index = (at) => at

class Point {
  constructor() {
    this.name = text()
    this.x = ++count
    this.y = count + 0.5
  }
}

class Place extends Point {
  parts = new Array(4).fill(count)
  seen = new Date(count)
}

class Secret {
  #name = text()
  #parts = [++count]
  get name() {
    return this.#name + this.#parts
  }
}

const grown = (keys, nameOf) => {
  const object = {}
  for (let at = 0; at < keys; at++) object[nameOf(at)] = at
  return object
}
/** `object.f0 = 0; object.f1 = 1; …`, as one writes it by hand. */
const assigning = (keys) =>
  new Function(
    `const object = {}; ${list(keys, (at) => `object.f${at} = ${at}`).join(';')}; return object`,
  )
/** From a text: an object of the same keys that was made otherwise leaves shapes to grow into. */
const rowOf = (keys) => JSON.parse(`{${list(keys, (at) => `"column${at}":"${text()}"`).join(',')}}`)
const assigned = (keys) => Object.assign({}, rowOf(keys))
const uniqueKeys = (keys) => Object.fromEntries(list(keys, (at) => [text(), at]))
const fields = (keys) => parsed(Object.fromEntries(list(keys, (at) => [`field${at}`, at + count])))
const pushed = (length, make) => {
  const array = []
  for (let at = 0; at < length; at++) array.push(make(at))
  return array
}
const spaced = (array, length, step) => {
  for (let at = step; at < length; at += step) array[at] = ++count
  return array
}
const chain = (length) => {
  let head = null
  for (let at = 0; at < length; at++) head = { at, next: head }
  return head
}
const ring = () => {
  const object = { name: text(), parts: null }
  object.parts = list(5, (at) => ({ at, owner: object }))
  return object
}
const sharing = () => {
  const part = { name: text(), at: count }
  return list(8, () => part)
}
const row = () =>
  parsed({ id: ++count, name: text(), at: { lat: count / 7, tags: [text(), text()] } })
const shared = () => {
  const buffer = new SharedArrayBuffer(2 ** 16)
  new Uint8Array(buffer).fill(1)
  return buffer
}
const without = (key) => {
  const object = { name: text(), id: ++count, old: 1 }
  delete object[key]
  return object
}
const used = () => {
  const pattern = new RegExp(`${text()}[a-f]+`)
  pattern.test(text())
  return pattern
}
const closure = (held) => () => held
const deepError = (depth) => (depth === 0 ? new Error(text()) : deepError(depth - 1))

const EXACT = [0.95, 1.08]
const PUSHED = [0.9, 1.08]
const DATA_KEYS = [0.8, 1.4]
const ASSIGNED = [0.75, 1.08]
const ANY = [0, Infinity]

/** The group of what JavaScript cannot look into: each has an estimate. */
export const OPAQUE = 'What JavaScript cannot look into'

/** By group: charged ÷ real from and to, and by name how many to weigh together and how to make one. */
const groups = {
  'Strings and numbers': [
    EXACT,
    {
      strings: [150_000, text],
      'strings of two bytes a character': [100_000, () => parsed(`${text()}日本語`)],
      'strings of 10,000 characters': [1_000, () => parsed(text().repeat(770))],
      'strings put together by +': [50_000, () => `${text()}/${text()}/${text()}`],
      'numbers with a fraction': [300_000, () => ++count + 0.5],
      'integers beyond 32 bits': [300_000, () => ++count * 2 ** 32],
      'bigints of 64 bits': [200_000, () => 2n ** 60n + BigInt(++count)],
      'bigints of 1,000 bits': [50_000, () => 2n ** 1000n + BigInt(++count)],
    },
  ],
  Arrays: [
    EXACT,
    {
      'arrays of 3 integers': [100_000, () => parsed([++count, 1, 2])],
      'arrays of 200 integers': [4_000, () => list(200, (at) => at + count)],
      'arrays of 2 doubles': [100_000, () => parsed([++count + 0.5, 0.25])],
      'arrays of 200 doubles': [4_000, () => list(200, (at) => at + 0.5)],
      'arrays of 20 strings': [10_000, () => list(20, text)],
      'arrays of 20 rows': [1_000, () => list(20, row)],
      'arrays of 20 mixed values': [
        20_000,
        () => list(20, (at) => [at, at + 0.5, true, null][at % 4]),
      ],
      'arrays of arrays': [4_000, () => parsed(list(10, () => list(10, index)))],
      'arrays with holes': [10_000, () => spaced(new Array(100), 100, 3)],
      'empty arrays': [150_000, () => []],
    },
  ],
  'Arrays grown by push': [
    PUSHED,
    {
      'arrays grown by push, of integers': [4_000, () => pushed(20 + (++count % 200), index)],
      'arrays grown by push, of strings': [2_000, () => pushed(20 + (++count % 200), text)],
      'arrays grown by push, of doubles': [
        4_000,
        () => pushed(20 + (++count % 200), (at) => at + 0.5),
      ],
    },
  ],
  Objects: [
    EXACT,
    {
      rows: [20_000, row],
      'empty objects': [100_000, () => ({})],
      'objects of 3 keys, literal': [100_000, () => ({ name: text(), id: ++count, isNew: true })],
      'objects of 3 keys, parsed': [
        100_000,
        () => parsed({ name: text(), id: ++count, isNew: true }),
      ],
      'objects of 5 doubles': [
        50_000,
        () => ({ a: ++count / 7, b: count / 3, c: 0.5, d: 1.5, e: 2.5 }),
      ],
      'objects of 40 keys, parsed': [5_000, () => fields(40)],
      'objects of 300 keys, parsed': [1_000, () => fields(300)],
      'objects without a prototype': [
        20_000,
        () => Object.assign(Object.create(null), { name: text(), id: ++count }),
      ],
      'class instances': [100_000, () => new Point()],
      'instances of a subclass': [30_000, () => new Place()],
      dates: [100_000, () => new Date(++count)],
      'linked lists of 100': [2_000, () => chain(100)],
      'objects in a cycle': [20_000, ring],
      'a part shared 8 times': [30_000, sharing],
    },
  ],
  'Objects whose keys are data': [
    DATA_KEYS,
    {
      'objects of 2 unique keys': [20_000, () => ({ [text()]: 1, [text()]: 2 })],
      'objects of 20 unique keys': [4_000, () => uniqueKeys(20)],
      'objects of 20 unique keys, parsed': [4_000, () => parsed(uniqueKeys(20))],
      'objects of 300 unique keys': [400, () => uniqueKeys(300)],
      'objects of 10 unique integer-like keys': [
        10_000,
        () => Object.fromEntries(list(10, (at) => [String(++count * 977), at])),
      ],
      'sparse arrays': [10_000, () => spaced([], 100_000, 5_000)],
      'grown by assignment, 20 unique keys': [4_000, () => grown(20, text)],
    },
  ],
  'Objects grown by assignment': [
    ASSIGNED,
    {
      'grown by assignment, 3 keys': [50_000, assigning(3)],
      'grown by assignment, 8 keys': [30_000, assigning(8)],
      'grown by assignment, 20 keys': [10_000, assigning(20)],
      'grown by assignment, 10 keys in a loop': [10_000, () => grown(10, (at) => `field${at}`)],
      'put together by Object.assign, 24 texts': [3_000, () => assigned(24)],
    },
  ],
  'Map and Set': [
    EXACT,
    {
      'empty Maps': [40_000, () => new Map()],
      'Maps of 3': [30_000, () => new Map(list(3, (at) => [text(), at]))],
      'Maps of 20': [4_000, () => new Map(list(20, () => [text(), text()]))],
      'Maps of 1,000': [100, () => new Map(list(1_000, () => [text(), ++count]))],
      'empty Sets': [40_000, () => new Set()],
      'Sets of 20': [4_000, () => new Set(list(20, text))],
      'Sets of 1,000 integers': [200, () => new Set(list(1_000, () => ++count))],
    },
  ],
  Buffers: [
    EXACT,
    {
      'typed arrays of 5 bytes': [50_000, () => new Uint8Array(5)],
      'typed arrays of 4,000 bytes': [4_000, () => new Float64Array(500)],
      'ArrayBuffers of 4 KiB': [4_000, () => new ArrayBuffer(4_096)],
      'resizable ArrayBuffers': [2_000, () => new ArrayBuffer(4_096, { maxByteLength: 16_384 })],
      SharedArrayBuffers: [1_000, shared],
      DataViews: [4_000, () => new DataView(new ArrayBuffer(2_048))],
      'Buffers of 10,000 bytes': [4_000, () => Buffer.alloc(10_000)],
      'Buffers of 1,000 bytes, pooled': [20_000, () => Buffer.from('x'.repeat(1_000))],
      'Buffers of 30 bytes, pooled': [50_000, () => Buffer.from('x'.repeat(30))],
    },
  ],
  [OPAQUE]: [
    ANY,
    {
      'objects of 3 keys by { ...other, more }': [
        20_000,
        () => ({ ...{ name: text(), id: ++count }, isNew: true }),
      ],
      'objects of 3 keys by { more, ...other }': [
        20_000,
        () => ({ isNew: true, ...{ name: text(), id: ++count } }),
      ],
      'copies { ...object } of 24 texts by Object.assign': [3_000, () => ({ ...assigned(24) })],
      'counts[404] = 1 on an object': [5_000, () => Object.assign({}, { 404: ++count })],
      'arrays of 2,000 places, every 100th assigned': [2_000, () => spaced([], 2_000, 100)],
      'objects of 2 keys after a delete': [20_000, () => without('name')],
      'objects of 60 keys, assigned in a loop': [4_000, () => grown(60, (at) => `field${at}`)],
      'arrays of 5 integers, pushed': [50_000, () => pushed(5, (at) => at + ++count)],
      'arrays of 100 integers, pushed': [10_000, () => pushed(100, index)],
      RegExps: [20_000, () => new RegExp(text())],
      'RegExps that have run': [5_000, used],
      'Errors, 1 call deep': [20_000, () => new Error(text())],
      'Errors, 20 calls deep': [20_000, () => deepError(20)],
      closures: [50_000, () => closure(++count)],
      'closures over 8 KB': [2_000, () => closure(list(1_000, index))],
      'Promises, fulfilled with a number': [50_000, () => Promise.resolve(++count)],
      symbols: [50_000, () => Symbol(text())],
      URLs: [10_000, () => new URL(`https://example.com/${text()}`)],
      'Headers of 2': [5_000, () => new Headers({ 'content-type': text(), etag: text() })],
      'instances with private fields': [30_000, () => new Secret()],
    },
  ],
}

/** Each class of value: its name and group, how many to weigh, how to make one, the wanted range. */
export const classes = Object.entries(groups).flatMap(([group, [range, members]]) =>
  Object.entries(members).map(([name, [amount, make]]) => ({ group, range, name, amount, make })),
)

const makers = new Map(classes.map(({ name, amount, make }) => [name, { amount, make }]))
let weighed

/** Before the first weighing: room for the values, so that only they are weighed. */
export function prepare(name) {
  weighed = makers.get(name)
  weighed.values = new Array(weighed.amount).fill(null)
}

/** Makes all values and returns what they are charged; each is measured at once, as in a cache. */
export function fill(heapSize) {
  const { make, values } = weighed
  let charged = 0
  for (let at = 0; at < values.length; at++) {
    values[at] = make(at)
    charged += heapSize(values[at], '')
  }
  return charged
}

export function empty() {
  weighed.values.fill(null)
}

/** The bytes of all values by another estimator. Values of a class are alike: some stand for all. */
export function estimated(bytesOf, samples = 100) {
  const { values } = weighed
  const step = Math.ceil(values.length / Math.min(samples, values.length))
  let bytes = 0
  let count = 0
  for (let at = 0; at < values.length; at += step, count++) {
    // An estimator that fails counts nothing.
    try {
      bytes += bytesOf(values[at]) || 0
    } catch {}
  }
  return (bytes * values.length) / count
}

/** Weighs these values under the name, beside the classes. */
export function addClass(name, amount, make) {
  makers.set(name, { amount, make })
}
