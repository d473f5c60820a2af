import type { Hooks } from './hooks.ts'
import type { Settings } from './options/options.ts'
import { fulfilledValue } from './promises.ts'
import { heapSize } from './size/heap-size.ts'
import { lookFurther } from './size/measure.ts'
import { Walk } from './size/walk.ts'
import type { Table } from './table/table.ts'

/** Milliseconds. A slice ends with the step that passes them, which may take half of one. */
const SLICE = 1.5
/** About as many as fit a slice: in a Worker the clock stands still for as long as it runs. */
const MOST_STEPS = 16_384

/** What holds the values that may grow. */
export interface Holder {
  readonly table: Table
  readonly settings: Settings
  readonly hooks: Hooks
  /** What has not fulfilled is measured when it does. */
  readonly promises: { has(key: string): boolean }
  /** Measures an entry again. */
  remeasure(slot: number): void
  /** What an entry's value was found to weigh. */
  recharge(slot: number, valueBytes: number): void
}

/**
 * Finds values that grew or shrank in place, which no trap sees: walks over all of them in slices
 * that do not hold the thread for much more than two milliseconds.
 */
export class Growth {
  /** Milliseconds between two slices of one walk. */
  static readonly PAUSE = 20
  /** Whether any value may have grown: only objects do. */
  hasWork = false
  #slot = 1
  #found = false
  #value: unknown
  #fulfilled: object | undefined
  #walk: Walk | undefined

  /** Whether the walk came to its end. */
  look(holder: Holder): boolean {
    if (!this.hasWork) return true
    const isDue = timeSlice()
    while (this.#slot < holder.table.records.capacity) {
      if (isDue()) return false
      try {
        if (!this.#lookAt(holder, this.#slot, isDue)) return false
      } catch (error) {
        holder.hooks.failed(error, 'sweep', holder.table.keyAt(this.#slot))
      }
      this.#slot++
    }
    this.hasWork = this.#found
    this.#found = false
    this.#slot = 1
    return true
  }

  /** Whether the entry has been measured to its end. */
  #lookAt(holder: Holder, slot: number, isDue: () => boolean): boolean {
    const { table } = holder
    const value = table.valueAt(slot)
    if (typeof value !== 'object' || value === null) return true
    this.#found = true
    if (table.hasGivenSize(slot) || holder.promises.has(table.keyAt(slot))) return true
    if (holder.settings.sizeOf !== heapSize) {
      holder.remeasure(slot)
      return true
    }
    const fulfilled = fulfilledValue(value)
    if (this.#walk === undefined || this.#value !== value || this.#fulfilled !== fulfilled) {
      this.#walk = new Walk(true)
      this.#walk.add(value)
      this.#walk.add(fulfilled?.value)
      this.#value = value
      this.#fulfilled = fulfilled
    }
    const walk = this.#walk
    while (lookFurther(walk)) if (isDue()) return false
    const { bytes } = walk
    this.#walk = undefined
    this.#value = undefined
    this.#fulfilled = undefined
    if (table.valueAt(slot) === value && bytes !== table.valueBytesOf(slot)) {
      holder.recharge(slot, bytes)
    }
    return true
  }
}

function timeSlice(): () => boolean {
  const clock = globalThis.performance ?? Date
  const end = clock.now() + SLICE
  let steps = 0
  return () => ++steps > MOST_STEPS || clock.now() >= end
}
