import { EXPIRY_BYTES, Expiry } from './expiry.ts'
import { EMPTY_MAP_BYTES, KeySlots, MAP_ENTRY_BYTES, SMALLEST_MAP } from './key-slots.ts'
import {
  DEADLINE,
  GIVEN,
  KEY_BYTES,
  LARGE,
  LargeSizes,
  MARKS,
  MOST_BYTES,
  NEWER,
  NONE,
  OLDER,
  RECORD_BYTES,
  Records,
  type Slot,
  VALUE_BYTES,
} from './records.ts'

const REFERENCE_BYTES = 8
const SLOT_BYTES = RECORD_BYTES + 2 * REFERENCE_BYTES
const WINDOW_BYTES = 8
/** Slots of an empty table, with the one that belongs to no entry. */
const SMALLEST = 2
const GROWTH = 1.25
/** A table of at most so many slots is never sparse. */
const SMALL = 64
/** Up to so many entries move to other slots at once; if there are more, a few with each removal. */
const MOVED_AT_ONCE = 4096
const ENTRY_MOVES = 8

/** Bytes of the structure that an entry is charged: its record, two references, its place in the `Map`. */
export const ENTRY_BYTES = SLOT_BYTES + MAP_ENTRY_BYTES

/** Bytes of the objects behind a dictionary, without its tables: measured on Node 20 to 26. */
const FIXED_BYTES = 2580

/** Bytes of an empty cache, with tables of the smallest size. */
export const EMPTY_BYTES = FIXED_BYTES + SMALLEST * SLOT_BYTES + EXPIRY_BYTES + EMPTY_MAP_BYTES

/** About what the structure of so many entries takes, with a `Map` of so many places. */
export function structureBytes(entries: number, places: number): number {
  const added = Math.max(0, places - SMALLEST_MAP) * MAP_ENTRY_BYTES
  // A full cache has one or two slots in a hundred to spare.
  return EMPTY_BYTES + Math.max(0, entries - 1) * (SLOT_BYTES + 1) + added
}

/** A larger `Map` nears the engine's limit, beyond which it throws. */
export const MOST_ENTRIES = 2 ** 23

/**
 * Where entries are kept: a `Map` from key to slot, and by slot the key, the value and a record. The
 * records form a ring in the order of use, and lists by the time of expiry. The table knows what it
 * weighs, and nothing of limits, clocks or reasons.
 */
export class Table {
  size = 0
  /** How often entries have moved to other slots. */
  moves = 0
  #records = new Records(SMALLEST)
  #expiry = new Expiry(this.#records)
  #keySlots = new KeySlots()
  /** The `Map` of `#keySlots`, one step nearer for `find`. */
  #slots = this.#keySlots.slots
  /** By slot, a key and its value. */
  #cells: unknown[] = new Array(2 * SMALLEST)
  /** Bytes of all keys and values, without large sizes. */
  #contentBytes = 0
  #structureBytes = EMPTY_BYTES
  #large: LargeSizes | undefined
  /** Bytes of an observer. */
  #reservedBytes = 0
  /** By slot. Made for the first window, since few caches use any. */
  #windows: Float64Array | undefined

  /** Bytes of keys, values and the whole structure. */
  get sizeBytes(): number {
    const bytes = this.#contentBytes + this.#structureBytes
    return this.#large === undefined ? bytes : bytes + this.#large.bytes
  }

  /** How many slots there are, with the one that belongs to no entry. */
  get capacity(): number {
    return this.#records.capacity
  }

  /** Bytes that the slots grow by with the next entry. The `Map` may grow as well. */
  get growthBytes(): number {
    const { isFull, capacity } = this.#records
    return isFull ? (grown(capacity) - capacity) * this.#slotBytes : 0
  }

  /** Bytes that the tables take at once when they grow, before they give back the former ones. */
  get nextGrowthBytes(): number {
    return grown(this.capacity) * this.#slotBytes + this.#keySlots.nextGrowthBytes
  }

  /** Whether more than a quarter of the slots are free. */
  get isSparse(): boolean {
    const { capacity } = this
    return capacity > SMALL && this.size < capacity - (capacity >> 2)
  }

