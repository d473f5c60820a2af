import { DEADLINE, HEAP_PLACE, type Records } from './records.ts'

/** Bytes a place in the heap takes: a bound and a slot. */
export const HEAP_PLACE_BYTES = 12

/** Places in a heap that has never grown. */
export const SMALLEST_HEAP = 7
const ARITY_BITS = 2

/**
 * Which entry expires next: a 4-ary heap, not of deadlines but of lower bounds
 * of them.
 *
 * A bound is raised only when it comes up and proves too low. So renewing an
 * entry, which every write does, touches the heap not at all, and a slot that
 * is freed and used again, as it is at every insert into a full cache, keeps
 * its place. Each bound comes up once a TTL at the most.
 */
export class Expiry {
  readonly #records: Records
  #bounds = new Float64Array(SMALLEST_HEAP + 1)
  #slots = new Int32Array(SMALLEST_HEAP + 1)
  #length = 0

  constructor(records: Records) {
    this.#records = records
  }

  /** Places in the heap for which there is room. */
  get capacity(): number {
    return this.#bounds.length - 1
  }

  schedule(slot: number, deadline: number): void {
    const { float64, int32 } = this.#records
    float64[(slot << 2) + DEADLINE] = deadline
    const place = int32[(slot << 3) + HEAP_PLACE] as number
    if (place === 0) {
      if (deadline !== Number.POSITIVE_INFINITY) this.#push(slot, deadline)
    } else if (deadline < (this.#bounds[place] as number)) {
      this.#rise(place, slot, deadline)
    }
  }

  /** The slot of some entry whose deadline has come, or 0. */
  due(now: number): number {
    while (this.#length !== 0 && (this.#bounds[1] as number) <= now) {
      const slot = this.#slots[1] as number
      const deadline = this.#records.float64[(slot << 2) + DEADLINE] as number
      if (deadline <= now) return slot
      if (deadline === Number.POSITIVE_INFINITY) this.#pop()
      else this.#sink(1, slot, deadline)
    }
    return 0
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  #push(slot: number, bound: number): void {
    if (this.#length === this.capacity) this.#grow()
    this.#length++
    this.#rise(this.#length, slot, bound)
  }

  #pop(): void {
    this.#records.int32[((this.#slots[1] as number) << 3) + HEAP_PLACE] = 0
    const last = this.#length--
    if (last !== 1) this.#sink(1, this.#slots[last] as number, this.#bounds[last] as number)
  }

  #rise(from: number, slot: number, bound: number): void {
    const bounds = this.#bounds
    let place = from
    while (place > 1) {
      const parent = (place + 2) >> ARITY_BITS
      if ((bounds[parent] as number) <= bound) break
      this.#put(place, this.#slots[parent] as number, bounds[parent] as number)
      place = parent
    }
    this.#put(place, slot, bound)
  }

  #sink(from: number, slot: number, bound: number): void {
    const bounds = this.#bounds
    let place = from
    for (;;) {
      const first = (place << ARITY_BITS) - 2
      if (first > this.#length) break
      const last = Math.min(first + 3, this.#length)
      let least = first
      for (let child = first + 1; child <= last; child++) {
        if ((bounds[child] as number) < (bounds[least] as number)) least = child
      }
      if ((bounds[least] as number) >= bound) break
      this.#put(place, this.#slots[least] as number, bounds[least] as number)
      place = least
    }
    this.#put(place, slot, bound)
  }

  #put(place: number, slot: number, bound: number): void {
    this.#bounds[place] = bound
    this.#slots[place] = slot
    this.#records.int32[(slot << 3) + HEAP_PLACE] = place
  }

  // Grows as the records do, so that neither is the first to need it.
  #grow(): void {
    const length = Math.max(this.#records.capacity, this.#bounds.length + 1)
    const bounds = new Float64Array(length)
    const slots = new Int32Array(length)
    bounds.set(this.#bounds)
    slots.set(this.#slots)
    this.#bounds = bounds
    this.#slots = slots
  }
}
