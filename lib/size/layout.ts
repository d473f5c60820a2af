/**
 * How V8 lays values out on a 64-bit heap without pointer compression, as Node is built.
 * Sources: V8's `src/objects/*.tq` and `*.h` (js-objects, string, fixed-array, dictionary,
 * ordered-hash-table). Other engines are charged by the same figures, as an estimate.
 */
export const WORD = 8
export const OBJECT_HEADER = 3 * WORD
export const ARRAY_HEADER = 4 * WORD
export const HEAP_NUMBER = 16
export const BIGINT_HEADER = 16
export const COLLECTION_HEADER = 4 * WORD
export const DATE = 104
export const ARRAY_BUFFER = 88
export const VIEW = 104
/** Measured: what a Buffer costs in Node's shared pool beyond its view and its bytes. */
export const POOL_SHARE = 48

/** What JavaScript cannot look into: stated estimates, not measurements. */
export const ESTIMATE = {
  symbol: 32,
  function: 128,
  regexp: 512,
  error: 640,
  promise: 96,
  proxy: 64,
  opaque: 256,
} as const

/** Past this many keys a literal or parsed object keeps them in a dictionary. */
export const MAX_FAST_KEYS = 128

/** Hidden classes that may follow one another before V8 turns to dictionaries. */
export const MAX_TRANSITIONS = 1536
export const HIDDEN_CLASS = 10 * WORD

const STORE_HEADER = 2 * WORD

export const storeBytes = (slots: number): number => (slots === 0 ? 0 : STORE_HEADER + slots * WORD)

const powerOfTwo = (least: number): number => {
  let capacity = 4
  while (capacity < least) capacity *= 2
  return capacity
}

/** Slots of a dictionary: half as many again as its entries, in powers of two. */
const dictionaryCapacity = (entries: number): number => powerOfTwo(entries + (entries >> 1))

export const nameDictionaryBytes = (keys: number): number =>
  STORE_HEADER + 6 * WORD + dictionaryCapacity(keys) * 3 * WORD

export const numberDictionaryBytes = (keys: number): number =>
  STORE_HEADER + 4 * WORD + dictionaryCapacity(keys) * 3 * WORD

/** V8 keeps elements in a dictionary where that takes a third of the room or less. */
export const indexedBytes = (present: number, length: number): number =>
  9 * dictionaryCapacity(present) <= length ? numberDictionaryBytes(present) : storeBytes(length)

const tableBytes = (size: number, wordsAnEntry: number): number => {
  const capacity = powerOfTwo(size)
  return STORE_HEADER + 3 * WORD + (capacity / 2) * WORD + capacity * wordsAnEntry * WORD
}

export const mapTableBytes = (size: number): number => tableBytes(size, 3)
export const setTableBytes = (size: number): number => tableBytes(size, 2)
