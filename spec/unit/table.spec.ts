import { controllerOf, FaaSCacheDict, heapSize } from 'faas-cache-dict'
import { describe, expect, it } from 'vitest'
import { EMPTY_MAP_BYTES, MAP_ENTRY_BYTES, MapTable } from '../../lib/table/key-slots.ts'
import { GIVEN, Records } from '../../lib/table/records.ts'
import { EMPTY_BYTES, ENTRY_BYTES, Table } from '../../lib/table/table.ts'

const NEVER = Number.POSITIVE_INFINITY

function filled(count: number, valueBytes = 24): Table {
  const table = new Table()
  for (let i = 0; i < count; i++) {
    table.add(`key-${i}`, i, 16, valueBytes, NEVER, 0)
  }
  return table
}

/** What the tables take beside what is charged for entries. */
function slack(table: Table): number {
  let content = 0
  for (const key of keysOf(table)) {
    const slot = table.find(key)
    content += table.keyBytesOf(slot) + table.valueBytesOf(slot)
  }
  return table.sizeBytes - content
}

const keysOf = (table: Table) =>
  Array.from({ length: 10_000 }, (_, i) => `key-${i}`).filter((key) => table.find(key) !== 0)

describe("what is charged for an engine's Map", () => {
  const capacityOf = (map: MapTable) => 4 + (map.bytes - EMPTY_MAP_BYTES) / MAP_ENTRY_BYTES
  const adds = (map: MapTable, count: number) => Array.from({ length: count }, () => map.add())
  const removes = (map: MapTable, count: number) =>
    Array.from({ length: count }, () => map.remove())

  it('is a header of five words and three and a half words for each of four entries', () => {
    expect(new MapTable().bytes).toBe(40 + 4 * 28)
  })

  it('doubles with the first entry beyond it, and says so', () => {
    const map = new MapTable()
    expect(adds(map, 9)).toEqual([...Array(4).fill(false), true, ...Array(3).fill(false), true])
    expect(capacityOf(map)).toBe(16)
  })

  it('halves once fewer than a quarter are left, down to four, and says so', () => {
    const map = new MapTable()
    adds(map, 16)
    expect(removes(map, 12)).toEqual(Array(12).fill(false))
    expect(capacityOf(map)).toBe(16)
    expect(removes(map, 1)).toEqual([true])
    expect(capacityOf(map)).toBe(8)
    expect(removes(map, 2)).toEqual([false, true])
    expect(capacityOf(map)).toBe(4)
    expect(removes(map, 1)).toEqual([false])
    expect(capacityOf(map)).toBe(4)
  })

  it('is made anew, no larger, when it is full and half of it was deleted', () => {
    const map = new MapTable()
    adds(map, 16)
    removes(map, 8)
    expect(adds(map, 1)).toEqual([true])
    expect(capacityOf(map)).toBe(16)
    // What was deleted before is forgotten: seven more fill it.
    expect(adds(map, 7)).toEqual(Array(7).fill(false))
    expect(adds(map, 1)).toEqual([true])
    expect(capacityOf(map)).toBe(32)
  })

  it('doubles when it is full and less than half of it was deleted', () => {
    const map = new MapTable()
    adds(map, 16)
    removes(map, 7)
    adds(map, 1)
    expect(capacityOf(map)).toBe(32)
  })
})

