import type { OnDelete, OnError, Reason } from './options/options.ts'
import { isNativePromise, subscribe } from './promise.ts'
import { requireStack } from './stack.ts'

/** Beyond so many removals in one call, a hook probably removes without end. */
const MOST_ANSWERS = 1_000_000

interface Removal {
  readonly key: string
  readonly value: unknown
  readonly reason: Reason
  readonly sizeBytes: number
}

interface Failure {
  readonly error: unknown
  readonly context: { source: string; key?: string }
}

/**
 * Removals and failures wait here until the cache has settled. A hook that removes entries adds to the
 * same queue, so hooks never nest, however much they remove.
 */
export class Hooks {
  /** Whether the program wants to know of removals. */
  readonly hasOnDelete: boolean
  /** Whether `run` has something to do. Public, since every change reads it. */
  isWaiting = false
  readonly #onDelete: OnDelete | undefined
  readonly #onError: OnError | undefined
  #queue: (Removal | Failure | undefined)[] | undefined
  /** Index of the first item of the queue that waits. */
  #next = 0
  #isRunning = false

  constructor(onDelete: OnDelete | undefined, onError: OnError | undefined) {
    this.#onDelete = onDelete
    this.#onError = onError
    this.hasOnDelete = onDelete !== undefined
  }

  removed(key: string, value: unknown, reason: Reason, sizeBytes: number): void {
    this.#add({ key, value, reason, sizeBytes })
  }

  failed(error: unknown, source: string, key?: string): void {
    this.#add({ error, context: key === undefined ? { source } : { source, key } })
  }

  #add(item: Removal | Failure): void {
    this.#queue ??= []
    this.#queue.push(item)
    this.isWaiting = !this.#isRunning
  }

  run(): void {
    const queue = this.#queue
    if (queue === undefined || this.#isRunning) return
    // Every removal of the call itself is told; what hooks remove in answer might never end.
    const limit = queue.length + Math.max(MOST_ANSWERS, 10 * queue.length)
    let count = 0
    this.#isRunning = true
    this.isWaiting = false
    try {
      while (this.#next < queue.length) {
        // If the stack is full, the next call handles the rest.
        requireStack(this.#next)
        if (++count > limit) {
          this.#tooMany(limit)
          break
        }
        const item = queue[this.#next] as Removal | Failure
        queue[this.#next++] = undefined
        if ('context' in item) this.#callOnError(item)
        else this.#callOnDelete(item)
      }
      this.#queue = undefined
      this.#next = 0
    } finally {
      this.#isRunning = false
      this.isWaiting = this.#queue !== undefined
    }
  }

  #tooMany(limit: number): void {
    const error = new Error(
      `One call led to more than ${limit} removals by hooks; onDelete does not get the rest`,
    )
    this.#callOnError({ error, context: { source: 'onDelete' } })
  }

  #callOnDelete({ key, value, reason, sizeBytes }: Removal): void {
    // Called as a function, since a method would be given this object.
    const onDelete = this.#onDelete
    const failed = (error: unknown) =>
      this.#callOnError({ error, context: { source: 'onDelete', key } })
    attempt(() => onDelete?.(key, value, reason, sizeBytes), failed)
  }

  #callOnError({ error, context }: Failure): void {
    const onError = this.#onError
    if (onError === undefined) warn(`${context.source} failed`, error)
    else
      attempt(
        () => onError(error, context),
        (failure) => warn('onError failed', failure),
      )
  }
}

/** Calls a hook. What it returns may be a promise, which may reject. */
export function attempt(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call()
    if (isNativePromise(result)) subscribe(result, undefined, failed)
  } catch (error) {
    failed(error)
  }
}

// It throws in programs that forbid warnings or have no console, and nobody is left to be told.
function warn(message: string, error: unknown): void {
  try {
    console.warn(`faas-cache-dict: ${message}`, error)
  } catch {}
}
