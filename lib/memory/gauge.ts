import { builtinModule } from '../engine.ts'
import { grantedByDeno, memoryLimits } from '../options/memory-limit.ts'

/** What the process uses and may use, in bytes. A limit is `Infinity` if none is known. */
export interface Reading {
  /** Objects of the old generation, alive or not. */
  readonly old: number
  /** Objects of the young generation, which become old if they stay alive. */
  readonly young: number
  /** Pages of the old generation, which `heapLimit` limits. */
  readonly oldPages: number
  /** Objects of the whole heap, and memory that they hold outside of it, such as that of buffers. */
  readonly allocated: number
  /** Memory that no file backs, which `containerLimit` limits. */
  readonly resident: number
  /** Of it, what is in use: without what the engine or the allocator keeps for later. */
  readonly needed: number
  readonly heapLimit: number
  readonly containerLimit: number
}

/** What a process can know of its memory. */
export interface Gauge {
  read(): Reading
  /** Makes the engine collect now. What the result counts is alive. */
  collect(): Reading
  /** Calls once, in a turn of the event loop after the next full collection. */
  onCollection(call: () => void): void
}

/** As a part of each limit: below it, a rough reading is enough. */
const CALM = 0.5
/** Readings for which the limits are remembered. They change if a container is resized. */
const READINGS_A_LIMIT = 64
/** As a part of the container's limit. */
const DANGER = 0.88
/** As a part of the whole heap limit. V8 collects at once when external memory grows by more than half. */
const GHOST = 0.6

export function isGauged(): boolean {
  const { process } = globalThis
  return process?.memoryUsage !== undefined && !process.versions?.bun
}

/**
 * `undefined` where the engine tells nothing, or nothing cheaply: on Bun, to ask is to collect. Asks for no
 * permission: without one to read files, memory that a file backs counts as resident.
 */
export function processGauge(): Gauge | undefined {
  if (!isGauged()) return undefined
  const v8 = builtinModule('node:v8')
  return v8?.getHeapSpaceStatistics && new ProcessGauge(v8 as V8)
}

type V8 = Pick<typeof import('node:v8'), 'getHeapSpaceStatistics' | 'getHeapStatistics'>

class ProcessGauge implements Gauge {
  readonly #v8: V8
  readonly #registry = new FinalizationRegistry<() => void>((call) => call())
  #limits = memoryLimits()
  #readings = 0
  /** The least that was resident beside the heap and what it holds: the engine itself. */
  #engine = Infinity

  constructor(v8: V8) {
    this.#v8 = v8
  }

  read(): Reading {
    if (++this.#readings % READINGS_A_LIMIT === 0) this.#limits = memoryLimits()
    const { heap, shared } = this.#limits
    const { heapUsed, heapTotal, external, rss } = process.memoryUsage()
    const isHeapCalm = heapTotal < CALM * heap
    return {
      ...(isHeapCalm ? { old: heapUsed, young: 0, oldPages: heapTotal } : this.#generations()),
      allocated: heapUsed + external,
      ...(rss < CALM * shared
        ? { resident: rss, needed: rss }
        : this.#residence(privatePartOf(rss), heapTotal + external)),
      heapLimit: heap,
      containerLimit: shared,
    }
  }

  /** In danger all of it counts as needed, since heap pages cannot use what the allocator keeps. */
  #residence(resident: number, held: number): { resident: number; needed: number } {
    if (resident > held) this.#engine = Math.min(this.#engine, resident - held)
    const isDanger = resident > DANGER * this.#limits.shared
    return { resident, needed: isDanger ? resident : Math.min(resident, held + this.#engine) }
  }

  onCollection(call: () => void): void {
    // V8 makes classes in the old generation, so that only a full collection finds this one.
    this.#registry.register(class {}, call)
  }

  #generations(): { old: number; young: number; oldPages: number } {
    let old = 0
    let young = 0
    let oldPages = 0
    for (const space of this.#v8.getHeapSpaceStatistics()) {
      if (/^new_/.test(space.space_name)) young += space.space_used_size
      else if (!/^read_only|^shared/.test(space.space_name)) {
        old += space.space_used_size
        oldPages += space.space_size
      }
    }
    return { old, young, oldPages }
  }

  collect(): Reading {
    makeEngineCollect(Math.floor(GHOST * this.#v8.getHeapStatistics().heap_size_limit))
    return this.read()
  }
}

type Ghost = ArrayBuffer & { transfer?(bytes: number): void }

/**
 * Allocates memory and touches none of it, so that none is occupied. V8 counts it all the same, and
 * collects. Where there is no room for it in the address space, V8 collects before the allocation fails.
 */
function makeEngineCollect(bytes: number): void {
  // The array takes 128 KB. So more than this is used until a collection frees it.
  const most = process.memoryUsage().heapUsed + new Array(16_384).length
  const ghosts: Ghost[] = []
  try {
    // V8 15 looks at what was counted before the allocation, so it takes a second one.
    do ghosts.push(new ArrayBuffer(bytes) as Ghost)
    while (ghosts.length < 2 && process.memoryUsage().heapUsed > most)
  } catch {}
  for (const ghost of ghosts) giveBack(ghost)
}

function giveBack(ghost: Ghost): void {
  if (ghost.transfer) ghost.transfer(0)
  else {
    // On Node 20, what was sent to a port that is closed is given back.
    const { port1 } = new MessageChannel()
    port1.postMessage(undefined, [ghost])
    port1.close()
  }
}

/** Without the pages that a file backs, such as the program of the engine: the system takes them back. */
function privatePartOf(rss: number): number {
  try {
    if (!grantedByDeno()({ name: 'read', path: STATM })) return rss
    const pages = builtinModule('node:fs')?.readFileSync?.(STATM, 'latin1').split(' ')
    const part = Number(pages?.[2]) / Number(pages?.[1])
    return part <= 1 ? rss * (1 - part) : rss
  } catch {
    return rss
  }
}

/** Pages of the whole process, those that are resident, and those of them that a file backs. */
const STATM = '/proc/self/statm'
