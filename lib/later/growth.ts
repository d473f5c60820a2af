import type { Entries } from '../entries.ts'
import type { Hooks } from '../hooks.ts'
import type { Settings } from '../options/options.ts'
import { fulfilled, type PendingPromises } from '../promise.ts'
import { heapSize, lookFurther } from '../size/heap-size.ts'
import { Walk } from '../size/walk.ts'
import { NONE, type Slot } from '../table/records.ts'

/** A value that is being measured, in as many slices as it takes. */
interface Measurement {
  readonly key: string
  readonly value: object
  readonly walk: Walk
}

/**
 * Finds values that grew or shrank in place, which no trap sees. It goes through all entries in
 * slices, each as long as a sweep may hold the thread.
 */
export class Growth {
  /** Whether an object was written since the search began, or found by it: only objects grow. */
  hasObjects = false
  /** Whether the search found another size, or may have missed a value. */
  hasFound = false
  readonly #entries: Entries
  readonly #pending: PendingPromises
  readonly #settings: Settings
  readonly #hooks: Hooks
  /** The slot that was looked at last; `undefined` if no search is under way. */
  #slot: Slot | undefined
  #movesBefore = 0
  /** By key, since the entry may have another slot in the next slice. */
  #measurement: Measurement | undefined

  constructor(entries: Entries, pending: PendingPromises, settings: Settings, hooks: Hooks) {
    this.#entries = entries
    this.#pending = pending
    this.#settings = settings
    this.#hooks = hooks
  }

  get hasWork(): boolean {
    return this.hasObjects || this.#slot !== undefined
  }

  /** Searches until `isOver`. Returns whether the search came to its end. */
  search(isOver: () => boolean): boolean {
    if (!this.hasWork) return true
    const { table } = this.#entries
    if (this.#slot === undefined) {
      this.#slot = NONE
      this.#movesBefore = table.moves
      this.hasObjects = this.hasFound = false
    }
    while (!isOver()) {
      if (this.#measurement !== undefined) this.#measure(this.#measurement, isOver)
      else {
        // One slot a step, free or not, so that no step takes long.
        this.#slot = table.after(this.#slot)
        if (this.#slot === NONE) {
          this.#slot = undefined
          // An entry that was ahead may have moved to a slot that had been passed.
          if (this.#movesBefore !== table.moves) this.hasObjects = this.hasFound = true
          return true
        }
        this.#lookAt(this.#slot)
      }
    }
    return false
  }

  /** Forgets the value that is being measured. */
  forget(): void {
    this.#measurement = undefined
  }

  #lookAt(slot: Slot): void {
    const { table } = this.#entries
    const value = table.valueAt(slot)
    if (typeof value !== 'object' || value === null || table.hasGivenSize(slot)) return
    this.hasObjects = true
    const key = table.keyAt(slot)
    // A pending promise is measured when it fulfils.
    if (this.#pending.has(key)) return
    if (this.#settings.sizeOf === heapSize) {
      const walk = new Walk(true)
      walk.add(value)
      walk.add(fulfilled(value)?.value)
      this.#measurement = { key, value, walk }
      return
    }
    const before = table.valueBytesOf(slot)
    this.#attempt(key, () => this.#entries.remeasure(key))
    const present = table.find(key)
    if (present === NONE || table.valueBytesOf(present) !== before) this.hasFound = true
  }

  #measure(measurement: Measurement, isOver: () => boolean): void {
    const { key, walk } = measurement
    const limit = this.#settings.maxSizeBytes
    if (this.#slotOf(measurement) !== NONE) {
      while (walk.bytes <= limit && lookFurther(walk)) if (isOver()) return
    }
    this.#measurement = undefined
    // Getters of the value may have run, which may use the cache.
    const slot = this.#slotOf(measurement)
    if (slot !== NONE && walk.bytes !== this.#entries.table.valueBytesOf(slot)) {
      this.hasFound = true
      this.#attempt(key, () => this.#entries.recharge(slot, walk.bytes))
    }
  }

  /** The slot of the value, or `NONE` if it is no longer to be measured. */
  #slotOf({ key, value }: Measurement): Slot {
    const { table } = this.#entries
    const slot = table.find(key)
    return table.valueAt(slot) === value && !table.hasGivenSize(slot) ? slot : NONE
  }

  #attempt(key: string, measure: () => void): void {
    try {
      measure()
    } catch (error) {
      this.#hooks.failed(error, 'sweep', key)
    }
  }
}
