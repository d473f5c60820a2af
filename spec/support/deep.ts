/** Runs an act below so many calls. The variable keeps an engine from a tail call without stack. */
export const callAt = (depth: number, act: () => unknown): unknown => {
  const result = depth > 0 ? callAt(depth - 1, act) : act()
  return result
}

/** Runs an act at a depth. True if the stack overflowed. */
const overflows = (depth: number, act: () => unknown): boolean => {
  try {
    callAt(depth, act)
  } catch (error) {
    if (error instanceof RangeError) return true
    throw error
  }
  return false
}

/** Runs an act at each depth near the end of the stack, on a new subject each, and checks it after. */
export function atEachDepth<Subject>(
  make: () => Subject,
  act: (subject: Subject) => unknown,
  check: (subject: Subject) => void,
): void {
  const overflowsAt = (depth: number): boolean => {
    const subject = make()
    const hasOverflowed = overflows(depth, () => act(subject))
    check(subject)
    return hasOverflowed
  }
  let count: number
  // Once the engine has compiled a function its frames are smaller, so the depth is searched again.
  do {
    let deepest = 0
    for (let step = 2 ** 17; step >= 1; step /= 2) if (!overflowsAt(deepest + step)) deepest += step
    count = 0
    for (let depth = deepest - 40; depth < deepest + 60; depth++) if (overflowsAt(depth)) count++
  } while (count < 20)
}
