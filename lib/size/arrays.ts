import {
  ARRAY_HEADER,
  ARRAY_PROXY,
  HEAP_NUMBER,
  indexedBytes,
  isSmall,
  PUSHED_ROOM,
  storeBytes,
  WORD,
} from './layout.ts'
import { countIndexes, visitNames } from './objects.ts'
import { dataOf, isProxy } from './reflect.ts'
import { CHUNK, CHUNK_BYTES, type Walk } from './walk.ts'

/** V8 keeps an array of at most this length in a list, however few elements it has. */
const LONGEST_LIST = 5000
/** An element this far beyond the one before makes a dictionary of a list. Both limits are measured. */
const FARTHEST = 1024
const SAMPLES = 32
/** Samples at its multiples do not coincide with elements at a regular spacing. */
const GOLDEN = (Math.sqrt(5) - 1) / 2
/** From this many repeated references on, a program put the value together. */
const MANY_REPEATS = 8

// If code reads `array[at]` from both arrays of doubles and arrays of objects, the engine converts the
// arrays of doubles, with a box for each number. These methods leave the arrays as they are.
const { at: elementAt, slice, some } = Array.prototype

const lookupGetter = (
  Object.prototype as unknown as { __lookupGetter__(key: PropertyKey): unknown }
).__lookupGetter__

export function visitArray(walk: Walk, array: readonly unknown[]): void {
  // A Proxy may give any length.
  const length = array.length >>> 0
  walk.bytes += ARRAY_HEADER
  // `slice` of a subclass, or of an array with a constructor of its own, would run that code.
  const isPlain =
    Object.getPrototypeOf(array) === Array.prototype && !Object.hasOwn(array, 'constructor')
  // Listing names takes as long as the rest, so only arrays that surely have names are listed. The
  // result of a regular-expression match keeps the searched text in `input`.
  if (!isPlain || Object.hasOwn(array, 'input')) {
    const keys = Reflect.ownKeys(array)
    // The first name is `length`.
    visitNames(walk, array, 0, keys, countIndexes(keys) + 1)
  }
  if (length === 0) return
  if (length < PUSHED_ROOM) addSpareRoom(walk, array, length)
  if (length > CHUNK && (isProxy(array) || isSparse(array, length))) {
    visitSparse(walk, array, length)
    return
  }
  // JavaScript cannot see the spare room of an array that grew by push: a sixteenth is a compromise.
  walk.bytes += storeBytes(length + (length > 16 ? length >> 4 : 0))
  if (!isPlain) {
    const elements = new Elements(walk, array)
    walk.inChunks(length, (at) => elements.add(dataOf(array, at), at))
    return
  }
  // Each element is read once, since it may be a getter.
  const first = elementAt.call(array, 0)
  // Slicing a Proxy might never end. Checked last, since the check takes as long as some elements.
  if (typeof first === 'string' || typeof first === 'object' || isProxy(array)) {
    visitMixed(walk, array, length, first)
  } else visitNumbers(walk, array, length, first)
}

function visitMixed(walk: Walk, array: readonly unknown[], length: number, first: unknown): void {
  if (endsAt(walk, array, 0, first)) return
  const most = walk.bytes + CHUNK_BYTES
  let done = 1
  if (length <= CHUNK) {
    while (done < length && walk.bytes < most) if (endsAt(walk, array, done, array[done++])) return
  }
  if (done < length)
    walk.inChunks(length - done, (at) => endsAt(walk, array, done + at, array[done + at]))
}

function visitNumbers(walk: Walk, array: readonly unknown[], length: number, first: unknown): void {
  const elements = new Elements(walk, array)
  elements.add(first, 0)
  if (length <= CHUNK) elements.addChunk(1)
  else walk.inChunks(Math.ceil(length / CHUNK), (chunk) => elements.addChunk(1 + chunk * CHUNK), 1)
}

/**
 * Adds an element. Returns `true`, which ends the array, if the walk is watched and a getter gave the
 * element: the getter might make a new object each time.
 */
function endsAt(walk: Walk, array: readonly unknown[], at: number, item: unknown): boolean {
  if (walk.isWatched && Object(item) === item && lookupGetter.call(array, at)) return true
  walk.add(item)
  return false
}

/** From now on, the walk charges at most this many short arrays without spare room. */
export function expectPushes(walk: Walk, exactArrays: number): void {
  walk.exactArrays = Math.min(walk.exactArrays ?? exactArrays, exactArrays)
}

/**
 * The first `push` makes room for 17 elements, a literal only for its own. JavaScript cannot see
 * which of them made the array, so the rest of the value decides: `JSON.parse` makes plain objects
 * that each have one reference. Libraries usually push, and so do programs that put several arrays
 * into a value.
 */
function addSpareRoom(walk: Walk, array: readonly unknown[], length: number): void {
  if (walk.repeats >= MANY_REPEATS) expectPushes(walk, 1)
  if (walk.exactArrays === undefined) return
  if (isProxy(array)) walk.bytes += ARRAY_PROXY
  if (walk.exactArrays > 0) walk.exactArrays--
  else walk.bytes += (PUSHED_ROOM - length) * WORD
}

/** Elements that may all be numbers, or numbers and holes: the engine keeps these without boxes. */
class Elements {
  readonly walk: Walk
  readonly array: readonly unknown[]
  isNumeric = true
  boxes = 0
  /** Index of the first element of the chunk. */
  start = 0

  constructor(walk: Walk, array: readonly unknown[]) {
    this.walk = walk
    this.array = array
  }

  /** Returns `true` to end the array, as `endsAt` does. */
  add(item: unknown, at: number): boolean {
    const { walk, array } = this
    if (this.isNumeric) {
      if (typeof item === 'number') {
        if (!isSmall(item)) this.boxes += HEAP_NUMBER
        return false
      }
      if (item === undefined && !Object.hasOwn(array, at)) return false
      this.isNumeric = false
      walk.bytes += this.boxes
    }
    return endsAt(walk, array, at, item)
  }

  addChunk(start: number): boolean {
    this.start = start
    return some.call(slice.call(this.array, start, start + CHUNK), addElement, this)
  }
}

function addElement(this: Elements, item: unknown, at: number): boolean {
  return this.add(item, this.start + at)
}

/** Lists the elements by their keys, and reads them without running a getter. */
function visitSparse(walk: Walk, array: readonly unknown[], length: number): void {
  const keys = Object.keys(array)
  const places = keys.map(Number)
  const isList =
    length <= LONGEST_LIST && !places.some((place, at) => place - (places[at - 1] ?? -1) > FARTHEST)
  walk.bytes += isList ? storeBytes(length) : indexedBytes(keys.length, length)
  walk.inChunks(keys.length, (at) => walk.add(dataOf(array, places[at] as number)))
}

/** Judges by elements from all over the array. Listing the keys of a full array would take long. */
function isSparse(array: readonly unknown[], length: number): boolean {
  let holes = 0
  for (let sample = 0; sample < SAMPLES; sample++) {
    if (!Object.hasOwn(array, Math.floor(((sample * GOLDEN) % 1) * length))) holes++
  }
  return holes > SAMPLES * 0.75
}
