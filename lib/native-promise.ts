import { builtinModule } from './builtin-module.ts'

// The language's own, even if a program replaces it later.
const { then } = Promise.prototype

type Brand = (value: unknown) => boolean

let brand: Brand | undefined

/**
 * Whether a value is a promise of the language itself, of any realm, or of a subclass. Runs nothing
 * of the value: the `then` of a query builder would run the query.
 */
export function isNativePromise(value: unknown): value is Promise<unknown> {
  if (typeof value !== 'object' || value === null) return false
  brand ??= builtinModule('node:util')?.types?.isPromise ?? looksLikePromise
  return brand(value)
}

export function subscribe(
  promise: Promise<unknown>,
  fulfilled: ((value: unknown) => void) | undefined,
  rejected: (error: unknown) => void,
): void {
  then.call(promise, fulfilled, rejected)
}

/** A promise that is not kept raises nothing either, if it fails and nobody awaits it. */
export function handle(value: unknown): void {
  try {
    // Checking first avoids an expensive throw.
    if (isNativePromise(value)) subscribe(value, undefined, ignore)
  } catch {}
}

// Without the engine's own test, subscribing is the test: it throws for anything else. An object
// that is no instance is not tried, since a throw is expensive. So a promise of another realm is missed.
function looksLikePromise(value: unknown): boolean {
  try {
    if (!(value instanceof Promise)) return false
    subscribe(value, ignore, ignore)
    return true
  } catch {
    return false
  }
}

function ignore(): void {}
