import type { WriteTerms } from './options/write-options.ts'
import type { Table } from './table/table.ts'
import type { Clock } from './time/clock.ts'

/** A deadline that no TTL gives, for an absolute expiry while no wall clock runs. */
const BEYOND_TIME = 2 ** 52

/** What has deadlines: in whole virtual milliseconds, rounded down, so that none comes late. */
export interface Timed {
  readonly table: Table
  readonly clock: Clock
}

/** Begins an entry's life, of `ttl` milliseconds unless its terms say another end. */
export function schedule(
  timed: Timed,
  slot: number,
  { expiresAt, ttl }: WriteTerms,
  defaultTtl: number,
  now: number,
): void {
  if (expiresAt !== undefined) scheduleAt(timed, slot, expiresAt, now)
  else timed.table.expiry.schedule(slot, Math.floor(now + (ttl ?? defaultTtl)), now)
}

/** No later than either: `expiresAt` in epoch milliseconds, `deadline` in virtual ones. */
export function scheduleEarlier(
  { table, clock }: Timed,
  slot: number,
  expiresAt: number,
  deadline: number,
  now: number,
): void {
  const earlier = Math.min(deadline, now + expiresAt - clock.wallAt(now))
  table.expiry.schedule(slot, Math.floor(earlier), now)
}

// An absolute expiry is time left by the wall clock of now, since virtual time is no date.
function scheduleAt(timed: Timed, slot: number, expiresAt: number, now: number): void {
  const { table, clock } = timed
  const key = table.keyAt(slot)
  const unstarted = Math.floor(BEYOND_TIME + expiresAt)
  const awaits = clock.awaitsStart((now) => {
    const slot = table.find(key)
    // Another deadline is that of a later write.
    if (slot !== 0 && table.deadlineOf(slot) === unstarted) scheduleAt(timed, slot, expiresAt, now)
  })
  if (awaits) table.expiry.schedule(slot, unstarted, now)
  else scheduleEarlier(timed, slot, expiresAt, Number.POSITIVE_INFINITY, now)
}
