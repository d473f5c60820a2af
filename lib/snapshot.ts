import type { Cache } from './cache.ts'
import { fulfilledValue } from './fulfilled.ts'
import { isEntrySize } from './options/byte-size.ts'
import { unpolluted } from './options/known.ts'
import { wrongKind } from './options/refusal.ts'
import { shown } from './options/shown.ts'

const FORMAT = 'faas-cache-dict'
const VERSION = 1
const FIELDS = ['key', 'value', 'expiresAt', 'sizeBytes', 'isPromise'] as const

/** One entry of a snapshot. */
export interface SnapshotEntry {
  readonly key: string
  readonly value: unknown
  /** Epoch milliseconds; `null`: never. */
  readonly expiresAt: number | null
  /** Bytes that the caller gave at the write; what was measured is measured anew. */
  readonly sizeBytes?: number
  /** The value was a promise that had fulfilled with this. */
  readonly isPromise?: true
}

/**
 * What `dump` gives and `load` takes: plain data that `structuredClone`, `v8.serialize` and, where
 * the values allow it, JSON carry. The values in it are those of the cache, not copies.
 */
export interface Snapshot {
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  /** The least recently used first. */
  readonly entries: readonly SnapshotEntry[]
}

/**
 * Live entries without pending promises, and, while no wall clock runs that could say when, without
 * those that expire. A value that cannot be cloned is a `TypeError`.
 *
 * @internal
 */
export function snapshotOf(cache: Cache): Snapshot {
  const { table } = cache
  const now = cache.clock.fresh()
  const wall = cache.clock.wallAt(now)
  const isTimeless = cache.clock.awaitsStart(() => {})
  const entries: SnapshotEntry[] = []
  // By key, and cloned last: cloning runs own getters of a value, which may use the cache.
  for (const key of cache.keys(now)) {
    const slot = cache.findLive(key, now)
    if (slot === 0 || cache.promises.has(key)) continue
    const deadline = table.deadlineOf(slot)
    const isEndless = deadline === Number.POSITIVE_INFINITY
    if (isTimeless && !isEndless) continue
    const stored = table.valueAt(slot)
    const kept = fulfilledValue(stored)
    const value = kept ? kept.value : stored
    entries.push({
      key,
      value,
      expiresAt: isEndless ? null : wall + (deadline - now),
      ...(table.hasGivenSize(slot) && { sizeBytes: table.valueBytesOf(slot) }),
      ...(kept && { isPromise: true as const }),
    })
    requireCloneable(key, value)
  }
  return { format: FORMAT, version: VERSION, entries }
}

/** Checked as a whole before anything is written, so that a bad snapshot changes nothing. @internal */
export function loadSnapshot(cache: Cache, snapshot: unknown): void {
  const entries = entriesOf(snapshot)
  const wall = cache.clock.wallAt(cache.clock.fresh())
  for (const { key, value, expiresAt, sizeBytes, isPromise } of entries) {
    if (expiresAt !== null && expiresAt <= wall) continue
    cache.writeIfItFits(key, isPromise ? Promise.resolve(value) : value, {
      // Where no instant says otherwise.
      ttl: Number.POSITIVE_INFINITY,
      expiresAt: expiresAt ?? undefined,
      sizeBytes,
    })
  }
}

function entriesOf(snapshot: unknown): readonly SnapshotEntry[] {
  if (typeof snapshot !== 'object' || snapshot === null) {
    throw wrongKind('A snapshot', 'what dump() gave', snapshot)
  }
  const { format, version, entries } = snapshot as Partial<Snapshot>
  if (format !== FORMAT) throw wrongKind('The format of a snapshot', shown(FORMAT), format)
  if (version !== VERSION) throw wrongKind('The version of a snapshot', String(VERSION), version)
  if (!Array.isArray(entries)) throw wrongKind('The entries of a snapshot', 'an array', entries)
  return Array.from(entries, checkedEntry)
}

/** A copy, since an accessor may give another value when it is read again. */
function checkedEntry(entry: unknown, index: number): SnapshotEntry {
  const name = `Entry ${index} of the snapshot`
  if (typeof entry !== 'object' || entry === null) throw wrongKind(name, 'an object', entry)
  const { key, value, expiresAt, sizeBytes, isPromise } = unpolluted(entry, FIELDS)
  if (typeof key !== 'string') throw wrongKind(`${name}: key`, 'a string', key)
  if (typeof value === 'function') throw wrongKind(`${name}: value`, 'what can be cloned', value)
  if (expiresAt !== null && !Number.isFinite(expiresAt)) {
    throw wrongKind(`${name}: expiresAt`, 'epoch milliseconds or null', expiresAt)
  }
  if (sizeBytes !== undefined && !(Number.isInteger(sizeBytes) && isEntrySize(sizeBytes))) {
    throw wrongKind(`${name}: sizeBytes`, 'a whole number of bytes', sizeBytes)
  }
  if (isPromise !== undefined && isPromise !== true) {
    throw wrongKind(`${name}: isPromise`, 'true or absent', isPromise)
  }
  return { key, value, expiresAt, sizeBytes, isPromise } as SnapshotEntry
}

function requireCloneable(key: string, value: unknown): void {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return
  try {
    structuredClone(value)
  } catch (cause) {
    throw new TypeError(`The value of ${shown(key)} cannot be cloned into a snapshot`, { cause })
  }
}
