import { requireStackToCompile } from '../stack.ts'
import { MapTable } from './map-table.ts'

/** From this capacity on, a `Map` is replaced before the engine would rehash all that is left of it. */
const LARGE = 2 ** 18
/** How many of the keys that are left move with each removal. */
const STEPS = 4

/** A `Map` whose keys move to the next one. A key that was removed since has slot 0. */
interface Former {
  readonly slots: Map<string, number>
  readonly bytes: number
  readonly rest: Iterator<[string, number]>
}

/**
 * From key to slot. When a large `Map` has lost most of its keys, the engine would shrink it at once,
 * which takes 17 ms for a quarter of a million keys. So the keys that are left move to another `Map`, a
 * few with each removal.
 */
export class KeySlots {
  /** Public, since every read looks here first. */
  slots = new Map<string, number>()
  #table = new MapTable()
  #former: Former | undefined

  get bytes(): number {
    const { bytes } = this.#table
    return this.#former === undefined ? bytes : bytes + this.#former.bytes
  }

  /** The slot of a key that is not in `slots`, or 0. */
  getFormer(key: string): number {
    return this.#former === undefined ? 0 : (this.#former.slots.get(key) ?? 0)
  }

  /** For a key without a slot. Whether `bytes` changed. */
  add(key: string, slot: number): boolean {
    this.slots.set(key, slot)
    return this.#table.add()
  }

  /** Gives a key another slot. */
  move(key: string, slot: number): void {
    const isFormer = this.#former !== undefined && !this.slots.has(key)
    const slots = isFormer ? (this.#former as Former).slots : this.slots
    slots.set(key, slot)
  }

  /** Whether `bytes` changed. */
  remove(key: string): boolean {
    if (this.#former === undefined) {
      if (!this.#table.isAboutToHalve(LARGE)) {
        this.slots.delete(key)
        return this.#table.remove()
      }
      requireStackToCompile()
      this.#leave()
    }
    const { slots } = this.#former as Former
    if (slots.get(key)) slots.set(key, 0)
    if (this.slots.delete(key)) this.#table.remove()
    for (let step = 0; step < STEPS && this.#former !== undefined; step++) this.#takeOver()
    return true
  }

  #leave(): void {
    const slots = this.slots
    this.#former = { slots, bytes: this.#table.bytes, rest: slots.entries() }
    this.slots = new Map()
    this.#table = new MapTable()
  }

  #takeOver(): void {
    const { done, value } = (this.#former as Former).rest.next()
    if (done) this.#former = undefined
    else if (value[1] !== 0) this.add(value[0], value[1])
  }
}
