import { visitBuffer } from './buffers.ts'
import { COLLECTION_HEADER, DATE, hashTableBytes, leastSetRoom, PROMISE } from './layout.ts'
import { getterOf } from './slots.ts'
import { stringSize } from './string.ts'
import type { Walk } from './walk.ts'

/** Charges a value for its internal slots, and throws where it has none of them. */
type Visit = (walk: Walk, value: object) => void

const mapSize = getterOf(Map.prototype, 'size')
const setSize = getterOf(Set.prototype, 'size')
const mapEntries = Map.prototype.entries
const setValues = Set.prototype.values
const getTime = Date.prototype.getTime
const regExpSource = getterOf(RegExp.prototype, 'source')

const builtins = {
  Map(walk: Walk, value: object) {
    walk.bytes += COLLECTION_HEADER + hashTableBytes(mapSize.call(value) as number, 3)
    const entries = mapEntries.call(value as Map<unknown, unknown>)
    takeAll(walk, entries, ([key, item]) => {
      walk.add(key)
      walk.add(item)
    })
  },
  Set(walk: Walk, value: object) {
    const size = setSize.call(value) as number
    const room = size > 0 ? Math.max(size, leastSetRoom()) : 0
    walk.bytes += COLLECTION_HEADER + hashTableBytes(room, 2)
    takeAll(walk, setValues.call(value as Set<unknown>), (item) => walk.add(item))
  },
  Date(walk: Walk, value: object) {
    getTime.call(value as Date)
    walk.bytes += DATE
  },
  ArrayBuffer: visitBuffer,
  SharedArrayBuffer: visitBuffer,
  // What it is compiled to is not seen: an estimate, as those below, whose range is in docs/bytes.md.
  RegExp(walk: Walk, value: object) {
    walk.bytes += 512 + stringSize(regExpSource.call(value) as string)
  },
  Error: 640,
  Promise: PROMISE,
  URL: 400,
  Headers: 450,
  Request: 1500,
  Response: 2500,
  Blob: 400,
  WeakMap: 150,
  WeakSet: 150,
  WeakRef: 48,
}

function takeAll<T>(walk: Walk, items: Iterator<T>, each: (item: T) => void): void {
  walk.take(Number.POSITIVE_INFINITY, () => {
    const { done, value } = items.next()
    if (!done) each(value)
    return done === true
  })
}

const dataOf = (value: unknown, name: string | symbol): unknown =>
  Object(value) === value ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined

type Builtin = Visit | number | undefined
const known = new WeakMap<object, { builtin: Builtin }>()

/** The built-in class, of any realm and by its name, among those that a value inherits from. */
function builtinOf(prototype: object): Builtin {
  const found = known.get(prototype)
  if (found !== undefined) return found.builtin
  let builtin: Builtin
  let at: object | null = prototype
  // A Proxy among the prototypes may answer with another one for ever.
  for (let depth = 0; at !== null && depth < 64 && builtin === undefined; depth++) {
    const name = dataOf(dataOf(at, 'constructor'), 'name')
    if (Object.hasOwn(builtins, name as string)) {
      const candidate = builtins[name as keyof typeof builtins]
      // A program may have a class of that name of its own, which seldom has a tag of that name. The
      // language gives Error none.
      const isSure = typeof candidate !== 'number' || name === 'Error'
      if (isSure || dataOf(at, Symbol.toStringTag) === name) builtin = candidate
    }
    at = Object.getPrototypeOf(at)
  }
  known.set(prototype, { builtin })
  return builtin
}

/** Charges what a built-in object holds out of sight; `false` for any other. Runs none of its code. */
export function visitBuiltin(walk: Walk, value: object, prototype: object): boolean {
  const builtin = builtinOf(prototype)
  try {
    if (typeof builtin === 'number') walk.bytes += builtin
    else builtin?.(walk, value)
    return builtin !== undefined
  } catch {
    return false
  }
}
