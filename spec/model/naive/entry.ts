export type Reason = 'deleted' | 'evicted' | 'expired' | 'replaced' | 'cleared' | 'rejected'

export interface Terms {
  /** Milliseconds. */
  readonly ttl?: number | undefined
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined
  readonly sizeBytes?: number | undefined
}

export interface Entry {
  readonly key: string
  readonly value: unknown
  terms: Terms
  bytes: number
  /** Epoch milliseconds. */
  deadline: number
  /** How long a promise that has not settled is served, in epoch milliseconds. */
  pendingUntil: number | undefined
}

export interface Departure {
  readonly key: string
  readonly value: unknown
  readonly reason: Reason
  readonly bytes: number
}

/** An error of the library by its name, or one of the language by its kind. */
export class ModelError extends Error {
  readonly key: string | undefined
  readonly bytes: number | undefined

  constructor(name: string, key?: string, bytes?: number) {
    super(name)
    this.name = name
    this.key = key
    this.bytes = bytes
  }
}

export interface ModelOptions {
  /** Milliseconds. */
  defaultTtl: number
  /** Milliseconds. */
  readonly pendingTtl: number
  maxBytes: number
  maxItems: number
  readonly skipsTooLarge: boolean
  now(): number
  /** Throws what cannot be measured. */
  sizeOf(value: unknown): number
  onDelete(departure: Departure): void
  onError(source: string, key?: string): void
  /** Which of those that have expired leaves next, where the contract leaves it open. */
  choose(expired: readonly Entry[], departures: number): Entry
}
