import { heapSize } from '../../dist/index.js'
import { alive, resident } from './figures.mjs'
import { empty, fill, prepare } from './values.mjs'

/** What the values of a class are charged and what they add to the memory in use. */
export async function weighing(name, { step, alive, isOnce = false }) {
  await step('prepare', name)
  if (!isOnce) {
    // The first values leave code and feedback.
    await step('fill')
    await step('empty')
    // Node 20 drops 250 KB of its own only after some 60 collections.
    for (let again = 0; again < 7; again++) await alive()
  }
  const before = await alive()
  const charged = await step('fill')
  return { charged, real: (await alive()) - before }
}

/** The same in this process, on Node, Deno or Bun. */
export function weigh(name) {
  const steps = { prepare, fill: () => fill(heapSize), empty }
  // The engine counts it neither as heap nor as external memory, and the process keeps its pages.
  const isOutside = name === 'SharedArrayBuffers'
  return weighing(name, {
    step: (step, name) => steps[step](name),
    alive: isOutside ? resident : alive,
    isOnce: isOutside,
  })
}
