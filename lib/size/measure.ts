import { brandOf, isProxy } from './brand.ts'
import { bufferBytes, bufferOf, pooledBytes } from './buffer.ts'
import { hasNovelKeys } from './key-memory.ts'
import * as layout from './layout.ts'
import { stringSize } from './string.ts'

const { WORD, HEAP_NUMBER, ESTIMATE } = layout
const CHUNK = 256
/** A structure this large is watched for getters and proxies that make new objects for ever. */
const WATCHED = 4096

const mapEntries = Map.prototype.entries
const mapSize = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get as (
  this: unknown,
) => number
const setValues = Set.prototype.values
const setSize = Object.getOwnPropertyDescriptor(Set.prototype, 'size')?.get as (
  this: unknown,
) => number

/** The first ones get hidden classes, until the engine has too many and turns to dictionaries. */
let novelObjects = 0

const isSmall = (value: number): boolean => (value | 0) === value && !Object.is(value, -0)

const bigintBytes = (value: bigint): number => {
  if (value === 0n) return layout.BIGINT_HEADER
  if (BigInt.asIntN(64, value) === value) return layout.BIGINT_HEADER + WORD
  return layout.BIGINT_HEADER + WORD * Math.ceil(value.toString(16).replace('-', '').length / 16)
}

const isIndex = (key: string): boolean => {
  const first = key.charCodeAt(0)
  return first >= 48 && first <= 57 && String(Number(key) >>> 0) === key
}

/** A part of the walk that is taken up again: does one chunk, and tells whether more remains. */
type Rest = () => boolean

/** Measures a value in steps, so that a large one does not hold the thread. */
export class Measurement {
  bytes = 0
  #pending: object[] = []
  #rests: Rest[] = []
  #near: object[] = []
  #seen: Set<object> | undefined
  #visited = 0

  constructor(value: unknown) {
    this.#add(value)
  }

  /** Goes on until `isDue()` or the end; `true` once nothing is left. */
  step(isDue: () => boolean): boolean {
    while (this.#pending.length > 0 || this.#rests.length > 0) {
      const next = this.#pending.pop()
      if (next === undefined) {
        const rest = this.#rests.at(-1) as Rest
        let remains = false
        try {
          remains = rest()
        } catch {
          remains = false
        }
        if (!remains) this.#rests.splice(this.#rests.lastIndexOf(rest), 1)
      } else if (this.#isNew(next)) this.#visit(next)
      if (isDue()) break
    }
    return this.#pending.length === 0 && this.#rests.length === 0
  }

  #add(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.bytes += stringSize(value)
        break
      case 'number':
        if (!isSmall(value)) this.bytes += HEAP_NUMBER
        break
      case 'object':
        if (value !== null) this.#pending.push(value)
        break
      case 'bigint':
        this.bytes += bigintBytes(value)
        break
      case 'function':
        if (this.#isNew(value)) this.bytes += ESTIMATE.function
        break
      case 'symbol':
        this.bytes += ESTIMATE.symbol
    }
  }

