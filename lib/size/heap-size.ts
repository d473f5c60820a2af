import { visitArray } from './arrays.ts'
import { visitInstance, visitView } from './builtins.ts'
import { OBJECT_HEADER, PROXY, primitiveSize, stringSize } from './layout.ts'
import { visitFunction, visitKeys, visitPlain } from './objects.ts'
import { isProxy } from './reflect.ts'
import { Walk } from './walk.ts'

/** If the engine cannot tell a Proxy, at most this many objects of a value are measured in full. */
const MOST_UNCHECKED = 2 ** 20

/**
 * Bytes that a value and its key occupy in memory: each object once, cycles and any depth
 * included. Never throws because of a value. Regular expressions, errors, functions and promises
 * count a fixed estimate. Private fields, closures and stack traces are not counted.
 */
export function heapSize(value: unknown, key = ''): number {
  return measure(value, Infinity) + stringSize(key)
}

/**
 * Bytes that a value adds beyond the slot that refers to it. Stops beyond `limit`, and then returns
 * some number above it.
 */
export function measure(value: unknown, limit: number): number {
  if (typeof value === 'string') return stringSize(value)
  if (typeof value === 'object' ? value === null : typeof value !== 'function') {
    return primitiveSize(value)
  }
  const walk = new Walk()
  walk.addObject(value as object)
  while (walk.bytes <= limit && lookFurther(walk));
  return walk.bytes
}

/** Looks at one more object, or at one more chunk of a large object; `false` at the end. */
export function lookFurther(walk: Walk): boolean {
  const value = walk.next()
  if (value === undefined) return !walk.isDone
  try {
    const { isWatched } = walk
    if (isWatched && (isProxy(value) ?? walk.visited > MOST_UNCHECKED)) {
      walk.bytes += PROXY
      return true
    }
    const prototype: object | null = Object.getPrototypeOf(value)
    if (prototype === Object.prototype && !isWatched) visitPlain(walk, value)
    else if (Array.isArray(value)) visitArray(walk, value)
    else if (ArrayBuffer.isView(value)) visitView(walk, value)
    else if (typeof value === 'function') visitFunction(walk, value)
    else if (prototype === null || prototype === Object.prototype) {
      visitKeys(walk, value, prototype, OBJECT_HEADER)
    } else visitInstance(walk, value, prototype)
  } catch {
    walk.bytes += PROXY
  }
  return true
}
