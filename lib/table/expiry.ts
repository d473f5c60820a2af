import { AFTER, BEFORE, DEADLINE, type Records } from './records.ts'

const RADIX = 8
const LEVELS = 7
const DUE = 0
const FAR = 1 + LEVELS * RADIX
const NONE = FAR + 1

/** What `due` gives if it stopped before it knew. */
export const MORE = -1

/** What the heads of the lists take. */
export const EXPIRY_BYTES = 4 * (FAR + 1)

/**
 * Which entries have expired, without looking for them: a hierarchical timing wheel whose buckets
 * are lists through the records. Deadlines are whole milliseconds. The highest octal digit in which
 * a deadline differs from the time last looked at chooses the bucket; when the time comes to a
 * bucket, its entries are placed anew, nearer, until they are due. So an entry is moved at most once
 * for each digit of its TTL, nothing is ever sorted, and no cost grows with the number of entries.
 * A bucket that has come becomes the list of what is due as a whole. Its entries are placed anew as
 * `due` goes through that list, in parts if the caller has little time.
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

  /** The virtual time by which entries are placed, not later than the time last looked at. */
  get time(): number {
    return this.#time
  }

  /** Once `due` has given 0, no entry expires before this time. */
  get next(): number {
    return this.#next
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

  /** A slot that is given up. */
  forget(slot: number): void {
    if (this.#records.int32[(slot << 3) + BEFORE] !== 0) this.#unlink(slot)
  }

  /** A slot takes the place of another one, whose record it has taken over. */
  move(from: number, to: number): void {
    const { int32 } = this.#records
    const before = int32[(from << 3) + BEFORE] as number
    if (before === 0) return
    const after = int32[(from << 3) + AFTER] as number
    if (before < 0) this.#heads[~before] = to
    else int32[(before << 3) + AFTER] = to
    if (after !== 0) int32[(after << 3) + BEFORE] = to
    int32[(from << 3) + BEFORE] = 0
  }

  /**
   * The slot of some entry that has expired, or 0. `MORE` if `most` entries were placed anew and the
   * bucket holds more.
   */
  due(now: number, most = Number.POSITIVE_INFINITY): number {
    // Never behind the time by which entries were placed, or one due by that alone would come again.
    const time = now > this.#time ? now : this.#time
    const { float64 } = this.#records
    for (let moves = 0; ; ) {
      const slot = this.#heads[DUE] as number
      if (slot === 0) {
        if (time < this.#next) return 0
        this.#advance(time)
      } else {
        const deadline = float64[(slot << 2) + DEADLINE] as number
        if (deadline <= time && !this.#records.isFree(slot)) return slot
        if (moves++ === most) return MORE
        this.#unlink(slot)
        this.#placeAgain(slot)
      }
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

  /** Moves the time to the first bucket that has come, or to `now` if none has. */
  #advance(now: number): void {
    const first = this.#firstBucket()
    const start = this.#startOf(first)
    if (start > now) {
      this.#time = now
      this.#next = start
      return
    }
    // The far bucket comes last, so nothing else is left before now.
    this.#time = first === FAR ? now : start
    const slot = this.#heads[first] as number
    this.#heads[first] = 0
    this.#heads[DUE] = slot
    this.#records.int32[(slot << 3) + BEFORE] = ~DUE
    this.#next = this.#startOf(this.#firstBucket())
  }

  /** The first to come of the buckets that hold anything: it is of the lowest such level. */
  #firstBucket(): number {
    for (let bucket = 1; bucket <= FAR; bucket++) if (this.#heads[bucket] !== 0) return bucket
    return NONE
  }

  #startOf(bucket: number): number {
    if (bucket === NONE) return Number.POSITIVE_INFINITY
    const level = Math.floor((bucket - 1) / RADIX)
    const range = RADIX ** level
    const time = Math.floor(this.#time / (bucket === FAR ? range : range * RADIX))
    return bucket === FAR
      ? (time + 1) * range
      : (time * RADIX + (bucket - 1 - level * RADIX)) * range
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
