import { ARRAY_BUFFER } from './layout.ts'

const prototypeOfViews = Object.getPrototypeOf(Uint8Array.prototype) as object
const read = (prototype: object, name: string) =>
  Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: unknown) => unknown
const viewBuffer = read(prototypeOfViews, 'buffer')
const viewLength = read(prototypeOfViews, 'byteLength')
const dataViewBuffer = read(DataView.prototype, 'buffer')
const bufferLength = read(ArrayBuffer.prototype, 'byteLength')
const sharedLength = globalThis.SharedArrayBuffer
  ? read(globalThis.SharedArrayBuffer.prototype, 'byteLength')
  : bufferLength

/** The buffer behind a view. A small typed array has none of its own until it is asked for. */
export function bufferOf(view: object): object {
  try {
    return viewBuffer.call(view) as object
  } catch {
    return dataViewBuffer.call(view) as object
  }
}

export function bufferBytes(buffer: object): number {
  try {
    return ARRAY_BUFFER + Math.max(bufferLength.call(buffer) as number, 0)
  } catch {
    return ARRAY_BUFFER + (sharedLength.call(buffer) as number)
  }
}

let pool: number | undefined

/** Bytes of a Node Buffer that lies in the shared pool, or -1 for any other view. */
export function pooledBytes(view: object, buffer: object): number {
  const NodeBuffer = globalThis.Buffer
  if (NodeBuffer === undefined || !(view instanceof NodeBuffer)) return -1
  pool ??= NodeBuffer.allocUnsafe(1).buffer.byteLength
  const bytes = viewLength.call(view) as number
  return bytes < pool >>> 1 && bufferLength.call(buffer) === pool ? bytes : -1
}
