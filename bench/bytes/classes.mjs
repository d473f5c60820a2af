// Unique and flat, so that the engine can neither share a value nor keep it in pieces.
let count = 0
const text = () => Buffer.from(`v${(++count).toString(36).padStart(12, '0')}`).toString('latin1')
const times = (length, make) => Array.from({ length }, (_, at) => make(at))
const parsed = (value) => JSON.parse(JSON.stringify(value))

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

const grown = (keys, make) => {
  const object = {}
  for (let at = 0; at < keys; at++) object[make(at)] = at
  return object
}

/** `object.a = 0; object.b = 1; …`, as one writes it by hand. */
const assigning = (keys) =>
  new Function(
    `const object = {}; ${times(keys, (at) => `object.f${at} = ${at}`).join(';')}; return object`,
  )

const pushed = (length, make) => {
  const array = []
  for (let at = 0; at < length; at++) array.push(make(at))
  return array
}

const sparse = () => {
  const array = []
  for (let at = 1; at < 20; at++) array[at * 5_000] = at
  return array
}

/** From text alone: an object of the same keys that was made otherwise leaves shapes to grow into. */
const rowOf = (keys) =>
  JSON.parse(`{${times(keys, (at) => `"column${at}":"${text()}"`).join(',')}}`)

const assigned = (keys) => Object.assign({}, rowOf(keys))

const counts = (code) => {
  const object = {}
  object[code] = ++count
  return object
}

const spaced = (length, step) => {
  const array = []
  for (let at = 0; at < length; at += step) array[at] = ++count
  return array
}

const chain = (length) => {
  let head = null
  for (let at = 0; at < length; at++) head = { at, next: head }
  return head
}

const ring = () => {
  const object = { name: text(), parts: null }
  object.parts = times(5, (at) => ({ at, owner: object }))
  return object
}

const sharing = () => {
  const part = { name: text(), at: count }
  return times(8, () => part)
}

const row = () =>
  parsed({ id: ++count, name: text(), at: { lat: count / 7, tags: [text(), text()] } })

export const EXACT = [0.95, 1.08]
const PUSHED = [0.9, 1.08]
const DATA_KEYS = [0.8, 1.4]
const ASSIGNED = [0.75, 1.08]

