import { visitBuffer } from './buffers.ts'
import { COLLECTION_HEADER, DATE, hashTableBytes, OPAQUE, REGEXP } from './layout.ts'
import { getterOf } from './slots.ts'
import type { Walk } from './walk.ts'

/** Charges a value for its internal slots, and throws where it has none of them. */
type Visit = (walk: Walk, value: object) => void

const mapSize = getterOf(Map.prototype, 'size')
const setSize = getterOf(Set.prototype, 'size')
const source = getterOf(RegExp.prototype, 'source')
const mapEntries = Map.prototype.entries
const setValues = Set.prototype.values
const getTime = Date.prototype.getTime

const visits: Readonly<Record<string, Visit>> = {
  Map(walk, value) {
    walk.bytes += COLLECTION_HEADER + hashTableBytes(mapSize.call(value) as number, 3)
    const entries = mapEntries.call(value as Map<unknown, unknown>)
    takeAll(walk, entries, ([key, item]) => {
      walk.add(key)
      walk.add(item)
    })
  },
  Set(walk, value) {
    const size = setSize.call(value) as number
    // One that was made of a small array has room for eight since V8 12, as cannot be seen.
    walk.bytes += COLLECTION_HEADER + hashTableBytes(size > 0 ? Math.max(size, 8) : 0, 2)
    takeAll(walk, setValues.call(value as Set<unknown>), (item) => walk.add(item))
  },
  Date(walk, value) {
    getTime.call(value as Date)
    walk.bytes += DATE
  },
  RegExp(walk, value) {
    source.call(value)
    walk.bytes += REGEXP
  },
  ArrayBuffer: visitBuffer,
  SharedArrayBuffer: visitBuffer,
}

function takeAll<T>(walk: Walk, items: Iterator<T>, each: (item: T) => void): void {
  walk.take(Number.POSITIVE_INFINITY, () => {
    const { done, value } = items.next()
    if (!done) each(value)
    return done === true
  })
}

const kinds = new WeakMap<object, string>()

/** The name of a built-in class, of any realm, among those that a value inherits from. */
function kindOf(prototype: object): string {
  let kind = kinds.get(prototype)
  if (kind !== undefined) return kind
  kind = ''
  let at: object | null = prototype
  // A Proxy among the prototypes may answer with another one for ever.
  for (let depth = 0; at !== null && depth < 64 && kind === ''; depth++) {
    const maker: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof maker === 'function') {
      const name: unknown = Object.getOwnPropertyDescriptor(maker, 'name')?.value
      if (typeof name === 'string' && (Object.hasOwn(visits, name) || Object.hasOwn(OPAQUE, name)))
        kind = name
    }
    at = Object.getPrototypeOf(at)
  }
  kinds.set(prototype, kind)
  return kind
}

/** Charges what a built-in object holds out of sight; `false` for any other. Runs none of its code. */
export function visitBuiltin(walk: Walk, value: object, prototype: object): boolean {
  const kind = kindOf(prototype)
  if (kind === '') return false
  try {
    const visit = visits[kind]
    if (visit === undefined) walk.bytes += OPAQUE[kind] as number
    else visit(walk, value)
    return true
  } catch {
    return false
  }
}
