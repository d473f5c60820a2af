const row = (id) =>
  JSON.parse(
    JSON.stringify({
      id,
      name: `user ${id}`,
      email: `user-${id}@example.com`,
      tags: [`tag ${id}`, `tag ${id + 1}`],
      address: { street: `${id} High Street`, city: `City ${id}`, zip: String(id) },
      score: id + 0.5,
      active: true,
    }),
  )
const map = (id) => new Map(Array.from({ length: 20 }, (_, at) => [`k${id}-${at}`, at]))
const buffer = (id) => Buffer.alloc(2_000, id)
const ids = (id) =>
  Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`user-${id}-${at}`, at]))
const each = [row, map, buffer, (id) => id, ids]
const scattered = (id) => {
  const mixed = Math.imul(id ^ (id >>> 15), 0x2c1b3c6d)
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39) >>> 0
}
const newKey = (id) => `key-${id}`
const times = (length, make) => Array.from({ length }, (_, at) => make(at))
const texts = (id, length) => times(length, (at) => [`x-field-${at}`, `${id} `.padEnd(40, 'x')])

const decimalRow =
  ({ default: Decimal }) =>
  (id) => ({ id, price: new Decimal(id + 0.25), tax: new Decimal(id).times('0.19') })

const mongooseDocument = ({ default: mongoose }) => {
  const Order = new mongoose.Schema({ sku: String, price: Number })
  const User = mongoose.model(
    'User',
    new mongoose.Schema({ name: String, age: Number, tags: [String], orders: [Order], at: Date }),
  )
  return (id) => {
    const orders = [{ sku: `sku ${id}`, price: 1.5 }]
    return new User({ ...row(id), age: id % 90, orders, at: new Date(id) })
  }
}

const protobufMessage = ({ default: protobuf }) => {
  const { root } = protobuf.parse(`syntax = "proto3";
    message Order { string sku = 1; double price = 2; }
    message User {
      string name = 1; int32 age = 2; repeated string tags = 3; repeated Order orders = 4;
    }`)
  const User = root.lookupType('User')
  return (id) => {
    const { name, tags } = row(id)
    const orders = [{ sku: `sku ${id}`, price: 1.5 }]
    return User.decode(User.encode({ name, age: id % 90, tags, orders }).finish())
  }
}

const parsedPage =
  ({ parse }) =>
  (id) =>
    parse(
      times(
        50,
        (at) => `<div class="c${id}-${at}"><p>text ${id}</p><a href="/${at}">x</a></div>`,
      ).join(''),
    )

/** What is written in a process that must survive it. Tiny entries come more often, to fill it. */
export const kinds = {
  'API rows': { keyOf: newKey, make: row, most: 1.15 },
  Maps: { keyOf: newKey, make: map, most: 1.15 },
  Buffers: { keyOf: newKey, make: buffer, most: 1.15 },
  'tiny entries': { keyOf: newKey, make: (id) => id, most: 1.25, turns: 3 },
  // Of 900,000 keys, in no order: some are still there and replaced, others have been evicted.
  'tiny entries replaced': {
    keyOf: (id) => `key-${scattered(id) % 900_000}`,
    make: (id) => id,
    most: 1.25,
    turns: 3,
  },
  'objects keyed by ids': { keyOf: newKey, make: ids, most: 1.15 },
  Headers: { keyOf: newKey, make: (id) => new Headers(texts(id, 20)), most: 1.25, turns: 0.05 },
  'long URLs': {
    keyOf: newKey,
    make: (id) => new URL(`https://example.com/${id}?${new URLSearchParams(texts(id, 20))}`),
    most: 1.25,
    turns: 0.15,
  },
  // Made of what a package exports.
  'decimal.js rows': {
    keyOf: newKey,
    package: 'decimal.js',
    makeWith: decimalRow,
    most: 1.25,
    turns: 0.4,
  },
  'mongoose documents': {
    keyOf: newKey,
    package: 'mongoose',
    makeWith: mongooseDocument,
    most: 1.25,
    turns: 0.06,
  },
  'protobuf messages': {
    keyOf: newKey,
    package: 'protobufjs',
    makeWith: protobufMessage,
    most: 1.25,
    turns: 0.3,
  },
  'parse5 trees': {
    keyOf: newKey,
    package: 'parse5',
    makeWith: parsedPage,
    most: 1.25,
    turns: 0.003,
  },
  'a mix': { keyOf: newKey, make: (id) => each[id % each.length](id), most: 1.15 },
}
