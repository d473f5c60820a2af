import { shapeBytes } from './layout.ts'
import { stringSize } from './string.ts'

type Key = string | symbol

/** So many different keys may follow the same keys in a program; beyond that, they are data. */
const FEW = 128
const MOST = 4096
/** A key is met again when its value is loaded anew, yet not as often as one that is in every row. */
const OFTEN = 32
/** Characters. A longer key is taken for data, and not kept. */
const LONGEST = 64

/**
 * Keys in the order in which objects have them, as a tree: what the engine keeps of hidden classes.
 * It tells objects that share their shape from those whose keys are data (ids, dates), of which each
 * has a hidden class and keys of its own.
 *
 * The memory is bounded. Where many keys have followed the same ones, a further key is known only
 * once it has been met far more often than its like, so that ids which return are no shape.
 */
class Shape {
  readonly key: Key
  /** The known shape that was met last after this one. */
  next: Shape | undefined
  children: Map<Key, Shape> | undefined
  isKnown: boolean
  /** Whether its last property has held a number that needs a box. */
  hasBoxes = false
  /** Objects that led here without being known. */
  met = 0

  constructor(key: Key, isKnown: boolean) {
    this.key = key
    this.isKnown = isKnown
  }

  /** The known shape with one more key, or else `UNKNOWN`. */
  follow(key: Key): Shape {
    const { next } = this
    if (next !== undefined && next.key === key) return next
    const child = this.children?.get(key)
    if (child === undefined || !child.isKnown) return UNKNOWN
    this.next = child
    return child
  }
}

export const UNKNOWN = new Shape('', false)
/** The shape of an object without keys. */
export const EMPTY = new Shape('', true)

let shapes = 0
/** Who was met since the memory was last cleared, so that measuring again is no second meeting. */
let holders = new WeakSet<object>()

/**
 * What an object of an unknown shape takes besides itself: nothing where its shape is one of a few.
 * Remembers one key more than it knew.
 */
export function unknownBytes(holder: object, keys: readonly Key[]): number {
  let shape = EMPTY
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as Key
    if (typeof key === 'string' && key.length > LONGEST) return novelBytes(keys, at)
    shape.children ??= new Map()
    const { children } = shape
    let child = children.get(key)
    if (child === undefined) {
      if (++shapes > MOST) forget()
      child = new Shape(key, children.size < FEW && shapes < MOST / 2)
      children.set(key, child)
      if (child.isKnown) return 0
    }
    if (!child.isKnown) {
      if (!holders.has(holder)) {
        holders.add(holder)
        child.met++
        shape.met++
        const others = children.size - FEW
        child.isKnown =
          others <= 0 ? child.met > 1 : child.met > OFTEN && child.met * others > 4 * shape.met
      }
      return novelBytes(keys, at)
    }
    shape = child
  }
  return 0
}

function novelBytes(keys: readonly Key[], from: number): number {
  let bytes = shapeBytes(keys.length, keys.length - from)
  for (let at = from; at < keys.length; at++) {
    const key = keys[at]
    if (typeof key === 'string') bytes += stringSize(key)
  }
  return bytes
}

/** Forgets what is not known; where that is little, everything. */
function forget(): void {
  shapes = 0
  holders = new WeakSet()
  keepKnown(EMPTY)
  if (shapes <= MOST / 2) return
  EMPTY.children = EMPTY.next = undefined
  shapes = 0
}

function keepKnown(shape: Shape): void {
  shape.met = 0
  for (const [key, child] of shape.children ?? []) {
    if (child.isKnown) {
      shapes++
      keepKnown(child)
    } else shape.children?.delete(key)
  }
}
