import { DEADLINE, NEXT, NONE, PREVIOUS, type Records, type Slot } from './records.ts'

const RADIX = 8
const LEVELS = 7
const DUE = 0
const FAR = 1 + LEVELS * RADIX
const NO_BUCKET = FAR + 1

/** What `due` returns when it stopped before it knew. */
export const MORE = -1 as Slot

/** Bytes of the heads of the lists. */
export const EXPIRY_BYTES = 4 * (FAR + 1)

/**
 * Which entries have expired, without a search: a hierarchical timing wheel whose buckets are lists
 * through the records. Deadlines are whole milliseconds. The highest octal digit in which a deadline
 * differs from the time of the last look chooses the bucket. When time reaches a bucket, it becomes
 * the list of what is due. `due` then places each of its entries in a nearer bucket until the entry
 * has expired. So an entry moves at most once for each digit of its TTL, and nothing is ever sorted.
 *
 * A place is a lower bound. A renewed entry keeps its place, and so does a freed slot whose next entry
 * lives longer. When its bucket comes, the entry is placed by the deadline that it has then.
 *
 * Source: G. Varghese and A. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
 */
export class Expiry {
  readonly #heads = new Int32Array(FAR + 1)
  readonly #records: Records
  #time = -Infinity
  /** No bucket comes before this time. */
  #next = Infinity
  #placed = 0
  /** The bucket that was chosen last, and the deadlines from and to which it is the one until time moves. */
  #bucket = DUE
  #from = 0
  #to = 0

  constructor(records: Records) {
    this.#records = records
  }

  get isEmpty(): boolean {
    return this.#placed === 0
  }

  /** Once `due` has returned `NONE`, no entry expires before this time. */
  get next(): number {
    return this.#next
  }

  schedule(slot: Slot, deadline: number, now: number): void {
    if (this.#placed === 0) {
      this.#time = now
      this.#to = 0
    }
    const { int32, float64 } = this.#records
    const at = (slot >> 1) + DEADLINE
    const previous = float64[at] as number
    float64[at] = deadline
    if (int32[slot + PREVIOUS] !== 0) {
      if (deadline >= previous) return
      this.#unlink(slot)
    }
    if (deadline !== Infinity) this.#place(slot, deadline)
  }

  /** Removes a slot that will not be used again. */
  forget(slot: Slot): void {
    if (this.#records.int32[slot + PREVIOUS] !== 0) this.#unlink(slot)
  }

  /** Links a slot in place of another one, whose record was copied to it. */
  move(from: Slot, to: Slot): void {
    const { int32 } = this.#records
    const previous = int32[from + PREVIOUS] as number
    if (previous === 0) return
    const next = int32[from + NEXT] as number
    if (previous < 0) this.#heads[~previous] = to
    else int32[previous + NEXT] = to
    if (next !== 0) int32[next + PREVIOUS] = to
    int32[from + PREVIOUS] = 0
  }

  /**
   * The slot of some entry that has expired, or `NONE`. `MORE` if `mostMoves` entries were placed in
   * nearer buckets and the list holds more.
   */
  due(now: number, mostMoves = Infinity): Slot {
    // Never behind the time by which entries were placed, or one due by that alone would come again.
    const time = now > this.#time ? now : this.#time
    const { float64 } = this.#records
    for (let moves = 0; ; ) {
      const slot = this.#heads[DUE] as Slot
      if (slot === NONE) {
        if (time < this.#next) return NONE
        this.#advance(time)
      } else {
        const isFree = this.#records.isFree(slot)
        const deadline = float64[(slot >> 1) + DEADLINE] as number
        if (deadline <= time && !isFree) return slot
        if (moves++ === mostMoves) return MORE
        this.#unlink(slot)
        if (!isFree && deadline !== Infinity) this.#place(slot, deadline)
      }
    }
  }

  #place(slot: Slot, deadline: number): void {
    // Entries with one TTL, one after the other, nearly always share a bucket.
    if (deadline < this.#from || deadline >= this.#to) this.#choose(deadline)
    this.#link(slot, this.#bucket)
  }

  /** Finds the bucket of a deadline. */
  #choose(deadline: number): void {
    if (deadline <= this.#time) {
      this.#bucket = DUE
      this.#from = this.#to = deadline
      return
    }
    let digits = deadline
    let time = this.#time
    let start = 1
    for (let level = 0; level < LEVELS; level++) {
      const higherDigits = Math.floor(digits / RADIX)
      const higherTime = Math.floor(time / RADIX)
      if (higherDigits === higherTime) {
        this.#bucket = 1 + level * RADIX + digits - higherDigits * RADIX
        this.#from = digits * start
        this.#to = this.#from + start
        this.#next = Math.min(this.#next, this.#from)
        return
      }
      digits = higherDigits
      time = higherTime
      start *= RADIX
    }
    this.#bucket = FAR
    this.#from = (time + 1) * start
    this.#to = Infinity
    this.#next = Math.min(this.#next, this.#from)
  }

  /** Moves the time to the first bucket that has come, or to `now` if none has. */
  #advance(now: number): void {
    this.#to = 0
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
    this.#records.int32[slot + PREVIOUS] = ~DUE
    this.#next = this.#startOf(this.#firstBucket())
  }

  /** The first bucket in time that holds an entry: lower levels come first. */
  #firstBucket(): number {
    for (let bucket = 1; bucket <= FAR; bucket++) if (this.#heads[bucket] !== 0) return bucket
    return NO_BUCKET
  }

  #startOf(bucket: number): number {
    if (bucket === NO_BUCKET) return Infinity
    const level = Math.floor((bucket - 1) / RADIX)
    const range = RADIX ** level
    const time = Math.floor(this.#time / (bucket === FAR ? range : range * RADIX))
    return bucket === FAR
      ? (time + 1) * range
      : (time * RADIX + (bucket - 1 - level * RADIX)) * range
  }

  #link(slot: Slot, bucket: number): void {
    const { int32 } = this.#records
    const head = this.#heads[bucket] as number
    int32[slot + PREVIOUS] = ~bucket
    int32[slot + NEXT] = head
    if (head !== 0) int32[head + PREVIOUS] = slot
    this.#heads[bucket] = slot
    this.#placed++
  }

  #unlink(slot: Slot): void {
    const { int32 } = this.#records
    const previous = int32[slot + PREVIOUS] as number
    const next = int32[slot + NEXT] as number
    if (previous < 0) this.#heads[~previous] = next
    else int32[previous + NEXT] = next
    if (next !== 0) int32[next + PREVIOUS] = previous
    int32[slot + PREVIOUS] = 0
    this.#placed--
  }
}
