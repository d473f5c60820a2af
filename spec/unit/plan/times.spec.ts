import { expect, test } from 'vitest'
import { timeFrom } from '../../../lib/plan/times.ts'

const NOON = Date.UTC(2026, 10, 28, 12)

test.each([
  ['2026-11-28T12:00:00Z', NOON],
  ['2026-11-28T12:00:00.250Z', NOON + 250],
  ['2026-11-28T12:00:00.250999Z', NOON + 250],
  ['2026-11-28T13:30:00+01:30', NOON],
  ['2026-11-28T07:00:00-0500', NOON],
  ['2026-11-28 14:00:00+02', NOON],
  ['2026-11-28t12:00z', NOON],
  ['2026-11-28 12:00:00 UTC', undefined],
  ['2026-11-28', NOON - 12 * 3_600_000],
])('ISO 8601: %s', (text, time) => {
  expect(timeFrom(text)).toBe(time)
})

test('a time without a zone is UTC, whatever the zone of this machine', () => {
  expect(timeFrom('2026-11-28 12:00:00')).toBe(NOON)
  expect(timeFrom('28/Nov/2026:12:00:00')).toBe(NOON)
})

test.each([
  ['28/Nov/2026:12:00:00 +0000', NOON],
  ['28/Nov/2026:13:30:00 +0130', NOON],
  ['28/Nov/2026:07:00:00 -0500', NOON],
])('common log format: %s', (text, time) => {
  expect(timeFrom(text)).toBe(time)
})

test.each([
  ['seconds', NOON / 1_000],
  ['milliseconds', NOON],
  ['microseconds', NOON * 1_000],
  ['nanoseconds', NOON * 1_000_000],
  ['seconds, as text', String(NOON / 1_000)],
  ['seconds with a fraction, as nginx writes them', `${NOON / 1_000}.000`],
  ['milliseconds, as text', String(NOON)],
])('a number is told by its size: %s', (_name, value) => {
  expect(timeFrom(value)).toBe(NOON)
})

test('small numbers are seconds from any start', () => {
  expect(timeFrom(1.5)).toBe(1_500)
  expect(timeFrom('0')).toBe(0)
})

test.each([
  '',
  'noon',
  '-',
  '-5',
  '28/Nox/2026:12:00:00 +0000',
  '28/ovD/2026:12:00:00 +0000',
  '99/Nov/2026:12:00:00 +0000',
  1e30,
  '28/Nov/2026',
  '2026-13-01T00:00:00Z',
  '12:00:00',
  NaN,
  -1,
  Infinity,
  true,
  null,
  undefined,
  {},
])('%j is no time', (value) => {
  expect(timeFrom(value)).toBeUndefined()
})
