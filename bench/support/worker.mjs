import { heapSize } from 'faas-cache-dict'
import { empty, fill, prepare } from './values.mjs'

const steps = {
  prepare,
  empty,
  fill: () => fill(heapSize),
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
