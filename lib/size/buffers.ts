import { ARRAY_BUFFER, VIEW } from './layout.ts'
import { getterOf } from './slots.ts'
import type { Walk } from './walk.ts'

const viewPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object
const viewBuffer = getterOf(viewPrototype, 'buffer')
const viewLength = getterOf(viewPrototype, 'byteLength')
const dataViewBuffer = getterOf(DataView.prototype, 'buffer')
const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength')
const sharedLength = getterOf(globalThis.SharedArrayBuffer?.prototype, 'byteLength')

let pool: number | undefined

/** Throws for what is no buffer. */
export function visitBuffer(walk: Walk, buffer: object): void {
  let bytes: unknown
  try {
    bytes = bufferLength.call(buffer)
  } catch {
    bytes = sharedLength.call(buffer)
  }
  walk.bytes += ARRAY_BUFFER + (bytes as number)
}

/**
 * A share of the pool, with what is left over at its end: Node sets three bytes a character aside
 * for a short string.
 */
const pooledBytes = (bytes: number, pool: number): number =>
  Math.ceil(pool / (Math.floor(pool / ((bytes + 7) & ~7)) - (bytes * 6 < pool ? 3 : 0)))

/** Reads the internal slot: `instanceof` may never end if a prototype is a Proxy. */
function bufferOf(view: object): object {
  try {
    return viewBuffer.call(view) as object
  } catch {
    return dataViewBuffer.call(view) as object
  }
}

/** Asking a small typed array for its buffer gives it one, which is charged. */
export function visitView(walk: Walk, view: object): void {
  walk.bytes += VIEW
  const buffer = bufferOf(view)
  const NodeBuffer = globalThis.Buffer
  if (NodeBuffer !== undefined && Object.getPrototypeOf(view) === NodeBuffer.prototype) {
    pool ??= NodeBuffer.allocUnsafe(1).buffer.byteLength
    const bytes = viewLength.call(view) as number
    if (bytes < pool >>> 1 && bufferLength.call(buffer) === pool) {
      walk.bytes += bytes && pooledBytes(bytes, pool)
      return
    }
  }
  walk.addObject(buffer)
}
