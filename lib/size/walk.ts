import { HEAP_NUMBER, SYMBOL } from './layout.ts'
import { bigintSize, isSmall } from './number.ts'
import { stringSize } from './string.ts'

/** Elements, keys or entries that are looked at in one go. */
export const CHUNK = 256
/** In steps of little time, since each object may have to be looked up in many sets. */
const SMALL_CHUNK = 64
/** A chunk ends early once it has found so much: long strings take time, each of them. */
export const CHUNK_BYTES = 2 ** 19
/** Up to so many objects a look at each of them is quicker than a `Set`. */
const NEAR = 96
/**
 * The engine rehashes a whole `Set` at once when it grows. So a walk in steps starts another `Set` when
 * one holds this many objects. Each further `Set` holds twice as many as the one before.
 */
const FIRST_SET = 2 ** 18
/** A structure this large is watched for getters and proxies that make new objects forever. */
const WATCHED = 4096

/** From so many references to objects met before, a program put the value together. */
const MANY_RETURNS = 8

/** Every array of a value that a parser made. Not `Infinity`, which the engine would keep in a box. */
export const ALL = 2 ** 30

/** Does one chunk, and tells whether more remains. */
type Rest = () => boolean

/**
 * The bytes that were found, and a queue of objects to look at, so depth is no limit. A walk in steps
 * keeps each step short: up to about 10 ms for a value of a million objects, in proportion for more.
 */
export class Walk {
  bytes = 0
  /** Objects that were taken up. */
  met = 0
  /** How many further short arrays count as exact. */
  exactArrays = ALL
  #returns = 0
  readonly #queue: object[] = []
  #next = 0
  #seen: Set<object> | undefined
  #full: Set<object>[] | undefined
  #mostInSet = FIRST_SET
  #rests: Rest[] | undefined
  readonly #isInSteps: boolean

  constructor(isInSteps = false) {
    this.#isInSteps = isInSteps
  }

  add(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.bytes += stringSize(value)
        break
      case 'number':
        if (!isSmall(value)) this.bytes += HEAP_NUMBER
        break
      case 'function':
        this.addObject(value)
        break
      case 'object':
        if (value !== null) this.addObject(value)
        break
      case 'bigint':
        this.bytes += bigintSize(value)
        break
      case 'symbol':
        this.bytes += SYMBOL + stringSize(value.description ?? '')
    }
  }

  /** Each object once; `false` for one that was met before. */
  addObject(value: object): boolean {
    const queue = this.#queue
    const seen = this.#seen
    if (seen === undefined) {
      if (queue.includes(value)) return false
      if (queue.push(value) === NEAR) this.#seen = new Set(queue)
      return true
    }
    if (this.#isInFull(value)) return false
    const before = seen.size
    const isNew = seen.add(value).size !== before
    if (isNew) queue.push(value)
    if (this.#isInSteps && seen.size === this.#mostInSet) {
      this.#full ??= []
      this.#full.push(seen)
      this.#seen = new Set()
      this.#mostInSet *= 2
    }
    return isNew
  }

  /** An object that another one has as a property. */
  addHeld(value: object): void {
    if (!this.addObject(value) && ++this.#returns === MANY_RETURNS) this.expectPushes(1)
  }

  #isInFull(value: object): boolean {
    const full = this.#full
    if (full === undefined) return false
    for (let at = 0; at < full.length; at++) if (full[at]?.has(value)) return true
    return false
  }

  /** Lowers `exactArrays` to at most this. */
  expectPushes(exactArrays: number): void {
    this.exactArrays = Math.min(this.exactArrays, exactArrays)
  }

  /** An object to look at. None while a chunk was done instead: then `isDone` tells. */
  takeUp(): object | undefined {
    const queue = this.#queue
    if (this.#next < queue.length) {
      this.met++
      // The engine moves all of a long array as it grows, so it is kept short as soon as it may be.
      return this.#seen === undefined ? queue[this.#next++] : queue.pop()
    }
    const rests = this.#rests
    if (rests === undefined) return
    try {
      if (rests.at(-1)?.()) return
    } catch {
      // What a Proxy or a getter does not give counts for nothing.
    }
    rests.pop()
    return
  }

  /** Whether objects that getters and proxies make are ignored from here on, so that measuring ends. */
  get isWatched(): boolean {
    return this.#seen !== undefined && this.met + this.#queue.length - this.#next > WATCHED
  }

  get isDone(): boolean {
    return this.#next === this.#queue.length && !this.#rests?.length
  }

  /**
   * Calls `each` for 0 to `count`, or until it says `true`: a chunk now, the rest in later steps.
   */
  take(
    count: number,
    // biome-ignore lint/suspicious/noConfusingVoidType: most callers have no end of their own
    each: (at: number) => boolean | void,
    chunk = this.#isInSteps ? SMALL_CHUNK : CHUNK,
  ): void {
    let at = 0
    const rest = (): boolean => {
      const end = Math.min(count, at + chunk)
      const most = this.bytes + CHUNK_BYTES
      while (at < end && this.bytes < most) if (each(at++) === true) return false
      return at < count
    }
    if (rest()) {
      this.#rests ??= []
      this.#rests.push(rest)
    }
  }
}

/**
 * Calls `each` for what an iterator gives, a chunk at a time. It stops after `most` items: a program
 * that moves entries to the end between chunks would keep it going forever.
 */
export function takeAll<T>(
  walk: Walk,
  items: Iterator<T>,
  most: number,
  each: (item: T) => void,
): void {
  walk.take(most, () => {
    const { done, value } = items.next()
    if (!done) each(value)
    return done === true
  })
}
