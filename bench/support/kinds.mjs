import { list } from './figures.mjs'
import { tool } from './process.mjs'
import { user } from './rows.mjs'

const map = (id) => new Map(list(20, (at) => [`k${id}-${at}`, at]))
const buffer = (id) => Buffer.alloc(2_000, id)
const number = (id) => id
const ids = (id) => Object.fromEntries(list(10, (at) => [`user-${id}-${at}`, at]))
const mixed = [user, map, buffer, number, ids]
const texts = (id, length) => list(length, (at) => [`x-field-${at}`, `${id} `.padEnd(40, 'x')])
const orders = (id) => [{ sku: `sku ${id}`, price: 1.5 }]
const scattered = (id) => {
  const mixed = Math.imul(id ^ (id >>> 15), 0x2c1b3c6d)
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39) >>> 0
}

async function decimals() {
  const { default: Decimal } = await tool('decimal.js')
  return (id) => ({ id, price: new Decimal(id + 0.25), tax: new Decimal(id).times('0.19') })
}

async function documents() {
  const { default: mongoose } = await tool('mongoose')
  const Order = new mongoose.Schema({ sku: String, price: Number })
  const User = mongoose.model(
    'User',
    new mongoose.Schema({ name: String, age: Number, tags: [String], orders: [Order], at: Date }),
  )
  return (id) => new User({ ...user(id), age: id % 90, orders: orders(id), at: new Date(id) })
}

async function messages() {
  const { default: protobuf } = await tool('protobufjs')
  const { root } = protobuf.parse(`syntax = "proto3";
    message Order { string sku = 1; double price = 2; }
    message User {
      string name = 1; int32 age = 2; repeated string tags = 3; repeated Order orders = 4;
    }`)
  const User = root.lookupType('User')
  return (id) => {
    const { name, tags } = user(id)
    return User.decode(User.encode({ name, age: id % 90, tags, orders: orders(id) }).finish())
  }
}

async function trees() {
  const { parse } = await tool('parse5')
  const part = (id) => (at) =>
    `<div class="c${id}-${at}"><p>text ${id}</p><a href="/${at}">x</a></div>`
  return (id) => parse(list(50, part(id)).join(''))
}

/**
 * What is written in a process that must survive it. `most` is what may be alive ÷ the budget;
 * `writes`, in millions, lets small entries fill the budget and keeps the time of large ones short.
 */
export const kinds = {
  'API rows': { maker: () => user, most: 1.15 },
  Maps: { maker: () => map, most: 1.15 },
  Buffers: { maker: () => buffer, most: 1.15 },
  'tiny entries': { maker: () => number, most: 1.25, writes: 3 },
  'tiny entries replaced': {
    // In no order: some of the keys are in the cache, others were evicted.
    keyOf: (id) => `key-${scattered(id) % 900_000}`,
    maker: () => number,
    most: 1.25,
    writes: 3,
  },
  'objects keyed by ids': { maker: () => ids, most: 1.15 },
  Headers: { maker: () => (id) => new Headers(texts(id, 20)), most: 1.25, writes: 0.05 },
  'long URLs': {
    maker: () => (id) => new URL(`https://example.com/${id}?${new URLSearchParams(texts(id, 20))}`),
    most: 1.25,
    writes: 0.15,
  },
  'decimal.js rows': { maker: decimals, most: 1.25, writes: 0.4 },
  'mongoose documents': { maker: documents, most: 1.25, writes: 0.06 },
  'protobuf messages': { maker: messages, most: 1.25, writes: 0.3 },
  'parse5 trees': { maker: trees, most: 1.25, writes: 0.003 },
  'a mix': { maker: () => (id) => mixed[id % mixed.length](id), most: 1.15 },
}
