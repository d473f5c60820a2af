import { builtinModule } from '../builtin-module.ts'
import { withoutContext } from '../context.ts'

export type Timer = ReturnType<typeof setTimeout>

type Run = <T>(call: () => T) => T

// Bun and Deno bind a timer to its context out of reach, so there it is set from that of the import.
const leave: Run | undefined = /* @__PURE__ */ contextOfImport()

function contextOfImport(): Run | undefined {
  const isBound = 'Deno' in globalThis || 'Bun' in globalThis
  return isBound ? builtinModule('node:async_hooks')?.AsyncLocalStorage?.snapshot?.() : undefined
}

/**
 * A timer that holds neither the process open nor the request alive in which it was set, and whose
 * callback sees no request. Throws where the platform refuses timers.
 */
export function setTimer(call: () => void, delay: number): Timer {
  const set = () => setTimeout(call, delay)
  const timer = leave === undefined ? set() : leave(set)
  if (typeof timer === 'object') withoutContext(timer).unref?.()
  else (globalThis as { Deno?: { unrefTimer?(id: unknown): void } }).Deno?.unrefTimer?.(timer)
  return timer
}

/** Does nothing where none was set, as where the platform has no timers. */
export function clearTimer(timer: Timer | undefined): void {
  if (timer !== undefined) clearTimeout(timer)
}
