import fc from 'fast-check'

/** Few keys, so that steps collide. Most of them are names that the language uses elsewhere. */
export const KEYS = ['a', 'b', 'c', '__proto__', 'constructor', '', '0', 'toJSON', 'then', '\ud800']

export const keys = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
)

/** Seconds. */
export const ttls = fc.constantFrom(0.001, 0.5, 1, 10, 3_600, 31_536_000)

/** Seconds. The TTL of one entry may have passed already. */
export const entryTtls = fc.oneof(
  { weight: 5, arbitrary: ttls },
  { weight: 1, arbitrary: fc.constantFrom(0, -30) },
)
