import type { Entries } from '../entries.ts'
import type { Hooks } from '../hooks.ts'
import { isSame, type Pending, type PendingPromises } from '../promise.ts'
import { EVICTED, EXPIRED, REJECTED } from '../statistics.ts'
import { NONE } from '../table/records.ts'
import type { Clock } from '../time/clock.ts'

/** What becomes of an entry whose promise settles, or cannot be subscribed to. */
export class StoredPromises {
  readonly #pending: PendingPromises
  readonly #entries: Entries
  readonly #hooks: Hooks
  readonly #clock: Clock

  constructor(pending: PendingPromises, entries: Entries, hooks: Hooks, clock: Clock) {
    this.#pending = pending
    this.#entries = entries
    this.#hooks = hooks
    this.#clock = clock
  }

  /** Subscribes to the promise that was just stored under a key. */
  subscribe(key: string): void {
    const pending = this.#pending.get(key)
    try {
      pending?.subscription.begin()
    } catch (error) {
      // Nobody would know when it settles. Code of its class has run, so the entry may be another one.
      if (this.#pending.get(key) === pending) this.#remove(key, REJECTED)
      this.#hooks.failed(error, 'promise', key)
    }
  }

  /** `kept` takes the place of a promise that has fulfilled; it is `undefined` after a rejection. */
  settle({ key, promise, terms }: Pending, kept: Promise<unknown> | undefined): void {
    const entries = this.#entries
    const { table } = entries
    let source = 'promise'
    try {
      const now = this.#clock.now()
      if (table.deadlineOf(table.find(key)) <= now) this.#remove(key, EXPIRED)
      else if (kept === undefined) this.#remove(key, REJECTED)
      else {
        entries.keep(key, kept, terms, now)
        source = 'sizeOf'
        entries.remeasure(key, now)
      }
    } catch (error) {
      // No entry stays whose life has not begun, or whose size nobody knows.
      const slot = table.find(key)
      if (slot !== NONE && isSame(table.valueAt(slot), promise)) {
        this.#remove(key, kept === undefined ? REJECTED : EVICTED)
      }
      this.#hooks.failed(error, source, key)
    }
  }

  #remove(key: string, reason: number): void {
    const { table, observer } = this.#entries
    const slot = table.find(key)
    if (observer !== undefined && reason !== EXPIRED) {
      const now = this.#clock.now()
      // A larger cache that still has an older value did not load.
      observer.renewed(key, now, now, table.deadlineOf(slot))
    }
    this.#entries.remove(slot, reason)
  }
}
