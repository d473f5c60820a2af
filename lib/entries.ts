import { AbsoluteExpiry } from './absolute-expiry.ts'
import { DataTooLargeError } from './errors.ts'
import { LimitedEntries } from './limited-entries.ts'
import { FIRST_LOOK } from './memory/pace.ts'
import type { Observer } from './observer.ts'
import type { Reason } from './options/options.ts'
import type { WriteTerms } from './options/terms.ts'
import { handleRejection, isNativePromise, isSame } from './promise.ts'
import { heapSize } from './size/heap-size.ts'
import { stringSize } from './size/layout.ts'
import { requireStackToCompile } from './stack.ts'
import { EVICTED, EXPIRED, REASONS, REPLACED } from './statistics.ts'
import { GIVEN, MOST_BYTES, NONE, SAMPLED, type Slot, UNSAMPLED } from './table/records.ts'
import { ENTRY_BYTES } from './table/table.ts'
import { weigh } from './weigh.ts'

/** A larger entry counts as this much: enough to look at once, and the engine allocates no number for `allowance`. */
const LEAP = 2 ** 30

/** In place of a value, where there is no live entry. */
export const MISSING = /* @__PURE__ */ Symbol('missing')

/**
 * What comes, and what is done with it. A value comes through `put`. Deadlines are whole virtual milliseconds,
 * rounded down, so that none comes late.
 */
export class Entries extends LimitedEntries {
  /**
   * Whether a resting sweep, or a promise on a Worker, waits for the next use. It is a field of this
   * object because every read loads this object.
   */
  isUseAwaited = false
  /** Bytes that may be written before the next look at the memory of the process. */
  allowance = FIRST_LOOK
  readonly #isHeapSize = this.settings.sizeOf === heapSize
  /** Made for the first date, since few caches need it. */
  #dates: AbsoluteExpiry | undefined

  /** The live value as a use, or `missing`, which counts as a miss if `isMiss`. */
  use<Missing>(key: string, missing: Missing, isMiss: (key: string) => boolean): unknown | Missing {
    const { table } = this
    const slot = table.find(key)
    if (slot === NONE) {
      if (isMiss(key)) this.statistics.misses++
      return missing
    }
    // Read again after the clock, whose first reading on a Worker sets deadlines.
    if (table.deadlineOf(slot) === Infinity || this.clock.now() < table.deadlineOf(slot)) {
      this.statistics.hits++
      return table.use(slot)
    }
    this.expire(slot, this.clock.now())
    this.keepLimits()
    if (isMiss(key)) this.statistics.misses++
    this.hooks.run()
    return missing
  }

  /** As `use`, while an observer samples keys. It finds the slot once, since a second search takes as long as a use. */
  useObserved<Missing>(
    key: string,
    missing: Missing,
    isMiss: (key: string) => boolean,
    observer: Observer,
  ): unknown | Missing {
    const { table } = this
    const slot = table.find(key)
    if (
      slot !== NONE &&
      (table.deadlineOf(slot) === Infinity || this.clock.now() < table.deadlineOf(slot))
    ) {
      if (table.markOf(slot) !== UNSAMPLED && this.#isSampled(slot, observer)) {
        const isStillSampled = observer.hit(key, this.clock.now())
        if (!isStillSampled) table.setMark(slot, UNSAMPLED)
      }
      this.statistics.hits++
      return table.use(slot)
    }
    // Without a fresh reading, a load would seem to take all the time since the last one.
    if (isMiss(key)) observer.missed(key, this.clock.fresh())
    return this.use(key, missing, isMiss)
  }

