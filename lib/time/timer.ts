import { builtinModule, isWorker, withoutContext } from '../engine.ts'
import { systemClock } from './clock.ts'

// Timers take no more: a longer delay would fire at once.
const LONGEST_DELAY = 2 ** 31 - 1
const NEVER = Infinity

/**
 * Milliseconds until the next run, or `undefined` if nothing is left to do. If that is longer than
 * the interval, the timer rests meanwhile and can be woken.
 */
type Run<T> = (target: T) => number | undefined

/**
 * Calls `run` for as long as anything is left to do, the first time `interval` milliseconds after
 * `wake`. It keeps neither the process, nor its target, nor the request that woke it alive, and runs
 * outside any request. `run` must not refer to the target itself. There is no timer on platforms that
 * refuse timers. On Workers a timer dies with the request that set it: once it is one interval late,
 * the next `wake` replaces it.
 */
export class BackgroundTimer<T extends object> {
  readonly interval: number
  // Some Workers have no WeakRef: no timer there, rather than a target that is never collected.
  readonly #target: WeakRef<T> | undefined
  readonly #runOn: Run<T>
  #isClosed: boolean
  #handle: Timer | undefined
  /** Whether a call of `wake` changes nothing before `overdueAt`. Public, since every write reads it. */
  isAwake: boolean
  /** From this time on, by the system's clock, the timer counts as dead. Public as well. */
  overdueAt = NEVER

  constructor(interval: number, target: T, run: Run<T>) {
    this.interval = interval
    this.#target = globalThis.WeakRef && new WeakRef(target)
    this.#runOn = run
    this.#isClosed = interval === NEVER || this.#target === undefined
    this.isAwake = this.#isClosed
  }

  wake(): void {
    if (systemClock.now() >= this.overdueAt) this.#replace()
    else if (!this.isAwake) {
      clearTimer(this.#handle)
      this.#schedule(this.interval)
    }
  }

  /** Nothing wakes it from here on. */
  close(): void {
    this.#isClosed = true
    this.isAwake = true
    this.overdueAt = NEVER
    clearTimer(this.#handle)
  }

  #schedule(delay: number): void {
    this.isAwake = delay <= this.interval
    try {
      this.#handle = setTimer(() => this.#run(), delay)
      this.overdueAt = systemClock.now() + delay + this.interval
    } catch {
      // Workers refuse timers at module scope, but not in requests: try again, yet not in a loop.
      Promise.resolve().then(() => this.#sleep())
    }
  }

  #replace(): void {
    this.isAwake = true
    this.overdueAt = NEVER
    // A process that was frozen still has its timers, which know no request.
    if (typeof this.#handle === 'object' && !isWorker()) {
      clearTimer(this.#handle)
      this.#schedule(0)
    } else Promise.resolve().then(() => this.#run())
  }

  #run(): void {
    if (this.#isClosed) return
    clearTimer(this.#handle)
    const target = this.#target?.deref()
    if (!target) return
    this.isAwake = true
    const run = this.#runOn
    let delay: number | undefined = this.interval
    try {
      delay = run(target)
    } finally {
      // If timers cannot wait for so long, it rests until it is woken.
      if (delay === undefined || (delay > this.interval && delay > LONGEST_DELAY)) this.#sleep()
      else if (!this.#isClosed) this.#schedule(delay)
    }
  }

  #sleep(): void {
    this.overdueAt = NEVER
    this.isAwake = this.#isClosed
  }
}

export type Timer = ReturnType<typeof setTimeout>

type InContext = <T>(call: () => T) => T

// On Bun and Deno the context of a timer cannot be removed, so it is set in that of the import.
const inContextOfImport: InContext | undefined = /* @__PURE__ */ contextOfImport()

function contextOfImport(): InContext | undefined {
  const isBound = 'Deno' in globalThis || 'Bun' in globalThis
  return isBound ? builtinModule('node:async_hooks')?.AsyncLocalStorage?.snapshot?.() : undefined
}

/**
 * A timer that keeps neither the process nor a request alive. A delay beyond 24 days is one of 24 days.
 * Throws if the platform refuses timers.
 */
function setTimer(call: () => void, delay: number): Timer {
  const set = () => setTimeout(call, Math.min(delay, LONGEST_DELAY))
  const handle = inContextOfImport === undefined ? set() : inContextOfImport(set)
  if (typeof handle === 'object') withoutContext(handle).unref?.()
  else (globalThis as { Deno?: { unrefTimer?(id: unknown): void } }).Deno?.unrefTimer?.(handle)
  return handle
}

/** `undefined` where the platform refuses timers, as at the module scope of a Worker. */
export function setTimerIfAllowed(call: () => void, delay: number): Timer | undefined {
  try {
    return setTimer(call, delay)
  } catch {
    return undefined
  }
}

export function clearTimer(handle: Timer | undefined): void {
  if (handle !== undefined) clearTimeout(handle)
}
