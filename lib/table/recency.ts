import { NEWER, OLDER } from './records.ts'

// A ring through the records. Record 0 closes it: newer than it is the least
// recently used entry, older than it the most recently used one.

export function leastRecent(records: Int32Array): number {
  return records[NEWER] as number
}

export function mostRecent(records: Int32Array): number {
  return records[OLDER] as number
}

export function newerThan(records: Int32Array, slot: number): number {
  return records[(slot << 3) + NEWER] as number
}

/** Places a slot that is in no ring. */
export function placeMostRecent(records: Int32Array, slot: number): void {
  const at = slot << 3
  const previous = records[OLDER] as number
  records[at + OLDER] = previous
  records[at + NEWER] = 0
  records[(previous << 3) + NEWER] = slot
  records[OLDER] = slot
}

/** Places a slot that is in no ring. */
export function placeLeastRecent(records: Int32Array, slot: number): void {
  const at = slot << 3
  const next = records[NEWER] as number
  records[at + OLDER] = 0
  records[at + NEWER] = next
  records[(next << 3) + OLDER] = slot
  records[NEWER] = slot
}

export function unlink(records: Int32Array, slot: number): void {
  const at = slot << 3
  const older = records[at + OLDER] as number
  const newer = records[at + NEWER] as number
  records[(older << 3) + NEWER] = newer
  records[(newer << 3) + OLDER] = older
}

/** Moves a slot to the most recent end. */
export function promote(records: Int32Array, slot: number): void {
  const at = slot << 3
  const newer = records[at + NEWER] as number
  if (newer === 0) return
  const older = records[at + OLDER] as number
  records[(older << 3) + NEWER] = newer
  records[(newer << 3) + OLDER] = older
  const previous = records[OLDER] as number
  records[at + OLDER] = previous
  records[at + NEWER] = 0
  records[(previous << 3) + NEWER] = slot
  records[OLDER] = slot
}

/** A slot takes the place of another one, whose record it has taken over. */
export function replace(records: Int32Array, slot: number): void {
  const at = slot << 3
  records[((records[at + OLDER] as number) << 3) + NEWER] = slot
  records[((records[at + NEWER] as number) << 3) + OLDER] = slot
}
