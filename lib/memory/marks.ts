import type { Reading } from './gauge.ts'

/** Parts of a limit. */
interface Marks {
  /** Collect when so much is used, alive or not. */
  readonly collect: number
  /** Cut when more is alive. */
  readonly most: number
  /** Cut down to this. */
  readonly goal: number
}

/** V8 ends the process near 0.97. */
const HEAP: Marks = { collect: 0.85, most: 0.75, goal: 0.7 }
/** A collection takes memory itself, and what the engine does beside the heap is not known. */
const CONTAINER: Marks = { collect: 0.8, most: 0.72, goal: 0.68 }
/** V8 ends the process if the pages exceed the heap limit, but until it collects, they may be half empty. */
const PAGES: Marks = { collect: 0.8, most: 0.78, goal: 0.72 }
/** Caches may grow while less than these parts are used. */
const HEAP_ROOM = 0.66
const CONTAINER_ROOM = 0.64
/** Worth a look by a timer while more than this part of a limit is used. */
const WATCHED = 1 / 2

/** 1 when it is time to collect. */
export const fullnessOf = ({
  old,
  young,
  oldPages,
  resident,
  heapLimit,
  containerLimit,
}: Reading): number =>
  Math.max(
    (old + young) / heapLimit / HEAP.collect,
    oldPages / heapLimit / PAGES.collect,
    resident / containerLimit / CONTAINER.collect,
  )

/** Fullness after a collection, when pages that are resident may be about to be given back. */
export const neededFullnessOf = (reading: Reading): number =>
  fullnessOf({ ...reading, resident: reading.needed })

/** As `neededFullnessOf`, without young objects and half-empty pages, which may be garbage. */
export const aliveOf = ({ old, needed, heapLimit, containerLimit }: Reading): number =>
  Math.max(old / heapLimit / HEAP.collect, needed / containerLimit / CONTAINER.collect)

export const heapExcess = ({ old, heapLimit }: Reading) => excess(old, heapLimit, HEAP)

export const pagesExcess = ({ oldPages, heapLimit }: Reading) => excess(oldPages, heapLimit, PAGES)

export const containerExcess = ({ needed, containerLimit }: Reading) =>
  excess(needed, containerLimit, CONTAINER)

/** Bytes above the goal, where more than the most is alive. */
const excess = (bytes: number, limit: number, { most, goal }: Marks): number =>
  bytes > most * limit ? bytes - goal * limit : 0

/** Bytes by which the caches might grow. */
export const roomOf = ({ old, needed, heapLimit, containerLimit }: Reading): number =>
  Math.min(HEAP_ROOM * heapLimit - old, CONTAINER_ROOM * containerLimit - needed)

export const isWatched = ({ old, resident, heapLimit, containerLimit }: Reading): boolean =>
  old > WATCHED * heapLimit || resident > WATCHED * containerLimit
