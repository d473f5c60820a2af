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

/** The deadline of a life that begins now. */
export function deadlineFor(
  timed: Timed,
  key: string,
  { expiresAt, ttl }: WriteTerms,
  defaultTtl: number,
  now: number,
): number {
  if (expiresAt !== undefined) return absoluteDeadline(timed, key, expiresAt, now)
  return Math.floor(now + (ttl ?? defaultTtl))
}

/** The deadline of a pending promise. Its TTL has not started; only one of 0 or less counts already. */
export function pendingDeadline(
  clock: Clock,
  { ttl = Number.POSITIVE_INFINITY, expiresAt = Number.POSITIVE_INFINITY }: WriteTerms,
  servedUntil: number,
  now: number,
): number {
  if (ttl <= 0) return now
  return Math.floor(Math.min(servedUntil, now + expiresAt - clock.wallAt(now)))
}

// Counts the time left by the wall clock, since virtual time is no date.
function absoluteDeadline(timed: Timed, key: string, expiresAt: number, now: number): number {
  const { table, clock } = timed
  const unstarted = Math.floor(BEYOND_TIME + expiresAt)
  const awaits = clock.awaitsStart((now) => {
    const slot = table.find(key)
    // Another deadline is that of a later write.
    if (slot === 0 || table.deadlineOf(slot) !== unstarted) return
    table.expiry.schedule(slot, absoluteDeadline(timed, key, expiresAt, now), now)
  })
  return awaits ? unstarted : Math.floor(now + expiresAt - clock.wallAt(now))
}
