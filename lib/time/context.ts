import { builtinModule } from '../builtin-module.ts'

/** Calls what it is given. */
export type Run = <T>(call: () => T) => T

const runHere: Run = (call) => call()

/**
 * Runs calls in the asynchronous context of now: what an `AsyncLocalStorage` holds of a request is
 * neither seen nor kept alive by a timer that is set so.
 */
export const presentContext = (): Run =>
  builtinModule('node:async_hooks')?.AsyncLocalStorage?.snapshot?.() ?? runHere
