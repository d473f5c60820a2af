import { requireStackToCompile } from '../stack.ts'
import { EXPIRY_BYTES, Expiry } from './expiry.ts'
import { KeySlots } from './key-slots.ts'
import { LargeSizes } from './large-sizes.ts'
import { MAP_ENTRY_BYTES, MAP_HEADER_BYTES } from './map-table.ts'
import { leastRecent, newerThan, placeMostRecent, replace, unlink } from './recency.ts'
import { DEADLINE, KEY_BYTES, RECORD_BYTES, Records, VALUE_BYTES } from './records.ts'

const REFERENCE_BYTES = 8
const SLOT_BYTES = RECORD_BYTES + 2 * REFERENCE_BYTES
const SMALLEST = 2
const GROWTH = 1.25
/** Up to so many entries are moved to other slots at once; if there are more, a few with each removal. */
const AT_ONCE = 4096
const STEPS = 8

/** What the structure costs for one entry: its record, its two references, its place in the `Map`. */
export const ENTRY_BYTES = SLOT_BYTES + MAP_ENTRY_BYTES

/** The objects behind a dictionary, without its tables: measured on Node 20 to 26. */
const FIXED_BYTES = 2040

/** A larger one nears the engine's limit for a `Map`, which throws. */
export const MOST_ENTRIES = 2 ** 23

/** What an empty cache takes, tables of the least size included. */
export const EMPTY_BYTES =
  FIXED_BYTES + SMALLEST * SLOT_BYTES + EXPIRY_BYTES + MAP_HEADER_BYTES + 4 * MAP_ENTRY_BYTES

/** What fits a record. */
export const MOST_BYTES = 2 ** 31 - 1

/**
 * Where entries are kept: a `Map` from key to slot, and by slot the key, the value and a record.
 * Slot 0 is no entry. Knows what it weighs, and nothing of limits, time or reasons.
 *
 * A slot is an entry's until any entry is removed: the table may be rebuilt then.
 */
export class Table {
  records = new Records(SMALLEST)
  expiry = new Expiry(this.records)
  size = 0
  /** How often entries were given other slots. */
  rebuilds = 0
  /** Of all keys and values, except large sizes. */
  #contentBytes = 0
  #structureBytes = 0
  #slots = new KeySlots()
  #present = this.#slots.slots
  /** By slot, a key and its value. */
  #cells: unknown[] = new Array(2 * SMALLEST)
  /** Sizes of values that do not fit a record. */
  #large: LargeSizes | undefined

  constructor() {
    this.#weighStructure()
  }

  /** Keys and values, and the structure as a whole: its slack, and what an empty cache takes. */
  get sizeBytes(): number {
    const bytes = this.#contentBytes + this.#structureBytes
    return this.#large === undefined ? bytes : bytes + this.#large.bytes
  }

  /** The slot of a key, expired or not, or 0. */
  find(key: string): number {
    const slot = this.#present.get(key)
    return slot === undefined ? this.#slots.getFormer(key) : slot
  }

  keyAt(slot: number): string {
    return this.#cells[slot << 1] as string
  }

  valueAt(slot: number): unknown {
    return this.#cells[(slot << 1) + 1]
  }

  setValue(slot: number, value: unknown): void {
    this.#cells[(slot << 1) + 1] = value
  }

  deadlineOf(slot: number): number {
    return this.records.float64[(slot << 2) + DEADLINE] as number
  }

  keyBytesOf(slot: number): number {
    return (this.records.int32[(slot << 3) + KEY_BYTES] as number) & ~1
  }

  valueBytesOf(slot: number): number {
    const bytes = this.records.int32[(slot << 3) + VALUE_BYTES] as number
    return bytes < 0 ? (this.#large?.get(slot) as number) : bytes
  }

  /** Bytes of key and value, and of the entry's part in the structure. */
  chargeOf(slot: number): number {
    return ENTRY_BYTES + this.keyBytesOf(slot) + this.valueBytesOf(slot)
  }

  /** Whether some value has a size that fits no record. */
  get hasLarge(): boolean {
    return this.#large !== undefined
  }

  hasGivenSize(slot: number): boolean {
    return ((this.records.int32[(slot << 3) + KEY_BYTES] as number) & 1) === 1
  }

  /** What the next entry makes the structure grow by; the `Map` is not foreseen. */
  get growthBytes(): number {
    return this.records.isFull ? (this.#nextCapacity - this.records.capacity) * SLOT_BYTES : 0
  }

  get #nextCapacity(): number {
    return grown(this.records.capacity)
  }

  /** A slot for a key that has none, the most recently used. */
  add(key: string, value: unknown, keyBytes: number, valueBytes: number, isGiven: boolean): number {
    if (this.records.isFull) this.#resize(this.#nextCapacity)
    const slot = this.#occupy(key, value, keyBytes, valueBytes, isGiven)
    if (this.#slots.add(key, slot)) this.#weighStructure()
    return slot
  }

  #occupy(
    key: string,
    value: unknown,
    keyBytes: number,
    valueBytes: number,
    isGiven: boolean,
  ): number {
    const slot = this.records.allocate()
    const { int32 } = this.records
    this.size++
    this.#cells[slot << 1] = key
    this.#cells[(slot << 1) + 1] = value
    int32[(slot << 3) + KEY_BYTES] = isGiven ? keyBytes | 1 : keyBytes
    this.#contentBytes += keyBytes
    this.#chargeValue(slot, valueBytes)
    placeMostRecent(int32, slot)
    return slot
  }

  /** Gives back what was charged before. */
  charge(slot: number, keyBytes: number, valueBytes: number, isGiven: boolean): void {
    const { int32 } = this.records
    const at = (slot << 3) + KEY_BYTES
    this.#contentBytes += keyBytes - ((int32[at] as number) & ~1)
    int32[at] = isGiven ? keyBytes | 1 : keyBytes
    this.#giveBackValue(slot)
    this.#chargeValue(slot, valueBytes)
  }

  #chargeValue(slot: number, valueBytes: number): void {
    const { int32 } = this.records
    if (valueBytes <= MOST_BYTES) {
      this.#contentBytes += valueBytes
      int32[(slot << 3) + VALUE_BYTES] = valueBytes
    } else {
      int32[(slot << 3) + VALUE_BYTES] = -1
      this.#large ??= new LargeSizes()
      this.#large.set(slot, valueBytes)
    }
  }

