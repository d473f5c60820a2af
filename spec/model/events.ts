import { ModelError } from './naive/entry.ts'
import { NaivePromise, type Outcome } from './naive/promise.ts'
import { UNIT } from './values.ts'

/** Something that a program can observe: a hook that ran, or a step that ended. */
export type TraceEvent =
  | {
      readonly kind: 'removed'
      readonly key: string
      readonly value: unknown
      readonly reason: string
      readonly bytes: number
      /** True if the bytes must be equal. Otherwise they may differ by the structure of the cache. */
      readonly isExact?: boolean
    }
  | { readonly kind: 'handed over' }
  | { readonly kind: 'called'; readonly keys: readonly string[]; readonly stale: unknown }
  | {
      readonly kind: 'failed'
      readonly source: string
      readonly key: string | undefined
      /** `undefined` in the model if it does not matter. */
      readonly error: unknown
    }
  | { readonly kind: 'returned'; readonly step: string; readonly value: unknown }
  | { readonly kind: 'threw'; readonly step: string; readonly error: ErrorShape }

/** Bytes for the structure and the key, which the model does not count. */
const MAX_OVERHEAD = 2_048

/** Whether a charge of the cache is possible for a value of these bytes in the model. */
export const isCharge = (real: number, bytes: number): boolean =>
  real > bytes && real < bytes + MAX_OVERHEAD

interface ErrorShape {
  readonly name: string | undefined
  readonly key: string | undefined
  readonly bytes: number | undefined
  readonly limit: number | undefined
}

/** Runs one side of a step and records its result or error. */
export function attempt(trace: TraceEvent[], step: string, run: () => unknown): void {
  try {
    trace.push({ kind: 'returned', step, value: run() })
  } catch (error) {
    trace.push({ kind: 'threw', step, error: shapeOf(error) })
  }
}

/** The properties of an error that both sides have. */
export function shapeOf(error: unknown): ErrorShape {
  const { name, key, bytes, limit, sizeBytes, maxSizeBytes, timeout } = error as Record<
    string,
    never
  >
  return { name, key, bytes: bytes ?? sizeBytes, limit: limit ?? maxSizeBytes ?? timeout }
}

/** Whether two events are the same. Values are compared by identity. */
export function isSameEvent(real: TraceEvent | undefined, model: TraceEvent | undefined): boolean {
  if (real === undefined || model === undefined) return false
  switch (model.kind) {
    case 'removed':
      return (
        real.kind === 'removed' &&
        real.key === model.key &&
        real.reason === model.reason &&
        (model.isExact ? real.bytes === model.bytes : isCharge(real.bytes, model.bytes)) &&
        isSame(real.value, model.value)
      )
    case 'handed over':
      return real.kind === 'handed over'
    case 'called':
      return (
        real.kind === 'called' && isSame(real.keys, model.keys) && isSame(real.stale, model.stale)
      )
    case 'failed':
      return (
        real.kind === 'failed' &&
        real.source === model.source &&
        real.key === model.key &&
        (model.error === undefined || isSameFailure(real.error, model.error))
      )
    case 'returned':
      return real.kind === 'returned' && real.step === model.step && isSame(real.value, model.value)
    case 'threw':
      return (
        real.kind === 'threw' && real.step === model.step && isSameError(real.error, model.error)
      )
  }
}

/** Whether two errors are the same one, or the model's stands for the cache's. */
export const isSameFailure = (real: unknown, model: unknown): boolean =>
  Object.is(real, model) ||
  (model instanceof ModelError && isSameError(shapeOf(real), shapeOf(model)))

const isSameError = (real: ErrorShape, model: ErrorShape): boolean =>
  real.name === model.name &&
  real.key === model.key &&
  real.limit === model.limit &&
  Math.floor((real.bytes ?? 0) / UNIT) === Math.floor((model.bytes ?? 0) / UNIT)

/** Whether two results are the same. The items of arrays are compared one by one. */
export function isSame(real: unknown, model: unknown): boolean {
  if (model instanceof NaivePromise) {
    // A promise that `load` created has its counterpart from the first time it is read.
    if (real instanceof Promise) model.real ??= real
    return real === model.real
  }
  if (!Array.isArray(real) || !Array.isArray(model)) return Object.is(real, model)
  return real.length === model.length && model.every((item, index) => isSame(real[index], item))
}

/** The number of events of each kind: removals by reason, errors by name, failures by source. */
export const eventCounts = new Map<string, number>()

export const count = (kind: string) => eventCounts.set(kind, (eventCounts.get(kind) ?? 0) + 1)

export function countEvent(event: TraceEvent): void {
  if (event.kind === 'removed') count(event.reason)
  else if (event.kind === 'failed') count(`${event.source} failed`)
  else if (event.kind === 'threw') count(event.error.name ?? 'a foreign error')
}

export function countOutcome({ isFulfilled }: Outcome): void {
  count(isFulfilled ? 'load fulfilled' : 'load rejected')
}
