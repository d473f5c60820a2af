import { builtinModule } from '../engine.ts'
import { expectPushes } from './arrays.ts'
import {
  ARRAY_BUFFER,
  COLLECTION_HEADER,
  DATE,
  hashTableBytes,
  leastSetRoom,
  OBJECT_HEADER,
  PROMISE,
  stringSize,
  VIEW,
  WORD,
  WRAPPER,
} from './layout.ts'
import { isMadeByFunction, visitKeys, visitNames } from './objects.ts'
import { dataOf, getterOf } from './reflect.ts'
import type { Walk } from './walk.ts'

/**
 * The bytes of an instance alone; adds to the walk what the instance refers to. Throws if the value
 * only inherits from the class.
 */
type Charge = (walk: Walk, value: object) => number
/** A charge that reads instances by the getters and methods of the class's prototype. */
type ChargeOf = (prototype: object) => Charge

/** A getter for the instances of two classes. */
const either = (first: () => unknown, second: () => unknown) => (value: object) => {
  try {
    return first.call(value)
  } catch {
    return second.call(value)
  }
}

const viewPrototype: object = Object.getPrototypeOf(Uint8Array.prototype)
const viewLength = getterOf(viewPrototype, 'byteLength')
// These read internal slots: `instanceof` may never end if a prototype is a Proxy.
const bufferOf = either(getterOf(viewPrototype, 'buffer'), getterOf(DataView.prototype, 'buffer'))
const lengthOf = either(
  getterOf(ArrayBuffer.prototype, 'byteLength'),
  getterOf(globalThis.SharedArrayBuffer?.prototype, 'byteLength'),
)

let poolSize: number | undefined

/**
 * A Buffer's share of Node's pool, including the unused end of the pool: Node reserves three bytes a
 * character for a short string.
 */
const shareOf = (pool: number, bytes: number): number =>
  Math.ceil(pool / (Math.floor(pool / ((bytes + 7) & ~7)) - (bytes * 6 < pool ? 3 : 0)))

/** Reading the buffer of a small typed array makes the engine create one, which is charged. */
export function visitView(walk: Walk, view: object): void {
  walk.bytes += VIEW
  const buffer = bufferOf(view) as object
  const NodeBuffer = globalThis.Buffer
  if (NodeBuffer !== undefined && Object.getPrototypeOf(view) === NodeBuffer.prototype) {
    poolSize ??= NodeBuffer.allocUnsafe(1).buffer.byteLength
    const bytes = viewLength.call(view) as number
    if (bytes < poolSize >>> 1 && lengthOf(buffer) === poolSize) {
      walk.bytes += bytes && shareOf(poolSize, bytes)
      return
    }
  }
  walk.addObject(buffer)
}

const chargeBuffer: Charge = (_walk, buffer) => ARRAY_BUFFER + (lengthOf(buffer) as number)

const mapSize = getterOf(Map.prototype, 'size')
const setSize = getterOf(Set.prototype, 'size')
const mapEntries = Map.prototype.entries
const setValues = Set.prototype.values
const getTime = Date.prototype.getTime
const regExpSource = getterOf(RegExp.prototype, 'source')

/** Classes of the language, of any realm, by name. */
const languageClasses = new Map<string, Charge>(
  Object.entries<Charge>({
    Map(walk, value) {
      const size = mapSize.call(value) as number
      walk.iterate(mapEntries.call(value as Map<unknown, unknown>), size, ([key, item]) => {
        walk.add(key)
        walk.add(item)
      })
      return COLLECTION_HEADER + hashTableBytes(size, 3)
    },
    Set(walk, value) {
      const size = setSize.call(value) as number
      walk.iterate(setValues.call(value as Set<unknown>), size, (item) => walk.add(item))
      return COLLECTION_HEADER + hashTableBytes(size && Math.max(size, leastSetRoom()), 2)
    },
    Date(_walk, value) {
      getTime.call(value as Date)
      return DATE
    },
    ArrayBuffer: chargeBuffer,
    SharedArrayBuffer: chargeBuffer,
    // An estimate, since compiled code cannot be seen; docs/bytes.md has the range.
    RegExp: (_walk, value) => 512 + stringSize(regExpSource.call(value) as string),
    // An estimate. It is in this table because the language gives an error no tag.
    Error: () => 640,
  }),
)

