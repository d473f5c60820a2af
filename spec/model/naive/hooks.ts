import type { Departure, ModelOptions } from './entry.ts'

/** Hooks run when a call has done its work, and never one within another. */
export class ModelHooks {
  readonly #options: ModelOptions
  #toTell: (() => void)[] = []
  #isTelling = false

  constructor(options: ModelOptions) {
    this.#options = options
  }

  left(departure: Departure): void {
    this.#toTell.push(() => {
      try {
        this.#options.onDelete(departure)
      } catch {
        this.#options.onError('onDelete', departure.key)
      }
    })
  }

  failed(source: string, key: string): void {
    this.#toTell.push(() => this.#options.onError(source, key))
  }

  run(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    for (let tell = this.#toTell.shift(); tell; tell = this.#toTell.shift()) tell()
    this.#isTelling = false
  }
}