/** Group, name, how many are weighed together, maker, and charged ÷ real from and to. */
export const classes = [
  ['strings and numbers', 'strings', 150_000, text],
  [
    'strings and numbers',
    'strings of two bytes a character',
    100_000,
    () => parsed(`${text()}日本語`),
  ],
  ['strings and numbers', 'strings of 10,000 characters', 1_000, () => parsed(text().repeat(770))],
  [
    'strings and numbers',
    'strings put together by +',
    50_000,
    () => `${text()}/${text()}/${text()}`,
  ],
  ['strings and numbers', 'numbers with a fraction', 300_000, () => ++count + 0.5],
  ['strings and numbers', 'integers beyond 32 bits', 300_000, () => ++count * 2 ** 32],
  ['strings and numbers', 'bigints of 64 bits', 200_000, () => 2n ** 60n + BigInt(++count)],
  ['strings and numbers', 'bigints of 1,000 bits', 50_000, () => 2n ** 1000n + BigInt(++count)],

  ['arrays', 'arrays of 3 integers', 100_000, () => parsed([++count, 1, 2])],
  ['arrays', 'arrays of 200 integers', 4_000, () => times(200, (at) => at + count)],
  ['arrays', 'arrays of 2 doubles', 100_000, () => parsed([++count + 0.5, 0.25])],
  ['arrays', 'arrays of 200 doubles', 4_000, () => times(200, (at) => at + 0.5)],
  ['arrays', 'arrays of 20 strings', 10_000, () => times(20, text)],
  [
    'arrays',
    'arrays of 20 mixed values',
    20_000,
    () => times(20, (at) => [at, at + 0.5, true, null][at % 4]),
  ],
  ['arrays', 'arrays of arrays', 4_000, () => parsed(times(10, () => times(10, (at) => at)))],
  [
    'arrays',
    'arrays with holes',
    10_000,
    () => {
      const array = new Array(100)
      for (let at = 0; at < 100; at += 3) array[at] = at
      return array
    },
  ],
  [
    'arrays',
    'arrays grown by push, of integers',
    4_000,
    () => pushed(20 + (++count % 200), (at) => at),
    PUSHED,
  ],
  [
    'arrays',
    'arrays grown by push, of strings',
    2_000,
    () => pushed(20 + (++count % 200), text),
    PUSHED,
  ],
  [
    'arrays',
    'arrays grown by push, of doubles',
    4_000,
    () => pushed(20 + (++count % 200), (at) => at + 0.5),
    PUSHED,
  ],
  ['arrays', 'empty arrays', 150_000, () => []],

  ['objects', 'rows', 20_000, row],
  ['objects', 'empty objects', 100_000, () => ({})],
  [
    'objects',
    'objects of 3 keys, literal',
    100_000,
    () => ({ name: text(), id: ++count, isNew: true }),
  ],
  [
    'objects',
    'objects of 3 keys, parsed',
    100_000,
    () => parsed({ name: text(), id: ++count, isNew: true }),
  ],
  [
    'objects',
    'objects of 5 doubles',
    50_000,
    () => ({ a: ++count / 7, b: count / 3, c: 0.5, d: 1.5, e: 2.5 }),
  ],
  [
    'objects',
    'objects of 40 keys, parsed',
    5_000,
    () => parsed(Object.fromEntries(times(40, (at) => [`field${at}`, at + count]))),
  ],
  [
    'objects',
    'objects of 300 keys, parsed',
    1_000,
    () => parsed(Object.fromEntries(times(300, (at) => [`field${at}`, at + count]))),
  ],
  [
    'objects',
    'objects without a prototype',
    20_000,
    () => Object.assign(Object.create(null), { name: text(), id: ++count }),
  ],
  ['objects', 'class instances', 100_000, () => new Point()],
  ['objects', 'instances of a subclass', 30_000, () => new Place()],
  ['objects', 'dates', 100_000, () => new Date(++count)],
  ['objects', 'linked lists of 100', 2_000, () => chain(100)],
  ['objects', 'objects in a cycle', 20_000, ring],
  ['objects', 'a part shared 8 times', 30_000, sharing],

  [
    'objects whose keys are data',
    'objects of 2 unique keys',
    20_000,
    () => ({ [text()]: 1, [text()]: 2 }),
    DATA_KEYS,
  ],
  [
    'objects whose keys are data',
    'objects of 20 unique keys',
    4_000,
    () => Object.fromEntries(times(20, (at) => [text(), at])),
    DATA_KEYS,
  ],
  [
    'objects whose keys are data',
    'objects of 20 unique keys, parsed',
    4_000,
    () => parsed(Object.fromEntries(times(20, (at) => [text(), at]))),
    DATA_KEYS,
  ],
  [
    'objects whose keys are data',
    'objects of 300 unique keys',
    400,
    () => Object.fromEntries(times(300, (at) => [text(), at])),
    DATA_KEYS,
  ],
  [
    'objects whose keys are data',
    'objects of 10 unique integer-like keys',
    10_000,
    () => Object.fromEntries(times(10, (at) => [String(++count * 977), at])),
    DATA_KEYS,
  ],
  ['objects whose keys are data', 'sparse arrays', 10_000, sparse, DATA_KEYS],
  [
    'objects whose keys are data',
    'grown by assignment, 20 unique keys',
    4_000,
    () => grown(20, text),
    DATA_KEYS,
  ],

  ['objects grown by assignment', 'grown by assignment, 3 keys', 50_000, assigning(3), ASSIGNED],
  ['objects grown by assignment', 'grown by assignment, 8 keys', 30_000, assigning(8), ASSIGNED],
  ['objects grown by assignment', 'grown by assignment, 20 keys', 10_000, assigning(20), ASSIGNED],
  [
    'objects grown by assignment',
    'grown by assignment, 10 keys in a loop',
    10_000,
    () => grown(10, (at) => `field${at}`),
    ASSIGNED,
  ],
  [
    'objects grown by assignment',
    'put together by Object.assign, 24 texts',
    3_000,
    () => assigned(24),
    ASSIGNED,
  ],

  ['Map and Set', 'empty Maps', 40_000, () => new Map()],
  ['Map and Set', 'Maps of 3', 30_000, () => new Map(times(3, (at) => [text(), at]))],
  ['Map and Set', 'Maps of 20', 4_000, () => new Map(times(20, () => [text(), text()]))],
  ['Map and Set', 'Maps of 1,000', 100, () => new Map(times(1_000, () => [text(), ++count]))],
  ['Map and Set', 'empty Sets', 40_000, () => new Set()],
  ['Map and Set', 'Sets of 20', 4_000, () => new Set(times(20, text))],
  ['Map and Set', 'Sets of 1,000 integers', 200, () => new Set(times(1_000, () => ++count))],

  ['buffers', 'typed arrays of 5 bytes', 50_000, () => new Uint8Array(5)],
  ['buffers', 'typed arrays of 4,000 bytes', 4_000, () => new Float64Array(500)],
  ['buffers', 'ArrayBuffers of 4 KiB', 4_000, () => new ArrayBuffer(4_096)],
  [
    'buffers',
    'resizable ArrayBuffers',
    2_000,
    () => new ArrayBuffer(4_096, { maxByteLength: 16_384 }),
  ],
  [
    'buffers',
    'SharedArrayBuffers',
    1_000,
    () => {
      const shared = new SharedArrayBuffer(2 ** 16)
      new Uint8Array(shared).fill(1)
      return shared
    },
  ],
  ['buffers', 'DataViews', 4_000, () => new DataView(new ArrayBuffer(2_048))],
  ['buffers', 'Buffers of 10,000 bytes', 4_000, () => Buffer.alloc(10_000)],
  ['buffers', 'Buffers of 1,000 bytes, pooled', 20_000, () => Buffer.from('x'.repeat(1_000))],
  ['buffers', 'Buffers of 30 bytes, pooled', 50_000, () => Buffer.from('x'.repeat(30))],
].map(([group, name, amount, make, range = EXACT]) => ({ group, name, amount, make, range }))

