import { heapSize } from 'faas-cache-dict'
import { charged, fill, prepare } from './classes.mjs'

const steps = {
  prepare,
  fill,
  charged: () => charged(heapSize),
  // What the engine lets go of in one collection may be found dead by the next.
  collect: async () => {
    for (let i = 0; i < 4; i++) {
      globalThis.gc()
      await new Promise((turn) => setTimeout(turn, 5))
    }
  },
}

export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url)
    return Response.json((await steps[searchParams.get('step')](searchParams.get('name'))) ?? null)
  },
}
