/**
 * Bytes of heap and external memory in use, or of the whole process, once all that can be
 * collected has been.
 */
export async function alive(isWhole = false) {
  for (let round = 0; round < 8; round++) {
    await new Promise((turn) => setTimeout(turn, 10))
    globalThis.gc()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return isWhole ? rss : heapUsed + external
}
