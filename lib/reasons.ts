import type { Reason } from './options/options.ts'

// Numbers inside, so that a removal is counted by an index.
export const DELETED = 0
export const EVICTED = 1
export const EXPIRED = 2
export const REPLACED = 3
export const CLEARED = 4
export const REJECTED = 5

export const REASONS: readonly Reason[] = [
  'deleted',
  'evicted',
  'expired',
  'replaced',
  'cleared',
  'rejected',
]
