/** The upper median: the list may be of any length. */
export const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

/** Calls `make` with each index below `length`. */
export const list = (length, make) => Array.from({ length }, (_, at) => make(at))

/** Numbers from 0 to 1, the same in every process. */
export function randomFrom(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Shuffles in place. */
export function shuffle(items, random) {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const kept = items[at]
    items[at] = items[other]
    items[other] = kept
  }
  return items
}

/**
 * Milliseconds of processor time of this thread, which other programs cannot disturb. Node has it
 * since version 24; older ones give the time of day.
 */
export const threadTime = globalThis.process?.threadCpuUsage
  ? () => Object.values(process.threadCpuUsage()).reduce((sum, part) => sum + part, 0) / 1_000
  : () => performance.now()

/** Bytes of heap and of external memory that are alive, on Node, Deno and Bun. */
export async function alive() {
  await collect()
  if (globalThis.Bun) return (await import('bun:jsc')).heapStats().heapSize
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes of the whole process, for memory that the engine does not count. */
export async function resident() {
  await collect()
  return process.memoryUsage().rss
}

async function collect() {
  for (let round = 0; round < 8; round++) {
    await new Promise((turn) => setTimeout(turn, 10))
    if (globalThis.Bun) globalThis.Bun.gc(true)
    else globalThis.gc()
  }
}