  #giveBackValue(slot: number): void {
    const bytes = this.records.int32[(slot << 3) + VALUE_BYTES] as number
    if (bytes < 0) (this.#large as LargeSizes).delete(slot)
    else this.#contentBytes -= bytes
  }

  remove(slot: number): void {
    const cell = slot << 1
    if (this.#slots.remove(this.#cells[cell] as string)) this.#weighStructure()
    this.#contentBytes -= this.keyBytesOf(slot)
    this.#giveBackValue(slot)
    this.#cells[cell] = undefined
    this.#cells[cell + 1] = undefined
    unlink(this.records.int32, slot)
    this.records.release(slot)
    this.size--
    if (this.records.capacity > 64 && this.size < this.records.capacity >> 2) {
      if (this.size <= AT_ONCE) this.compact()
      else this.#compactSome()
    }
  }

  /** Frees some of the last slots, until only the needed ones are left. */
  #compactSome(): void {
    const { records } = this
    requireStackToCompile()
    for (let step = 0; step < STEPS; step++) {
      const { last } = records
      if (this.size === last) {
        this.#resize(grown(this.size))
        return
      }
      if (records.isFree(last)) this.expiry.forget(last)
      else this.#move(last, records.allocate())
      records.dropLast()
    }
  }

  /** Moves an entry to a free slot. */
  #move(from: number, to: number): void {
    const { int32 } = this.records
    this.expiry.forget(to)
    int32.copyWithin(to << 3, from << 3, (from + 1) << 3)
    replace(int32, to)
    this.expiry.move(from, to)
    const cells = this.#cells
    const key = this.keyAt(from)
    cells[to << 1] = key
    cells[(to << 1) + 1] = this.valueAt(from)
    cells[from << 1] = cells[(from << 1) + 1] = undefined
    this.#slots.move(key, to)
    if ((int32[(to << 3) + VALUE_BYTES] as number) < 0) this.#large?.move(from, to)
    this.rebuilds++
  }

  /** Whether so many slots are free that room for other entries can be made of them. */
  get isSparse(): boolean {
    const { capacity } = this.records
    return capacity > 64 && this.size < capacity - (capacity >> 2)
  }

  /** Bytes that `compact` gives back. */
  get spareBytes(): number {
    return (this.records.capacity - Math.max(this.size + 1, SMALLEST)) * SLOT_BYTES
  }

  /** Leaves no slot free. The `Map` is the engine's to shrink, and it does as entries leave. */
  compact(): void {
    requireStackToCompile()
    const table = new Table()
    table.#resize(Math.max(this.size + 1, SMALLEST))
    const { int32 } = this.records
    for (let slot = leastRecent(int32); slot !== 0; slot = newerThan(int32, slot)) {
      const key = this.keyAt(slot)
      const keyBytes = this.keyBytesOf(slot)
      const valueBytes = this.valueBytesOf(slot)
      const isGiven = this.hasGivenSize(slot)
      const copy = table.#occupy(key, this.valueAt(slot), keyBytes, valueBytes, isGiven)
      this.#slots.move(key, copy)
      table.expiry.schedule(copy, this.deadlineOf(slot), this.expiry.time)
    }
    table.#slots = this.#slots
    table.#weighStructure()
    this.#become(table)
    this.rebuilds++
  }

  clear(): void {
    this.#become(new Table())
  }

  #become(table: Table): void {
    this.records = table.records
    this.expiry = table.expiry
    this.size = table.size
    this.#contentBytes = table.#contentBytes
    this.#structureBytes = table.#structureBytes
    this.#slots = table.#slots
    this.#present = table.#present
    this.#cells = table.#cells
    this.#large = table.#large
  }

  #resize(capacity: number): void {
    if (capacity < this.records.capacity) this.#cells.length = 2 * capacity
    else {
      const cells: unknown[] = new Array(2 * capacity)
      // Growing by assignment would leave half as much room again as there are slots.
      for (let i = 0; i < this.#cells.length; i++) cells[i] = this.#cells[i]
      this.#cells = cells
    }
    this.records.resize(capacity)
    this.#weighStructure()
  }

  #weighStructure(): void {
    this.#present = this.#slots.slots
    this.#structureBytes =
      FIXED_BYTES + this.records.capacity * SLOT_BYTES + EXPIRY_BYTES + this.#slots.bytes
  }
}

const grown = (capacity: number): number => Math.ceil(capacity * GROWTH) + 2