/** What the engine counts as neither heap nor external memory: only the process shows it. */
export const OUTSIDE = new Set(['SharedArrayBuffers'])

const deep = (depth) => (depth === 0 ? new Error(text()) : deep(depth - 1))

class Secret {
  #name = text()
  #parts = [++count]
  get name() {
    return this.#name + this.#parts
  }
}

/** What JavaScript cannot look into: charged an estimate. */
export const opaque = [
  [
    'objects of 3 keys by { ...other, more }',
    20_000,
    () => ({ ...{ name: text(), id: ++count }, isNew: true }),
  ],
  [
    'objects of 3 keys by { more, ...other }',
    20_000,
    () => ({ isNew: true, ...{ name: text(), id: ++count } }),
  ],
  ['copies { ...object } of 24 texts by Object.assign', 3_000, () => ({ ...assigned(24) })],
  ['counts[404] = 1 on an object', 5_000, () => counts(404)],
  ['arrays of 2,000 places, every 100th assigned', 2_000, () => spaced(2_000, 100)],
  [
    'objects of 2 keys after a delete',
    20_000,
    () => {
      const object = { name: text(), id: ++count, old: 1 }
      delete object.name
      return object
    },
  ],
  ['objects of 60 keys, assigned in a loop', 4_000, () => grown(60, (at) => `field${at}`)],
  ['arrays of 5 integers, pushed', 50_000, () => pushed(5, (at) => at + ++count)],
  ['arrays of 100 integers, pushed', 10_000, () => pushed(100, (at) => at)],
  ['RegExps', 20_000, () => new RegExp(text())],
  [
    'RegExps that have run',
    5_000,
    () => {
      const regexp = new RegExp(`${text()}[a-f]+`)
      regexp.test(text())
      return regexp
    },
  ],
  ['Errors, 1 call deep', 20_000, () => new Error(text())],
  ['Errors, 20 calls deep', 20_000, () => deep(20)],
  [
    'closures',
    50_000,
    () => {
      const id = ++count
      return () => id
    },
  ],
  [
    'closures over 8 KB',
    2_000,
    () => {
      const held = times(1_000, (at) => at)
      return () => held
    },
  ],
  ['Promises, fulfilled with a number', 50_000, () => Promise.resolve(++count)],
  ['symbols', 50_000, () => Symbol(text())],
  ['URLs', 10_000, () => new URL(`https://example.com/${text()}`)],
  ['Headers of 2', 5_000, () => new Headers({ 'content-type': text(), etag: text() })],
  ['instances with private fields', 30_000, () => new Secret()],
].map(([name, amount, make]) => ({ group: 'opaque', name, amount, make }))