/** Classes of objects around a primitive, by name. */
const wrappers = new Map<string, () => unknown>(
  [String, Number, Boolean, Symbol, BigInt].map(({ name, prototype }) => [name, prototype.valueOf]),
)

const wholeOr = (other: number, count: unknown): number =>
  Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) : other

/** A class that lists pairs. Each pair is charged `pairBytes`, its name and its value. */
const pairs =
  (bytes: number, pairBytes: number): ChargeOf =>
  (prototype) => {
    const entries = dataOf(prototype, 'entries') as () => Iterator<[unknown, unknown]>
    return (walk, value) => {
      walk.iterate(entries.call(value), Infinity, ([name, item]) => {
        walk.bytes += pairBytes
        walk.add(name)
        walk.add(item)
      })
      return bytes
    }
  }

/** A class with a getter that counts or lists what an instance holds. */
const counted =
  (bytes: number, getter: string, eachBytes = 1): ChargeOf =>
  (prototype) => {
    const counter = getterOf(prototype, getter)
    return (_walk, value) => {
      const count = counter.call(value)
      return bytes + Math.ceil(wholeOr(0, Array.isArray(count) ? count.length : count) * eachBytes)
    }
  }

/** A class with a getter for what an instance holds. */
const holding =
  (bytes: number, getter: string): ChargeOf =>
  (prototype) => {
    const held = getterOf(prototype, getter)
    return (walk, value) => {
      walk.add(held.call(value))
      return bytes
    }
  }

/** Charged for a body whose length is not stated. */
const UNKNOWN_BODY = 2 ** 13

/** A Request or a Response. */
const message =
  (bytes: number): ChargeOf =>
  (prototype) => {
    const urlOf = getterOf(prototype, 'url')
    const headersOf = getterOf(prototype, 'headers')
    const bodyOf = getterOf(prototype, 'body')
    return (walk, value) => {
      const url = urlOf.call(value)
      // On Node 20 and 22, the state holds everything.
      const symbols = Object.getOwnPropertySymbols(value)
      const state = symbols.find(({ description }) => description === 'state')
      if (state !== undefined) {
        walk.add(dataOf(value, state))
        return bytes
      }
      walk.add(url)
      const headers = headersOf.call(value)
      walk.add(headers)
      // On other runtimes, the getter may turn the body into a stream.
      const body = loadedModules().length > 0 ? bodyOf.call(value) : undefined
      if (body === null) return bytes
      walk.add(body)
      const get = prototypeOf('Headers')?.get as (name: string) => string | null
      return bytes + wholeOr(UNKNOWN_BODY, Number(get.call(headers, 'content-length') ?? -1))
    }
  }

/** Node loads this module at the first use of `fetch` or of one of its classes, which takes 20 ms. */
const FETCH = 'internal/deps/undici/undici'

/**
 * Other classes, by tag, by the part of the tag before its dot, or by name: an estimate, how to charge
 * an instance of the platform's own class, and the module that Node must have loaded for that.
 *
 * The estimate is for objects that have the tag, such as those of another realm or of a polyfill. A name
 * is not enough: programs have classes of the same names. docs/bytes.md has the ranges.
 */
const classes = new Map(
  Object.entries<[estimate: number, chargeOf?: ChargeOf, module?: string]>({
    Promise: [PROMISE],
    WeakMap: [150],
    WeakSet: [150],
    WeakRef: [48],
    FinalizationRegistry: [150],
    Generator: [650],
    AsyncGenerator: [700],
    Intl: [3500],
    'Intl.DateTimeFormat': [34_000],
    'Intl.Locale': [500],
    'Intl.RelativeTimeFormat': [9000],
    'Intl.Segmenter': [7000],
    Temporal: [550],
    'WebAssembly.Global': [200],
    'WebAssembly.Instance': [1000, holding(1000, 'exports')],
    'WebAssembly.Memory': [200, holding(200, 'buffer')],
    'WebAssembly.Module': [2 ** 16],
    'WebAssembly.Table': [200, counted(200, 'length', 4 * WORD)],
    // A thirty-second more, since an allocator gives whole pages.
    Blob: [1000, counted(900, 'size', 33 / 32)],
    BlockList: [2500, counted(2500, 'rules', 500), 'net'],
    CompressionStream: [24_000],
    CryptoKey: [5000],
    DecompressionStream: [24_000],
    FormData: [1000, pairs(200, 64), FETCH],
    Headers: [1500, pairs(300, 150), FETCH],
    ImageData: [100, holding(100, 'data')],
    KeyObject: [3000],
    Request: [3000, message(1000), FETCH],
    Response: [18_000, message(300), FETCH],
    URL: [500, holding(260, 'href')],
    URLPattern: [2000],
    URLSearchParams: [500, pairs(160, 32)],
    // The getter adds nothing: it only throws if the value is not an instance.
    X509Certificate: [6500, counted(6500, 'ca'), 'crypto'],
  }),
)

