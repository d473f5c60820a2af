import type { Weakly } from '../engine.ts'
import { systemClock } from '../time/clock.ts'
import { timeSlice } from '../time/slice.ts'
import { BackgroundTimer } from '../time/timer.ts'
import { type Gauge, isGauged, processGauge, type Reading } from './gauge.ts'
import {
  aliveOf,
  containerExcess,
  fullnessOf,
  heapExcess,
  isWatched,
  neededFullnessOf,
  pagesExcess,
  roomOf,
} from './marks.ts'
import { FIRST_LOOK, Pace } from './pace.ts'

/** A cache, as the guard sees it. */
export interface Guarded {
  /** Bytes of its entries. */
  readonly heldBytes: number
  /** Bytes that its tables take at once when they grow, if that is soon. */
  readonly nextGrowthBytes: number
  /** Keeps from now on no more than this part of what it holds, or `least` bytes. `evict` makes it so. */
  keepOnly(part: number, least: number): void
  /** Evicts until `isOver`. Returns whether it holds no more than it may keep. */
  evict(isOver: () => boolean): boolean
  /** Lets it hold so many bytes more than it does. Returns whether it may still hold less than its budget. */
  allow(bytes: number): boolean
}

/**
 * As a multiple of `collect`. The next collection comes halfway between what was alive and this. Where
 * more is alive, caches may shrink to nothing.
 */
const END = 1.15
/** The least to allocate between two looks, and between two collections, as a part of the smaller limit. */
const STEP = 1 / 64
const GARBAGE = 1 / 32
/** The least and the most that one cut takes of each cache. */
const LEAST_CUT = 1 / 16
const MOST_CUT = 1 / 2
/** A cut leaves each cache so much of an equal share. One that held less would never come to its own. */
const FAIR = 1 / 4
/** Milliseconds between two looks of the timer. */
const INTERVAL = 50
/** Looks of the timer after the last one that a cache asked for. */
const MOST_WATCHES = 100
/** Milliseconds from a collection to the next look, after those of the timer. */
const REST = 1_000
/** Milliseconds between two slices of a cut. */
const PAUSE = 5

interface State {
  readonly bytes: number
  readonly fullness: number
}

/**
 * Bytes to allocate before the next look, if another look is under way or the gauge fails. Where more is
 * allocated from one look to a collection, the timer looks as often as after the look of a cache.
 */
const LATER = 2 ** 20
/** Bytes to allocate before the next look, if no limit is known. */
const NEVER = 2 ** 40

/**
 * Gives memory back before the process has none left. What is used says little, since most of it may be
 * garbage. So when that nears a limit, the guard makes the engine collect, and then knows what is alive. If
 * that is too much, it takes the same part from each cache. Once less is used, the caches may grow again.
 */
export class Guard {
  readonly #gauge: Gauge
  readonly #caches = new Set<Weakly<Guarded>>()
  readonly #timer = new BackgroundTimer<Guard>(INTERVAL, this, (guard) => guard.#watch())
  #pace = new Pace()
  /** Bytes that all caches may write before the next look, and that they have written since the last one. */
  #writable = 0
  #written = 0
  /** Of the last look, without what tables are about to take. */
  #reading: Reading | undefined
  /** `allocated` after the last collection, or less if less was seen since; `-Infinity` after a cut. */
  #allocatedBefore = 0
  /** The same for `resident`, since native code may allocate memory that no object holds. */
  #residentBefore = 0
  /** Fullness after the last collection. */
  #fullnessBefore = 0
  /** The last cut that no collection has judged yet: what it took, and how full the memory was. */
  #lastCut: State | undefined
  /** What caches held when a cut had brought nothing, and how full the memory was. */
  #futile: State | undefined
  /** In virtual milliseconds. */
  #lookedAt = -Infinity
  #isLooking = false
  #isCutting = false
  /** Whether some cache may hold less than its budget. */
  #isSqueezing = false
  #isAwaitingCollection = false
  /** Whether the guard has collected or evicted since then. So the awaited collection may be over for long. */
  #isStale = false
  #watches = 0

  constructor(gauge: Gauge) {
    this.#gauge = gauge
  }

  join(cache: Weakly<Guarded>): void {
    this.#caches.add(cache)
    // Its values may be larger than they seem.
    this.#pace = new Pace()
    // Many may come in one turn, and each look goes through all.
    this.#writable = this.#isRested ? 0 : Math.min(this.#writable, FIRST_LOOK)
  }