  /** Asks the observer once for each entry, since a hash of the key takes as long as a use. */
  #isSampled(slot: Slot, observer: Observer): boolean {
    const { table } = this
    const mark = table.markOf(slot)
    if (mark !== 0) return mark === SAMPLED
    const isSampled = observer.isSampled(table.keyAt(slot))
    table.setMark(slot, isSampled ? SAMPLED : UNSAMPLED)
    return isSampled
  }

  /** Shows the observer what is there, the oldest first, in place of what it knew. */
  showAll(observer: Observer, now: number): void {
    const { table } = this
    observer.cleared()
    for (let slot = table.oldest; slot !== NONE; slot = table.newerThan(slot)) {
      table.setMark(slot, 0)
      if (!this.#isSampled(slot, observer)) continue
      observer.stored(table.keyAt(slot), table.chargeOf(slot), table.deadlineOf(slot), now, false)
    }
    this.reserve(observer.sizeBytes)
  }

  endObservation(): void {
    this.observer = undefined
    this.reserve(0)
  }

  /** The live value, or `MISSING`. Not a use. */
  peek(key: string): unknown {
    const slot = this.findLive(key)
    return slot === NONE ? MISSING : this.table.valueAt(slot)
  }

  /** Entries may have windows from here on. */
  expectWindows(): void {
    this.table.addWindows()
  }

  /** Virtual milliseconds that a live entry has left; `undefined` without one. */
  timeLeft(key: string, now: number): number | undefined {
    const slot = this.findLive(key, now)
    return slot === NONE ? undefined : this.table.deadlineOf(slot) - now
  }

  /** Bytes that a live entry is charged; `undefined` without one. */
  chargeOf(key: string): number | undefined {
    const slot = this.findLive(key)
    return slot === NONE ? undefined : this.table.chargeOf(slot)
  }

  /** The key and the value at one end of the order of use, live or expired. */
  end(end: 'oldest' | 'newest'): [string, unknown] | undefined {
    const slot = this.table[end]
    return slot === NONE ? undefined : [this.table.keyAt(slot), this.table.valueAt(slot)]
  }

  requireStackToWrite(): void {
    this.guards.write.require(this.statistics.writes)
  }

  /**
   * Stores a value as the newest entry. Returns the error of a write that is refused. Call `keepLimits`
   * afterwards: the `Map` may have grown, or a larger value may have replaced another one.
   */
  put(key: string, value: unknown, terms: WriteTerms): DataTooLargeError | undefined {
    const { table } = this
    const isHeapSize = this.#isHeapSize
    const isPromise = typeof value === 'object' && isNativePromise(value)
    const given = terms.sizeBytes
    const valueBytes =
      given ??
      (isHeapSize && typeof value === 'string'
        ? stringSize(value)
        : this.#weighOrDelete(key, value, isPromise))
    const now = terms.expiresAt === undefined ? this.clock.now() : this.clock.fresh()
    // Only now: the options `sizeOf` and `now`, and code of the value, may have used the cache.
    let slot = table.find(key)
    let keyBytes = 0
    if (given !== undefined) keyBytes = GIVEN
    // The key of an entry that was measured has been measured with it.
    else if (isHeapSize) keyBytes = (slot !== NONE && table.keyBytesOf(slot)) || stringSize(key)
    const bytes = (keyBytes & ~GIVEN) + valueBytes
    const isTooLarge = bytes > this.mostAlone
    if (isTooLarge && this.isRefused(bytes)) return this.#refuse(key, value, bytes, terms, now)
    this.allowance -= bytes > LEAP ? LEAP : ENTRY_BYTES + bytes
    if (bytes > MOST_BYTES || table.hasLarge || (table.isSparse && this.isExceeded(bytes, 1))) {
      requireStackToCompile()
    }
    if (isPromise) this.guards.promise.require(slot)
    const servedUntil = now + this.settings.pendingTtl
    const deadline = isPromise
      ? this.#pendingDeadline(key, terms, servedUntil, now)
      : this.#deadline(key, terms, now)
    // While memory is short, a value may be too large to stay. It takes no other entry with it.
    if (deadline <= now || isTooLarge) {
      return this.#putNothing(deadline <= now ? EXPIRED : EVICTED, key, value, bytes, deadline, now)
    }
    if (slot !== NONE && !this.isExpired(slot, now)) {
      this.guards.replacement.requireEarly()
      this.#noteReplaced(slot, key, value)
      table.replace(slot, value, keyBytes, valueBytes, deadline, now)
    } else {
      if (slot !== NONE) this.remove(slot, EXPIRED, !this.isStaleAs(value, slot, now))
      else if (this.stale !== undefined) this.stale.deleteFor(key, value, now)
      // Before the entry comes, so that it takes the slot of one that leaves.
      if (this.isExceeded(bytes + table.growthBytes, 1)) this.makeRoom(now, bytes, 1)
      slot = table.add(key, value, keyBytes, valueBytes, deadline, now)
    }
    if (table.hasWindows) table.setWindow(slot, terms.window ?? this.settings.loadTerms.window)
    this.statistics.writes++
    if (isPromise) this.pending.add(key, value, terms, servedUntil)
    const { observer } = this
    if (observer !== undefined && this.#isSampled(slot, observer)) {
      observer.stored(key, table.chargeOf(slot), deadline, now, isPromise)
      if (observer.sizeBytes !== table.reservedBytes) this.reserve(observer.sizeBytes)
    }
    return undefined
  }

  /** An older value is out of date, so it leaves even if the new one cannot be measured. */
  #weighOrDelete(key: string, value: unknown, isPromise: boolean): number {
    try {
      return weigh(this.settings, key, value, isPromise)
    } catch (error) {
      this.delete(key, REPLACED)
      this.observer?.removed(key)
      throw error
    }
  }

  #refuse(
    key: string,
    value: unknown,
    bytes: number,
    terms: WriteTerms,
    now: number,
  ): DataTooLargeError {
    this.guards.refused.require(bytes)
    handleRejection(value)
    this.delete(key, REPLACED)
    this.statistics.refusals++
    const { maxEntrySizeBytes } = this.settings
    const isCapped =
      maxEntrySizeBytes < this.maxSizeBytes && ENTRY_BYTES + bytes > maxEntrySizeBytes
    // Larger budgets may keep it.
    this.observer?.stored(key, ENTRY_BYTES + bytes, this.#deadline(key, terms, now), now, false)
    const limit = isCapped ? maxEntrySizeBytes : this.maxSizeBytes
    return new DataTooLargeError(key, ENTRY_BYTES + bytes, limit, isCapped)
  }

  /** Counts a write of a value that leaves at once: expired already, or too large while memory is short. */
  #putNothing(
    reason: number,
    key: string,
    value: unknown,
    bytes: number,
    deadline: number,
    now: number,
  ): undefined {
    this.guards.expired.require(bytes)
    handleRejection(value)
    const slot = this.table.find(key)
    if (slot !== NONE) {
      if (this.isExpired(slot, now)) {
        this.removeUnguarded(slot, EXPIRED, !this.isStaleAs(value, slot, now))
      } else {
        this.requireStackToMove()
        this.#noteReplaced(slot, key, value)
        this.table.remove(slot)
      }
    } else this.stale?.deleteFor(key, value, now)
    // What the process takes from the cache is not simulated.
    if (reason === EVICTED) this.observer?.stored(key, ENTRY_BYTES + bytes, deadline, now, false)
    else this.observer?.removed(key)
    this.statistics.writes++
    this.statistics.count(reason)
    if (reason === EVICTED) {
      this.statistics.evictedBytes += ENTRY_BYTES + bytes
      this.countPressureEviction()
    }
    if (!this.hooks.hasOnDelete) return
    this.hooks.removed(key, value, REASONS[reason] as Reason, ENTRY_BYTES + bytes)
  }

  #noteReplaced(slot: Slot, key: string, value: unknown): void {
    this.statistics.count(REPLACED)
    if (this.pending.size !== 0) this.pending.forget(key)
    if (!this.hooks.hasOnDelete) return
    const former = this.table.valueAt(slot)
    if (!isSame(former, value)) {
      this.hooks.removed(key, former, 'replaced', this.table.chargeOf(slot))
    }
  }

  /** Puts a promise that has fulfilled in its own place. The entry's TTL starts. */
  keep(key: string, kept: Promise<unknown>, terms: WriteTerms, now: number): void {
    const slot = this.table.find(key)
    this.pending.forget(key)
    const former = this.table.deadlineOf(slot)
    const deadline = this.#deadline(key, terms, now)
    this.table.setValue(slot, kept)
    this.table.setDeadline(slot, deadline, now)
    this.observer?.renewed(key, deadline, now, former)
  }

  /** Gives a live entry another life, now or once its promise has fulfilled. Returns `false` if there is none. */
  renew(key: string, terms: WriteTerms, now: number): boolean {
    const slot = this.findLive(key, now)
    if (slot === NONE) return false
    this.guards.renewal.require(slot)
    const pending = this.pending.get(key)
    if (pending !== undefined) pending.terms = { ...terms, sizeBytes: pending.terms.sizeBytes }
    const deadline =
      pending === undefined
        ? this.#deadline(key, terms, now)
        : this.#pendingDeadline(key, terms, pending.servedUntil, now)
    this.table.setDeadline(slot, deadline, now)
    this.observer?.renewed(key, deadline, now)
    // A TTL that has passed leaves nothing stale.
    if (terms.ttl !== undefined && deadline <= now && this.table.hasWindows) {
      this.table.setWindow(slot, 0)
    }
    return true
  }

  #deadline(key: string, { ttl, expiresAt }: WriteTerms, now: number): number {
    if (expiresAt !== undefined) return this.#deadlineAt(key, expiresAt, now)
    const { defaultTtl, ttlJitter } = this.settings
    const life = ttl ?? defaultTtl
    return Math.floor(now + (ttlJitter === 0 ? life : shortened(life, ttlJitter)))
  }

  #deadlineAt(key: string, expiresAt: number, now: number): number {
    this.#dates ??= new AbsoluteExpiry(this.table, this.pending, this.clock)
    return this.#dates.deadlineOf(key, expiresAt, now)
  }

  /** A TTL starts once the promise has fulfilled. Only a TTL of 0 or less counts before. */
  #pendingDeadline(
    key: string,
    { ttl = Infinity, expiresAt }: WriteTerms,
    servedUntil: number,
    now: number,
  ): number {
    if (ttl <= 0) return now
    const deadline = expiresAt === undefined ? servedUntil : this.#deadlineAt(key, expiresAt, now)
    return Math.floor(Math.min(servedUntil, deadline))
  }

  /** Measures an entry again, unless its size was given or its promise is pending. */
  remeasure(key: string, now = this.clock.now()): void {
    const { table } = this
    const slot = this.findLive(key, now)
    if (slot === NONE || table.hasGivenSize(slot) || this.pending.has(key)) return
    const value = table.valueAt(slot)
    const bytes = weigh(this.settings, key, value)
    // Measuring may have run code that uses the cache.
    const present = table.find(key)
    if (present !== NONE && table.valueAt(present) === value) this.recharge(present, bytes, now)
  }

  /** Charges an entry anew. It leaves if it could not fit an empty cache. */
  recharge(slot: Slot, valueBytes: number, now = this.clock.now()): void {
    const { table } = this
    this.guards.remeasuring.require(slot)
    if (valueBytes > MOST_BYTES || table.hasLarge) requireStackToCompile()
    const keyBytes = table.keyBytesOf(slot)
    this.observer?.charged(table.keyAt(slot), ENTRY_BYTES + keyBytes + valueBytes, now)
    if (this.isRefused(keyBytes + valueBytes)) this.remove(slot, EVICTED)
    else {
      table.charge(slot, keyBytes, valueBytes)
      this.keepLimits(now)
    }
  }

  /** Makes an entry the newest or the oldest. Returns `false` if there is no live one. */
  place(key: string, end: 'oldest' | 'newest'): boolean {
    const slot = this.findLive(key)
    if (slot === NONE) return false
    this.guards.placing.require(slot)
    if (end === 'newest') this.table.promote(slot)
    else this.table.demote(slot)
    return true
  }
}

/** A TTL, shortened by a random part of up to a fraction of it. */
function shortened(life: number, jitter: number): number {
  if (!(life > 0) || life === Infinity) return life
  // Processes restored from one image draw the same random numbers, but not at the same microsecond.
  const chance = (Math.random() + (globalThis.performance?.now() ?? 0)) % 1
  return Math.max(life - life * jitter * chance, Math.min(life, 1))
}
