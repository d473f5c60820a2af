import { fulfilledValue } from './fulfilled.ts'
import type { Hooks } from './hooks.ts'
import type { Settings } from './options/options.ts'
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

/** A value that is measured, for as many slices as it takes. */
interface Measurement {
  readonly key: string
  readonly value: object
  readonly walk: Walk
}

/**
 * Finds values that grew or shrank in place, which no trap sees: walks over all of them in slices
 * that do not hold the thread for much more than two milliseconds.
 */
export class Growth {
  /** Milliseconds between two slices of one walk. */
  static readonly PAUSE = 20
  /** Whether an object was written since the walk began, or found by it: only objects grow. */
  hasObjects = false
  /** The next slot, or 0 while no walk is under way. */
  #slot = 0
  #rebuilds = 0
  /** By its key, since the value may be given another slot between two slices. */
  #measurement: Measurement | undefined

  get hasWork(): boolean {
    return this.hasObjects || this.#slot !== 0
  }

  /** Whether the walk came to its end. */
  look(holder: Holder): boolean {
    if (!this.hasWork) return true
    const { table } = holder
    const isDue = timeSlice()
    if (this.#slot === 0) this.#begin(table)
    while (!isDue()) {
      if (this.#measurement !== undefined) this.#goOn(holder, this.#measurement, isDue)
      else if (this.#slot < table.records.capacity) this.#lookAt(holder, this.#slot++)
      else {
        this.#end(table)
        return true
      }
    }
    return false
  }

  /** A value that is measured, and what was met in it, is let go. */
  clear(): void {
    this.#measurement = undefined
  }

  #begin(table: Table): void {
    this.#slot = 1
    this.#rebuilds = table.rebuilds
    this.hasObjects = false
  }

  #end(table: Table): void {
    this.#slot = 0
    // What was ahead may have been moved to a slot that had been passed.
    if (this.#rebuilds !== table.rebuilds) this.hasObjects = true
  }

  #lookAt(holder: Holder, slot: number): void {
    const { table } = holder
    const value = table.valueAt(slot)
    if (typeof value !== 'object' || value === null || table.hasGivenSize(slot)) return
    this.hasObjects = true
    const key = table.keyAt(slot)
    if (holder.promises.has(key)) return
    if (holder.settings.sizeOf !== heapSize) {
      attempt(holder, key, () => holder.remeasure(slot))
      return
    }
    const walk = new Walk(true)
    walk.add(value)
    walk.add(fulfilledValue(value)?.value)
    this.#measurement = { key, value, walk }
  }

  #goOn(holder: Holder, measurement: Measurement, isDue: () => boolean): void {
    const { walk } = measurement
    if (slotOf(holder, measurement) !== 0) while (lookFurther(walk)) if (isDue()) return
    this.#measurement = undefined
    // Getters of the value may have run.
    const slot = slotOf(holder, measurement)
    if (slot !== 0 && walk.bytes !== holder.table.valueBytesOf(slot)) {
      attempt(holder, measurement.key, () => holder.recharge(slot, walk.bytes))
    }
  }
}

/** Where the value is, if it is still to be measured; or 0. */
function slotOf({ table }: Holder, { key, value }: Measurement): number {
  const slot = table.find(key)
  return table.valueAt(slot) === value && !table.hasGivenSize(slot) ? slot : 0
}

function attempt({ hooks }: Holder, key: string, measure: () => void): void {
  try {
    measure()
  } catch (error) {
    hooks.failed(error, 'sweep', key)
  }
}

function timeSlice(): () => boolean {
  const clock = globalThis.performance ?? Date
  const end = clock.now() + SLICE
  let steps = 0
  return () => ++steps > MOST_STEPS || clock.now() >= end
}
