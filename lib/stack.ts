const LEVELS = 8
let level = 0
/** 8 KB of the stack, where they are passed as arguments. */
let filler: [] | undefined

/**
 * Throws the engine's own `RangeError` unless 64 KB of the stack are left. A function is compiled
 * before it runs for the first time, which takes stack: ask here before changes that run functions
 * which may never have run. It takes some 4 us.
 */
export function requireStackToCompile(): void {
  filler ??= new Array(1024).fill(0) as []
  level = 0
  fill()
}

/** For one kind of change: asks for more until each function that it runs has been compiled. */
export class StackGuard {
  #early = 32

  require(count: number): void {
    if (this.#early === 0) requireStack(count)
    else {
      requireStackToCompile()
      this.#early--
    }
  }
}

function fill(): void {
  if (++level < LEVELS) fill.apply(undefined, filler as [])
}

/**
 * Throws the engine's own `RangeError` unless about 2 KB of the stack are left. Call it before a change
 * in several steps, so that no step fails for lack of stack. On entry the engine checks for the
 * registers of the long call below, which also keeps this function from being inlined. That call never
 * runs: `count` is never negative, which no bundler can know.
 */
export function requireStack(count: number): void {
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
