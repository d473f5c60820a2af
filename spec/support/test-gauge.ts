import { onTestFinished } from 'vitest'
import type { Weakly } from '../../lib/engine.ts'
import type { Gauge, Reading } from '../../lib/memory/gauge.ts'
import { Guard, type Guarded } from '../../lib/memory/guard.ts'

export const MIB = 2 ** 20

export const GUARD: unique symbol = Symbol.for('faas-cache-dict.guard.1')

/** A simulated process. It uses what a spec says and, for each byte that guarded caches charge, `factor` bytes. */
export class TestGauge implements Gauge {
  heapLimit = 64 * MIB
  containerLimit = Number.POSITIVE_INFINITY
  /** Bytes of the program's own objects that are alive. */
  live = 4 * MIB
  /** Bytes beside the heap, such as buffers. */
  outside = 0
  /** Bytes of native code, which no object holds. */
  native = 0
  /** Bytes of objects that the next collection frees. */
  garbage = 0
  /** Bytes of pages for each byte of objects. */
  fragmentation = 1
  young = 0
  factor = 1
  readings = 0
  /** Collections that the guard asked for. */
  collections = 0
  /** The most bytes of the heap that were alive at a reading. */
  mostAlive = 0
  mostResident = 0
  /** How often the guard has turned to a cache. */
  visits = 0
  readonly caches: Weakly<Guarded>[] = []
  #held = 0
  #pages = 0
  #waiting: (() => void)[] = []
  #called: (() => void)[] = []

  read(): Reading {
    this.readings++
    this.#noteCaches()
    const alive = this.live + this.#held
    const old = alive + this.garbage
    this.mostAlive = Math.max(this.mostAlive, alive)
    this.#pages = Math.max(this.#pages, this.fragmentation * old)
    const resident = this.#pages + this.outside + this.native
    this.mostResident = Math.max(this.mostResident, resident)
    return {
      old,
      young: this.young,
      oldPages: this.#pages,
      allocated: old + this.outside,
      resident,
      needed: resident,
      heapLimit: this.heapLimit,
      containerLimit: this.containerLimit,
    }
  }

  collect(): Reading {
    this.collections++
    this.engineCollects()
    return this.read()
  }

  onCollection(call: () => void): void {
    this.#waiting.push(call)
  }

  /** A full collection, which the guard did not ask for. */
  engineCollects(): void {
    this.#noteCaches()
    this.garbage = 0
    this.#pages = this.fragmentation * (this.live + this.#held)
    this.#called.push(...this.#waiting.splice(0))
  }

  /** A turn of the event loop, in which the engine tells of its collections. */
  turn(): void {
    for (const call of this.#called.splice(0)) call()
  }

  /** What caches have given back is garbage. */
  #noteCaches(): void {
    const held = this.caches.reduce((sum, cache) => sum + (cache.deref()?.heldBytes ?? 0), 0)
    const bytes = this.factor * held
    this.garbage += Math.max(0, this.#held - bytes)
    this.#held = bytes
  }
}

class TestGuard extends Guard {
  readonly #gauge: TestGauge

  constructor(gauge: TestGauge) {
    super(gauge)
    this.#gauge = gauge
  }

  override join(cache: Weakly<Guarded>): void {
    const gauge = this.#gauge
    gauge.caches.push(cache)
    super.join({
      deref() {
        gauge.visits++
        return cache.deref()
      },
    })
  }
}

/** Until the test ends, the caches that it makes are in this process. */
export function simulatedProcess(state: Partial<TestGauge> = {}): TestGauge {
  const gauge = Object.assign(new TestGauge(), state)
  onTestFinished(installGuard(new TestGuard(gauge)))
  return gauge
}

/** From now on, caches have this guard. Returns a function that puts the former one back. */
export function installGuard(
  guard: Pick<Guard, 'join' | 'count' | 'look'> | undefined,
): () => void {
  const former = Reflect.getOwnPropertyDescriptor(globalThis, GUARD)
  Reflect.defineProperty(globalThis, GUARD, { value: guard, configurable: true })
  return () => {
    Reflect.deleteProperty(globalThis, GUARD)
    if (former !== undefined) Reflect.defineProperty(globalThis, GUARD, former)
  }
}
