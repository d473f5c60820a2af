import { NaivePromise, type Outcome } from './naive/promise.ts'
import { isCharge } from './charges.ts'
import { UNIT } from './values.ts'

/** What can be seen from outside, in the order in which it was. */
export type Happening =
  | {
      readonly kind: 'left'
      readonly key: string
      readonly value: unknown
      readonly reason: string
      readonly bytes: number
      /** Whether these are the bytes to the last one. */
      readonly isExact?: boolean
    }
  | { readonly kind: 'failed'; readonly source: string; readonly key: string | undefined }
  | { readonly kind: 'gave'; readonly step: string; readonly value: unknown }
  | { readonly kind: 'threw'; readonly step: string; readonly error: ErrorShape }

interface ErrorShape {
  readonly name: string | undefined
  readonly key: string | undefined
  readonly bytes: number | undefined
}

/** Runs one side of a step and notes what it gave or threw. */
export function attempt(trace: Happening[], step: string, run: () => unknown): void {
  try {
    trace.push({ kind: 'gave', step, value: run() })
  } catch (error) {
    trace.push({ kind: 'threw', step, error: shapeOf(error) })
  }
}

/** What a program can tell an error by. */
export function shapeOf(error: unknown): ErrorShape {
  const { name, key, bytes, sizeBytes } = error as Record<string, never>
  return { name, key, bytes: bytes ?? sizeBytes }
}

/** Whether two happenings are one. Values are the same ones, not equal ones. */
export function isSameHappening(
  real: Happening | undefined,
  model: Happening | undefined,
): boolean {
  if (real === undefined || model === undefined) return false
  switch (model.kind) {
    case 'left':
      return (
        real.kind === 'left' &&
        real.key === model.key &&
        real.reason === model.reason &&
        (model.isExact ? real.bytes === model.bytes : isCharge(real.bytes, model.bytes)) &&
        isSame(real.value, model.value)
      )
    case 'failed':
      return real.kind === 'failed' && real.source === model.source && real.key === model.key
    case 'gave':
      return real.kind === 'gave' && real.step === model.step && isSame(real.value, model.value)
    case 'threw':
      return (
        real.kind === 'threw' && real.step === model.step && isSameError(real.error, model.error)
      )
  }
}

export const isSameError = (real: ErrorShape, model: ErrorShape): boolean =>
  real.name === model.name &&
  real.key === model.key &&
  Math.floor((real.bytes ?? 0) / UNIT) === Math.floor((model.bytes ?? 0) / UNIT)

/** Whether what a cache gave is what the model gave; arrays are looked into. */
export function isSame(real: unknown, model: unknown): boolean {
  if (model instanceof NaivePromise) {
    // A promise that `load` made is known from its first appearance.
    if (real instanceof Promise) model.real ??= real
    return real === model.real
  }
  if (!Array.isArray(real) || !Array.isArray(model)) return Object.is(real, model)
  return real.length === model.length && model.every((item, index) => isSame(real[index], item))
}

/** How often each kind of removal, refusal and failure was seen. */
export const seen = new Map<string, number>()

const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

export function see(happening: Happening): void {
  if (happening.kind === 'left') count(happening.reason)
  else if (happening.kind === 'failed') count(`${happening.source} failed`)
  else if (happening.kind === 'threw') count(happening.error.name ?? 'a foreign error')
}

export function seeOutcome({ isFulfilled }: Outcome): void {
  count(isFulfilled ? 'load given' : 'load failed')
}