/** Only Node lists the modules that it has loaded. */
const loadedModules = (): readonly string[] =>
  (globalThis.process as { moduleLoadList?: string[] } | undefined)?.moduleLoadList ?? []

/** The prototype of a class of the platform, by its path, if Node has loaded it. Loads nothing. */
function prototypeOf(path: string, module?: string): Record<string, unknown> | undefined {
  const loaded = loadedModules()
  if (module && loaded.length > 0 && !loaded.includes(`NativeModule ${module}`)) return
  // Node gives out no internal module: the classes of `fetch` are global.
  let found: unknown = (module && builtinModule(`node:${module}` as 'node:net')) ?? globalThis
  for (const name of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[name]
  return (found as { prototype?: Record<string, unknown> } | undefined)?.prototype
}

function textOf(value: unknown, name: string | symbol): string {
  const text = dataOf(value, name)
  return typeof text === 'string' ? text : ''
}

/** Charges an instance and its own properties. */
type Visit = (walk: Walk, value: object, prototype: object) => void

/** How to charge by the nearest built-in class, if there is one among the prototypes. */
function builtinVisit(prototype: object): Visit | undefined {
  let estimate: number | undefined
  let at: object | null = prototype
  // A Proxy among the prototypes may answer with another Proxy forever.
  for (let depth = 0; at !== null && depth < 64; depth++) {
    const name = textOf(dataOf(at, 'constructor'), 'name')
    const tag = textOf(at, Symbol.toStringTag)
    const path = tag || name
    const [bytes, chargeOf, module] =
      classes.get(path) ?? classes.get(path.replace(/\..*/, '')) ?? []
    if (chargeOf !== undefined && prototypeOf(path, module) === at) {
      const charge = chargeOf(at)
      // Properties under symbols belong to the platform.
      return (walk, value) => visitNames(walk, value, charge(walk, value))
    }
    const charge = languageClasses.get(name)
    if (charge !== undefined) {
      return (walk, value, own) => visitKeys(walk, value, own, charge(walk, value))
    }
    const primitiveOf = wrappers.get(name)
    if (primitiveOf !== undefined) {
      // Own keys are left out: an object around a string has one for each character.
      return (walk, value) => {
        walk.add(primitiveOf.call(value))
        walk.bytes += WRAPPER
      }
    }
    if (tag) estimate ??= bytes
    at = Object.getPrototypeOf(at)
  }
  const header = estimate
  if (header === undefined) return
  return (walk, value, own) => visitKeys(walk, value, own, header)
}

interface ClassCharge {
  visit: Visit | undefined
  /** Short arrays of an instance that are charged without spare room. */
  exactArrays: number
}
const classCharges = new WeakMap<object, ClassCharge>()

/** Charges an object that inherits from another one. Runs no code of the program. */
export function visitInstance(walk: Walk, value: object, prototype: object): void {
  let charge = classCharges.get(prototype)
  if (charge === undefined) {
    charge = {
      visit: builtinVisit(prototype),
      exactArrays: isMadeByFunction(prototype) ? 0 : 1,
    }
    classCharges.set(prototype, charge)
  }
  const { visit, exactArrays } = charge
  if (visit !== undefined) {
    try {
      visit(walk, value, prototype)
      return
    } catch {
      // The object inherits from the class without being an instance.
    }
  }
  expectPushes(walk, exactArrays)
  visitKeys(walk, value, prototype, OBJECT_HEADER)
}
