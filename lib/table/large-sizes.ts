/** Sizes that do not fit a record, and their exact sum, which a number would round. */
export class LargeSizes {
  readonly #bySlot = new Map<number, number>()
  #sum = 0n
  /** The sum, rounded to a number. */
  bytes = 0

  get(slot: number): number {
    return this.#bySlot.get(slot) as number
  }

  set(slot: number, bytes: number): void {
    this.#bySlot.set(slot, bytes)
    this.#add(BigInt(bytes))
  }

  delete(slot: number): void {
    this.#add(-BigInt(this.get(slot)))
    this.#bySlot.delete(slot)
  }

  move(from: number, to: number): void {
    this.#bySlot.set(to, this.get(from))
    this.#bySlot.delete(from)
  }

  #add(bytes: bigint): void {
    this.#sum += bytes
    this.bytes = Number(this.#sum)
  }
}