  /** Bytes that `compact` gives back. */
  get spareBytes(): number {
    return (this.capacity - this.#neededSlots) * this.#slotBytes
  }

  /** Whether some value is larger than `MOST_BYTES`, or was. */
  get hasLarge(): boolean {
    return this.#large !== undefined
  }

  get hasDeadlines(): boolean {
    return !this.#expiry.isEmpty
  }

  /** Once `due` has returned `NONE`, no entry expires before this virtual time. */
  get nextExpiry(): number {
    return this.#expiry.next
  }

  /** The slot of a key, expired or not, or `NONE`. */
  find(key: string): Slot {
    const slot = this.#slots.get(key)
    return slot === undefined ? this.#keySlots.findFormer(key) : slot
  }

  /** The slot of some entry that has expired, or `NONE`; see `Expiry.due`. */
  due(now: number, mostMoves?: number): Slot {
    return this.#expiry.due(now, mostMoves)
  }

  get oldest(): Slot {
    return this.#records.int32[NEWER] as Slot
  }

  get newest(): Slot {
    return this.#records.int32[OLDER] as Slot
  }

  /** The entry used next after this one, or `NONE`. */
  newerThan(slot: Slot): Slot {
    return this.#records.int32[slot + NEWER] as Slot
  }

  /** Keys in the order of use, the oldest first. */
  keys(): string[] {
    const keys: string[] = []
    for (let slot = this.oldest; slot !== NONE; slot = this.newerThan(slot)) {
      keys.push(this.keyAt(slot))
    }
    return keys
  }

  /** The next slot, free or not, in no order; `NONE` after the last. A free slot holds no value. */
  after(slot: Slot): Slot {
    return this.#records.after(slot)
  }

  keyAt(slot: Slot): string {
    return this.#cells[slot >> 2] as string
  }

  valueAt(slot: Slot): unknown {
    return this.#cells[(slot >> 2) + 1]
  }

  /** In virtual milliseconds; `Infinity` for none. */
  deadlineOf(slot: Slot): number {
    return this.#records.float64[(slot >> 1) + DEADLINE] as number
  }

  /** Whether there is room for windows. */
  get hasWindows(): boolean {
    return this.#windows !== undefined
  }

  /** Whole milliseconds for which the value is of use beyond its deadline. */
  windowOf(slot: Slot): number {
    return this.#windows === undefined ? 0 : (this.#windows[slot >> 3] as number)
  }

  /** Makes room for windows. Until then each is 0. */
  addWindows(): void {
    if (this.#windows !== undefined) return
    this.#windows = new Float64Array(this.capacity)
    this.#weighStructure()
  }

  /** After `addWindows`. */
  setWindow(slot: Slot, window: number): void {
    ;(this.#windows as Float64Array)[slot >> 3] = window
  }

  /** 0 if the caller gave one size for key and value. */
  keyBytesOf(slot: Slot): number {
    return (this.#records.int32[slot + KEY_BYTES] as number) & ~(GIVEN | MARKS)
  }

  valueBytesOf(slot: Slot): number {
    const bytes = this.#records.int32[slot + VALUE_BYTES] as number
    return bytes === LARGE ? (this.#large as LargeSizes).get(slot) : bytes
  }

  /** Bytes of key and value, and of the entry's part in the structure. */
  chargeOf(slot: Slot): number {
    return ENTRY_BYTES + this.keyBytesOf(slot) + this.valueBytesOf(slot)
  }

  hasGivenSize(slot: Slot): boolean {
    return ((this.#records.int32[slot + KEY_BYTES] as number) & GIVEN) !== 0
  }

  /** What an observer has decided of the key; 0 if it was not asked. */
  markOf(slot: Slot): number {
    return (this.#records.int32[slot + KEY_BYTES] as number) & MARKS
  }

  setMark(slot: Slot, mark: number): void {
    const { int32 } = this.#records
    int32[slot + KEY_BYTES] = ((int32[slot + KEY_BYTES] as number) & ~MARKS) | mark
  }

  /** Adds a key that has no slot, as the newest entry. `keyBytes` may be `GIVEN`. */
  add(
    key: string,
    value: unknown,
    keyBytes: number,
    valueBytes: number,
    deadline: number,
    now: number,
  ): Slot {
    if (this.#records.isFull) this.#resize(grown(this.capacity))
    const slot = this.#records.allocate()
    this.size++
    this.#cells[slot >> 2] = key
    this.#cells[(slot >> 2) + 1] = value
    this.#records.int32[slot + KEY_BYTES] = keyBytes
    this.#contentBytes += keyBytes & ~GIVEN
    this.#chargeValue(slot, valueBytes)
    this.#linkNewest(slot)
    this.#expiry.schedule(slot, deadline, now)
    if (this.#keySlots.add(key, slot)) this.#weighStructure()
    return slot
  }

  /** Gives an entry another value, with its size and deadline, and makes it the newest. */
  replace(
    slot: Slot,
    value: unknown,
    keyBytes: number,
    valueBytes: number,
    deadline: number,
    now: number,
  ): void {
    this.#cells[(slot >> 2) + 1] = value
    this.charge(slot, keyBytes, valueBytes)
    this.promote(slot)
    this.#expiry.schedule(slot, deadline, now)
  }

  setValue(slot: Slot, value: unknown): void {
    this.#cells[(slot >> 2) + 1] = value
  }

  setDeadline(slot: Slot, deadline: number, now: number): void {
    this.#expiry.schedule(slot, deadline, now)
  }

  /** Charges an entry anew, and gives back what was charged before. `keyBytes` may be `GIVEN`. */
  charge(slot: Slot, keyBytes: number, valueBytes: number): void {
    const { int32 } = this.#records
    const former = int32[slot + KEY_BYTES] as number
    this.#contentBytes += (keyBytes & ~GIVEN) - (former & ~(GIVEN | MARKS))
    int32[slot + KEY_BYTES] = keyBytes | (former & MARKS)
    this.#giveBackValue(slot)
    this.#chargeValue(slot, valueBytes)
  }

  #chargeValue(slot: Slot, valueBytes: number): void {
    const { int32 } = this.#records
    if (valueBytes <= MOST_BYTES) {
      this.#contentBytes += valueBytes
      int32[slot + VALUE_BYTES] = valueBytes
    } else {
      int32[slot + VALUE_BYTES] = LARGE
      this.#large ??= new LargeSizes()
      this.#large.set(slot, valueBytes)
    }
  }

  #giveBackValue(slot: Slot): void {
    const bytes = this.#records.int32[slot + VALUE_BYTES] as number
    if (bytes === LARGE) (this.#large as LargeSizes).delete(slot)
    else this.#contentBytes -= bytes
  }

  /** Makes an entry the newest and returns its value. */
  use(slot: Slot): unknown {
    this.promote(slot)
    return this.#cells[(slot >> 2) + 1]
  }

  /** Makes an entry the newest. */
  promote(slot: Slot): void {
    const { int32 } = this.#records
    const newer = int32[slot + NEWER] as number
    if (newer === NONE) return
    const older = int32[slot + OLDER] as number
    int32[older + NEWER] = newer
    int32[newer + OLDER] = older
    // Without a call, which could find the stack full.
    const previous = int32[OLDER] as number
    int32[slot + OLDER] = previous
    int32[slot + NEWER] = NONE
    int32[previous + NEWER] = slot
    int32[OLDER] = slot
  }

  /** Makes an entry the oldest. */
  demote(slot: Slot): void {
    const { int32 } = this.#records
    this.#unlink(slot)
    const next = int32[NEWER] as number
    int32[slot + OLDER] = NONE
    int32[slot + NEWER] = next
    int32[next + OLDER] = slot
    int32[NEWER] = slot
  }

  #linkNewest(slot: Slot): void {
    const { int32 } = this.#records
    const previous = int32[OLDER] as number
    int32[slot + OLDER] = previous
    int32[slot + NEWER] = NONE
    int32[previous + NEWER] = slot
    int32[OLDER] = slot
  }

  #unlink(slot: Slot): void {
    const { int32 } = this.#records
    const older = int32[slot + OLDER] as number
    const newer = int32[slot + NEWER] as number
    int32[older + NEWER] = newer
    int32[newer + OLDER] = older
  }

  /** Whether the next new entry makes the tables grow. */
  get isAboutToGrow(): boolean {
    return this.#records.isFull || this.#keySlots.nextGrowthBytes !== 0
  }

  /** Whether the next removal moves other entries or keys, and so runs functions that may never have run. */
  get isAboutToMove(): boolean {
    return this.#keySlots.isAboutToMove || this.#isAboutToShrink(this.size - 1)
  }

  #isAboutToShrink(size: number): boolean {
    return this.capacity > SMALL && size < this.capacity >> 2
  }

  remove(slot: Slot): void {
    const cell = slot >> 2
    if (this.#keySlots.remove(this.#cells[cell] as string)) this.#weighStructure()
    this.#contentBytes -= this.keyBytesOf(slot)
    this.#giveBackValue(slot)
    this.#cells[cell] = undefined
    this.#cells[cell + 1] = undefined
    this.#unlink(slot)
    this.#records.release(slot)
    this.size--
    if (this.#isAboutToShrink(this.size)) {
      if (this.size <= MOVED_AT_ONCE) this.compact()
      else this.#compactSome()
    }
  }

  clear(): void {
    const records = new Records(SMALLEST)
    this.#expiry = new Expiry(records)
    this.#records = records
    this.size = 0
    this.#keySlots = new KeySlots()
    this.#cells = new Array(2 * SMALLEST)
    this.#contentBytes = 0
    this.#large = undefined
    if (this.#windows !== undefined) this.#windows = new Float64Array(SMALLEST)
    this.#weighStructure()
  }

  /** Leaves no slot free. The `Map` shrinks by itself as entries leave. */
  compact(): void {
    while (this.#dropLastSlot());
    this.#resize(this.#neededSlots)
  }

  #compactSome(): void {
    for (let moves = 0; moves < ENTRY_MOVES; moves++) {
      if (!this.#dropLastSlot()) {
        this.#resize(grown(this.size))
        return
      }
    }
  }

  get #neededSlots(): number {
    return Math.max(this.size + 1, SMALLEST)
  }

  /** Returns `false` once no slot is free below the last one. */
  #dropLastSlot(): boolean {
    const records = this.#records
    if (records.used === this.size) return false
    const { last } = records
    if (records.isFree(last)) this.#expiry.forget(last)
    else this.#move(last, records.allocate())
    records.dropLast()
    return true
  }

  /** Moves an entry to a free slot. */
  #move(from: Slot, to: Slot): void {
    const { int32 } = this.#records
    const cells = this.#cells
    const key = this.keyAt(from)
    this.#expiry.forget(to)
    this.#records.copy(from, to)
    int32[(int32[to + OLDER] as number) + NEWER] = to
    int32[(int32[to + NEWER] as number) + OLDER] = to
    this.#expiry.move(from, to)
    cells[to >> 2] = key
    cells[(to >> 2) + 1] = this.valueAt(from)
    cells[from >> 2] = cells[(from >> 2) + 1] = undefined
    this.#keySlots.move(key, to)
    if (int32[to + VALUE_BYTES] === LARGE) this.#large?.move(from, to)
    if (this.#windows !== undefined) this.#windows[to >> 3] = this.windowOf(from)
    this.moves++
  }

  #resize(capacity: number): void {
    // First, since the engine may refuse the memory.
    const windows = this.#windows && new Float64Array(capacity)
    this.#records.resize(capacity)
    if (windows !== undefined) {
      windows.set((this.#windows as Float64Array).subarray(0, capacity))
      this.#windows = windows
    }
    const spare = 2 * capacity - this.#cells.length
    if (spare < 0) this.#cells.length = 2 * capacity
    // Growing by assignment would leave half as much room again as there are slots.
    else this.#cells = this.#cells.concat(new Array(spare))
    this.#weighStructure()
  }

  #weighStructure(): void {
    this.#slots = this.#keySlots.slots
    // An empty table weighs the same with windows, so that what fits an empty cache stays the same.
    const spare = SMALLEST * (this.#slotBytes - SLOT_BYTES)
    this.#structureBytes =
      FIXED_BYTES +
      this.#reservedBytes +
      this.capacity * this.#slotBytes -
      spare +
      EXPIRY_BYTES +
      this.#keySlots.bytes
  }

  get reservedBytes(): number {
    return this.#reservedBytes
  }

  /** Counts so many bytes as a part of the structure. */
  reserve(bytes: number): void {
    this.#reservedBytes = bytes
    this.#weighStructure()
  }

  get #slotBytes(): number {
    return this.#windows === undefined ? SLOT_BYTES : SLOT_BYTES + WINDOW_BYTES
  }
}

const grown = (capacity: number): number => Math.ceil(capacity * GROWTH) + 2
