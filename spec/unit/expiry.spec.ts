import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EXPIRY_BYTES, Expiry, MORE } from '../../lib/table/expiry.ts'
import { Records, type Slot } from '../../lib/table/records.ts'

const SLOTS = 12
/** Each record takes eight words; the first one belongs to no entry. */
const slotOf = (index: number) => (8 * (index + 1)) as Slot
const indexOf = (slot: Slot) => slot / 8 - 1
const NEVER = Number.POSITIVE_INFINITY

// As far as from one millisecond to some four months, and as near to where a digit carries.
const spans = fc
  .tuple(fc.nat(11), fc.nat(7), fc.integer({ min: -1, max: 1 }))
  .map(([digits, times, beside]) => Math.max(0, (times + 1) * 8 ** digits + beside))
const steps = fc.oneof(
  { weight: 4, arbitrary: fc.record({ slot: fc.nat(SLOTS - 1), ttl: spans }) },
  { weight: 1, arbitrary: fc.record({ slot: fc.nat(SLOTS - 1), ttl: fc.constant(NEVER) }) },
  { weight: 3, arbitrary: fc.record({ pass: spans }) },
  { weight: 1, arbitrary: fc.constant({ toTheNext: true }) },
)

it('gives what is due at any time, and nothing else, as a list of deadlines would', () => {
  fc.assert(
    fc.property(fc.nat(10 ** 9), fc.array(steps, { maxLength: 60, size: 'max' }), (start, all) => {
      const records = new Records(SLOTS + 1)
      const expiry = new Expiry(records)
      const deadlines = Array.from({ length: SLOTS }, () => NEVER)
      for (const _ of deadlines) records.allocate()
      for (const at of deadlines.keys()) expiry.schedule(slotOf(at), NEVER, start)
      let now = start
      const look = () => {
        const expected = deadlines.filter((deadline) => deadline <= now).length
        let count = 0
        // In parts as in one go.
        const most = now % 2 === 0 ? 1 : undefined
        for (let slot = expiry.due(now, most); slot !== 0; slot = expiry.due(now, most)) {
          if (slot === MORE) continue
          expect(deadlines[indexOf(slot)]).toBeLessThanOrEqual(now)
          deadlines[indexOf(slot)] = NEVER
          expiry.schedule(slot, NEVER, now)
          count++
        }
        expect(count).toBe(expected)
        expect(expiry.next).toBeLessThanOrEqual(Math.min(...deadlines))
      }
      for (const step of all) {
        if ('slot' in step) {
          deadlines[step.slot] = now + step.ttl
          expiry.schedule(slotOf(step.slot), now + step.ttl, now)
        } else if ('pass' in step) now += step.pass
        else now = Math.min(...deadlines, now + 8 ** 12)
        if ('toTheNext' in step) {
          expect(expiry.due(now - 1) === 0).toBe(deadlines.every((deadline) => deadline >= now))
        }
        look()
      }
      now += 8 ** 13
      look()
      expect(expiry.due(now)).toBe(0)
      expect(expiry.isEmpty).toBe(true)
    }),
    { numRuns: Number(process.env.MODEL_RUNS ?? 300), seed: 20_261_125 },
  )
})

it('is empty until a deadline is set, and again once what had one has come due or been freed', () => {
  const records = new Records(4)
  const expiry = new Expiry(records)
  const [one, two] = [records.allocate(), records.allocate()]
  expiry.schedule(one, NEVER, 0)
  expect(expiry.isEmpty).toBe(true)
  expiry.schedule(one, 100, 0)
  expiry.schedule(two, 8 ** 9, 0)
  expect(expiry.isEmpty).toBe(false)
  expect(expiry.due(100)).toBe(one)
  expiry.schedule(one, NEVER, 100)
  expect(expiry.due(100)).toBe(0)
  expect(expiry.isEmpty).toBe(false)
  records.release(two)
  expect(expiry.due(8 ** 9)).toBe(0)
  expect(expiry.isEmpty).toBe(true)
})

it('places no more entries anew than it is told, and gives those first that are due', () => {
  const records = new Records(8)
  const expiry = new Expiry(records)
  const slots = Array.from({ length: 6 }, () => records.allocate())
  for (const slot of slots) expiry.schedule(slot, slot === slotOf(2) ? 520 : 570, 0)
  const given = [expiry.due(520, 2), expiry.due(520, 2), expiry.due(520, 2)]
  expect(given).toEqual([MORE, slotOf(2), slotOf(2)])
  expiry.schedule(slotOf(2), NEVER, 520)
  expect([expiry.due(520, 2), expiry.due(520, 2)]).toEqual([MORE, 0])
})

it('takes four bytes for each bucket: seven digits of eight, and one each for due and far', () => {
  expect(EXPIRY_BYTES).toBe(4 * (7 * 8 + 2))
})

it('gives what is due by the time it was placed by, to who asks with an earlier one too', () => {
  const records = new Records(2)
  const expiry = new Expiry(records)
  const slot = records.allocate()
  expiry.schedule(slot, 1_001, 1_002)
  expect(expiry.due(1_000)).toBe(slot)
})

it('places the first entry by the present time, though another one was placed earlier', () => {
  const records = new Records(2)
  const expiry = new Expiry(records)
  const slot = records.allocate()
  expiry.schedule(slot, 64, 0)
  expiry.forget(slot)
  expiry.schedule(slot, 100, 70)
  // In the bucket of 96, and not in that of 64, which would have come.
  expect(expiry.due(71, 0)).toBe(0)
})
