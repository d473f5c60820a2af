// One class of values in a process of its own, on Node, Bun or Deno.
import { charged, fill, prepare } from './classes.mjs'

const { heapSize } = await import('../../dist/index.js')
const jsc = globalThis.Bun && (await import('bun:jsc'))

/** What the engine says is alive, heap and buffers, after a forced collection. */
async function alive() {
  for (let i = 0; i < 4; i++) {
    if (jsc) globalThis.Bun.gc(true)
    else globalThis.gc()
    await new Promise((turn) => setTimeout(turn, 5))
  }
  if (jsc) return jsc.heapStats().heapSize
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

prepare(process.argv[2])
const before = await alive()
fill()
const real = (await alive()) - before
console.log(JSON.stringify({ real, charged: charged(heapSize) }))
