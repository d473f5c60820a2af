import { primitiveSize, stringSize } from './layout.ts'

/** Elements, keys or entries that one step looks at. */
export const CHUNK = 256
/** The same in a walk in steps, which have little time: each object may need a lookup in many sets. */
const SMALL_CHUNK = 64
/** A chunk ends early after this many bytes, since long strings take time. */
export const CHUNK_BYTES = 2 ** 19
/** Up to this many objects, a search through the queue is faster than a `Set`. */
const MOST_SEARCHED = 96
/**
 * The engine rehashes a whole `Set` when it grows. So a walk in steps starts another `Set` when one
 * holds this many objects. Each further `Set` holds twice as many as the one before.
 */
const FIRST_SET = 2 ** 18
/** From this many objects on, getters and proxies may be making new objects forever. */
const WATCHED = 4096

/**
 * The bytes found so far, and a queue of objects to look at: a queue instead of recursion, so that
 * values may be nested to any depth. A walk in steps keeps each step short: up to about 10 ms for a
 * value of a million objects, in proportion for more.
 */
export class Walk {
  bytes = 0
  /** Objects that the walk has looked at. */
  visited = 0
  /** Properties that refer to an object which the walk had already found. */
  repeats = 0
  /** How many more short arrays are charged without spare room; `undefined` for all of them. */
  exactArrays: number | undefined
  readonly #queue: object[] = []
  #next = 0
  /** Objects that were added to the queue. */
  #found = 0
  #seen: Set<object> | undefined
  #fullSets: Set<object>[] | undefined
  #setLimit = FIRST_SET
  /** The large objects under way: each call does one chunk, and returns whether more remain. */
  #rests: (() => boolean)[] | undefined
  readonly #isInSteps: boolean

  constructor(isInSteps = false) {
    this.#isInSteps = isInSteps
  }

  add(value: unknown): void {
    if (typeof value === 'string') this.bytes += stringSize(value)
    else if (typeof value === 'object') {
      if (value !== null) this.addObject(value)
    } else if (typeof value === 'function') this.addObject(value)
    else this.bytes += primitiveSize(value)
  }

  /** Adds each object once; returns `false` for an object that was added before. */
  addObject(value: object): boolean {
    const queue = this.#queue
    const seen = this.#seen
    if (seen === undefined) {
      if (queue.includes(value)) return false
      this.#found++
      if (queue.push(value) === MOST_SEARCHED) this.#seen = new Set(queue)
      return true
    }
    if (this.#fullSets?.some((set) => set.has(value))) return false
    const before = seen.size
    if (seen.add(value).size === before) return false
    this.#found++
    queue.push(value)
    if (this.#isInSteps && seen.size === this.#setLimit) {
      this.#fullSets ??= []
      this.#fullSets.push(seen)
      this.#seen = new Set()
      this.#setLimit *= 2
    }
    return true
  }

  /** The next object to look at, or `undefined` after a chunk of a large object was done instead. */
  next(): object | undefined {
    const queue = this.#queue
    if (this.#next < queue.length) {
      this.visited++
      // The engine copies the whole of a long array as it grows, so a long queue shrinks again.
      return this.#seen === undefined ? queue[this.#next++] : queue.pop()
    }
    const rests = this.#rests
    if (rests === undefined) return
    try {
      if (rests.at(-1)?.()) return
    } catch {
      // A Proxy or a getter that throws ends its object.
    }
    rests.pop()
    return
  }

  /** Whether the walk ignores objects that getters and proxies make from here on, so that it ends. */
  get isWatched(): boolean {
    return this.#found > WATCHED
  }

  get isDone(): boolean {
    return this.#next === this.#queue.length && !this.#rests?.length
  }

  /** Calls `each` for 0 to `count`, or until it returns `true`: a chunk now, the rest in later steps. */
  inChunks(
    count: number,
    each: (at: number) => unknown,
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

  /**
   * Calls `each` for the items of an iterator, a chunk at a time. Stops after `most` items: a program
   * that moves entries to the end between chunks would keep the iterator going forever.
   */
  iterate<T>(items: Iterator<T>, most: number, each: (item: T) => void): void {
    this.inChunks(most, () => {
      const { done, value } = items.next()
      if (!done) each(value)
      return done
    })
  }
}
