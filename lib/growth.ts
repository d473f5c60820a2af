import { fulfilledValue } from './fulfilled.ts'
import type { Hooks } from './hooks.ts'
import type { Settings } from './options/options.ts'
import { heapSize } from './size/heap-size.ts'
import { lookFurther } from './size/measure.ts'
import { Walk } from './size/walk.ts'
import type { Table } from './table/table.ts'

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
  /** Whether an object was written since the walk began, or found by it: only objects grow. */
  hasObjects = false
  /** Whether the walk found another size, or may have missed a value. */
  hasFound = false
  /** The next slot, or 0 while no walk is under way. */
  #slot = 0
  #rebuilds = 0
  /** By its key, since the value may be given another slot between two slices. */
  #measurement: Measurement | undefined

  get hasWork(): boolean {
    return this.hasObjects || this.#slot !== 0
  }

  /** Whether the walk came to its end before the slice did. */
  look(holder: Holder, isOver: () => boolean): boolean {
    if (!this.hasWork) return true
    const { table } = holder
    if (this.#slot === 0) this.#begin(table)
    while (!isOver()) {
      if (this.#measurement !== undefined) this.#goOn(holder, this.#measurement, isOver)
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
    this.hasObjects = this.hasFound = false
  }

  #end(table: Table): void {
    this.#slot = 0
    // What was ahead may have been moved to a slot that had been passed.
    if (this.#rebuilds !== table.rebuilds) this.hasObjects = this.hasFound = true
  }

  #lookAt(holder: Holder, slot: number): void {
    const { table } = holder
    const value = table.valueAt(slot)
    if (typeof value !== 'object' || value === null || table.hasGivenSize(slot)) return
    this.hasObjects = true
    const key = table.keyAt(slot)
    if (holder.promises.has(key)) return
    if (holder.settings.sizeOf !== heapSize) {
      const before = table.valueBytesOf(slot)
      attempt(holder, key, () => holder.remeasure(slot))
      const present = table.find(key)
      if (present === 0 || table.valueBytesOf(present) !== before) this.hasFound = true
      return
    }
    const walk = new Walk(true)
    walk.add(value)
    walk.add(fulfilledValue(value)?.value)
    this.#measurement = { key, value, walk }
  }

  #goOn(holder: Holder, measurement: Measurement, isOver: () => boolean): void {
    const { walk } = measurement
    const limit = holder.settings.maxSizeBytes
    if (slotOf(holder, measurement) !== 0) {
      while (walk.bytes <= limit && lookFurther(walk)) if (isOver()) return
    }
    this.#measurement = undefined
    // Getters of the value may have run.
    const slot = slotOf(holder, measurement)
    if (slot !== 0 && walk.bytes !== holder.table.valueBytesOf(slot)) {
      this.hasFound = true
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
