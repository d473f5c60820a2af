const waiting = new WeakMap<AbortSignal, Waiting>()

/** Calls `run` once the signal is aborted. Returns a function that takes this back. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  let all = waiting.get(signal)
  if (all === undefined) {
    all = new Waiting(signal)
    waiting.set(signal, all)
  }
  return all.add(run)
}

/** One listener for all who wait for a signal: Node compares each new one with all that it has. */
class Waiting {
  readonly #signal: AbortSignal
  readonly #runs = new Set<() => void>()
  readonly #listener = () => {
    for (const run of this.#runs) run()
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(run: () => void): () => void {
    const runs = this.#runs
    if (runs.size === 0) this.#signal.addEventListener('abort', this.#listener)
    runs.add(run)
    return () => {
      runs.delete(run)
      if (runs.size === 0) this.#signal.removeEventListener('abort', this.#listener)
    }
  }
}
