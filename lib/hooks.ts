import { isNativePromise, subscribe } from './native-promise.ts'
import type { OnDelete, OnError, Reason } from './options/options.ts'

interface Departure {
  readonly key: string
  readonly value: unknown
  readonly reason: Reason
  readonly sizeBytes: number
}

interface Failure {
  readonly error: unknown
  readonly source: string
  readonly key?: string
}

/**
 * Values that have left, and what failed on the way, wait here until the cache has settled. What a
 * hook removes joins the same queue, so hooks never nest, however much they evict.
 */
export class Hooks {
  readonly #onDelete: OnDelete | undefined
  readonly #onError: OnError | undefined
  #queue: (Departure | Failure)[] = []
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
    this.#queue.push(key === undefined ? { error, source } : { error, source, key })
  }

  #fail({ error, source, key }: Failure): void {
    const context = key === undefined ? { source } : { source, key }
    try {
      if (this.#onError !== undefined) this.#onError(error, context)
      else globalThis.console?.warn(`faas-cache-dict: ${source} failed`, error)
    } catch (failure) {
      globalThis.console?.warn('faas-cache-dict: onError failed', failure)
    }
  }

  #drain(): void {
    this.#isRunning = true
    // A batch at a time, so that a hook that removes without end does not keep what it was told of.
    while (this.#queue.length !== 0) {
      const batch = this.#queue
      this.#queue = []
      for (const happening of batch) {
        if ('source' in happening) this.#fail(happening)
        else this.#tell(happening)
      }
    }
    this.#isRunning = false
  }

  #tell({ key, value, reason, sizeBytes }: Departure): void {
    try {
      const answer: unknown = this.#onDelete?.(key, value, reason, sizeBytes)
      if (!isNativePromise(answer)) return
      subscribe(
        answer,
        () => {},
        (error) => this.#fail({ error, source: 'onDelete', key }),
      )
    } catch (error) {
      this.#fail({ error, source: 'onDelete', key })
    }
  }
}
