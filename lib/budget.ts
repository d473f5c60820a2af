import type { Settings } from './options/options.ts'
import { outOfRange } from './options/refusal.ts'
import { EMPTY_BYTES, MOST_ENTRIES, type Table } from './table/table.ts'

/** What a table may hold: bytes, and entries. */
export class Budget {
  #mostItems = 0
  #mostBytes = 0
  /** Of key and value of one entry: what fits an empty cache. */
  #mostContent = 0

  /** As the settings have it now. */
  set({ maxItems, maxSizeBytes }: Settings): void {
    this.#mostItems = Math.min(maxItems, MOST_ENTRIES)
    this.#mostBytes = maxSizeBytes
    this.#mostContent = maxSizeBytes - EMPTY_BYTES
  }

  /** Whether an entry with so many bytes of key and value could fit an empty cache. */
  admits(contentBytes: number): boolean {
    return contentBytes <= this.#mostContent
  }

  /** Whether what is there, and so many bytes and entries to come, are too much. */
  isExceeded(table: Table, bytes: number, items: number): boolean {
    return table.sizeBytes + bytes > this.#mostBytes || table.size + items > this.#mostItems
  }
}

/** `given` is what it was resolved from, for the message. */
export function requireRoom(maxSizeBytes: number, given: unknown): void {
  if (maxSizeBytes >= EMPTY_BYTES) return
  const accepted = `at least the ${EMPTY_BYTES} bytes of an empty cache`
  throw outOfRange('maxSizeBytes', accepted, given)
}
