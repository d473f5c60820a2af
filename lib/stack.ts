/** Frames, of 2 KB each, in which the engine can compile a function. */
export const TO_COMPILE = 32

/**
 * Throws the engine's own `RangeError` unless enough of the stack is left: asked for before
 * something is changed in several steps, so that none of them can fail for want of stack. 2 KB are
 * enough for the steps alone. Before a function runs for the first time it is compiled, which takes
 * `TO_COMPILE`: asked for by the first changes of a cache and before those that are rare.
 *
 * An engine reserves the registers that the call of `Math.max` would take, and checks for them
 * whenever this function is entered. They also make it too long to be inlined. `count` is never
 * negative, which no bundler can know.
 */
export function requireStack(count: number, frames = 0): void {
  if (frames > 0) requireStack(count, frames - 1)
  if (count >= 0) return
  // biome-ignore format: registers
  const most = Math.max(
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  )
  throw new RangeError(`${count} is below ${most}`)
}
