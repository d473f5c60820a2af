import { isPlatformKey } from '../engine.ts'
import {
  DICTIONARY_KEYS,
  HEAP_NUMBER,
  indexedBytes,
  nameDictionaryBytes,
  OBJECT_HEADER,
  propertyBytes,
  WORD,
} from './layout.ts'
import { isSmall } from './number.ts'
import { isProxy } from './proxy.ts'
import { EMPTY, UNKNOWN, unknownBytes } from './shapes.ts'
import { dataOf } from './slots.ts'
import { stringSize } from './string.ts'
import { CHUNK, CHUNK_BYTES, type Walk } from './walk.ts'

const isEnumerable = Object.prototype.propertyIsEnumerable

const isIndex = (key: string): boolean => {
  const first = key.charCodeAt(0)
  return first >= 48 && first <= 57 && String(Number(key) >>> 0) === key
}

/** By `for…in`, at half the cost of descriptors. It runs getters of a literal. */
export function visitPlain(walk: Walk, value: object): void {
  const record = value as Record<string, unknown>
  let shape = EMPTY
  let count = 0
  let bytes = 0
  for (const key in record) {
    if (count === CHUNK || bytes > CHUNK_BYTES || (count === 0 && isIndex(key))) {
      walk.bytes += bytes
      visitKeys(walk, record, Object.prototype, OBJECT_HEADER, count)
      return
    }
    count++
    shape = shape.follow(key)
    try {
      const item = record[key]
      if (typeof item === 'string') bytes += stringSize(item)
      else if (typeof item === 'object') {
        if (item !== null) walk.addHeld(item)
      } else if (typeof item === 'number') {
        // A property that has had a fraction in one object has a box for its number in all.
        if (!isSmall(item)) shape.hasBoxes = shape.isKnown
        else if (!shape.hasBoxes) continue
        bytes += HEAP_NUMBER
      } else if (typeof item === 'function' && isPrototype(record)) return
      else walk.add(item)
    } catch {
      // A getter that throws counts for nothing.
    }
  }
  if (count >= DICTIONARY_KEYS) addDictionary(walk, Object.keys(record))
  else {
    bytes += propertyBytes(count)
    if (shape === UNKNOWN) bytes += unknownBytes(record, Object.keys(record))
  }
  walk.bytes += bytes + OBJECT_HEADER
}

/** By descriptors, so that no getter runs: what an object has of its own, beside a header. */
export function visitKeys(
  walk: Walk,
  value: object,
  prototype: object | null,
  header: number,
  start = 0,
): void {
  // Listing the names alone of a huge object takes a third of the time.
  const keys = prototype === Object.prototype ? Object.keys(value) : ownKeys(value)
  if (keys[0] === 'constructor' && isPrototype(value)) return
  const indexes = indexesOf(keys)
  const names = indexes > 0 ? keys.slice(indexes) : keys
  const count = names.length
  let shape = EMPTY
  if (count < DICTIONARY_KEYS) for (const key of names) shape = shape.follow(key)
  walk.bytes += header
  if (indexes > 0) walk.bytes += indexedBytes(indexes, Number(keys[indexes - 1]) + 1)
  if (count >= DICTIONARY_KEYS) addDictionary(walk, names)
  else if (prototype === null) walk.bytes += nameDictionaryBytes(count)
  else walk.bytes += prototype === Object.prototype ? propertyBytes(count) : count * WORD
  if (shape === UNKNOWN) walk.bytes += unknownBytes(value, names)
  addValues(walk, value, keys, start)
}

/** Without the platform's own. Handles that have any also have a symbol, and symbols come last. */
function ownKeys(value: object): (string | symbol)[] {
  const keys = Reflect.ownKeys(value)
  const last = keys.length - 1
  return last >= 0 && typeof keys[last] === 'symbol'
    ? keys.filter((key) => !isPlatformKey(key))
    : keys
}

/** Named properties of an array, a function or an object of the platform. */
export function visitNames(walk: Walk, value: object): void {
  const isArray = Array.isArray(value)
  const keys = isArray ? Reflect.ownKeys(value) : Object.keys(value)
  // The first name of an array is `length`.
  const start = isArray ? indexesOf(keys) + 1 : 0
  walk.bytes += (keys.length - start) * WORD
  addValues(walk, value, keys, start)
}

/** Whether it is the prototype of a class, which the program keeps anyway. */
function isPrototype(value: object): boolean {
  const owner = dataOf(value, 'constructor')
  return typeof owner === 'function' && dataOf(owner, 'prototype') === value
}

function addValues(
  walk: Walk,
  value: object,
  keys: readonly (string | symbol)[],
  start: number,
): void {
  walk.take(keys.length - start, (at) => {
    if ((at & (CHUNK - 1)) === CHUNK - 1 && walk.isWatched && isProxy(value)) return true
    const key = keys[start + at] as string
    // Reading the stack of an error makes a text of it, for which its name and message are read.
    if (key === 'stack' && !isEnumerable.call(value, key)) return false
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (property !== undefined && 'value' in property) walk.add(property.value)
    return false
  })
}

/** How many keys are integer-like: they come first, in ascending order. */
function indexesOf(keys: readonly (string | symbol)[]): number {
  let least = 0
  for (let most = keys.length; least < most; ) {
    const at = (least + most) >> 1
    const key = keys[at]
    if (typeof key === 'string' && isIndex(key)) least = at + 1
    else most = at
  }
  return least
}

function addDictionary(walk: Walk, keys: readonly (string | symbol)[]): void {
  walk.bytes += nameDictionaryBytes(keys.length)
  walk.take(keys.length, (at) => {
    const key = keys[at]
    if (typeof key === 'string') walk.bytes += stringSize(key)
  })
}
