const LEVELS = 8
let level = 0
/** Takes 8 KB of the stack when it is passed as arguments. */
let filler: [] | undefined

/**
 * Throws the engine's own `RangeError` unless 64 KB of the stack are left. The engine compiles a function
 * before it runs for the first time, which takes stack. So this comes before a change whose functions may
 * never have run. It takes 2 µs, `requireStack` a few nanoseconds.
 */
export function requireStackToCompile(): void {
  filler ??= new Array(1024).fill(0) as []
  level = 0
  fill()
}

/** For one kind of change. The first changes need more stack, to compile their functions. */
export class StackGuard {
  #early = 32

  /** Takes any number from 0 on, as `requireStack` does. */
  require(count: number): void {
    if (this.#early === 0) requireStack(count)
    else this.requireEarly()
  }

  /** For a change whose caller has required stack, but may have compiled other functions. */
  requireEarly(): void {
    if (this.#early === 0) return
    requireStackToCompile()
    this.#early--
  }
}

const changeGuards = () => ({
  write: new StackGuard(),
  promise: new StackGuard(),
  expired: new StackGuard(),
  refused: new StackGuard(),
  removal: new StackGuard(),
  renewal: new StackGuard(),
  replacement: new StackGuard(),
  remeasuring: new StackGuard(),
  placing: new StackGuard(),
})
const withHooks = /* @__PURE__ */ changeGuards()
const withoutHooks = /* @__PURE__ */ changeGuards()

/** A guard for each kind of change in several steps. */
export type ChangeGuards = ReturnType<typeof changeGuards>

/** With hooks, a change runs further functions, which have to be compiled as well. */
export function guardsOf(hasHooks: boolean): ChangeGuards {
  return hasHooks ? withHooks : withoutHooks
}

function fill(): void {
  if (++level < LEVELS) fill.apply(undefined, filler as [])
}

/**
 * Throws the engine's own `RangeError` unless about 2.5 KB of the stack are left. Call it before a change
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
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  )
  throw new RangeError(`${count} is below ${most}`)
}
