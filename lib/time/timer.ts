import { builtinModule } from '../builtin-module.ts'
import { withoutContext } from '../context.ts'

export type Timer = ReturnType<typeof setTimeout>

type Run = <T>(call: () => T) => T

// On Bun and Deno the context of a timer cannot be removed, so it is set in that of the import.
const leave: Run | undefined = /* @__PURE__ */ contextOfImport()

function contextOfImport(): Run | undefined {
  const isBound = 'Deno' in globalThis || 'Bun' in globalThis
  return isBound ? builtinModule('node:async_hooks')?.AsyncLocalStorage?.snapshot?.() : undefined
}

/**
 * A timer that keeps neither the process alive nor the request that set it, and whose callback sees no
 * request. Throws if the platform refuses timers.
 */
export function setTimer(call: () => void, delay: number): Timer {
  const set = () => setTimeout(call, delay)
  const timer = leave === undefined ? set() : leave(set)
  if (typeof timer === 'object') withoutContext(timer).unref?.()
  else (globalThis as { Deno?: { unrefTimer?(id: unknown): void } }).Deno?.unrefTimer?.(timer)
  return timer
}

/** Does nothing if no timer was set. */
export function clearTimer(timer: Timer | undefined): void {
  if (timer !== undefined) clearTimeout(timer)
}
