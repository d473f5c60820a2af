/** What a version of Keyv hands to a store, and expects of it, in a way of its own. */
export interface Convention {
  /** Whether keys always come without the namespace, which the store then puts before them. */
  readonly isKeyBare: boolean
  /** Milliseconds from now, of what a write says of its entry's life. */
  ttlOf(limit: number): number
  /** What `deleteMany` answers, of whether each key was there. */
  removed(each: boolean[]): boolean | boolean[]
}

export const KEYV_5: Convention = {
  isKeyBare: false,
  ttlOf: (ttl) => ttl,
  removed: (each) => each.every(Boolean),
}

/** Version 5 with `useKeyPrefix: false`. */
export const KEYV_5_BARE: Convention = { ...KEYV_5, isKeyBare: true }

export const KEYV_6: Convention = {
  isKeyBare: true,
  ttlOf: (expires) => expires - Date.now(),
  removed: (each) => each,
}
