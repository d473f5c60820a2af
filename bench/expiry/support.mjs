export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** The same in every process. */
export function randomFrom(seed) {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Flat strings with their hash not yet known, as a request brings them. */
export const freshKeys = (prefix, count) =>
  JSON.parse(JSON.stringify(Array.from({ length: count }, (_, index) => `${prefix}-key-${index}`)))
