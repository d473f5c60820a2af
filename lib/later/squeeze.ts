import { weakly } from '../engine.ts'
import type { Entries } from '../entries.ts'
import type { Hooks } from '../hooks.ts'
import { type Guard, type Guarded, processGuard } from '../memory/guard.ts'
import { Pace } from '../memory/pace.ts'
import type { Settings } from '../options/options.ts'

/** Removals between two runs of the hooks. */
const REMOVALS_BETWEEN_HOOKS = 32
/** Of the budget in force, and bytes: it grows by one of them at a time. */
const GROWTH = 1 / 4
const LEAST_GROWTH = 4_096

/** What a cache gives back when the process is short of memory. */
export class Squeeze implements Guarded {
  readonly #entries: Entries
  readonly #hooks: Hooks
  readonly #isGuarded: boolean
  #guard: Guard | undefined
  #pace: Pace | undefined
  /** Bytes to keep, while a cut is under way. */
  #goal = Infinity

  constructor(settings: Settings, entries: Entries, hooks: Hooks) {
    this.#entries = entries
    this.#hooks = hooks
    this.#isGuarded = settings.memoryGuard
  }

  /** Has the guard look at the memory of the process. */
  look(): void {
    const entries = this.#entries
    this.#pace ??= new Pace()
    if (this.#isGuarded) this.#guard ??= this.#joined()
    const room = this.#guard?.look() ?? Infinity
    entries.allowance = this.#pace.next(entries.allowance, this.#guard?.allocated ?? 0, room)
  }

  #joined(): Guard | undefined {
    const guard = processGuard()
    guard?.join(weakly(this))
    return guard
  }

  get #sizeBytes(): number {
    return this.#entries.table.sizeBytes
  }

  get heldBytes(): number {
    return this.#entries.table.size === 0 ? 0 : this.#sizeBytes
  }

  get growthBytes(): number {
    return this.#entries.table.nextGrowthBytes
  }

  keepOnly(part: number): void {
    this.#goal = Math.floor(part * this.#sizeBytes)
  }

  evict(isOver: () => boolean): boolean {
    if (this.#goal === Infinity) return true
    const entries = this.#entries
    let isDone = false
    for (let count = 1; ; count++) {
      isDone = this.#sizeBytes <= this.#goal || !entries.giveBackOne()
      if (isDone || isOver()) break
      if (count % REMOVALS_BETWEEN_HOOKS === 0) this.#hooks.run()
    }
    entries.squeezeTo(isDone ? this.#goal : this.#sizeBytes)
    if (isDone) this.#goal = Infinity
    this.#hooks.run()
    return isDone
  }

  allow(bytes: number): boolean {
    const entries = this.#entries
    const { effectiveMaxSizeBytes } = entries
    // From what is in force, not from what is held: the next entry may be larger than all that is left.
    const more = effectiveMaxSizeBytes + Math.max(GROWTH * effectiveMaxSizeBytes, LEAST_GROWTH)
    const most = Math.floor(Math.min(more, this.#sizeBytes + bytes))
    if (entries.isSqueezed && most > effectiveMaxSizeBytes) entries.squeezeTo(most)
    return entries.isSqueezed
  }
}
