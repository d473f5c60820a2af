import { AFTER, BEFORE, DEADLINE, type Records } from './records.ts'

const RADIX = 8
const LEVELS = 7
const DUE = 0
const FAR = 1 + LEVELS * RADIX

/** What the heads of the lists take. */
export const EXPIRY_BYTES = 4 * (FAR + 1)

/**
 * Which entries have expired, without looking for them: a hierarchical timing wheel whose buckets
 * are lists through the records. Deadlines are whole milliseconds. The highest octal digit in which
 * a deadline differs from the time last looked at chooses the bucket; when the time comes to a
 * bucket, its entries are placed anew, nearer, until they are due. So an entry is moved at most once
 * for each digit of its TTL, nothing is ever sorted, and no cost grows with the number of entries.
 *
 * A place is a lower bound. Renewing an entry, as every write does, moves it not at all, nor does
 * freeing its slot for another entry that will live longer, as at every insert into a full cache:
 * what proves to live on when its bucket comes is placed by its deadline then.
 *
 * Source: G. Varghese and A. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
 */
export class Expiry {
  readonly #heads = new Int32Array(FAR + 1)
  #records: Records
  #time = Number.NEGATIVE_INFINITY
  /** Before this, no bucket comes. */
  #next = Number.POSITIVE_INFINITY
  #placed = 0

  constructor(records: Records) {
    this.#records = records
  }

  get isEmpty(): boolean {
    return this.#placed === 0
  }

  /** When time was last looked at, in virtual milliseconds. */
  get time(): number {
    return this.#time
  }

  schedule(slot: number, deadline: number, now: number): void {
    if (this.#placed === 0) this.#time = now
    const { int32, float64 } = this.#records
    const previous = float64[(slot << 2) + DEADLINE] as number
    float64[(slot << 2) + DEADLINE] = deadline
    if (int32[(slot << 3) + BEFORE] !== 0) {
      if (deadline >= previous) return
      this.#unlink(slot)
    }
    if (deadline !== Number.POSITIVE_INFINITY) this.#place(slot, deadline)
  }

  /** The slot of some entry that has expired, or 0. */
  due(now: number): number {
    // Never behind the time by which entries were placed, or one due by that alone would come again.
    const time = now > this.#time ? now : this.#time
    if (time >= this.#next) this.#advance(time)
    const { float64 } = this.#records
    for (;;) {
      const slot = this.#heads[DUE] as number
      if (slot === 0) return 0
      const deadline = float64[(slot << 2) + DEADLINE] as number
      if (deadline <= time && !this.#records.isFree(slot)) return slot
      this.#unlink(slot)
      this.#placeAgain(slot)
    }
  }

  #placeAgain(slot: number): void {
    if (this.#records.isFree(slot)) return
    const deadline = this.#records.float64[(slot << 2) + DEADLINE] as number
    if (deadline !== Number.POSITIVE_INFINITY) this.#place(slot, deadline)
  }

  #place(slot: number, deadline: number): void {
    if (deadline <= this.#time) {
      this.#link(slot, DUE)
      return
    }
    let digits = deadline
    let time = this.#time
    let start = 1
    for (let level = 0; level < LEVELS; level++) {
      const higherDigits = Math.floor(digits / RADIX)
      const higherTime = Math.floor(time / RADIX)
      if (higherDigits === higherTime) {
        this.#next = Math.min(this.#next, digits * start)
        this.#link(slot, 1 + level * RADIX + digits - higherDigits * RADIX)
        return
      }
      digits = higherDigits
      time = higherTime
      start *= RADIX
    }
    this.#next = Math.min(this.#next, (time + 1) * start)
    this.#link(slot, FAR)
  }

  #advance(now: number): void {
    let time = this.#time
    let digits = now
    this.#time = now
    for (let level = 0; level <= LEVELS && time !== digits; level++) {
      const higherTime = Math.floor(time / RADIX)
      const higherDigits = Math.floor(digits / RADIX)
      const first = 1 + level * RADIX
      if (level === LEVELS) this.#empty(FAR)
      else {
        // Where the next digit differs too, the buckets up to the last have all come.
        const last = higherTime === higherDigits ? digits - higherDigits * RADIX : RADIX - 1
        for (let digit = 0; digit <= last; digit++) this.#empty(first + digit)
      }
      time = higherTime
      digits = higherDigits
    }
    this.#next = this.#nextStart()
  }

  #empty(bucket: number): void {
    let slot = this.#heads[bucket] as number
    this.#heads[bucket] = 0
    const { int32 } = this.#records
    while (slot !== 0) {
      const next = int32[(slot << 3) + AFTER] as number
      int32[(slot << 3) + BEFORE] = 0
      this.#placed--
      this.#placeAgain(slot)
      slot = next
    }
  }

  /** When the first bucket that holds anything comes: one of the lowest level that has any. */
  #nextStart(): number {
    let time = this.#time
    let start = 1
    for (let level = 0; level < LEVELS; level++) {
      time = Math.floor(time / RADIX)
      for (let digit = 0; digit < RADIX; digit++) {
        if (this.#heads[1 + level * RADIX + digit] !== 0) return (time * RADIX + digit) * start
      }
      start *= RADIX
    }
    return this.#heads[FAR] === 0 ? Number.POSITIVE_INFINITY : (time + 1) * start
  }

  #link(slot: number, bucket: number): void {
    const { int32 } = this.#records
    const head = this.#heads[bucket] as number
    int32[(slot << 3) + BEFORE] = ~bucket
    int32[(slot << 3) + AFTER] = head
    if (head !== 0) int32[(head << 3) + BEFORE] = slot
    this.#heads[bucket] = slot
    this.#placed++
  }

  #unlink(slot: number): void {
    const { int32 } = this.#records
    const before = int32[(slot << 3) + BEFORE] as number
    const after = int32[(slot << 3) + AFTER] as number
    if (before < 0) this.#heads[~before] = after
    else int32[(before << 3) + AFTER] = after
    if (after !== 0) int32[(after << 3) + BEFORE] = before
    int32[(slot << 3) + BEFORE] = 0
    this.#placed--
  }
}
