import { MapTable } from '../table/key-slots.ts'
import { EMPTY_BYTES, ENTRY_BYTES, structureBytes } from '../table/table.ts'

// One record a ghost, 32 bytes:
//
//   word 0  int32    hash of the key
//   word 1  int32    the ghost used next before this one; FREE in a free record
//   word 2  int32    the ghost used next after this one; in a free record, the next free one
//   word 3  int32    next ghost in the bucket of the hash
//   word 4  float32  bytes of the entry
//   word 5  float32  milliseconds that the entry lives
//   word 6  float64  deadline of the entry
//
// Record 0 closes the ring of recency.
const WORDS = 8
const HASH = 0
const OLDER = 1
const NEWER = 2
const CHAIN = 3
const BYTES = 4
const LIFE = 5
/** Index in `float64`, from `ghost >> 1`. */
const DEADLINE = 3

const NONE = 0
const FREE = -1
/** Records, and buckets, of an empty table. */
const SMALLEST = 8
/** The part of the records that `compact` leaves free. */
const SPARE = 1 / 16
const GROWTH = 1.25
/** Bytes of the objects without records and buckets. */
const FIXED_BYTES = 600
/** Records that each write looks at for entries that have expired. */
const EXPIRY_LOOKS = 8

/**
 * A least-recently-used cache in miniature. It keeps a sample of the keys, chosen by their hashes, and of each
 * entry only a ghost: its size and deadline, without a value. A ghost stands for `1 / share` entries.
 *
 * After Waldspurger et al., "Cache Modeling and Optimization using Miniature Simulations" (2017).
 */
export class Ghosts {
  /** The sampled part of the keys, from 0 to 1. */
  share: number
  /** How many ghosts there are. */
  size = 0
  /** The budget of the cache. */
  #mostBytes = 0
  #mostOfEntry = Infinity
  #mostItems = 0
  #bytes = 0
  /** The `Map` of the cache, in miniature as well. */
  readonly #keys = new MapTable()
  #int32 = new Int32Array(SMALLEST * WORDS)
  #float32 = new Float32Array(this.#int32.buffer)
  #float64 = new Float64Array(this.#int32.buffer)
  #buckets = new Int32Array(SMALLEST)
  /** The first word that was never used. */
  #unused = WORDS
  #free: number = NONE
  #hasDeadlines = false
  /** The record that was last looked at for expiry. */
  #looked: number = NONE

  constructor(share: number) {
    this.share = share
  }

  /** What the ghosts take. */
  get sizeBytes(): number {
    return FIXED_BYTES + this.#int32.byteLength + this.#buckets.byteLength
  }

  /** What the next new entry makes them take in addition. */
  get growthBytes(): number {
    if (this.#free !== NONE || this.#unused < this.#int32.length) return 0
    return 4 * (this.#grownLength - this.#int32.length + this.#grownBuckets - this.#buckets.length)
  }

  get #grownLength(): number {
    return Math.ceil((GROWTH * this.#int32.length) / WORDS) * WORDS
  }

  get #grownBuckets(): number {
    const { length } = this.#buckets
    return this.#grownLength > length * WORDS ? 2 * length : length
  }

  /** Gives back what is not needed. A few records stay free, or the next ghost would make it grow again. */
  #compact(): void {
    const former = this.#int32
    const records = 1 + this.size + Math.ceil(this.size * SPARE)
    const int32 = new Int32Array(Math.max(SMALLEST, records) * WORDS)
    let last = NONE
    for (let ghost = this.#oldest; ghost !== NONE; ghost = former[ghost + NEWER] as number) {
      const older = last
      last += WORDS
      int32.set(former.subarray(ghost, ghost + WORDS), last)
      int32[last + OLDER] = older
      int32[older + NEWER] = last
    }
    int32[last + NEWER] = NONE
    int32[OLDER] = last
    this.#setRecords(int32)
    this.#unused = last + WORDS
    this.#free = this.#looked = NONE
    let buckets = SMALLEST
    while (buckets * WORDS < int32.length) buckets *= 2
    this.#setBuckets(buckets)
  }

  #setRecords(int32: Int32Array<ArrayBuffer>): void {
    this.#int32 = int32
    this.#float32 = new Float32Array(int32.buffer)
    this.#float64 = new Float64Array(int32.buffer)
  }

