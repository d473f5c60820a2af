import { isNativePromise, subscribe } from './native-promise.ts'
import type { OnDelete, OnError, Reason } from './options/options.ts'
import { requireStack } from './stack.ts'

/** Further than any program means to go that removes for each removal. */
const ENDLESS = 1_000_000

interface Departure {
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
 * Values that have left, and what failed on the way, wait here until the cache has settled. What a
 * hook removes joins the same queue, so hooks never nest, however much they evict.
 */
export class Hooks {
  readonly #onDelete: OnDelete | undefined
  readonly #onError: OnError | undefined
  #queue: (Departure | Failure | undefined)[] = []
  /** How many of the queue have been handled. */
  #told = 0
  #isRunning = false

  constructor(onDelete: OnDelete | undefined, onError: OnError | undefined) {
    this.#onDelete = onDelete
    this.#onError = onError
  }

  /** Whether anybody is told of what leaves. */
  get isHeard(): boolean {
    return this.#onDelete !== undefined
  }

  left(key: string, value: unknown, reason: Reason, sizeBytes: number): void {
    this.#queue.push({ key, value, reason, sizeBytes })
  }

  run(): void {
    if (this.#queue.length !== 0 && !this.#isRunning) this.#drain()
  }

  failed(error: unknown, source: string, key?: string): void {
    this.#queue.push({ error, context: key === undefined ? { source } : { source, key } })
  }

  #fail({ error, context }: Failure): void {
    // Called as a function, since a method would be given what is in here.
    const onError = this.#onError
    if (onError === undefined) {
      warn(`${context.source} failed`, error)
      return
    }
    try {
      heed(onError(error, context), onErrorFailed)
    } catch (failure) {
      onErrorFailed(failure)
    }
  }

  #drain(): void {
    // What a call removed is told whole; what hooks remove in answer, and so on, might never end.
    let most = this.#queue.length + Math.max(ENDLESS, 10 * this.#queue.length)
    this.#isRunning = true
    try {
      while (this.#told < this.#queue.length) {
        // If the stack is full, the next call handles the rest.
        requireStack(this.#told)
        if (--most < 0) this.#stop()
        else this.#runNext()
      }
      this.#queue = []
      this.#told = 0
    } finally {
      this.#isRunning = false
    }
  }

  #runNext(): void {
    const happening = this.#queue[this.#told] as Departure | Failure
    this.#queue[this.#told++] = undefined
    if ('context' in happening) this.#fail(happening)
    else this.#tell(happening)
  }

  #stop(): void {
    const error = new Error(
      `Hooks removed more than ${ENDLESS} values in answer to one call; onDelete does not hear of the last ones`,
    )
    this.#fail({ error, context: { source: 'onDelete' } })
    this.#told = this.#queue.length
  }

  #tell({ key, value, reason, sizeBytes }: Departure): void {
    try {
      const onDelete = this.#onDelete
      const answer: unknown = onDelete?.(key, value, reason, sizeBytes)
      heed(answer, (error) => this.#fail({ error, context: { source: 'onDelete', key } }))
    } catch (error) {
      this.#fail({ error, context: { source: 'onDelete', key } })
    }
  }
}

/** What a hook answers may be a promise, which may reject. */
function heed(answer: unknown, rejected: (error: unknown) => void): void {
  if (isNativePromise(answer)) subscribe(answer, undefined, rejected)
}

function onErrorFailed(failure: unknown): void {
  warn('onError failed', failure)
}

// It throws in programs that forbid warnings, or have no console, and nobody is left to be told.
function warn(message: string, error: unknown): void {
  try {
    console.warn(`faas-cache-dict: ${message}`, error)
  } catch {}
}
