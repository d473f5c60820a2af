/** Milliseconds. A slice ends with the step that passes them. */
const SLICE = 1.5
/** About as many as fit a slice. A Worker needs this limit, since its clock stands still while it runs. */
const MOST_STEPS = 16_384

/** Milliseconds between two slices of work that would hold the thread for too long. */
export const PAUSE = 20

/** Begins a slice. Call the result after each step: it tells whether the slice is over. */
export function timeSlice(): () => boolean {
  const clock = globalThis.performance ?? Date
  const end = clock.now() + SLICE
  let steps = 0
  return () => ++steps > MOST_STEPS || clock.now() >= end
}
