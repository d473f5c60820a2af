import { describe, expect, it } from 'vitest'
import { FIRST_LOOK, Pace } from '../../lib/memory/pace.ts'

const ROOM = 2 ** 20

/** Looks so many times, after all that might be written has been, and returns what may be written then. */
function afterLooks(count: number, pace: Pace, allocatedAt: (look: number) => number): number {
  let writable = FIRST_LOOK
  for (let look = 1; look <= count; look++) writable = pace.next(writable, allocatedAt(look), ROOM)
  return writable
}

describe('how many bytes may be written before the next look', () => {
  it('are at most four times as many as before the last one', () => {
    const pace = new Pace()
    let before = pace.next(0, 0, 2 ** 40)
    for (let look = 0; look < 4; look++) {
      const writable = pace.next(0, 0, 2 ** 40)
      expect(writable).toBe(4 * before)
      before = writable
    }
  })

  it('are a number that the engine does not allocate, however much memory there is', () => {
    const pace = new Pace()
    for (let look = 0; look < 40; look++) pace.next(0, 0, Number.POSITIVE_INFINITY)
    expect(pace.next(0, 0, Number.POSITIVE_INFINITY)).toBe(2 ** 30)
  })

  it('are as many as may be allocated, while that is what writes allocate', () => {
    let allocated = 0
    const pace = new Pace()
    const writable = afterLooks(10, pace, () => (allocated += FIRST_LOOK))
    expect(writable).toBe(ROOM)
  })

  it('are fewer if each byte that is written comes with many that are not', () => {
    let allocated = 0
    let writable = FIRST_LOOK
    const pace = new Pace()
    for (let look = 0; look < 10; look++) {
      allocated += 100 * writable
      writable = pace.next(writable, allocated, ROOM)
    }
    expect(writable).toBe(Math.ceil(ROOM / 100))
  })

  it('count from what was written, also where that is more than might be', () => {
    const pace = new Pace()
    const writable = pace.next(0, 0, ROOM)
    expect(pace.next(10 * writable, 10_000 * writable, ROOM)).toBe(Math.ceil(ROOM / 1_000))
  })

  it('are as many as before where nothing was written, whatever is allocated', () => {
    const pace = new Pace()
    afterLooks(10, pace, () => 0)
    expect(pace.next(0, 2 ** 40, ROOM)).toBe(ROOM)
  })

  it('are as many after the first look, which cannot tell what writes allocate', () => {
    const pace = new Pace()
    expect(pace.next(FIRST_LOOK, 2 ** 30, ROOM)).toBe(FIRST_LOOK)
  })

  it('become many again after a burst, although nothing more is allocated', () => {
    const pace = new Pace()
    const writable = afterLooks(40, pace, (look) => (look === 1 ? 0 : 2 ** 30))
    expect(writable).toBe(ROOM)
  })

  it('are not many at once after a collection, which hides what was allocated', () => {
    const pace = new Pace()
    pace.next(0, 0, ROOM)
    pace.next(4 * FIRST_LOOK, 400 * FIRST_LOOK, ROOM)
    expect(pace.next(FIRST_LOOK, 0, ROOM)).toBeLessThan(ROOM / 40)
  })

  it('are none while there is no room', () => {
    expect(new Pace().next(0, 0, 0)).toBe(0)
  })

  it('grow from what the first look allows, after there was no room', () => {
    const pace = new Pace()
    pace.next(0, 0, 0)
    expect(pace.next(100, 0, ROOM)).toBe(4 * FIRST_LOOK)
  })
})
