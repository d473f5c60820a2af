import { describe, expect, it } from 'vitest'
import { MAP_ENTRY_BYTES } from '../../lib/table/key-slots.ts'
import { NONE } from '../../lib/table/records.ts'
import { Table } from '../../lib/table/table.ts'

interface Kept {
  readonly value: number
  readonly valueBytes: number
  readonly deadline: number
}

const COUNT = 140_000
const NEVER = Number.POSITIVE_INFINITY

/** Numbers that look random and are the same in each run. */
function drawn(): (below: number) => number {
  let state = 20_261_128
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** A table, and beside it what it should hold. */
class Pair {
  readonly table = new Table()
  readonly kept = new Map<string, Kept>()

  add(key: string, at: number): void {
    const deadline = at % 3 === 0 ? NEVER : 1_000 + (at % 7_919)
    const kept = { value: at, valueBytes: at % 1_000 === 0 ? 2 ** 33 + at : at % 50, deadline }
    this.table.add(key, kept.value, 16, kept.valueBytes, deadline, 0)
    this.kept.set(key, kept)
  }

  remove(key: string): void {
    this.table.remove(this.table.find(key))
    this.kept.delete(key)
  }

  check(): void {
    const { table, kept } = this
    expect(table.size).toBe(kept.size)
    const order: string[] = []
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) {
      order.push(table.keyAt(slot))
    }
    expect(order).toEqual([...kept.keys()])
    let content = 0
    const wrong: string[] = []
    for (const [key, { value, valueBytes, deadline }] of kept) {
      const slot = table.find(key)
      content += 16 + valueBytes
      const found = [
        table.keyAt(slot),
        table.valueAt(slot),
        table.valueBytesOf(slot),
        table.deadlineOf(slot),
      ]
      if (String(found) !== String([key, value, valueBytes, deadline])) wrong.push(key)
    }
    expect(wrong).toEqual([])
    expect(table.sizeBytes - content).toBeGreaterThan(kept.size * (48 + MAP_ENTRY_BYTES) * 0.57)
    expect(table.sizeBytes - content).toBeLessThan(10_000 + COUNT * 200)
  }

  /** What has expired, as the table has it. */
  expire(now: number): void {
    const expected = [...this.kept].filter(([, { deadline }]) => deadline <= now)
    let count = 0
    for (let slot = this.table.due(now); slot !== 0; slot = this.table.due(now)) {
      this.remove(this.table.keyAt(slot))
      count++
    }
    expect(count).toBe(expected.length)
  }
}

describe('a large table from which most is removed', () => {
  const keys = Array.from({ length: COUNT }, (_, at) => `key-${at}`)
  const draw = drawn()
  const shuffled = keys
    .map((key) => [draw(2 ** 30), key] as const)
    .sort(([one], [other]) => one - other)
    .map(([, key]) => key)

  it.each([
    ['oldest first', keys],
    ['newest first', [...keys].reverse()],
    ['at random', shuffled],
  ])('%s, while others come, keeps what is left', (_name, order) => {
    const pair = new Pair()
    for (const [at, key] of keys.entries()) pair.add(key, at)
    pair.check()
    const capacity = pair.table.capacity
    let added = COUNT
    for (const [at, key] of order.entries()) {
      pair.remove(key)
      if (at % 10 === 0) {
        const more = `more-${added}`
        pair.add(more, added++)
        // Some come again under a key that was removed, or leave again at once.
        if (at % 100 === 0) pair.add(key, added++)
        if (at % 200 === 0) pair.remove(key)
        if (at % 50 === 0) pair.remove(more)
      }
      if (at % 20_000 === 0) pair.check()
    }
    pair.check()
    expect(pair.table.capacity).toBeLessThan(capacity / 3)
    pair.expire(4_000)
    pair.check()
    pair.expire(20_000)
    pair.check()
    expect(pair.table.hasDeadlines).toBe(false)
    pair.table.compact()
    pair.check()
  })

  it('keeps what is left as entries expire, and gives its room back in the end', () => {
    const pair = new Pair()
    for (const [at, key] of keys.entries()) pair.add(key, at)
    for (let now = 1_000; now < 9_000; now += 400) pair.expire(now)
    pair.check()
    for (const key of [...pair.kept.keys()]) pair.remove(key)
    expect(pair.table.sizeBytes).toBeLessThan(new Table().sizeBytes + 64 * 48)
  })

  it('is compacted at once when asked, though its keys are being moved', () => {
    const pair = new Pair()
    for (const [at, key] of keys.entries()) pair.add(key, at)
    for (const key of keys.slice(0, COUNT - 2 ** 16 + 100)) pair.remove(key)
    expect([pair.table.find(keys[0] as string), pair.table.find('absent')]).toEqual([0, 0])
    pair.table.compact()
    pair.check()
    expect(pair.table.spareBytes).toBe(0)
    for (const key of keys.slice(-100)) pair.remove(key)
    pair.check()
  })

  it('is cleared while its keys are being moved', () => {
    const pair = new Pair()
    for (const [at, key] of keys.entries()) pair.add(key, at)
    for (const key of keys.slice(0, COUNT - 2 ** 16 + 100)) pair.remove(key)
    pair.table.clear()
    expect(pair.table.find(keys.at(-1) as string)).toBe(0)
    expect(pair.table.sizeBytes).toBe(new Table().sizeBytes)
  })
})
