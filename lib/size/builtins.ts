import { visitBuffer } from './buffers.ts'
import { isMadeByFunction } from './functions.ts'
import {
  COLLECTION_HEADER,
  DATE,
  hashTableBytes,
  leastSetRoom,
  OBJECT_HEADER,
  PROMISE,
  WRAPPER,
} from './layout.ts'
import { visitKeys, visitNames } from './objects.ts'
import { platformVisit, type Visit } from './platform.ts'
import { dataOf, getterOf } from './slots.ts'
import { stringSize } from './string.ts'
import { takeAll, type Walk } from './walk.ts'

const mapSize = getterOf(Map.prototype, 'size')
const setSize = getterOf(Set.prototype, 'size')
const mapEntries = Map.prototype.entries
const setValues = Set.prototype.values
const getTime = Date.prototype.getTime
const regExpSource = getterOf(RegExp.prototype, 'source')

/** By the name of the class. */
const visits: Record<string, Visit> = {
  Map(walk: Walk, value: object) {
    const size = mapSize.call(value) as number
    walk.bytes += COLLECTION_HEADER + hashTableBytes(size, 3)
    const entries = mapEntries.call(value as Map<unknown, unknown>)
    takeAll(walk, entries, size, ([key, item]) => {
      walk.add(key)
      walk.add(item)
    })
  },
  Set(walk: Walk, value: object) {
    const size = setSize.call(value) as number
    const room = size > 0 ? Math.max(size, leastSetRoom()) : 0
    walk.bytes += COLLECTION_HEADER + hashTableBytes(room, 2)
    takeAll(walk, setValues.call(value as Set<unknown>), size, (item) => walk.add(item))
  },
  Date(walk: Walk, value: object) {
    getTime.call(value as Date)
    walk.bytes += DATE
  },
  ArrayBuffer: visitBuffer,
  SharedArrayBuffer: visitBuffer,
  // An estimate, since compiled code cannot be seen; docs/bytes.md has the range.
  RegExp(walk: Walk, value: object) {
    walk.bytes += 512 + stringSize(regExpSource.call(value) as string)
  },
  // An estimate. It is here because the language gives an error no tag.
  Error(walk: Walk) {
    walk.bytes += 640
  },
}

/** Objects around a primitive, by the name of the class. */
const wrappers: Record<string, () => unknown> = {
  String: String.prototype.valueOf,
  Number: Number.prototype.valueOf,
  Boolean: Boolean.prototype.valueOf,
  Symbol: Symbol.prototype.valueOf,
  BigInt: BigInt.prototype.valueOf,
}

/**
 * By tag: a program's own class may have the name, but seldom has the tag. The classes of the platform
 * are here for objects of another realm or of a polyfill. docs/bytes.md has the ranges.
 */
const estimates: Record<string, number> = {
  Promise: PROMISE,
  WeakMap: 150,
  WeakSet: 150,
  WeakRef: 48,
  FinalizationRegistry: 150,
  Generator: 650,
  AsyncGenerator: 700,
  'Intl.Collator': 3500,
  'Intl.DateTimeFormat': 34_000,
  'Intl.DisplayNames': 3000,
  'Intl.DurationFormat': 2500,
  'Intl.ListFormat': 2500,
  'Intl.Locale': 500,
  'Intl.NumberFormat': 3500,
  'Intl.PluralRules': 4000,
  'Intl.RelativeTimeFormat': 9000,
  'Intl.Segmenter': 7000,
  'Temporal.Duration': 550,
  'Temporal.Instant': 500,
  'Temporal.PlainDate': 500,
  'Temporal.PlainDateTime': 500,
  'Temporal.PlainMonthDay': 500,
  'Temporal.PlainTime': 500,
  'Temporal.PlainYearMonth': 500,
  'Temporal.ZonedDateTime': 600,
  'WebAssembly.Global': 200,
  'WebAssembly.Module': 2 ** 16,
  Blob: 1000,
  CompressionStream: 24_000,
  CryptoKey: 5000,
  DecompressionStream: 24_000,
  FormData: 1000,
  Headers: 1500,
  KeyObject: 3000,
  Request: 3000,
  Response: 18_000,
  URL: 500,
  URLPattern: 2000,
  URLSearchParams: 500,
}

/** Charges a value and its own properties. */
type VisitWhole = (walk: Walk, value: object, prototype: object) => void

/** How to charge instances of the class that has this prototype, if it is a built-in one. */
function visitOf(own: object, name: string, tag: string): VisitWhole | undefined {
  const ofPlatform = platformVisit(own, tag || name)
  if (ofPlatform !== undefined) {
    // Properties under symbols belong to the platform.
    return (walk, value) => {
      ofPlatform(walk, value)
      visitNames(walk, value)
    }
  }
  if (Object.hasOwn(visits, name)) {
    const visit = visits[name] as Visit
    return (walk, value, prototype) => {
      visit(walk, value)
      visitKeys(walk, value, prototype, 0)
    }
  }
  if (Object.hasOwn(wrappers, name)) {
    const primitiveOf = wrappers[name] as () => unknown
    // Own keys are left out, since a string has one for each character.
    return (walk, value) => {
      walk.add(primitiveOf.call(value))
      walk.bytes += WRAPPER
    }
  }
  return
}

function textOf(value: unknown, name: string | symbol): string {
  const text = dataOf(value, name)
  return typeof text === 'string' ? text : ''
}

interface ClassCharge {
  visit: VisitWhole | undefined
  /** Short arrays of an instance that are taken as exact. */
  exactArrays: number
}
const known = new WeakMap<object, ClassCharge>()

/** How to charge by the nearest built-in class, of any realm, that a value inherits from. */
function classOf(prototype: object): ClassCharge {
  const found = known.get(prototype)
  if (found !== undefined) return found
  let visit: VisitWhole | undefined
  let estimate: number | undefined
  let at: object | null = prototype
  // A Proxy among the prototypes may answer with another Proxy forever.
  for (let depth = 0; at !== null && depth < 64 && visit === undefined; depth++) {
    const tag = textOf(at, Symbol.toStringTag)
    visit = visitOf(at, textOf(dataOf(at, 'constructor'), 'name'), tag)
    if (Object.hasOwn(estimates, tag)) estimate ??= estimates[tag]
    at = Object.getPrototypeOf(at)
  }
  const bytes = estimate
  if (bytes !== undefined) visit ??= (walk, value, own) => visitKeys(walk, value, own, bytes)
  const made = { visit, exactArrays: isMadeByFunction(prototype) ? 0 : 1 }
  known.set(prototype, made)
  return made
}

/** Charges an object that inherits from another one. Runs none of the program's code. */
export function visitInstance(walk: Walk, value: object, prototype: object): void {
  const { visit, exactArrays } = classOf(prototype)
  if (visit !== undefined) {
    try {
      visit(walk, value, prototype)
      return
    } catch {
      // The object inherits from the class without being an instance.
    }
  }
  walk.expectPushes(exactArrays)
  visitKeys(walk, value, prototype, OBJECT_HEADER)
}