describe('a table', () => {
  it('takes when empty what an empty cache is said to take, and again once it was cleared', () => {
    expect(new Table().sizeBytes).toBe(EMPTY_BYTES)
    const table = filled(100)
    table.clear()
    expect(table.sizeBytes).toBe(EMPTY_BYTES)
    expect([table.size, table.find('key-0')]).toEqual([0, 0])
  })

  it('charges an entry its key, its value, and 76 bytes of the structure', () => {
    const table = filled(1)
    expect(ENTRY_BYTES).toBe(76)
    expect(table.chargeOf(table.find('key-0'))).toBe(76 + 16 + 24)
  })

  it('is told the key once, beside an object as beside a text', () => {
    const controller = controllerOf(new FaaSCacheDict())
    for (const value of [{ a: 1 }, [1, 2], 'a text', 7]) {
      const charge = controller.set('a longer key', value).sizeOf('a longer key')
      expect(charge).toBe(ENTRY_BYTES + heapSize(value, 'a longer key'))
    }
  })

  it('takes 48 bytes for each slot, and what the Map takes', () => {
    const map = new MapTable()
    const empty = EMPTY_BYTES - map.bytes - 2 * 48
    const table = new Table()
    for (let i = 0; i < 500; i++) {
      table.add(`key-${i}`, i, 16, 24, NEVER, 0)
      map.add()
      expect(table.sizeBytes - 40 * (i + 1)).toBe(empty + 48 * table.capacity + map.bytes)
    }
  })

  it('has 32 bytes of records for each slot', () => {
    const { int32, float64 } = new Records(500)
    expect([int32.byteLength, float64.byteLength]).toEqual([32 * 500, 32 * 500])
  })

  it('fills what was freed before it grows', () => {
    const table = filled(500)
    const { capacity } = table
    while (table.growthBytes === 0) table.add(`more-${table.size}`, 0, 16, 24, NEVER, 0)
    expect(table.size).toBe(capacity - 1)
    table.remove(table.find('key-7'))
    expect(table.growthBytes).toBe(0)
    table.add('again', 0, 16, 24, NEVER, 0)
    expect(table.capacity).toBe(capacity)
  })

  it('foresees what the next entry makes the slots take, to the byte', () => {
    const table = new Table()
    let grown = 0
    for (let i = 0; i < 500; i++) {
      const foreseen = table.growthBytes
      const before = table.capacity
      table.add(`key-${i}`, i, 16, 24, NEVER, 0)
      expect(foreseen).toBe(48 * (table.capacity - before))
      if (foreseen > 0) grown++
    }
    // By a quarter and two each time.
    expect(grown).toBe(17)
  })

  it('keeps sizes beyond two gigabytes to the byte, for as long as they are that large', () => {
    const table = filled(2)
    const slot = table.find('key-0')
    const other = table.sizeBytes - 24
    for (const bytes of [2 ** 31 - 1, 2 ** 31, 2 ** 40 + 1, 2 ** 31 - 2, 0, 3 * 2 ** 31, 5]) {
      table.charge(slot, 16, bytes)
      expect(table.valueBytesOf(slot)).toBe(bytes)
      expect(table.sizeBytes).toBe(other + bytes)
    }
    table.charge(slot, GIVEN, 2 ** 33)
    table.compact()
    expect(table.valueBytesOf(table.find('key-0'))).toBe(2 ** 33)
    expect(table.hasGivenSize(table.find('key-0'))).toBe(true)
    expect(table.hasGivenSize(table.find('key-1'))).toBe(false)
    const { sizeBytes } = table
    table.remove(table.find('key-0'))
    expect(table.sizeBytes).toBe(sizeBytes - 2 ** 33)
  })

  it('gives back what was charged before, whatever it is charged next', () => {
    const table = filled(3)
    const slot = table.find('key-1')
    for (const [charged, valueBytes] of [
      [16, 1_000],
      [GIVEN, 77],
      [24, 8],
      [16, 24],
    ] as const) {
      table.charge(slot, charged, valueBytes)
      const keyBytes = charged === GIVEN ? 0 : charged
      expect(table.keyBytesOf(slot)).toBe(keyBytes)
      expect(table.hasGivenSize(slot)).toBe(charged === GIVEN)
      expect(table.sizeBytes).toBe(filled(3).sizeBytes - 40 + keyBytes + valueBytes)
    }
  })

  it('lets go of slots once fewer than a quarter are in use, yet not of the last few dozen', () => {
    const table = filled(1_000)
    const full = table.capacity
    for (let i = 0; i < 1_000; i++) {
      const { capacity } = table
      table.remove(table.find(`key-${i}`))
      const isKept = capacity <= 64 || table.size >= capacity >> 2
      expect(table.capacity).toBe(isKept ? capacity : Math.max(table.size + 1, 2))
    }
    expect(full).toBeGreaterThan(1_000)
    expect(table.capacity).toBeGreaterThan(16)
    expect(table.capacity).toBeLessThanOrEqual(64)
  })

  it('is sparse where more than a quarter of more than 64 slots are free', () => {
    const table = filled(1_000)
    const { capacity } = table
    for (let i = 0; i < 900; i++) {
      expect(table.isSparse).toBe(table.size < capacity - (capacity >> 2))
      if (table.size === capacity >> 2) break
      table.remove(table.find(`key-${i}`))
    }
  })

  it('is never sparse, nor made smaller, at 64 slots', () => {
    const table = filled(63)
    table.compact()
    expect(table.capacity).toBe(64)
    for (let i = 0; i < 63; i++) {
      expect(table.isSparse).toBe(false)
      table.remove(table.find(`key-${i}`))
    }
    expect(table.capacity).toBe(64)
    expect(filled(3).isSparse).toBe(false)
  })

  it('takes an entry beyond two gigabytes, and one whose size was given', () => {
    const table = new Table()
    const large = table.add('large', 1, GIVEN, 2 ** 31, NEVER, 0)
    const most = table.add('most', 2, 16, 2 ** 31 - 1, NEVER, 0)
    expect([table.valueBytesOf(large), table.valueBytesOf(most)]).toEqual([2 ** 31, 2 ** 31 - 1])
    expect([table.hasGivenSize(large), table.hasGivenSize(most)]).toEqual([true, false])
    expect(table.sizeBytes).toBe(filled(2).sizeBytes - 2 * 40 + 16 + 2 ** 32 - 1)
  })

  it('keeps order, values, sizes and deadlines when it is compacted, and no slot free', () => {
    const table = filled(300)
    for (let i = 0; i < 300; i += 2) table.remove(table.find(`key-${i}`))
    table.setDeadline(table.find('key-7'), 5_000, 0)
    const compacted = table.sizeBytes - table.spareBytes
    table.compact()
    expect([table.sizeBytes, table.spareBytes]).toEqual([compacted, 0])
    expect(table.capacity).toBe(151)
    expect(table.size).toBe(150)
    expect(keysOf(table)).toHaveLength(150)
    for (const key of keysOf(table))
      expect(table.valueAt(table.find(key))).toBe(Number(key.slice(4)))
    expect(table.deadlineOf(table.find('key-7'))).toBe(5_000)
    expect(table.deadlineOf(table.find('key-9'))).toBe(NEVER)
    expect(table.due(4_999)).toBe(0)
    expect(table.keyAt(table.due(5_000))).toBe('key-7')
    const order: string[] = []
    while (table.size > 0) {
      const { oldest } = table
      order.push(table.keyAt(oldest))
      table.remove(oldest)
    }
    expect(order).toEqual(Array.from({ length: 150 }, (_, i) => `key-${2 * i + 1}`))
    expect(slack(table)).toBe(table.sizeBytes)
  })
})
