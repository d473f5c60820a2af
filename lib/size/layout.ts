/**
 * How V8 lays values out on a 64-bit heap without pointer compression, as Node is built. Sources:
 * V8's `src/objects/*.tq` and `*.h` (js-objects, map, descriptor-array, string, fixed-array,
 * dictionary, ordered-hash-table). Other engines are charged by the same figures, as an estimate.
 * `docs/bytes.md` has the ranges that were measured for what is an estimate everywhere.
 */
export const WORD = 8
export const OBJECT_HEADER = 3 * WORD
export const HEAP_NUMBER = 2 * WORD
export const STRING_HEADER = 2 * WORD
export const BIGINT_HEADER = 2 * WORD
export const ARRAY_HEADER = 4 * WORD
export const COLLECTION_HEADER = 4 * WORD
export const DATE = 12 * WORD
export const ARRAY_BUFFER = 11 * WORD
export const VIEW = 13 * WORD
/** Measured, with what the cache keeps of a promise that has fulfilled. */
export const PROMISE = 12 * WORD

export const SYMBOL = 4 * WORD
export const FUNCTION = 128
export const PROXY = 64
/** A Proxy with a handler and two functions, as libraries make for their arrays. */
export const ARRAY_PROXY = 400
/** Elements that an array has room for after its first `push`. */
export const PUSHED_ROOM = 17
/** An object around a primitive, such as `new String(text)`. */
export const WRAPPER = 4 * WORD
/**
 * An object has room for four properties if it began without a name, and grows by three at a time
 * then. Beyond four, what it may have to spare cannot be seen: half a word is a compromise.
 */
export const propertyBytes = (keys: number): number =>
  keys === 0 ? 4 * WORD : keys * WORD + (keys > 4 ? WORD / 2 : 0)

/** From so many keys on, a literal or parsed object keeps them in a dictionary. */
export const DICTIONARY_KEYS = 128

/**
 * Of an object that shares its shape with no other, beside itself: a hidden class, an array of
 * descriptors, and the cache of keys that the first `for…in` leaves there. The
 * first 1536 objects that part from a shape have a hidden class for each key; with so many more to
 * come, that is a share of a quarter.
 */
export const shapeBytes = (keys: number, novelKeys: number): number =>
  9 * WORD + 3 * WORD * (keys + 1) + 7 * WORD + 2 * WORD * keys + (9 / 4) * WORD * (novelKeys - 1)

const ARRAY_STORE = 2 * WORD

/** Of one slot or more: an empty array shares its store with all others. */
export const storeBytes = (slots: number): number => ARRAY_STORE + slots * WORD

const powerOfTwo = (least: number): number => {
  let capacity = 4
  while (capacity < least) capacity *= 2
  return capacity
}

const dictionaryBytes = (entries: number, words: number): number =>
  ARRAY_STORE + (words + 3 * powerOfTwo(entries + (entries >> 1))) * WORD

export const nameDictionaryBytes = (keys: number): number => dictionaryBytes(keys, 6)

/** V8 keeps elements in a dictionary where that takes a third of the room or less. */
export const indexedBytes = (present: number, length: number): number => {
  const dictionary = dictionaryBytes(present, 4)
  const store = storeBytes(length)
  return dictionary * 3 <= store ? dictionary : store
}

let isJavaScriptCore: boolean | undefined

/** A table of Bun's engine grows fourfold, and takes two words more an entry: measured. */
export const hashTableBytes = (size: number, wordsAnEntry: number): number => {
  isJavaScriptCore ??= globalThis.process?.versions?.bun !== undefined
  const capacity = powerOfTwo(size)
  if (!isJavaScriptCore) return ARRAY_STORE + 3 * WORD + capacity * (wordsAnEntry + 0.5) * WORD
  const isPowerOfFour = (Math.log2(capacity) & 1) === 0
  return 16 * WORD + (isPowerOfFour ? 1 : 2) * capacity * (wordsAnEntry + 2) * WORD
}

let smallSetRoom: number | undefined

/** What a small `Set` may have room for: eight since V8 12, if it was made of an array, as cannot be seen. */
export const leastSetRoom = (): number => {
  smallSetRoom ??= Number(!(Number.parseInt(String(globalThis.process?.versions?.v8), 10) < 12)) * 8
  return smallSetRoom
}
