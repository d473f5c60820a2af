import type { Entries } from './entries.ts'
import { formatValue, unpolluted, wrongKind } from './options/check.ts'
import { DEFAULT_TERMS, type WriteTerms } from './options/terms.ts'
import { isEntrySize } from './options/units.ts'
import { fulfilled, type PendingPromises } from './promise.ts'
import { NONE } from './table/records.ts'
import type { Clock } from './time/clock.ts'

const FORMAT = 'faas-cache-dict'
const VERSION = 1

/** One entry of a snapshot. */
export interface SnapshotEntry {
  readonly key: string
  readonly value: unknown
  /** When the entry expires, in epoch milliseconds; `null` for never. */
  readonly expiresAt: number | null
  /** The `sizeBytes` of the write. Without it, `load` measures the value. */
  readonly sizeBytes?: number
  /** The stored value was a promise that had fulfilled with `value`. */
  readonly isPromise?: true
}

/**
 * The result of `dump` and the argument of `load`: plain data for `structuredClone`, `v8.serialize` or, if
 * the values allow it, JSON. It refers to the values of the cache, and holds no copies.
 */
export interface Snapshot {
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  /** The least recently used first. */
  readonly entries: readonly SnapshotEntry[]
}

/**
 * The entries of these keys that are live, without pending promises. While no wall clock runs, without
 * entries that expire. A value that cannot be cloned is a `TypeError`, or left out if `skipsUncloneable`.
 *
 * @internal
 */
export function snapshotOf(
  keys: readonly string[],
  entries: Entries,
  promises: PendingPromises,
  clock: Clock,
  now: number,
  skipsUncloneable: boolean,
): Snapshot {
  const { table } = entries
  const wall = clock.wallAt(now)
  const listed: SnapshotEntry[] = []
  for (const key of keys) {
    const slot = entries.findLive(key, now)
    if (slot === NONE || promises.has(key)) continue
    const deadline = table.deadlineOf(slot)
    const isEndless = deadline === Infinity
    if (!clock.hasStarted && !isEndless) continue
    const stored = table.valueAt(slot)
    const kept = fulfilled(stored)
    const value = kept ? kept.value : stored
    listed.push({
      key,
      value,
      expiresAt: isEndless ? null : wall + (deadline - now),
      ...(table.hasGivenSize(slot) && { sizeBytes: table.valueBytesOf(slot) }),
      ...(kept && { isPromise: true as const }),
    })
    // Last, since cloning runs own getters of the value, which may use the cache.
    const failure = cloneFailure(value)
    if (failure === undefined) continue
    if (!skipsUncloneable) throw uncloneable(key, failure.cause)
    listed.pop()
  }
  return { format: FORMAT, version: VERSION, entries: listed }
}

/**
 * The writes that load a snapshot, without entries that have expired by the wall clock. The snapshot is
 * checked as a whole before the first write, so that a bad one changes nothing.
 *
 * @internal
 */
export function* writesOf(
  snapshot: unknown,
  wall: number,
): IterableIterator<[string, unknown, WriteTerms]> {
  for (const { key, value, expiresAt, sizeBytes, isPromise } of entriesOf(snapshot)) {
    if (expiresAt !== null && expiresAt <= wall) continue
    // No TTL, so that an entry without an expiry stays as it was.
    const ttl = Infinity
    const terms = { ...DEFAULT_TERMS, ttl, expiresAt: expiresAt ?? undefined, sizeBytes }
    yield [key, isPromise ? Promise.resolve(value) : value, terms]
  }
}

function entriesOf(snapshot: unknown): readonly SnapshotEntry[] {
  if (typeof snapshot !== 'object' || snapshot === null) {
    throw wrongKind('A snapshot', 'the result of dump()', snapshot)
  }
  const { format, version, entries } = snapshot as Partial<Snapshot>
  if (format !== FORMAT) throw wrongKind('The format of a snapshot', formatValue(FORMAT), format)
  if (version !== VERSION) throw wrongKind('The version of a snapshot', String(VERSION), version)
  if (!Array.isArray(entries)) throw wrongKind('The entries of a snapshot', 'an array', entries)
  return Array.from(entries, checkedEntry)
}

type Check = [accepted: string, isAccepted: (value: unknown) => boolean]

/** What each field of an entry may hold. */
const FIELDS: Readonly<Record<string, Check>> = {
  key: ['a string', (key) => typeof key === 'string'],
  value: ['a value that can be cloned', (value) => typeof value !== 'function'],
  expiresAt: ['epoch milliseconds or null', (date) => date === null || Number.isFinite(date)],
  sizeBytes: [
    'a whole number of bytes',
    (bytes) => bytes === undefined || (Number.isInteger(bytes) && isEntrySize(bytes)),
  ],
  isPromise: ['true or absent', (flag) => flag === undefined || flag === true],
}
const FIELD_NAMES = /* @__PURE__ */ Object.keys(FIELDS)

/** Reads each field once, since an accessor may return another value the second time. */
function checkedEntry(entry: unknown, index: number): SnapshotEntry {
  const name = `Entry ${index} of the snapshot`
  if (typeof entry !== 'object' || entry === null) throw wrongKind(name, 'an object', entry)
  const given = unpolluted(entry, FIELD_NAMES)
  const checked: Record<string, unknown> = {}
  for (const [field, [accepted, isAccepted]] of Object.entries(FIELDS)) {
    const value = given[field]
    if (!isAccepted(value)) throw wrongKind(`${name}: ${field}`, accepted, value)
    checked[field] = value
  }
  return checked as unknown as SnapshotEntry
}

/** Why a value cannot be cloned; `undefined` if it can. */
function cloneFailure(value: unknown): { readonly cause: unknown } | undefined {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return
  try {
    structuredClone(value)
    return undefined
  } catch (cause) {
    return { cause }
  }
}

function uncloneable(key: string, cause: unknown): TypeError {
  const message = `The value of ${formatValue(key)} cannot be cloned into a snapshot`
  return new TypeError(message, { cause })
}
