import type { Weakly } from '../engine.ts'
import { MISSING } from '../entries.ts'
import { TimeoutError } from '../errors.ts'
import type { LoadTerms } from '../options/load-terms.ts'
import { clearTimer, setTimerIfAllowed } from '../time/timer.ts'
import { onAbort } from './abort.ts'
import type { Load } from './load.ts'

/** A caller who waits for a load. */
export interface Caller {
  readonly key: string
  readonly load: Load
  readonly terms: LoadTerms
  /** Whether it has got something else meanwhile. */
  hasLeft: boolean
}

/** What happens to a caller who waits no longer. */
export interface Departures {
  /** A value that the caller may get instead, or `MISSING`. */
  atHand(caller: Caller): unknown
  /** The caller leaves the load to go on. */
  goOn(caller: Caller): void
  /** The caller leaves, and the load with it if it was the last one. */
  leave(caller: Caller, reason: unknown): void
}

/**
 * What comes of a load for a caller, or what the caller gets earlier: by `signal`, by `timeout` if `hasOwnTimeout`,
 * by `softTimeout` if `takesStale`.
 */
export function raced(
  load: Promise<unknown>,
  outcome: Promise<unknown>,
  caller: Caller,
  hasOwnTimeout: boolean,
  takesStale: boolean,
  departures: Weakly<Departures>,
): Promise<unknown> {
  const { key, terms } = caller
  const { signal, softTimeout, timeout } = terms
  return new Promise((resolve, reject) => {
    const timers = [
      takesStale ? setTimerIfAllowed(serve, softTimeout) : undefined,
      hasOwnTimeout ? setTimerIfAllowed(giveUp, timeout) : undefined,
    ]
    const forgetSignal = signal && onAbort(signal, abort)
    outcome.then(resolve, reject)
    // What comes of a load that gives nothing may take longer, and has its own timers.
    load.then(stop, stop)
    // By the factory, before this caller could wait.
    if (signal?.aborted) abort()

    function atHand() {
      const all = departures.deref()
      // Not by `??`, since the value may be null.
      return all === undefined ? MISSING : all.atHand(caller)
    }

    function serve() {
      const value = atHand()
      // Its window may be over by now, as after a freeze.
      if (value === MISSING) return
      depart()
      departures.deref()?.goOn(caller)
      resolve(value)
    }

    function giveUp() {
      const error = new TimeoutError(key, timeout)
      const value = atHand()
      depart()
      departures.deref()?.leave(caller, error)
      if (value === MISSING) reject(error)
      else resolve(value)
    }

    function abort() {
      depart()
      departures.deref()?.leave(caller, signal?.reason)
      reject(signal?.reason)
    }

    function depart() {
      caller.hasLeft = true
      caller.load.forget(caller)
      stop()
    }

    function stop() {
      for (const timer of timers) clearTimer(timer)
      forgetSignal?.()
    }
  })
}
