// Makers of unique values of every class that JavaScript can look into. The engine cannot share parts
// of one value with another.
let count = 0
const codes = 'abcdefghijklmnopqrstuvwxyz0123456789'
/** A flat string, longer than the strings that the engine shares. */
const text = (length = 13) => {
  const tail = (++count).toString(36)
  return Buffer.from(codes.slice(0, length - tail.length) + tail).toString('latin1')
}
const wideText = () => JSON.parse(`"${text()}日本語日本語"`)
const list = (length, make) => Array.from({ length }).map((_, at) => make(at))
const parsed = (value) => JSON.parse(JSON.stringify(value))
const double = () => ++count + 0.5

const pushed = (length, make) => {
  const array = []
  for (let at = 0; at < length; at++) array.push(make(at))
  return array
}
/** Lengths from all over a range, since spare room grows in steps. */
const spread = (from, to) => from + ((++count * 7919) % (to - from))

class Point {
  name = text()
  x = ++count
  y = double()
}
class Route extends Point {
  #secret = ++count
  stops = [new Point(), new Point()]
  get secret() {
    return this.#secret
  }
}

const holed = (length, make) => {
  const array = new Array(length)
  for (let at = 0; at < length; at += 2) array[at] = make(at)
  return array
}
const linked = () => {
  let head = null
  for (let at = 0; at < 1_000_000; at++) head = { value: at, next: head }
  return head
}
const cycle = () => {
  const a = { name: text(), peers: [null] }
  const b = { name: text(), peers: [a], twin: a }
  a.peers[0] = b
  return [a, b]
}
const assigned = () => {
  const row = {}
  row.id = ++count
  row.name = text()
  row.email = text()
  row.city = text()
  row.score = double()
  row.visits = count
  return row
}
const sparse = () => {
  const array = []
  for (let at = 1; at < 20; at++) array[at * 5000] = at
  return array
}
/** The process takes memory for the pages only after a write to them. */
const shared = () => {
  const buffer = new SharedArrayBuffer(2 ** 18)
  new Uint8Array(buffer).fill(1)
  return buffer
}
const megabyte = Buffer.alloc(2 ** 20, 1)
const memory = () => {
  const memory = new WebAssembly.Memory({ initial: 16 })
  new Uint8Array(memory.buffer).fill(1)
  return memory
}
const row = () =>
  parsed({
    id: ++count,
    name: text(),
    at: { lat: double(), lng: double() },
    tags: [text(), text()],
    active: true,
    parent: null,
  })

const pairs = (length) => list(length, (at) => [`x-field-${at}`, text(30)])
const form = () => {
  const data = new FormData()
  for (const [name, value] of pairs(10)) data.append(name, value)
  return data
}

/** As in decimal.js. */
function Decimal() {
  this.digits = pushed(2, (at) => at + count)
  count++
  this.constructor = Decimal
}
Decimal.prototype.plus = () => {}
Decimal.table = list(10_000, (at) => at + 0.5)

class Message {
  tags = []
  parts = []
  constructor() {
    for (let at = 0; at < 2; at++) {
      this.tags.push(text())
      this.parts.push(text())
    }
  }
}
/** As an HTML parser makes it. */
const tree = () => {
  const root = { name: text(), parent: null, children: [] }
  for (let at = 0; at < 40; at++) {
    const child = { name: text(), parent: root, children: [] }
    child.children.push({ name: text(), parent: child, children: [] })
    root.children.push(child)
  }
  return root
}

const exact = [0.95, 1.08]
/** JavaScript cannot see spare room: more for grown arrays would charge exact arrays too much. */
const grown = [0.9, 1.08]
const grownNumbers = [0.8, 1.08]
/** The room grows by half in each step. */
const stepped = [0.65, 1.08]
/** JavaScript cannot see whether a small set was made from an array, with room for more. */
const smallSets = [0.95, 1.42]
const assignment = [0.75, 1.08]
const dataKeys = [0.8, 1.4]
/** The platform keeps tables that it does not list. */
const listed = [0.85, 1.3]
/** Only the size of the process shows these, and it grows by pages. */
const estimated = [0.5, 2]

/**
 * By name: charged ÷ real from and to, how many to weigh, how to make one, and `rss` where the
 * engine counts it neither as heap nor as external memory.
 */
