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
  'a mix': { keyOf: newKey, make: (id) => each[id % each.length](id), most: 1.15 },
}
