import { ARRAY_HEADER, HEAP_NUMBER, indexedBytes, storeBytes } from './layout.ts'
import { isSmall } from './number.ts'
import { isProxy } from './proxy.ts'
import { CHUNK, type Walk } from './walk.ts'

export function visitArray(walk: Walk, array: readonly unknown[]): void {
  // A Proxy may say anything.
  const length = array.length >>> 0
  walk.bytes += ARRAY_HEADER
  if (length > CHUNK && (isProxy(array) || isSparse(array, length))) {
    const keys = Object.keys(array)
    walk.bytes += indexedBytes(keys.length, length)
    walk.take(keys.length, (at) => walk.add(array[Number(keys[at])]))
    return
  }
  // An array that grew by push has spare room which cannot be seen: a sixteenth is a compromise.
  walk.bytes += storeBytes(length + (length > 16 ? length >> 4 : 0))
  let isNumeric = true
  let boxes = 0
  walk.take(length, (at) => {
    const item = array[at]
    if (typeof item === 'number') {
      if (!isSmall(item)) {
        // An array of numbers alone, or of numbers and holes, has them unboxed.
        if (isNumeric) boxes += HEAP_NUMBER
        else walk.bytes += HEAP_NUMBER
      }
    } else if (!isNumeric) walk.add(item)
    else if (item !== undefined || Object.hasOwn(array, at)) {
      isNumeric = false
      walk.bytes += boxes
      walk.add(item)
    }
  })
}

/** Judged by elements from all over it. Listing the keys of what is full would take long. */
function isSparse(array: readonly unknown[], length: number): boolean {
  let holes = 0
  for (let i = 0; i < CHUNK; i++) {
    const at = Math.floor((i * length) / CHUNK)
    if (array[at] === undefined && !Object.hasOwn(array, at)) holes++
  }
  return holes > CHUNK * 0.75
}
