import { expect, it } from 'vitest'
import { Budget } from '../../lib/budget.ts'
import { settingsFrom } from '../../lib/options/options.ts'
import { EMPTY_BYTES, Table } from '../../lib/table/table.ts'

it('is kept by what fills it to the byte and to the entry, and exceeded by one more', () => {
  const table = new Table()
  table.add('a', 1, 16, 24, false)
  table.add('b', 2, 16, 24, false)
  const budget = new Budget()
  budget.set(settingsFrom({ maxSizeBytes: table.sizeBytes + 100, maxItems: 5 }))
  expect(budget.isExceeded(table, 100, 0)).toBe(false)
  expect(budget.isExceeded(table, 101, 0)).toBe(true)
  expect(budget.isExceeded(table, 0, 3)).toBe(false)
  expect(budget.isExceeded(table, 0, 4)).toBe(true)
})

it('admits what fills an empty cache to the byte', () => {
  const budget = new Budget()
  budget.set(settingsFrom({ maxSizeBytes: EMPTY_BYTES + 100 }))
  expect([budget.admits(100), budget.admits(101)]).toEqual([true, false])
})
