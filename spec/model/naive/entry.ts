export type Reason = 'deleted' | 'evicted' | 'expired' | 'replaced' | 'cleared' | 'rejected'

export interface Terms {
  /** Milliseconds. */
  readonly ttl?: number | undefined
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined
  readonly sizeBytes?: number | undefined
  /** Milliseconds beyond the TTL. */
  readonly window?: number | undefined
}

export interface Entry {
  readonly key: string
  readonly value: unknown
  terms: Terms
  bytes: number
  /** Epoch milliseconds. */
  deadline: number
  /** Epoch milliseconds until which a pending promise is served; `undefined` once it has settled. */
  pendingUntil: number | undefined
  /** Milliseconds after the deadline for which the value is kept for `getOrSet`. */
  window: number
  /** Epoch milliseconds at which it was seen to be past its deadline. */
  staleSince: number
  /** Epoch milliseconds until which the origin is not asked for a newer value. */
  leftAloneUntil: number
}

export interface Removal {
  readonly key: string
  readonly value: unknown
  readonly reason: Reason
  readonly bytes: number
}

/** Stands for an error with this name, of the library or of the language. */
export class ModelError extends Error {
  readonly key: string | undefined
  readonly bytes: number | undefined
  /** The limit that an entry exceeds, or the milliseconds that a load may take. */
  readonly limit: number | undefined

  constructor(
    name: string,
    key?: string,
    { bytes, limit }: { bytes?: number; limit?: number } = {},
  ) {
    super(name)
    this.name = name
    this.key = key
    this.bytes = bytes
    this.limit = limit
  }
}

export interface ModelOptions {
  /** Milliseconds. */
  defaultTtl: number
  /** Milliseconds. */
  readonly pendingTtl: number
  maxBytes: number
  maxItems: number
  /** Bytes that one entry may have, of a budget. */
  maxEntryBytes(maxBytes: number): number
  /** The part of each TTL that jitter takes away. */
  readonly jitter: number
  /** Milliseconds. The window of each write that is not a load. */
  readonly window: number
  readonly skipsTooLarge: boolean
  now(): number
  /** Throws if the value cannot be measured. */
  sizeOf(value: unknown): number
  onDelete(departure: Removal): void
  onError(source: string, key?: string, error?: unknown): void
  /** The key of the entry that the cache has removed after so many others. */
  removedKey(removals: number): string | undefined
}
