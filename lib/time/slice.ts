/** Milliseconds. A slice ends with the step that passes them, which may take half of one. */
const SLICE = 1.5
/** About as many as fit a slice: in a Worker the clock stands still for as long as it runs. */
const MOST_STEPS = 16_384

/** Milliseconds between two slices of what holds the thread for too long in one go. */
export const PAUSE = 20

/** Asked after each step, whether the slice that begins now is over. */
export function timeSlice(): () => boolean {
  const clock = globalThis.performance ?? Date
  const end = clock.now() + SLICE
  let steps = 0
  return () => ++steps > MOST_STEPS || clock.now() >= end
}
