import { type Weakly, weakly } from './engine.ts'
import type { PendingPromises } from './promise.ts'
import { NONE } from './table/records.ts'
import type { Table } from './table/table.ts'
import type { Clock } from './time/clock.ts'

/** A deadline that no TTL gives, for a date while no wall clock runs. */
const BEYOND_TIME = 2 ** 52

/**
 * Deadlines of entries that expire at a date, in virtual time. The clock of a Worker starts only in a
 * request: until then no date has a deadline, and entries get theirs with the first reading.
 */
export class AbsoluteExpiry {
  readonly #table: Table
  readonly #pending: PendingPromises
  readonly #clock: Clock
  /** By key, the date of each write while the clock had not started. */
  #waiting: Map<string, number> | undefined

  constructor(table: Table, pending: PendingPromises, clock: Clock) {
    this.#table = table
    this.#pending = pending
    this.#clock = clock
  }

  /** The deadline of an entry that expires at a date in epoch milliseconds. */
  deadlineOf(key: string, expiresAt: number, now: number): number {
    if (this.#clock.hasStarted) return this.#deadlineAt(expiresAt, now)
    if (this.#waiting === undefined) {
      this.#waiting = new Map()
      this.#clock.onStart(starting(weakly(this), this.#waiting))
    }
    this.#waiting.set(key, expiresAt)
    return unstarted(expiresAt)
  }

  #deadlineAt(expiresAt: number, now: number): number {
    return Math.floor(now + expiresAt - this.#clock.wallAt(now))
  }

  /** The clock has started: gives deadlines to the entries that still have these dates. */
  start(waiting: ReadonlyMap<string, number>, now: number): void {
    const table = this.#table
    for (const [key, expiresAt] of waiting) {
      const slot = table.find(key)
      const deadline = this.#deadlineAt(expiresAt, now)
      const pending = this.#pending.get(key)
      if (pending?.terms.expiresAt === expiresAt) {
        table.setDeadline(slot, Math.floor(Math.min(pending.servedUntil, deadline)), now)
      } else if (slot !== NONE && table.deadlineOf(slot) === unstarted(expiresAt)) {
        table.setDeadline(slot, deadline, now)
      }
    }
    this.#waiting = undefined
  }
}

// The clock, which outlives caches, must not keep one alive.
const starting =
  (weak: Weakly<AbsoluteExpiry>, waiting: ReadonlyMap<string, number>) => (now: number) =>
    weak.deref()?.start(waiting, now)

const unstarted = (expiresAt: number): number => Math.floor(BEYOND_TIME + expiresAt)