export const weighedValues = {
  strings: [exact, 400_000, text],
  'strings of two bytes a character': [exact, 150_000, wideText],
  'long strings': [exact, 400, () => text().repeat(2000)],
  'joined strings': [exact, 150_000, () => text() + text() + text() + text() + text()],
  'slices of strings': [exact, 8000, () => text(36).repeat(40).slice(2)],
  'small integers': [exact, 100_000, () => ({ a: ++count, b: -count, c: text() })],
  doubles: [exact, 100_000, () => ({ a: double(), b: -double(), c: 2 ** 40 + count })],
  'prices, some of them whole': [
    exact,
    100_000,
    () => ({ name: text(), price: (++count % 4) / 2 }),
  ],
  'special numbers': [exact, 100_000, () => ({ a: Number.NaN, b: -0, c: text(), d: Infinity })],
  'bigints of a word': [exact, 400_000, () => 10n ** 17n + BigInt(++count)],
  'long bigints': [exact, 300_000, () => 10n ** 30n + BigInt(++count)],
  'arrays of integers': [exact, 12_000, () => list(200, (at) => at + count)],
  'arrays of doubles': [exact, 12_000, () => list(200, double)],
  'arrays of strings': [exact, 2000, () => list(200, () => text())],
  'arrays of doubles and strings': [
    exact,
    2000,
    () => list(300, (at) => (at < 299 ? double() : text())),
  ],
  // Code that also reads other arrays would make boxes for these numbers.
  'arrays of pairs of doubles': [exact, 2000, () => parsed(list(50, () => [double(), double()]))],
  'small arrays': [exact, 100_000, () => [text(), ++count, text()]],
  'parsed arrays': [exact, 5000, () => parsed(list(500, (at) => at + count))],
  'arrays of integers with holes': [exact, 12_000, () => holed(200, (at) => at + count)],
  'arrays of doubles with holes': [exact, 12_000, () => holed(200, double)],
  'arrays of strings with holes': [exact, 2000, () => holed(200, () => text())],
  'arrays of integers grown by push': [
    grownNumbers,
    2000,
    () => pushed(spread(200, 1200), (at) => at),
  ],
  'arrays of doubles grown by push': [grownNumbers, 2000, () => pushed(spread(200, 1200), double)],
  'arrays of strings grown by push': [grown, 1000, () => pushed(spread(20, 220), () => text())],
  'short arrays that are almost empty': [
    stepped,
    1000,
    () => {
      const array = []
      for (let at = 0; at < 2000; at += 100) array[at] = ++count
      return array
    },
  ],
  'sparse arrays': [dataKeys, 10_000, sparse],
  'objects of few keys': [exact, 200_000, () => ({ a: ++count, b: text() })],
  'objects of many keys': [
    exact,
    4000,
    () => parsed(Object.fromEntries(list(100, (at) => [`key${at}`, text()]))),
  ],
  'objects without keys': [exact, 300_000, () => ({})],
  'objects of a hundred and more keys': [
    exact,
    1000,
    () => parsed(Object.fromEntries(list(300, () => [text(), ++count]))),
  ],
  'objects without a prototype': [
    exact,
    20_000,
    () => Object.assign(Object.create(null), { a: text(), b: text(), c: 1 }),
  ],
  'objects of 2 unique keys': [dataKeys, 20_000, () => ({ [text()]: 1, [text()]: 2 })],
  'objects of 20 unique keys': [
    dataKeys,
    4000,
    () => Object.fromEntries(list(20, (at) => [text(), at])),
  ],
  'parsed objects of 10 unique keys': [
    dataKeys,
    10_000,
    () => parsed(Object.fromEntries(list(10, (at) => [text(), at]))),
  ],
  'objects of a unique key among others': [
    dataKeys,
    10_000,
    () => parsed({ type: 1, [text()]: 2, name: text(), at: count }),
  ],
  'objects of unique integer-like keys': [
    dataKeys,
    10_000,
    () => Object.fromEntries(list(10, () => [++count * 1000, text()])),
  ],
  'objects grown by assignment': [assignment, 50_000, assigned],
  'class instances': [exact, 150_000, () => new Point()],
  'instances of a subclass': [exact, 30_000, () => new Route()],
  maps: [exact, 4000, () => new Map(list(20, () => [text(), text()]))],
  sets: [exact, 4000, () => new Set(list(20, () => text()))],
  'small sets': [smallSets, 50_000, () => new Set([text(), text()])],
  'small sets, grown': [smallSets, 50_000, () => new Set().add(text()).add(text())],
  'small maps': [exact, 50_000, () => new Map([[text(), ++count]])],
  dates: [exact, 100_000, () => new Date(++count)],
  'typed arrays': [exact, 4000, () => new Float64Array(500)],
  'small typed arrays': [exact, 150_000, () => new Float32Array(4)],
  'array buffers': [exact, 4000, () => new ArrayBuffer(4096)],
  'resizable array buffers': [exact, 2000, () => new ArrayBuffer(4096, { maxByteLength: 8192 })],
  'shared array buffers': [exact, 200, shared, 'rss'],
  'data views': [exact, 4000, () => new DataView(new ArrayBuffer(2048), 16)],
  'buffers of their own': [exact, 4000, () => Buffer.alloc(10_000)],
  'buffers of the pool': [exact, 20_000, () => Buffer.from('x'.repeat(214))],
  'large buffers of the pool': [[0.95, 1.2], 5000, () => Buffer.from('x'.repeat(1000))],
  rows: [exact, 40_000, row],
  'nested collections': [
    exact,
    10_000,
    () => new Map([[text(), { set: new Set([text(), [text()], 1, 2, 3]), at: new Date(++count) }]]),
  ],
  cycles: [exact, 30_000, cycle],
  'a linked list of a million': [exact, 1, linked],
  headers: [listed, 2000, () => new Headers(pairs(20))],
  'headers of a few fields': [listed, 5000, () => new Headers(pairs(3))],
  'form data': [listed, 2000, form],
  'search parameters': [listed, 2000, () => new URLSearchParams(pairs(20))],
  urls: [listed, 3000, () => new URL(`https://example.com/${text(36)}?${text(36).repeat(20)}`)],
  'responses without a body': [
    [0.85, 1.45],
    1000,
    () => new Response(null, { headers: pairs(10) }),
  ],
  blobs: [exact, 60, () => new Blob([megabyte]), 'rss'],
  'memories of WebAssembly': [exact, 60, memory, 'rss'],
  'formatters of dates': [estimated, 1000, () => new Intl.DateTimeFormat('en'), 'rss'],
  'formatters of numbers': [[0.5, 3.5], 4000, () => new Intl.NumberFormat('en'), 'rss'],
  generators: [listed, 20_000, () => (function* () {})()],
  'texts as objects': [exact, 200_000, () => new String(text())],
  'doubles as objects': [[0.95, 1.4], 100_000, () => new Number(double())],
  'instances that name their class': [listed, 50_000, () => new Decimal()],
  'instances with arrays grown by push': [[0.7, 1.08], 20_000, () => new Message()],
  'trees that refer to parents': [[0.7, 1.08], 500, tree],
}
