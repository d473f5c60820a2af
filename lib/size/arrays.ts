import {
  ARRAY_HEADER,
  ARRAY_PROXY,
  HEAP_NUMBER,
  indexedBytes,
  PUSHED_ROOM,
  storeBytes,
  WORD,
} from './layout.ts'
import { isSmall } from './number.ts'
import { visitNames } from './objects.ts'
import { isProxy } from './proxy.ts'
import { ALL, CHUNK, CHUNK_BYTES, type Walk } from './walk.ts'

/** Of one that is almost empty: measured, since the engine has several rules. */
const LONGEST_LIST = 5000
const FARTHEST = 1024
const SAMPLES = 32
/** Its multiples fall into step with no spacing of the elements. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

// Reading `array[at]` in code that has met arrays of doubles and of objects makes the engine turn
// the former into the latter, with a box for each number. These do not.
const { prototype } = Array
const { at: elementAt, forEach, slice } = prototype

const lookupGetter = (
  Object.prototype as unknown as { __lookupGetter__(key: PropertyKey): unknown }
).__lookupGetter__

export function visitArray(walk: Walk, array: readonly unknown[]): void {
  // A Proxy may say anything.
  const length = array.length >>> 0
  walk.bytes += ARRAY_HEADER
  // A slice of a subclass, or of an array with a constructor of its own, would run that.
  const isOther = Object.getPrototypeOf(array) !== prototype || Object.hasOwn(array, 'constructor')
  // Listing names takes as long as all else: done where there are some for sure. What a regular
  // expression matched has the text that it was found in.
  if (isOther || Object.hasOwn(array, 'input')) visitNames(walk, array)
  if (length === 0) return
  if (walk.exactArrays !== ALL && length < PUSHED_ROOM) addSpareRoom(walk, array, length)
  const isLong = length > CHUNK
  if (isLong && (isProxy(array) || isSparse(array, length))) {
    const keys = Object.keys(array)
    walk.bytes += isInOneList(keys, length) ? storeBytes(length) : indexedBytes(keys.length, length)
    walk.take(keys.length, (at) => {
      const next = Number(keys[at])
      const item = isOther ? ownData(array, next)?.value : array[next]
      return !isAdded(walk, array, next, item)
    })
    return
  }
  // An array that grew by push has spare room which cannot be seen: a sixteenth is a compromise.
  walk.bytes += storeBytes(length + (length > 16 ? length >> 4 : 0))
  if (isOther) {
    const elements = new Elements(walk, array, 0)
    walk.take(length, (at) => {
      const data = ownData(array, at)
      if (data !== undefined) addElement.call(elements, data.value, at)
      return elements.isEnded
    })
    return
  }
  // Each element is read once, since it may be a getter.
  const first = elementAt.call(array, 0)
  // Slicing a Proxy might never end. Checked last, since the check takes as long as some elements.
  if (typeof first === 'string' || typeof first === 'object' || isProxy(array)) {
    if (!isAdded(walk, array, 0, first)) return
    const most = walk.bytes + CHUNK_BYTES
    let done = 1
    if (!isLong) {
      while (done < length && walk.bytes < most) {
        if (!isAdded(walk, array, done, array[done++])) return
      }
    }
    if (done < length) {
      walk.take(length - done, (at) => {
        const next = done + at
        return !isAdded(walk, array, next, array[next])
      })
    }
    return
  }
  const elements = new Elements(walk, array, 1)
  if (first !== undefined || Object.hasOwn(array, 0)) addElement.call(elements, first, -1)
  if (!isLong) forEach.call(slice.call(array, 1), addElement, elements)
  else {
    const each = (at: number): boolean => {
      elements.start = 1 + at * CHUNK
      forEach.call(slice.call(array, elements.start, elements.start + CHUNK), addElement, elements)
      return elements.isEnded
    }
    walk.take(Math.ceil((length - 1) / CHUNK), each, 1)
  }
}

/**
 * The first `push` makes room for 17 elements, a literal only for its own. JavaScript cannot see which
 * of them made the array. Libraries usually push, and so do programs that put several arrays in a value.
 */
function addSpareRoom(walk: Walk, array: readonly unknown[], length: number): void {
  if (isProxy(array)) walk.bytes += ARRAY_PROXY
  if (walk.exactArrays > 0) walk.exactArrays--
  else walk.bytes += (PUSHED_ROOM - length) * WORD
}

/**
 * `false` ends the array: its value is watched, and a getter gave the element, which might give a new
 * object each time.
 */
function isAdded(walk: Walk, array: readonly unknown[], at: number, item: unknown): boolean {
  if (walk.isWatched && Object(item) === item && lookupGetter.call(array, at)) return false
  walk.add(item)
  return true
}

/** An element of an array of a class, of which no getter runs; nothing for a hole. */
function ownData(array: readonly unknown[], at: number): PropertyDescriptor | undefined {
  const property = Object.getOwnPropertyDescriptor(array, at)
  return property !== undefined && 'value' in property ? property : undefined
}

/** Elements of which the first is a number: numbers alone, or numbers and holes, have no boxes. */
class Elements {
  isNumeric = true
  isEnded = false
  boxes = 0
  readonly walk: Walk
  readonly array: readonly unknown[]
  /** Index of the first element that is added. */
  start: number

  constructor(walk: Walk, array: readonly unknown[], start: number) {
    this.walk = walk
    this.array = array
    this.start = start
  }
}

function addElement(this: Elements, item: unknown, at: number): void {
  if (this.isNumeric && typeof item === 'number') {
    if (!isSmall(item)) this.boxes += HEAP_NUMBER
  } else if (!this.isEnded) {
    if (this.isNumeric) this.walk.bytes += this.boxes
    this.isNumeric = false
    this.isEnded = !isAdded(this.walk, this.array, this.start + at, item)
  }
}

/**
 * V8 keeps a short array in a list, however empty, unless an element was set far beyond its end.
 */
function isInOneList(keys: readonly string[], length: number): boolean {
  if (length > LONGEST_LIST) return false
  let last = -1
  for (const key of keys) {
    const at = Number(key)
    if (at - last > FARTHEST) return false
    last = at
  }
  return true
}

/** Judged by elements from all over it. Listing the keys of what is full would take long. */
function isSparse(array: readonly unknown[], length: number): boolean {
  let holes = 0
  for (let i = 0; i < SAMPLES; i++) {
    if (!Object.hasOwn(array, Math.floor(((i * GOLDEN) % 1) * length))) holes++
  }
  return holes > SAMPLES * 0.75
}
