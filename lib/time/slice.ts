/** Milliseconds for which a slice may hold the thread. It ends with the step that passes them. */
const SLICE = 1.5
/** About as many steps as fit a slice. Workers need this limit: their clock stands still in a run. */
const MOST_STEPS = 16_384

/** Begins a slice. The result is called after each step and returns whether the slice is over. */
export function timeSlice(): () => boolean {
  const clock = globalThis.performance ?? Date
  const end = clock.now() + SLICE
  let steps = 0
  return () => ++steps > MOST_STEPS || clock.now() >= end
}
