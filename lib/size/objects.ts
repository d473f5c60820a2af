import { isPlatformKey } from '../engine.ts'
import {
  DICTIONARY_KEYS,
  FUNCTION,
  HEAP_NUMBER,
  indexedBytes,
  isSmall,
  nameDictionaryBytes,
  OBJECT_HEADER,
  propertyBytes,
  stringSize,
  WORD,
} from './layout.ts'
import { dataOf, isProxy } from './reflect.ts'
import { EMPTY, novelBytes, UNKNOWN } from './shapes.ts'
import { CHUNK, CHUNK_BYTES, type Walk } from './walk.ts'

type Keys = readonly (string | symbol)[]

const isEnumerable = Object.prototype.propertyIsEnumerable
const sourceOf = Function.prototype.toString

const isIndex = (key: string): boolean => {
  const first = key.charCodeAt(0)
  return first >= 48 && first <= 57 && String(Number(key) >>> 0) === key
}

/** Reads a literal or a parsed object by `for…in`, at half the cost of descriptors. Getters run. */
export function visitPlain(walk: Walk, value: object): void {
  const record = value as Record<string, unknown>
  let shape = EMPTY
  let count = 0
  let bytes = 0
  let isWhole = true
  for (const key in record) {
    if (count === CHUNK || bytes > CHUNK_BYTES || (count === 0 && isIndex(key))) {
      isWhole = false
      break
    }
    count++
    shape = shape.follow(key)
    try {
      const item = record[key]
      if (typeof item === 'string') bytes += stringSize(item)
      else if (typeof item === 'object') {
        if (item !== null && !walk.addObject(item)) walk.repeats++
      } else if (typeof item === 'number') {
        // A property that has held a fraction in one object has a box for its number in all.
        if (!isSmall(item)) shape.hasBoxes = shape.isKnown
        else if (!shape.hasBoxes) continue
        bytes += HEAP_NUMBER
      } else if (typeof item === 'function' && isPrototype(record)) return
      else walk.add(item)
    } catch {
      // A getter that throws adds nothing.
    }
  }
  if (isWhole && count < DICTIONARY_KEYS) {
    if (shape === UNKNOWN) bytes += novelBytes(record, Object.keys(record))
    walk.bytes += bytes + propertyBytes(count) + OBJECT_HEADER
  } else {
    walk.bytes += bytes
    visitKeys(walk, record, Object.prototype, OBJECT_HEADER, count)
  }
}

/** Reads own properties by descriptors, so that no getter runs. `start` skips the first values. */
export function visitKeys(
  walk: Walk,
  value: object,
  prototype: object | null,
  header: number,
  start = 0,
): void {
  const isPlain = prototype === Object.prototype
  // Listing only the names of a huge object takes a third of the time.
  const keys = isPlain ? Object.keys(value) : ownKeys(value)
  if (keys[0] === 'constructor' && isPrototype(value)) return
  const indexes = countIndexes(keys)
  const names = indexes > 0 ? keys.slice(indexes) : keys
  const count = names.length
  walk.bytes += header
  if (indexes > 0) walk.bytes += indexedBytes(indexes, Number(keys[indexes - 1]) + 1)
  if (count >= DICTIONARY_KEYS || prototype === null) walk.bytes += nameDictionaryBytes(count)
  else walk.bytes += isPlain ? propertyBytes(count) : count * WORD
  if (count < DICTIONARY_KEYS) walk.bytes += novelBytes(value, names)
  else {
    walk.inChunks(count, (at) => {
      const name = names[at]
      if (typeof name === 'string') walk.bytes += stringSize(name)
    })
  }
  addValues(walk, value, keys, start)
}

/** Leaves out keys of the platform. A handle with such a key has one under a symbol; symbols are last. */
function ownKeys(value: object): Keys {
  const keys = Reflect.ownKeys(value)
  return typeof keys.at(-1) === 'symbol' ? keys.filter((key) => !isPlatformKey(key)) : keys
}

/** Adds named properties of an array, a function or an object of the platform, from `start` on. */
export function visitNames(
  walk: Walk,
  value: object,
  header: number,
  keys: Keys = Object.keys(value),
  start = 0,
): void {
  walk.bytes += header + (keys.length - start) * WORD
  addValues(walk, value, keys, start)
}

function addValues(walk: Walk, value: object, keys: Keys, start: number): void {
  walk.inChunks(keys.length - start, (at) => {
    if ((at & (CHUNK - 1)) === CHUNK - 1 && walk.isWatched && isProxy(value)) return true
    const key = keys[start + at] as string
    // The engine makes the text of an error's stack when it is first read, and runs getters for that.
    if (key !== 'stack' || isEnumerable.call(value, key)) walk.add(dataOf(value, key))
    return false
  })
}

/** The number of integer-like keys: they come first, in ascending order. */
export function countIndexes(keys: Keys): number {
  let least = 0
  for (let most = keys.length; least < most; ) {
    const at = (least + most) >> 1
    const key = keys[at]
    if (typeof key === 'string' && isIndex(key)) least = at + 1
    else most = at
  }
  return least
}

/** A class is charged as a reference, since the program keeps it anyway. */
export function visitFunction(walk: Walk, value: object): void {
  if (!isClass(value)) visitNames(walk, value, FUNCTION)
}

const isWrittenAsClass = (value: object): boolean => sourceOf.call(value).startsWith('class')

/** Whether a plain function made the instances, as in decimal.js, protobufjs and mongoose. */
export function isMadeByFunction(prototype: object): boolean {
  const maker = dataOf(prototype, 'constructor')
  return typeof maker === 'function' && !isWrittenAsClass(maker)
}

function isClass(value: object): boolean {
  if (!Object.hasOwn(value, 'prototype')) return false
  if (isWrittenAsClass(value)) return true
  // The engine creates the prototype of a function on the first read: 290 bytes. So the prototype is
  // read only if the function has properties.
  if (Object.keys(value).length === 0) return false
  return Reflect.ownKeys(Object(dataOf(value, 'prototype'))).length > 1
}

/** Whether the value is the prototype of a class, which the program keeps anyway. */
function isPrototype(value: object): boolean {
  const owner = dataOf(value, 'constructor')
  return typeof owner === 'function' && dataOf(owner, 'prototype') === value
}
