import { shapeBytes, stringSize } from './layout.ts'

type Key = string | symbol

/** If more different keys than this follow the same keys, the further keys are data. */
const MOST_CHILDREN = 128
/** Keys that the memory holds. */
const MOST_SHAPES = 4096
/**
 * Objects that need to have the same key before a key among data counts as part of a shape. A key
 * that is data returns when its value is loaded again, but less often than a key of every row.
 */
const OFTEN = 32
/** Characters. A longer key counts as data and is not kept. */
const LONGEST_KEY = 64

/**
 * The keys of objects in their order, as a tree: the same that the engine keeps as hidden classes. The
 * tree tells objects that share their shape from objects whose keys are data (ids, dates): each of
 * those has its own hidden class and keys.
 *
 * The memory is bounded. If many keys have followed the same keys, a further key becomes known only
 * after it was found far more often than its siblings, so that an id that returns is not learned.
 */
class Shape {
  readonly key: Key
  isKnown: boolean
  /** The known child that an object had last. */
  last: Shape | undefined
  children: Map<Key, Shape> | undefined
  /** Whether the last property has held a number that needs a box. */
  hasBoxes = false
  /** Objects that had this key, or a child of it, while the key or the child was unknown. */
  misses = 0

  constructor(key: Key, isKnown: boolean) {
    this.key = key
    this.isKnown = isKnown
  }

  /** The known shape with one more key, or else `UNKNOWN`. */
  follow(key: Key): Shape {
    const { last } = this
    if (last !== undefined && last.key === key) return last
    const child = this.children?.get(key)
    if (child === undefined || !child.isKnown) return UNKNOWN
    this.last = child
    return child
  }
}

export const UNKNOWN = new Shape('', false)
/** The shape of an object without keys. */
export const EMPTY = new Shape('', true)

let shapes = 0
/** Objects already counted as misses, so that an object that is measured again counts once. */
let counted = new WeakSet<object>()

/**
 * What an object takes beyond itself if its keys are data; 0 if many objects share its shape.
 * Learns at most one key.
 */
export function novelBytes(holder: object, keys: readonly Key[]): number {
  let shape = EMPTY
  let known = 0
  for (; known < keys.length; known++) {
    const child = shape.follow(keys[known] as Key)
    if (child === UNKNOWN) break
    shape = child
  }
  if (known === keys.length || !isData(holder, shape, keys[known] as Key)) return 0
  let bytes = shapeBytes(keys.length, keys.length - known)
  for (let at = known; at < keys.length; at++) {
    const key = keys[at]
    if (typeof key === 'string') bytes += stringSize(key)
  }
  return bytes
}

/** Whether a key that is unknown after this shape is data. Remembers the key. */
function isData(holder: object, shape: Shape, key: Key): boolean {
  if (typeof key === 'string' && key.length > LONGEST_KEY) return true
  shape.children ??= new Map()
  const { children } = shape
  let child = children.get(key)
  if (child === undefined) {
    if (++shapes > MOST_SHAPES) forget()
    child = new Shape(key, children.size < MOST_CHILDREN && shapes < MOST_SHAPES / 2)
    children.set(key, child)
    if (child.isKnown) return false
  }
  if (!counted.has(holder)) {
    counted.add(holder)
    child.misses++
    shape.misses++
    const data = children.size - MOST_CHILDREN
    child.isKnown =
      data > 0 ? child.misses > OFTEN && child.misses * data > 4 * shape.misses : child.misses > 1
  }
  return true
}

/** Forgets unknown keys, or every key if that frees less than half of the memory. */
function forget(): void {
  shapes = 0
  counted = new WeakSet()
  keepKnown(EMPTY)
  if (shapes <= MOST_SHAPES / 2) return
  EMPTY.children = EMPTY.last = undefined
  shapes = 0
}

function keepKnown(shape: Shape): void {
  shape.misses = 0
  for (const [key, child] of shape.children ?? []) {
    if (child.isKnown) {
      shapes++
      keepKnown(child)
    } else shape.children?.delete(key)
  }
}
