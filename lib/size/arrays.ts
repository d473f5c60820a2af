import { ARRAY_HEADER, HEAP_NUMBER, indexedBytes, storeBytes } from './layout.ts'
import { isSmall } from './number.ts'
import { isProxy } from './proxy.ts'
import { CHUNK, type Walk } from './walk.ts'

const SAMPLES = 32

// Reading `array[at]` in code that has met arrays of doubles and of objects makes the engine turn
// the former into the latter, with a box for each number. These do not.
const { at: elementAt, forEach, slice } = Array.prototype
const propertyOf = Object.getOwnPropertyDescriptor

export function visitArray(walk: Walk, array: readonly unknown[]): void {
  // A Proxy may say anything.
  const length = array.length >>> 0
  walk.bytes += ARRAY_HEADER
  if (length > CHUNK && (isProxy(array) || isSparse(array, length))) {
    const keys = Object.keys(array)
    walk.bytes += indexedBytes(keys.length, length)
    walk.take(keys.length, (at) => walk.add(propertyOf(array, keys[at] as string)?.value))
    return
  }
  // An array that grew by push has spare room which cannot be seen: a sixteenth is a compromise.
  walk.bytes += storeBytes(length + (length > 16 ? length >> 4 : 0))
  const first = typeof elementAt.call(array, 0)
  if (first === 'string' || first === 'object') {
    if (length > CHUNK) walk.take(length, (at) => walk.add(array[at]))
    else for (let at = 0; at < length; at++) walk.add(array[at])
    return
  }
  const elements = new Elements(walk)
  if (length <= CHUNK) forEach.call(array, take, elements)
  // A slice of a subclass would run its constructor.
  else if (Object.getPrototypeOf(array) !== Array.prototype) {
    walk.take(length, (at) => take.call(elements, propertyOf(array, at)?.value))
  } else {
    walk.take(
      Math.ceil(length / CHUNK),
      (at) => {
        const from = at * CHUNK
        slice.call(array, from, from + CHUNK).forEach(take, elements)
      },
      1,
    )
  }
}

/** Numbers alone, or numbers and holes, are kept without boxes. */
class Elements {
  isNumeric = true
  boxes = 0
  readonly walk: Walk

  constructor(walk: Walk) {
    this.walk = walk
  }
}

function take(this: Elements, item: unknown): void {
  if (typeof item === 'number') {
    if (isSmall(item)) return
    if (this.isNumeric) this.boxes += HEAP_NUMBER
    else this.walk.bytes += HEAP_NUMBER
    return
  }
  if (this.isNumeric) {
    this.isNumeric = false
    this.walk.bytes += this.boxes
  }
  this.walk.add(item)
}

/** Judged by elements from all over it. Listing the keys of what is full would take long. */
function isSparse(array: readonly unknown[], length: number): boolean {
  let holes = 0
  for (let i = 0; i < SAMPLES; i++) {
    if (!Object.hasOwn(array, Math.floor((i * length) / SAMPLES))) holes++
  }
  return holes > SAMPLES * 0.75
}
