import { vi } from 'vitest'

/**
 * A new copy of the library on two clocks that the spec moves. The library takes them for the
 * platform's own, since they look like native functions.
 */
export const libraryOnClocks = async (wall: number, monotonic: number) => {
  const clocks = { wall, monotonic }
  const now = () => clocks.wall
  const sourceOf = Function.prototype.toString
  vi.spyOn(Function.prototype, 'toString').mockImplementation(function (this: () => unknown) {
    return this === now ? 'function now() { [native code] }' : sourceOf.call(this)
  })
  Date.now = now
  performance.now = () => clocks.monotonic
  vi.resetModules()
  return { clocks, library: await import('faas-cache-dict') }
}
