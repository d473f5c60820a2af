import { builtinModule, withoutContext } from './engine.ts'

// The language's own, even if a program replaces it later.
const { then } = Promise.prototype

let isPromise: ((value: unknown) => boolean) | undefined

/**
 * Whether a value is a promise of the language, of any realm, or of a subclass. Runs nothing of the
 * value: the `then` of a query builder would run the query.
 */
export function isNativePromise(value: unknown): value is Promise<unknown> {
  if (typeof value !== 'object' || value === null) return false
  isPromise ??= builtinModule('node:util')?.types?.isPromise ?? canSubscribe
  return isPromise(value)
}

/** Throws if the promise is of a subclass whose own code throws. */
export function subscribe(
  promise: Promise<unknown>,
  fulfilled: ((value: unknown) => void) | undefined,
  rejected: (error: unknown) => void,
): void {
  then.call(promise, fulfilled, rejected)
}

/** Marks a promise as handled, so that its rejection raises nothing if nobody awaits it. */
export function handleRejection(value: unknown): void {
  try {
    // Checking first avoids an expensive throw.
    if (isNativePromise(value)) subscribe(value, undefined, ignore)
  } catch {}
}

// Without the engine's own test, subscribing is the test: it throws for anything else. An object that
// is no instance is not tried, since a throw is expensive. So a promise of another realm is missed.
function canSubscribe(value: unknown): boolean {
  try {
    if (!(value instanceof Promise)) return false
    subscribe(value, ignore, ignore)
    return true
  } catch {
    return false
  }
}

function ignore(): void {}

/** From the promise that a cache keeps to the value that it fulfilled with. */
const values = new WeakMap<object, unknown>()
/** From the promise that was stored to the promise that a cache keeps in its place. */
const replacements = new WeakMap<object, Promise<unknown>>()

/** Notes that a stored promise has fulfilled. Returns the promise to keep, which refers to no request. */
export function noteFulfilled(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  const before = keptFor(promise)
  if (values.has(before)) return before
  const bare = withoutProperties(promise, value)
  if (bare !== promise) replacements.set(promise, bare)
  values.set(bare, value)
  return bare
}

/** What a stored promise has fulfilled with; `undefined` if the value is no such promise. */
export function fulfilled(value: unknown): { readonly value: unknown } | undefined {
  if (!isNativePromise(value)) return undefined
  const promise = keptFor(value)
  return values.has(promise) ? { value: values.get(promise) } : undefined
}

/** Whether two values are the same, or a promise and the one that is kept in its place. */
export function isSame(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || keptFor(one as object) === keptFor(other as object)
}

function keptFor<T extends object>(promise: T): T | Promise<unknown> {
  return replacements.get(promise) ?? promise
}

/** Platforms and tracing agents keep a request in properties of a promise. */
function withoutProperties(promise: Promise<unknown>, value: unknown): Promise<unknown> {
  if (Reflect.ownKeys(promise).length === 0 || isThenable(value)) return promise
  return withoutContext(Promise.resolve(value))
}

/** A value may get a `then` after a promise fulfilled with it. It is not called. */
function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
  } catch {
    return true
  }
}
