import { visitArray } from './arrays.ts'
import { visitView } from './buffers.ts'
import { visitInstance } from './builtins.ts'
import { visitFunction } from './functions.ts'
import { HEAP_NUMBER, OBJECT_HEADER, PROXY } from './layout.ts'
import { isSmall } from './number.ts'
import { visitKeys, visitPlain } from './objects.ts'
import { mayBeProxy } from './proxy.ts'
import { stringSize } from './string.ts'
import { Walk } from './walk.ts'

/** Looks at one more object, or one more chunk of a large one; `false` once nothing is left. */
export function lookFurther(walk: Walk): boolean {
  const value = walk.takeUp()
  if (value === undefined) return !walk.isDone
  try {
    const { isWatched } = walk
    if (isWatched && mayBeProxy(value, walk.met)) {
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

/** Bytes a value adds beyond the slot that refers to it; once past `limit`, some number above it. */
export function measure(value: unknown, limit: number): number {
  switch (typeof value) {
    case 'string':
      return stringSize(value)
    case 'number':
      return isSmall(value) ? 0 : HEAP_NUMBER
    case 'undefined':
    case 'boolean':
      return 0
  }
  if (value === null) return 0
  const walk = new Walk()
  walk.add(value)
  while (walk.bytes <= limit && lookFurther(walk));
  return walk.bytes
}
