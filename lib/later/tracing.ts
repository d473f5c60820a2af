import { builtinModule } from '../engine.ts'
import { handleRejection } from '../promise.ts'
import type { Load, Loader } from './load.ts'

type Channel = ReturnType<typeof import('node:diagnostics_channel').tracingChannel>

/** Looked up at the first load; `false` where there is none. */
let channel: Channel | false | undefined

/** Calls the factory of a load, within a trace if anybody has subscribed. */
export function start(load: Load, factory: Loader, stale: unknown, controller: object): void {
  channel ??=
    builtinModule('node:diagnostics_channel')?.tracingChannel?.('faas-cache-dict.load') ?? false
  if (channel && isHeard(channel)) trace(channel, load, factory, stale, controller)
  else load.start(factory, stale)
}

// Bun reports the subscribers of each event alone.
const isHeard = (loads: Channel): boolean =>
  loads.hasSubscribers ?? Object.values(loads).some((event) => event.hasSubscribers)

// On its own, so that a load without subscribers allocates no closure.
function trace(loads: Channel, load: Load, factory: Loader, stale: unknown, controller: object) {
  const { keys } = load
  let started: Promise<unknown> | undefined
  const run = () => {
    started ??= load.start(factory, stale)
    return started
  }
  try {
    handleRejection(loads.tracePromise(run, { key: keys[0], keys: [...keys], controller, stale }))
  } catch {
    // On Workers, a subscriber may throw before the load has started.
    run()
  }
}
