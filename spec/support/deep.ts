// A tail call would take no stack in some engines, hence the variable.
export const callAt = (depth: number, act: () => unknown): unknown => {
  const result = depth > 0 ? callAt(depth - 1, act) : act()
  return result
}

/** Whether the stack has overflowed. */
const overflows = (depth: number, act: () => unknown): boolean => {
  try {
    callAt(depth, act)
  } catch (error) {
    if (error instanceof RangeError) return true
    throw error
  }
  return false
}

/** Runs an act on new subjects at each depth near the end of the stack, and checks each afterwards. */
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
  // A frame takes less stack once the engine has compiled its function: then all is as before.
  do {
    let deepest = 0
    for (let step = 2 ** 17; step >= 1; step /= 2) if (!overflowsAt(deepest + step)) deepest += step
    count = 0
    for (let depth = deepest - 40; depth < deepest + 60; depth++) if (overflowsAt(depth)) count++
  } while (count < 20)
}
