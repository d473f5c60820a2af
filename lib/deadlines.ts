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

/** Of a life that begins now, of `ttl` milliseconds unless its terms say another end. */
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

/** While a promise is pending its TTL has not started, unless it is over in any case. */
export function pendingDeadline(
  clock: Clock,
  { ttl = Number.POSITIVE_INFINITY, expiresAt = Number.POSITIVE_INFINITY }: WriteTerms,
  servedUntil: number,
  now: number,
): number {
  if (ttl <= 0) return now
  return Math.floor(Math.min(servedUntil, now + expiresAt - clock.wallAt(now)))
}

// Time left by the wall clock of now, since virtual time is no date.
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