  #isNew(value: object): boolean {
    this.#visited++
    if (this.#seen === undefined) {
      if (this.#near.includes(value)) return false
      if (this.#near.push(value) > 16) this.#seen = new Set(this.#near)
      return true
    }
    const before = this.#seen.size
    return this.#seen.add(value).size !== before
  }

  #visit(value: object): void {
    try {
      if (this.#visited > WATCHED && isProxy(value)) this.bytes += ESTIMATE.proxy
      else if (Array.isArray(value)) this.#visitArray(value)
      else {
        const prototype: object | null = Object.getPrototypeOf(value)
        const isPlain = prototype === Object.prototype
        if (isPlain && this.#visited <= WATCHED) this.#visitPlain(value)
        else this.#visitOther(value, prototype)
      }
    } catch {
      this.bytes += ESTIMATE.proxy
    }
  }

  #visitPlain(value: object): void {
    const record = value as Record<string, unknown>
    let count = 0
    let indexes = 0
    let last = ''
    let bytes = 0
    for (const key in record) {
      if (count === 0 && isIndex(key)) {
        indexes = 1
        break
      }
      if (++count > CHUNK) break
      last = key
      try {
        const item = record[key]
        if (typeof item === 'string') bytes += stringSize(item)
        else if (typeof item === 'object') {
          if (item !== null) this.#pending.push(item)
        } else if (typeof item === 'number') {
          if (!isSmall(item)) bytes += HEAP_NUMBER
        } else this.#add(item)
      } catch {
        // A getter that throws counts for nothing.
      }
    }
    this.bytes += bytes
    if (count > CHUNK || indexes > 0) {
      this.#visitKeys(record, Object.keys(record), null, false, indexes > 0 ? 0 : CHUNK)
    } else if (count > layout.MAX_FAST_KEYS || (count > 0 && hasNovelKeys(record, last))) {
      let keyBytes = 0
      for (const key in record) keyBytes += stringSize(key)
      this.bytes += layout.OBJECT_HEADER + layout.nameDictionaryBytes(count) + keyBytes
      if (count <= layout.MAX_FAST_KEYS && novelObjects++ < layout.MAX_TRANSITIONS) {
        this.bytes += count * layout.HIDDEN_CLASS
      }
    } else this.bytes += layout.OBJECT_HEADER + WORD * (count === 0 ? 4 : count)
  }

  #visitOther(value: object, prototype: object | null): void {
    if (ArrayBuffer.isView(value)) {
      this.bytes += layout.VIEW
      const buffer = bufferOf(value)
      const pooled = pooledBytes(value, buffer)
      if (pooled >= 0) this.bytes += pooled + layout.POOL_SHARE
      else if (this.#isNew(buffer)) this.bytes += bufferBytes(buffer)
      return
    }
    switch (isProxy(value) ? 'Object' : brandOf(value, prototype)) {
      case 'Map':
        this.bytes += layout.COLLECTION_HEADER + layout.mapTableBytes(mapSize.call(value))
        this.#visitIterator(mapEntries.call(value as Map<unknown, unknown>), true)
        break
      case 'Set':
        this.bytes += layout.COLLECTION_HEADER + layout.setTableBytes(setSize.call(value))
        this.#visitIterator(setValues.call(value as Set<unknown>), false)
        break
      case 'Date':
        this.bytes += layout.DATE
        break
      case 'ArrayBuffer':
      case 'SharedArrayBuffer':
        this.bytes += bufferBytes(value)
        break
      case 'RegExp':
        this.bytes += ESTIMATE.regexp
        break
      case 'Error':
        this.bytes += ESTIMATE.error
        break
      case 'Promise':
        this.bytes += ESTIMATE.promise
        break
      case 'Object':
        this.#visitKeys(value, Reflect.ownKeys(value), prototype)
        return
      default:
        this.bytes += ESTIMATE.opaque
    }
    this.#visitKeys(value, Reflect.ownKeys(value), prototype, true)
  }

  /** By descriptors, so that no getter runs. */
  #visitKeys(
    value: object,
    keys: readonly (string | symbol)[],
    prototype: object | null,
    isExtra = false,
    start = 0,
  ): void {
    const isPlain = Object.getPrototypeOf(value) === Object.prototype
    let indexes = 0
    let greatest = 0
    let keyBytes = 0
    for (const key of keys) {
      if (typeof key === 'string' && isIndex(key)) {
        indexes++
        greatest = Math.max(greatest, Number(key))
      } else if (typeof key === 'string' && keys.length > layout.MAX_FAST_KEYS) {
        keyBytes += stringSize(key)
      }
    }
    const named = keys.length - indexes
    const isDictionary = named > layout.MAX_FAST_KEYS || (prototype === null && !isPlain)
    if (!isExtra) this.bytes += layout.OBJECT_HEADER
    if (named > 0 || !isExtra) {
      this.bytes += isDictionary ? layout.nameDictionaryBytes(named) + keyBytes : named * WORD
    }
    if (indexes > 0) this.bytes += layout.indexedBytes(indexes, greatest + 1)
    this.#take(keys.length - start, (offset) => {
      const at = start + offset
      const property = Object.getOwnPropertyDescriptor(value, keys[at] as string)
      if (property !== undefined && 'value' in property) this.#add(property.value)
    })
  }

  #visitArray(value: readonly unknown[]): void {
    const length = value.length
    this.bytes += layout.ARRAY_HEADER
    let numbers = 0
    let doubles = 0
    let holes = 0
    const sample = Math.min(length, CHUNK)
    for (let i = 0; i < sample; i++) {
      const item = value[i]
      if (typeof item === 'number') {
        numbers++
        if (!isSmall(item)) doubles++
      } else if (item === undefined && !Object.hasOwn(value, i)) holes++
    }
    if (length > 1024 && holes * 2 > sample) {
      const keys = Object.keys(value)
      this.bytes += layout.indexedBytes(keys.length, length)
      this.#take(keys.length, (at) => this.#add(value[Number(keys[at])]))
      return
    }
    // An array that grew by push has spare room which cannot be seen: a sixteenth is the middle.
    this.bytes += layout.storeBytes(length + (length > 16 ? length >> 4 : 0))
    const isDouble = numbers + holes === sample && doubles > 0
    if (length <= CHUNK) {
      if (numbers === length && (isDouble || doubles === 0)) return
      for (let i = 0; i < length; i++) {
        const item = value[i]
        if (!isDouble || typeof item !== 'number') this.#add(item)
      }
      return
    }
    if (isDouble) {
      this.#take(length, (at) => {
        if (typeof value[at] !== 'number') this.#add(value[at])
      })
    } else this.#take(length, (at) => this.#add(value[at]))
  }

  #visitIterator(iterator: Iterator<unknown>, isPairs: boolean): void {
    this.#take(Number.POSITIVE_INFINITY, () => {
      const { done, value } = iterator.next()
      if (done) return true
      if (isPairs) {
        const pair = value as [unknown, unknown]
        this.#add(pair[0])
        this.#add(pair[1])
      } else this.#add(value)
      return false
    })
  }

  /** Calls `each` for 0 to `count`, or until it says `true`: a chunk now, the rest in later steps. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most callers have no end of their own
  #take(count: number, each: (at: number) => boolean | void): void {
    let at = 0
    const chunk = (): boolean => {
      const end = Math.min(count, at + CHUNK)
      while (at < end) if (each(at++) === true) return false
      return at < count
    }
    if (chunk()) this.#rests.push(chunk)
  }
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
  const measurement = new Measurement(value)
  measurement.step(() => measurement.bytes > limit)
  return measurement.bytes
}
