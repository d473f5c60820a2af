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
  /** Epoch milliseconds until which a pending promise is served; `undefined` once it has settled. */
  pendingUntil: number | undefined
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
  /** Throws if the value cannot be measured. */
  sizeOf(value: unknown): number
  onDelete(departure: Removal): void
  onError(source: string, key?: string): void
  /** Picks the expired entry that is removed next, since the contract does not say which. */
  choose(expired: readonly Entry[], removals: number): Entry
}
