import { Expiry, HEAP_PLACE_BYTES, SMALLEST_HEAP } from './expiry.ts'
import { MAP_ENTRY_BYTES, MAP_HEADER_BYTES, MapTable } from './map-table.ts'
import { leastRecent, newerThan, placeMostRecent, unlink } from './recency.ts'
import { CHARGE, DEADLINE, KEY_BYTES, RECORD_BYTES, Records } from './records.ts'

const REFERENCE_BYTES = 8
const SLOT_BYTES = RECORD_BYTES + 2 * REFERENCE_BYTES
const SMALLEST = 4
const GROWTH = 1.25

/** What the structure costs for one entry: its record, its two references, its place in the `Map`. */
export const ENTRY_BYTES = SLOT_BYTES + MAP_ENTRY_BYTES

/** What the cache takes besides its tables: its objects and their closures, measured. */
const FIXED_BYTES = 520

/** A larger one nears the engine's limit for a `Map`, which throws. */
export const MOST_ENTRIES = 2 ** 23

/** What an empty cache takes, tables of the least size included. */
export const EMPTY_BYTES =
  FIXED_BYTES +
  SMALLEST * SLOT_BYTES +
  SMALLEST_HEAP * HEAP_PLACE_BYTES +
  MAP_HEADER_BYTES +
  SMALLEST * MAP_ENTRY_BYTES

/** The smallest that a cache with one entry of this charge can be. */
export function leastBytesFor(charge: number): number {
  return EMPTY_BYTES - ENTRY_BYTES + charge
}

/**
 * Where entries are kept: a `Map` from key to slot, and by slot the key, the value and a record.
 * Slot 0 is no entry. Knows what it weighs, and nothing of limits, time or reasons.
 */
export class Table {
  #slots = new Map<string, number>()
  #map = new MapTable()
  readonly records = new Records(SMALLEST)
  readonly expiry = new Expiry(this.records)
  keys: string[] = new Array(SMALLEST)
  values: unknown[] = new Array(SMALLEST)
  size = 0
  #charged = 0
  #tableBytes = 0

  constructor() {
    this.#weighTables()
  }

  /** Charges, the slack of the tables, and what an empty cache takes. */
  get sizeBytes(): number {
    return this.#charged + this.#tableBytes - this.size * ENTRY_BYTES
  }

  find(key: string): number {
    return this.#slots.get(key) ?? 0
  }

  deadlineOf(slot: number): number {
    return this.records.float64[(slot << 2) + DEADLINE] as number
  }

  chargeOf(slot: number): number {
    return this.records.float64[(slot << 2) + CHARGE] as number
  }

  keyBytesOf(slot: number): number {
    return (this.records.int32[(slot << 3) + KEY_BYTES] as number) & ~1
  }

  hasGivenSize(slot: number): boolean {
    return ((this.records.int32[(slot << 3) + KEY_BYTES] as number) & 1) === 1
  }

  add(key: string, value: unknown): number {
    const { records } = this
    if (records.isFull) this.#grow()
    const slot = records.allocate()
    this.#slots.set(key, slot)
    if (this.#map.add()) this.#weighTables()
    this.keys[slot] = key
    this.values[slot] = value
    records.float64[(slot << 2) + CHARGE] = ENTRY_BYTES
    this.#charged += ENTRY_BYTES
    this.size++
    placeMostRecent(records.int32, slot)
    return slot
  }

  charge(slot: number, charge: number, keyBytes: number, isGiven: boolean): void {
    const { float64, int32 } = this.records
    const at = (slot << 2) + CHARGE
    this.#charged += charge - (float64[at] as number)
    float64[at] = charge
    int32[(slot << 3) + KEY_BYTES] = isGiven ? keyBytes | 1 : keyBytes
  }

  schedule(slot: number, deadline: number): void {
    const { capacity } = this.expiry
    this.expiry.schedule(slot, deadline)
    if (this.expiry.capacity !== capacity) this.#weighTables()
  }

  remove(slot: number): void {
    const { records } = this
    const key = this.keys[slot] as string
    this.#charged -= this.chargeOf(slot)
    unlink(records.int32, slot)
    records.release(slot)
    this.keys[slot] = ''
    this.values[slot] = undefined
    this.#slots.delete(key)
    if (this.#map.remove()) this.#weighTables()
    this.size--
  }

  /** Whether tables of the least size would be much smaller. */
  get isSparse(): boolean {
    return this.records.capacity > 64 && this.size < this.records.capacity >> 2
  }

  /** A table of the least size with the same entries in the same order. */
  compacted(): Table {
    const table = new Table()
    const { int32 } = this.records
    for (let slot = leastRecent(int32); slot !== 0; slot = newerThan(int32, slot)) {
      const copy = table.add(this.keys[slot] as string, this.values[slot])
      table.charge(copy, this.chargeOf(slot), this.keyBytesOf(slot), this.hasGivenSize(slot))
      table.schedule(copy, this.deadlineOf(slot))
    }
    return table
  }

  #grow(): void {
    const capacity = Math.ceil(this.records.capacity * GROWTH) + 4
    this.records.grow(capacity)
    this.keys = withCapacity(this.keys, capacity)
    this.values = withCapacity(this.values, capacity)
    this.#weighTables()
  }

  #weighTables(): void {
    this.#tableBytes =
      FIXED_BYTES +
      this.records.capacity * SLOT_BYTES +
      this.expiry.capacity * HEAP_PLACE_BYTES +
      this.#map.bytes
  }
}

// Growing by assignment would leave half as much room again as there are slots.
function withCapacity<T>(column: readonly T[], capacity: number): T[] {
  const wider = new Array<T>(capacity)
  for (let slot = 0; slot < column.length; slot++) wider[slot] = column[slot] as T
  return wider
}
