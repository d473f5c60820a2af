import { weakly } from '../engine.ts'
import type { Entries } from '../entries.ts'
import type { Hooks } from '../hooks.ts'
import { type Guard, type Guarded, processGuard, writableEarly } from '../memory/guard.ts'
import { FIRST_LOOK, MOST_WRITABLE } from '../memory/pace.ts'
import type { Settings } from '../options/options.ts'

/** Removals between two runs of the hooks. */
const REMOVALS_BETWEEN_HOOKS = 32
/** A budget grows at a time by so much of what is held, or so many bytes. */
const GROWTH = 1 / 4
/** In bytes. */
const LEAST_GROWTH = 4_096

/** What a cache gives back when the process is short of memory. */
export class Squeeze implements Guarded {
  readonly #entries: Entries
  readonly #hooks: Hooks
  /** `undefined` before the first look, `null` if this cache has none. */
  #guard: Guard | null | undefined
  /** Bytes that the cache may write between two calls of the guard. */
  #writable = FIRST_LOOK
  /** Bytes to keep, while a cut is under way; 0 otherwise. */
  #goal = 0
  /** Entries that the cut may take, since a hook may write as many as leave. */
  #evictable = 0

  constructor(settings: Settings, entries: Entries, hooks: Hooks) {
    this.#entries = entries
    this.#hooks = hooks
    if (!settings.memoryGuard) this.#guard = null
  }

  /**
   * Tells the guard what was written. The guard looks at the memory of the process if it is time to, or
   * if `isDue` and none was just before. Never throws: without stack, the next write tells it.
   */
  look(isDue = false): void {
    try {
      this.#look(isDue)
    } catch {}
  }

  #look(isDue: boolean): void {
    const entries = this.#entries
    const written = this.#writable - entries.allowance
    let writable = this.#guard === undefined ? writableEarly(written) : 0
    if (writable === 0) {
      if (this.#guard === undefined) this.#guard = this.#joined()
      writable = this.#guard?.count(written) ?? MOST_WRITABLE
    }
    this.#writable = entries.allowance = writable
    if (isDue) this.#guard?.lookIfRested()
  }

  #joined(): Guard | null {
    const guard = processGuard()
    guard?.join(weakly(this))
    return guard
  }

  get #sizeBytes(): number {
    return this.#entries.sizeBytes
  }

  get heldBytes(): number {
    return this.#entries.count === 0 ? 0 : this.#sizeBytes
  }

  get nextGrowthBytes(): number {
    return this.#entries.table.nextGrowthBytes
  }

  keepOnly(part: number, least: number): void {
    this.#goal = Math.ceil(Math.max(part * this.#sizeBytes, least))
    this.#evictable = this.#entries.count
  }

  evict(isOver: () => boolean): boolean {
    if (this.#goal === 0) return true
    const entries = this.#entries
    // Meanwhile: at the limit, a removal may give back the free slots, all of them at once.
    entries.squeezeTo(Infinity)
    let isDone = false
    for (let count = 1; ; count++) {
      isDone = this.#sizeBytes <= this.#goal || --this.#evictable < 0 || !entries.giveBackOne()
      if (isDone || isOver()) break
      if (count % REMOVALS_BETWEEN_HOOKS === 0) this.#hooks.run()
    }
    entries.squeezeTo(isDone ? this.#goal : this.#sizeBytes)
    if (isDone) this.#goal = 0
    this.#hooks.run()
    return isDone
  }

  allow(bytes: number): boolean {
    const entries = this.#entries
    if (!entries.isSqueezed) return false
    const { effectiveMaxSizeBytes, maxSizeBytes, isCramped } = entries
    const sizeBytes = this.#sizeBytes
    // Otherwise a budget in force that is less than two large entries would not grow.
    const held = isCramped ? effectiveMaxSizeBytes : sizeBytes
    entries.isCramped = false
    const growth = Math.max(GROWTH * held, LEAST_GROWTH)
    const most = Math.floor(Math.min(held + growth, sizeBytes + bytes))
    const takesLess = maxSizeBytes === Infinity && 2 * sizeBytes < effectiveMaxSizeBytes
    // As much is offered as it may ever take, or as it takes without a budget.
    if (sizeBytes + bytes >= maxSizeBytes || takesLess) entries.squeezeTo(Infinity)
    else if (most > effectiveMaxSizeBytes) entries.squeezeTo(most)
    return entries.isSqueezed
  }
}