  get #isRested(): boolean {
    return systemClock.now() >= this.#lookedAt + INTERVAL
  }

  /** Counts bytes that a cache has written. Returns how many it may write before it calls again. */
  count(written: number): number {
    this.#written += written
    if (this.#written >= this.#writable) this.look()
    // An equal part, since no cache knows what others write.
    return Math.ceil(this.#writable / this.#caches.size)
  }

  /** For a sweep. Those of many caches come together, and each look goes through all caches. */
  lookIfRested(): void {
    if (this.#isRested) this.look()
  }

  /** Never throws. */
  look(): void {
    this.#lookedAt = systemClock.now()
    this.#watches = 0
    const room = this.#look(false)
    this.#writable = this.#pace.next(this.#written, this.#reading?.allocated ?? 0, room)
    this.#written = 0
  }

  /** Returns how much may be allocated before the next look. */
  #look(hasCollected: boolean): number {
    if (this.#isLooking) return LATER
    this.#isLooking = true
    try {
      if (this.#isCutting) this.#evictSome()
      return this.#isCutting ? 0 : this.#judge(hasCollected)
    } catch {
      return LATER
    } finally {
      this.#isLooking = false
    }
  }

  #judge(isTold: boolean): number {
    const oldBefore = this.#reading?.old ?? 0
    let reading = this.#read(this.#gauge.read())
    const smaller = Math.min(reading.heapLimit, reading.containerLimit)
    if (smaller === Infinity) return NEVER
    const step = STEP * smaller
    const least = GARBAGE * smaller
    const { old } = this.#reading as Reading
    const hasCollected = isTold || old < oldBefore - least
    this.#allocatedBefore = Math.min(this.#allocatedBefore, reading.allocated)
    this.#residentBefore = Math.min(this.#residentBefore, reading.resident)
    this.#fullnessBefore = Math.min(this.#fullnessBefore, fullnessOf(reading))
    const isFull =
      fullnessOf(reading) >= Math.max(1, (this.#fullnessBefore + END) / 2) &&
      (reading.allocated - this.#allocatedBefore >= least ||
        reading.resident - this.#residentBefore >= least)
    const isContainerShort = containerExcess(reading) > 0
    const isShort = isFull || isContainerShort || heapExcess(reading) > 0
    let alive = aliveOf(reading)
    // It has brought something, so that memory has been filled anew when it is full again.
    if (alive < (this.#lastCut?.fullness ?? 0) - STEP) this.#lastCut = undefined
    if (alive < (this.#futile?.fullness ?? 0) - STEP) this.#futile = undefined
    // V8 ends a process that collects near the heap limit for little, so the guard has to be able to help.
    const canHelp = isShort && this.#canHelp(step, hasCollected ? alive : 0)
    if (isFull ? isContainerShort || canHelp : isContainerShort && hasCollected && canHelp) {
      reading = this.#read(this.#gauge.collect())
      alive = aliveOf(reading)
      this.#isStale = true
      this.#allocatedBefore = reading.allocated
      this.#residentBefore = reading.resident
      this.#fullnessBefore = neededFullnessOf(reading)
      this.#judgeLastCut(alive, step)
      const excess = Math.max(heapExcess(reading), pagesExcess(reading), containerExcess(reading))
      this.#cut(excess, alive, step)
    } else if (hasCollected && canHelp) {
      this.#judgeLastCut(alive, step)
      this.#cut(heapExcess(reading), alive, step)
    }
    this.#grow(roomOf(reading), alive, step)
    this.#awaitCollection()
    if (this.#isCutting) return 0
    if (isWatched(reading)) this.#timer.wake()
    return Math.max(step, roomOf(reading) / 8)
  }

  /** Once a half is used, with what the tables are about to take. */
  #read(reading: Reading): Reading {
    if (!isPlausible(reading)) throw new RangeError('The gauge reads nonsense')
    let growth = 0
    if (isWatched(reading))
      for (const { nextGrowthBytes } of this.#living()) growth += nextGrowthBytes
    this.#reading = reading
    const { old, resident, needed } = reading
    return {
      ...reading,
      old: old + growth,
      resident: resident + growth,
      needed: needed + growth,
    }
  }

  // `deref` keeps a cache alive until the turn of the event loop ends. So this is for looks with little free.
  *#living(): Iterable<Guarded> {
    for (const weak of this.#caches) {
      const cache = weak.deref()
      if (cache !== undefined) yield cache
    }
  }

  /** Whether caches hold anything, and after a cut that has brought nothing, whether more is alive since. */
  #canHelp(least: number, alive: number): boolean {
    const held = this.#heldBytes
    if (this.#futile === undefined) return held > 0
    return held > 2 * this.#futile.bytes + least || (held > 0 && isFuller(alive, this.#futile))
  }

  /** After a cut of less than `least` bytes, the memory may be as full as before: something else fills it. */
  #judgeLastCut(alive: number, least: number): void {
    if (this.#lastCut === undefined) return
    const { bytes, fullness } = this.#lastCut
    const isFutile = bytes < least && alive > fullness - STEP
    this.#futile = isFutile ? { bytes: this.#heldBytes, fullness: alive } : undefined
    this.#lastCut = undefined
  }

  get #heldBytes(): number {
    let held = 0
    for (const { heldBytes } of this.#living()) held += heldBytes
    return held
  }

  #cut(excess: number, fullness: number, least: number): void {
    if (excess <= 0 || !this.#canHelp(least, fullness)) return
    this.#futile = undefined
    const held = this.#heldBytes
    const part = Math.min(Math.max(excess / held, LEAST_CUT), MOST_CUT)
    const share = (FAIR * (1 - part) * held) / this.#caches.size
    for (const cache of this.#living()) cache.keepOnly(1 - part, share)
    // Only another collection tells how much was freed.
    this.#lastCut = { bytes: part * held, fullness }
    this.#allocatedBefore = -Infinity
    this.#fullnessBefore = 0
    this.#isCutting = this.#isSqueezing = true
    this.#evictSome()
  }

  #evictSome(): void {
    this.#isStale = true
    const isOver = timeSlice()
    for (const cache of this.#living()) {
      try {
        if (cache.evict(isOver)) continue
        this.#timer.wake()
        return
      } catch {
        // Its clock may fail, at each attempt. Others give back all the same.
      }
    }
    this.#isCutting = false
  }

  #grow(roomOfAll: number, alive: number, least: number): void {
    if (!this.#isSqueezing) return
    const room = roomOfAll > 0 ? roomOfAll : this.#floor(alive, least)
    if (room <= 0) return
    const caches = [...this.#living()]
    const squeezed = caches.filter((cache) => cache.allow(room / 4 / caches.length))
    this.#isSqueezing = squeezed.length > 0
  }

  /** Where caches are not what fills the memory, they may hold up to `least` bytes, unless all is needed. */
  #floor(alive: number, least: number): number {
    const held = this.#heldBytes
    const isFilledByOthers = this.#futile ? !isFuller(alive, this.#futile) : held === 0
    return isFilledByOthers && alive < END ? least - held : 0
  }

  /** While the program is busy with other things than caches, collections tell that it allocates. */
  #awaitCollection(): void {
    if (this.#isAwaitingCollection) return
    this.#isStale = this.#isCutting
    this.#gauge.onCollection(() => {
      for (const weak of this.#caches) if (weak.deref() === undefined) this.#caches.delete(weak)
      const before = this.#reading?.allocated as number
      this.#look(!this.#isStale)
      if ((this.#reading?.allocated as number) > before + LATER) this.#watches = 0
      this.#isAwaitingCollection = false
      // A look awaits the next one. Only later, since Node 24 collects without end if each call registers a class.
      if (this.#caches.size !== 0) this.#timer.wake()
    })
    this.#isAwaitingCollection = true
  }

  /** Returns the milliseconds until the next look. */
  #watch(): number | undefined {
    if (this.#watches > MOST_WATCHES) {
      this.#watches = MOST_WATCHES
      return REST
    }
    this.#look(false)
    if (this.#isCutting) return PAUSE
    if (++this.#watches > MOST_WATCHES || this.#reading === undefined) return undefined
    return isWatched(this.#reading) ? INTERVAL : undefined
  }
}

const isFuller = (alive: number, { fullness }: State): boolean => alive > fullness + STEP

function isPlausible({ heapLimit, containerLimit, ...used }: Reading): boolean {
  const isSize = (bytes: number) => bytes >= 0 && bytes < Infinity
  return heapLimit > 0 && containerLimit > 0 && Object.values(used).every(isSize)
}

// Shared by every copy and build of the package, since they share the memory.
const GUARD = /* @__PURE__ */ Symbol.for('faas-cache-dict.guard.1')

/** For this copy alone, if `globalThis` is frozen. */
let own: Guard | null | undefined

/** The guard of this thread; `null` where the platform has no gauge. */
export function processGuard(): Guard | null {
  const shared = globalThis as { [GUARD]?: Guard | null }
  if (shared[GUARD] !== undefined) return shared[GUARD]
  if (own === undefined) {
    const gauge = processGauge()
    own = gauge === undefined ? null : new Guard(gauge)
    Reflect.defineProperty(globalThis, GUARD, { value: own, configurable: true })
  }
  return own
}

/** A process may allocate so many bytes before its guard is made: no cache holds more by then. */
const EARLY = 2 ** 21

/** What the process used at the first look, or less if less was seen since. */
let allocatedAtFirst = Infinity
const earlyPace = /* @__PURE__ */ new Pace()

/**
 * Counts bytes that a cache has written while there is no guard, and returns how many it may write before it
 * calls again; 0 if it has to join the guard. To learn the limits takes a young process 3 ms.
 */
export function writableEarly(written: number): number {
  if ((globalThis as { [GUARD]?: Guard | null })[GUARD] !== undefined || !isGauged()) return 0
  const { heapUsed, external } = process.memoryUsage()
  const allocated = heapUsed + external
  allocatedAtFirst = Math.min(allocatedAtFirst, allocated)
  if (allocated - allocatedAtFirst > EARLY) return 0
  return earlyPace.next(written, allocated, EARLY / 8)
}