  #setBuckets(length: number): void {
    this.#buckets = new Int32Array(length)
    for (let ghost = this.#oldest; ghost !== NONE; ghost = this.#int32[ghost + NEWER] as number) {
      this.#chain(ghost)
    }
  }

  /** Sets the budget of the cache, what one entry may be charged, and the number of entries. */
  limit(mostBytes: number, mostOfEntry: number, mostItems: number): void {
    this.#mostBytes = mostBytes
    this.#mostOfEntry = mostOfEntry
    this.#mostItems = mostItems
    for (let ghost = WORDS; ghost < this.#unused; ghost += WORDS) {
      if (!this.#isFree(ghost) && this.#isRefused(this.#float32[ghost + BYTES] as number)) {
        this.#remove(ghost)
      }
    }
    this.#keepLimits()
  }

  /** A use of a sampled key. Returns whether it is a hit. */
  use(hash: number, now: number): boolean {
    const ghost = this.#find(hash)
    if (ghost === NONE) return false
    if (this.#isExpired(ghost, now)) {
      this.#remove(ghost)
      return false
    }
    this.#unlink(ghost)
    this.#linkNewest(ghost)
    return true
  }

  /** Whether the key has an entry that has not expired. Not a use. */
  has(hash: number, now: number): boolean {
    const ghost = this.#find(hash)
    return ghost !== NONE && !this.#isExpired(ghost, now)
  }

  /** Bytes of the entry of a key that has one. */
  bytesOf(hash: number): number {
    return this.#float32[this.#find(hash) + BYTES] as number
  }

  /** Milliseconds that the entry of a key that has one was to live when it was stored. */
  lifeOf(hash: number): number {
    return this.#float32[this.#find(hash) + LIFE] as number
  }

  /** Stores an entry as the newest. One that could not fit an empty cache only removes the former one. */
  store(hash: number, bytes: number, deadline: number, now: number): void {
    let ghost = this.#find(hash)
    if (this.#isRefused(bytes) || deadline <= now) {
      if (ghost !== NONE) this.#remove(ghost)
      return
    }
    if (ghost === NONE) ghost = this.#add(hash)
    else this.#unlink(ghost)
    this.#linkNewest(ghost)
    this.#charge(ghost, bytes)
    this.#setDeadline(ghost, deadline, now)
    this.#removeSomeExpired(now)
    this.#keepLimits()
  }

  /** The entry has other bytes. */
  charge(hash: number, bytes: number, now: number): void {
    const ghost = this.#find(hash)
    if (ghost === NONE) return
    if (this.#isRefused(bytes)) this.#remove(ghost)
    else this.#charge(ghost, bytes)
    this.#removeSomeExpired(now)
    this.#keepLimits()
  }

  /** The entry has another deadline, if the present one is `former`, which by default is any. */
  renew(hash: number, deadline: number, now: number, former?: number): void {
    const ghost = this.#find(hash)
    if (ghost === NONE || this.#isExpired(ghost, now)) return
    const present = this.#float64[(ghost >> 1) + DEADLINE] as number
    if (former === undefined || former === present) this.#setDeadline(ghost, deadline, now)
  }

  remove(hash: number): void {
    const ghost = this.#find(hash)
    if (ghost !== NONE) this.#remove(ghost)
  }

  clear(): void {
    while (this.#oldest !== NONE) this.#remove(this.#oldest)
  }

  /** Samples half as many keys from now on. */
  halve(): void {
    this.share /= 2
    for (let ghost = WORDS; ghost < this.#unused; ghost += WORDS) {
      const hash = this.#int32[ghost + HASH] as number
      if (!this.#isFree(ghost) && !isSampled(hash, this.share)) this.#remove(ghost)
    }
    this.#keepLimits()
    this.#compact()
  }

  #isRefused(bytes: number): boolean {
    return EMPTY_BYTES + bytes - ENTRY_BYTES > this.#mostBytes || bytes > this.#mostOfEntry
  }

  /** Removes the oldest ghosts until the others fit. */
  #keepLimits(): void {
    for (let ghost = this.#oldest; ghost !== NONE; ghost = this.#oldest) {
      // Each newer ghost stands for the entries of many keys, this one for its own entry.
      const own = this.#float32[ghost + BYTES] as number
      const items = (this.size - 1) / this.share + 1
      const charged = (this.#bytes - own) / this.share + own
      const places = this.#keys.capacity / this.share
      const bytes = charged - items * ENTRY_BYTES + structureBytes(items, places)
      if (bytes <= this.#mostBytes && items <= this.#mostItems) return
      this.#remove(ghost)
    }
  }

  get #oldest(): number {
    return this.#int32[NEWER] as number
  }

  #isFree(ghost: number): boolean {
    return this.#int32[ghost + OLDER] === FREE
  }

  #isExpired(ghost: number, now: number): boolean {
    return (this.#float64[(ghost >> 1) + DEADLINE] as number) <= now
  }

  #charge(ghost: number, bytes: number): void {
    this.#bytes -= this.#float32[ghost + BYTES] as number
    this.#float32[ghost + BYTES] = bytes
    this.#bytes += this.#float32[ghost + BYTES] as number
  }

  #setDeadline(ghost: number, deadline: number, now: number): void {
    if (deadline !== Infinity) this.#hasDeadlines = true
    this.#float32[ghost + LIFE] = deadline - now
    this.#float64[(ghost >> 1) + DEADLINE] = deadline
  }

  #bucketOf(hash: number): number {
    // The low bits, since the sample is chosen by the high ones.
    return hash & (this.#buckets.length - 1)
  }

  #find(hash: number): number {
    const int32 = this.#int32
    let ghost = this.#buckets[this.#bucketOf(hash)] as number
    while (ghost !== NONE && int32[ghost + HASH] !== hash) {
      ghost = int32[ghost + CHAIN] as number
    }
    return ghost
  }

  /** A ghost of no bytes, in no list of recency. */
  #add(hash: number): number {
    let ghost = this.#free
    if (ghost === NONE) {
      if (this.#unused === this.#int32.length) this.#grow()
      ghost = this.#unused
      this.#unused += WORDS
    } else this.#free = this.#int32[ghost + NEWER] as number
    this.#int32[ghost + HASH] = hash
    this.#float32[ghost + BYTES] = 0
    this.#chain(ghost)
    this.#keys.add()
    this.size++
    return ghost
  }

  #chain(ghost: number): void {
    const bucket = this.#bucketOf(this.#int32[ghost + HASH] as number)
    this.#int32[ghost + CHAIN] = this.#buckets[bucket] as number
    this.#buckets[bucket] = ghost
  }

  #grow(): void {
    const int32 = new Int32Array(this.#grownLength)
    const buckets = this.#grownBuckets
    int32.set(this.#int32)
    this.#setRecords(int32)
    if (buckets !== this.#buckets.length) this.#setBuckets(buckets)
  }

  #remove(ghost: number): void {
    const int32 = this.#int32
    this.#unlink(ghost)
    const bucket = this.#bucketOf(int32[ghost + HASH] as number)
    const next = int32[ghost + CHAIN] as number
    let before = this.#buckets[bucket] as number
    if (before === ghost) this.#buckets[bucket] = next
    else {
      while (int32[before + CHAIN] !== ghost) before = int32[before + CHAIN] as number
      int32[before + CHAIN] = next
    }
    this.#bytes -= this.#float32[ghost + BYTES] as number
    int32[ghost + OLDER] = FREE
    int32[ghost + NEWER] = this.#free
    this.#free = ghost
    this.#keys.remove()
    this.size--
  }

  #linkNewest(ghost: number): void {
    const int32 = this.#int32
    const previous = int32[OLDER] as number
    int32[ghost + OLDER] = previous
    int32[ghost + NEWER] = NONE
    int32[previous + NEWER] = ghost
    int32[OLDER] = ghost
  }

  #unlink(ghost: number): void {
    const int32 = this.#int32
    const older = int32[ghost + OLDER] as number
    const newer = int32[ghost + NEWER] as number
    int32[older + NEWER] = newer
    int32[newer + OLDER] = older
  }

  /** A cache removes what has expired before anything else. */
  #removeSomeExpired(now: number): void {
    if (!this.#hasDeadlines) return
    for (let looks = 0; looks < EXPIRY_LOOKS; looks++) {
      this.#looked += WORDS
      if (this.#looked >= this.#unused) {
        this.#looked = NONE
        return
      }
      const ghost = this.#looked
      if (!this.#isFree(ghost) && this.#isExpired(ghost, now)) this.#remove(ghost)
    }
  }
}

/** Whether a key belongs to this share of all keys. */
export function isSampled(hash: number, share: number): boolean {
  return hash < share * 2 ** 31
}

/** A hash of 31 bits, which the engine stores without allocating a number. */
export function hashOf(key: string): number {
  let hash = 0x811c9dc5
  // FNV-1a, and the last steps of MurmurHash3, which mix all bits.
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 1
}
