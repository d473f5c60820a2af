import type { ModelOptions, Removal } from './entry.ts'

/** Runs hooks when a call has made all its changes, one after the other and never nested. */
export class ModelHooks {
  readonly #options: ModelOptions
  #calls: (() => void)[] = []
  #isRunning = false

  constructor(options: ModelOptions) {
    this.#options = options
  }

  removed(removal: Removal): void {
    this.#calls.push(() => {
      try {
        this.#options.onDelete(removal)
      } catch {
        this.#options.onError('onDelete', removal.key)
      }
    })
  }

  failed(source: string, key?: string, error?: unknown): void {
    this.#calls.push(() => this.#options.onError(source, key, error))
  }

  run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) call()
    this.#isRunning = false
  }
}
