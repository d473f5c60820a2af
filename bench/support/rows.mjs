import { list } from './figures.mjs'

/** As a request brings a value: strings are flat, and their hash is not yet known. */
export const parsed = (value) => JSON.parse(JSON.stringify(value))

export const keysOf = (count, prefix = 'key') => list(count, (at) => `${prefix}-${at}`)

/** About 60 bytes of JSON a line: 1 KB by default. */
export const order = (id, lines = 17) =>
  parsed({
    id,
    name: `Name of ${id}`,
    isActive: id % 2 === 0,
    tags: list(lines, (at) => `tag ${id} ${at}`),
    lines: list(lines, (at) => ({ sku: `sku-${id}-${at}`, count: at, price: at + 0.5 })),
  })

/** About 200 bytes of JSON. */
export const user = (id) =>
  parsed({
    id,
    name: `user ${id}`,
    email: `user-${id}@example.com`,
    tags: [`tag ${id}`, `tag ${id + 1}`],
    address: { street: `${id} High Street`, city: `City ${id}`, zip: String(id) },
    score: id + 0.5,
    active: true,
  })
