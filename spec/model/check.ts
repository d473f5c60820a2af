import { inspect } from 'node:util'
import type { AdvisorReport } from 'faas-cache-dict/advisor'
import { BASE_BYTES, ENTRY_BYTES } from '../support/charges.ts'
import {
  count,
  countEvent,
  countOutcome,
  isCharge,
  isSame,
  isSameEvent,
  isSameFailure,
} from './events.ts'
import { NaivePromise, type Outcome } from './naive/promise.ts'
import { KEYS } from './steps/keys.ts'
import type { World } from './world.ts'

/** Bytes. Room for the tables of a dozen entries to have doubled. */
const MAX_SLACK = 4_096
/** Bytes. An advisor of a dozen keys. */
const MAX_ADVISOR = 8_192

const shown = (value: unknown) =>
  inspect(value, { depth: 3, maxStringLength: 30, maxArrayLength: 50 })

function expectSame(what: string, real: unknown, model: unknown): void {
  if (!isSame(real, model)) differ(what, real, model)
}

function differ(what: string, real: unknown, model: unknown): never {
  throw new Error(`${what}\n  cache: ${shown(real)}\n  model: ${shown(model)}`)
}

/** Compares the events on both sides since the last comparison. */
export function compareTraces({ trace }: World): void {
  const { real, model } = trace
  const length = Math.max(real.length, model.length)
  for (let index = 0; index < length; index++) {
    if (!isSameEvent(real[index], model[index])) {
      differ(`Event ${index}`, real.slice(index), model.slice(index))
    }
  }
  for (const event of model) countEvent(event)
  trace.real = []
  trace.model = []
}

/** Compares the outcomes of settled `getOrSet` calls. */
export function compareCalls(world: World): void {
  world.calls = world.calls.filter(({ real, model }) => {
    const { outcome } = model
    if (real === undefined && outcome === undefined) return true
    if (outcome !== undefined) countOutcome(outcome)
    if (!isSameOutcome(real, outcome)) differ('The outcome of getOrSet', real, outcome)
    return false
  })
}

const isSameOutcome = (real: Outcome | undefined, model: Outcome | undefined): boolean =>
  real?.isFulfilled === model?.isFulfilled &&
  (model?.isFulfilled === false
    ? isSameFailure(real?.value, model.value)
    : isSame(real?.value, model?.value))

/** Compares what factories and `waitUntil` were given. */
export function compareLoads({ factorySignals, handedOver }: World): void {
  for (const [index, signal] of factorySignals.model.entries()) {
    const real = factorySignals.real[index]
    expectSame(`signal ${index} is aborted`, real?.aborted, signal.isAborted)
    const isEqual = !signal.isAborted || isSameFailure(real?.reason, signal.reason)
    if (!isEqual) differ(`The reason of signal ${index}`, real?.reason, signal.reason)
  }
  for (const [index, { outcome }] of handedOver.model.entries()) {
    const real = handedOver.real[index]?.real
    if (!isSameOutcome(real, outcome)) differ(`What waitUntil was given, ${index}`, real, outcome)
  }
}

/** Compares every key without a use and without removing expired entries. */
export function compareKeys({ controller, cache, model, scenario }: World): void {
  for (const key of KEYS) {
    const entry = model.model.live(key)
    expectSame(`isExpired(${key})`, controller.isExpired(key), model.isExpired(key))
    expectSame(`has(${key})`, [controller.has(key), key in cache], [!!entry, !!entry])
    expectSame(`peek(${key})`, controller.peek(key), entry?.value)
    if (entry === undefined) continue
    expectSame(`ttl(${key})`, controller.ttl(key), model.ttl(key))
    const charge = controller.sizeOf(key)
    const isExact = !scenario.usesHeapSize && !(entry.value instanceof NaivePromise)
    if (isExact) expectSame(`sizeOf(${key})`, charge, entry.bytes + ENTRY_BYTES)
    else if (!isCharge(charge, entry.bytes)) differ(`sizeOf(${key})`, charge, entry.bytes)
  }
}

/** Compares the order, the sums and the counters, which removes expired entries. */
export function compareWhole(world: World): void {
  const { controller, model } = world
  world.allowHookSteps()
  let sizeBytes: number
  // A hook that runs during the removal can write an entry that has already expired.
  do {
    compareTraces(world)
    const { sizeBytes: bytes, evictedBytes, ...counters } = controller.stats()
    expectSame('stats()', Object.entries(counters).sort(), Object.entries(model.stats()).sort())
    expectSame('evictedBytes', evictedBytes, world.evictedBytes)
    if (counters.pressureEvictions > 0) count('evicted under pressure')
    sizeBytes = bytes
  } while (world.trace.real.length > 0)
  const entries = [...controller.entries()]
  expectSame('entries()', entries, [...model.entries()])
  expectSame('reversed()', [...controller.reversed()], [...entries].reverse())
  expectSame('size', controller.size, entries.length)
  expectSame('sizeBytes', controller.sizeBytes, sizeBytes)
  const charges = entries.reduce((sum, [key]) => sum + controller.sizeOf(key), 0)
  const { stale } = model.model
  const staleBytes = stale.reduce((sum, { bytes }) => sum + bytes + ENTRY_BYTES, 0)
  const slack = sizeBytes - charges - staleBytes - BASE_BYTES
  const maxSlack = world.advisor === undefined ? MAX_SLACK : MAX_SLACK + MAX_ADVISOR
  if (slack < 0 || slack > maxSlack) differ('The slack of the tables', slack, maxSlack)
  const { maxSizeBytes, maxItems, effectiveMaxSizeBytes } = controller
  if (effectiveMaxSizeBytes !== null && sizeBytes > effectiveMaxSizeBytes)
    differ('sizeBytes above effectiveMaxSizeBytes', sizeBytes, effectiveMaxSizeBytes)
  if (maxSizeBytes !== null && sizeBytes > maxSizeBytes)
    differ('sizeBytes above maxSizeBytes', sizeBytes, maxSizeBytes)
  if (world.advisor !== undefined) checkReport(world.advisor.report())
  const items = entries.length + stale.length
  if (maxItems !== null && items > maxItems) differ('size above maxItems', items, maxItems)
}

function checkReport({ points, recommended, uses }: AdvisorReport): void {
  const isPossible =
    points.every(({ hitRate }) => hitRate >= 0 && hitRate <= 1) &&
    points.every(({ loadsSaved, msSaved }) => Math.abs(loadsSaved) <= uses && msSaved > -1e12) &&
    points.some(({ maxSizeBytes }) => maxSizeBytes === recommended)
  if (!isPossible) differ('The report of the advisor', { points, recommended, uses }, undefined)
}
