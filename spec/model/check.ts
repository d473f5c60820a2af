import { inspect } from 'node:util'
import { NaivePromise } from './naive/promise.ts'
import { KEYS } from './steps/keys.ts'
import { see, seeOutcome } from './events.ts'
import { EMPTY, ENTRY, isCharge } from './charges.ts'
import { isSame, isSameError, isSameHappening, shapeOf } from './events.ts'
import type { World } from './world.ts'

/** Tables that grew for a dozen entries, and have room for as many again. */
const MOST_SLACK = 4_096

const shown = (value: unknown) =>
  inspect(value, { depth: 3, maxStringLength: 30, maxArrayLength: 50 })

function expectSame(what: string, real: unknown, model: unknown): void {
  if (!isSame(real, model)) differ(what, real, model)
}

function differ(what: string, real: unknown, model: unknown): never {
  throw new Error(`${what}\n  cache: ${shown(real)}\n  model: ${shown(model)}`)
}

/** What happened on both sides since the last look. */
export function compareTraces({ trace }: World): void {
  const { real, model } = trace
  const length = Math.max(real.length, model.length)
  for (let index = 0; index < length; index++) {
    if (!isSameHappening(real[index], model[index])) {
      differ(`What happened, at ${index}`, real.slice(index), model.slice(index))
    }
  }
  for (const happening of model) see(happening)
  trace.real = []
  trace.model = []
}

/** Calls of `getOrSet` that have ended. */
export function compareCalls(world: World): void {
  world.calls = world.calls.filter(({ real, model }) => {
    const { outcome } = model
    if (real === undefined && outcome === undefined) return true
    const isEqual =
      real?.isFulfilled === outcome?.isFulfilled &&
      (isSame(real?.value, outcome?.value) ||
        (!real?.isFulfilled && isSameError(shapeOf(real?.value), shapeOf(outcome?.value))))
    if (outcome !== undefined) seeOutcome(outcome)
    if (!isEqual) differ('How a getOrSet ended', real, outcome)
    return false
  })
}

/** Every key, without touching what has expired and still is there. */
export function compareKeys({ controller, cache, model, scenario }: World): void {
  for (const key of KEYS) {
    const entry = model.model.live(key)
    expectSame(`isExpired(${key})`, controller.isExpired(key), model.isExpired(key))
    expectSame(`has(${key})`, [controller.has(key), key in cache], [!!entry, !!entry])
    expectSame(`peek(${key})`, controller.peek(key), entry?.value)
    if (entry === undefined) continue
    expectSame(`ttl(${key})`, controller.ttl(key), model.ttl(key))
    const charge = controller.sizeOf(key)
    const isExact = !scenario.isWeighedByHeap && !(entry.value instanceof NaivePromise)
    if (isExact) expectSame(`sizeOf(${key})`, charge, entry.bytes + ENTRY)
    else if (!isCharge(charge, entry.bytes)) differ(`sizeOf(${key})`, charge, entry.bytes)
  }
}

/** Order both ways, sums and counters, which removes what has expired. */
export function compareWhole(world: World): void {
  const { controller, model } = world
  world.refuel()
  let sizeBytes: number
  // What a hook writes may have expired as well.
  do {
    compareTraces(world)
    const { sizeBytes: bytes, ...counters } = controller.stats()
    expectSame('stats()', Object.entries(counters), Object.entries(model.stats()))
    sizeBytes = bytes
  } while (world.trace.real.length > 0)
  const entries = [...controller.entries()]
  expectSame('entries()', entries, [...model.entries()])
  expectSame('reversed()', [...controller.reversed()], [...entries].reverse())
  expectSame('size', controller.size, entries.length)
  expectSame('sizeBytes', controller.sizeBytes, sizeBytes)
  const charges = entries.reduce((sum, [key]) => sum + controller.sizeOf(key), 0)
  const slack = sizeBytes - charges - (EMPTY - 4 * ENTRY)
  if (slack < 0 || slack > MOST_SLACK) differ('Slack of the tables', slack, MOST_SLACK)
  const { maxSizeBytes, maxItems } = controller
  if (maxSizeBytes !== null && sizeBytes > maxSizeBytes)
    differ('Over the budget', sizeBytes, maxSizeBytes)
  if (maxItems !== null && entries.length > maxItems) differ('Too many', entries.length, maxItems)
}
