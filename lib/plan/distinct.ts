import { isSampled } from '../advisor/ghosts.ts'

const MOST = 2 ** 14

/** Counts distinct hashes: exactly up to 16,384, and beyond by a sample, to within a percent or two. */
export class Distinct {
  readonly #hashes = new Set<number>()
  #share = 1

  get count(): number {
    return Math.round(this.#hashes.size / this.#share)
  }

  get isExact(): boolean {
    return this.#share === 1
  }

  add(hash: number): void {
    if (!isSampled(hash, this.#share)) return
    this.#hashes.add(hash)
    if (this.#hashes.size <= MOST) return
    this.#share /= 2
    for (const each of this.#hashes) if (!isSampled(each, this.#share)) this.#hashes.delete(each)
  }
}
