/**
 * How V8 lays values out on a 64-bit heap without pointer compression, as Node is built. Sources:
 * V8's `src/objects/*.tq` and `*.h` (js-objects, map, descriptor-array, string, fixed-array,
 * dictionary, ordered-hash-table). The cache charges the same figures on other engines, as an
 * estimate. `docs/bytes.md` lists what was measured for each estimate.
 */
export const WORD = 8
export const OBJECT_HEADER = 3 * WORD
export const HEAP_NUMBER = 2 * WORD
const STRING_HEADER = 2 * WORD
const BIGINT_HEADER = 2 * WORD
export const ARRAY_HEADER = 4 * WORD
export const COLLECTION_HEADER = 4 * WORD
export const DATE = 12 * WORD
export const ARRAY_BUFFER = 11 * WORD
export const VIEW = 13 * WORD
/** Measured, with what the cache keeps of a fulfilled promise. */
export const PROMISE = 12 * WORD
const SYMBOL = 4 * WORD
export const FUNCTION = 128
export const PROXY = 64
/** A Proxy with a handler and two functions, as libraries make for their arrays. */
export const ARRAY_PROXY = 400
/** Elements that an array has room for after its first `push`. */
export const PUSHED_ROOM = 17
/** An object around a primitive, such as `new String(text)`. */
export const WRAPPER = 4 * WORD

/** A loop over the characters is faster than the regular expression up to this length. */
const SHORT_TEXT = 6
const LONG_TEXT = 1e6
// The engine compiles it separately for strings of one byte a character, where it fails at once.
const WIDE = /[\u0100-\uffff]/

/**
 * Bytes of a string on the heap: one a character, or two if any character is above U+00FF. The
 * engine joins the parts of a concatenated string, as any read does. A slice is charged its own
 * characters, without the string that it keeps alive.
 */
export function stringSize(text: string): number {
  const { length } = text
  let isWide: boolean
  if (length > SHORT_TEXT) {
    // A long text that was cut short often ends in an ellipsis.
    isWide = (length > LONG_TEXT && text.charCodeAt(length - 1) > 0xff) || WIDE.test(text)
  } else {
    let bits = 0
    for (let at = 0; at < length; at++) bits |= text.charCodeAt(at)
    isWide = bits > 0xff
    // The engine shares one string for each character up to U+00FF, and one empty string.
    if (length < 2 && !isWide) return 0
  }
  return (STRING_HEADER + (isWide ? length * 2 : length) + WORD - 1) & -WORD
}

/** Whether the number lies in the slot that refers to it. Any other number takes a box. */
export const isSmall = (value: number): boolean =>
  (value | 0) === value && (value !== 0 || 1 / value > 0)

/** In whole words, with the sign in the header. */
const bigintSize = (value: bigint): number =>
  BIGINT_HEADER +
  (value === 0n ? 0 : WORD * Math.ceil((value < 0n ? -value : value).toString(16).length / 16))

/** Bytes that a primitive value, but no string, takes beyond the slot that refers to it. */
export function primitiveSize(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return isSmall(value) ? 0 : HEAP_NUMBER
    case 'bigint':
      return bigintSize(value)
    case 'symbol':
      return SYMBOL + stringSize(value.description ?? '')
  }
  return 0
}

/**
 * An object that began without keys has room for four properties; later growth adds three at a time.
 * Beyond four, JavaScript cannot see the spare room: half a word is a compromise.
 */
export const propertyBytes = (keys: number): number =>
  keys === 0 ? 4 * WORD : keys * WORD + (keys > 4 ? 0.5 * WORD : 0)

/** From this many keys on, a literal or a parsed object keeps them in a dictionary. */
export const DICTIONARY_KEYS = 128

/**
 * What an object takes beyond itself if no other object has its shape: a hidden class, an array of
 * descriptors, and the cache of keys that the first `for…in` leaves there. The first 1536 objects
 * that branch off from a shape have a hidden class for each key. Averaged over all objects that may
 * follow, that is a quarter of a hidden class for each key.
 */
export const shapeBytes = (keys: number, novelKeys: number): number =>
  9 * WORD + 3 * WORD * (keys + 1) + 7 * WORD + 2 * WORD * keys + 2.25 * WORD * (novelKeys - 1)

const ARRAY_STORE = 2 * WORD

/** For at least one slot: all empty arrays share one store. */
export const storeBytes = (slots: number): number => ARRAY_STORE + slots * WORD

/** The power of two from 4 on that is not below `least`. */
const capacityFor = (least: number): number => 2 ** (32 - Math.clz32(Math.max(least, 4) - 1))

const dictionaryBytes = (entries: number, words: number): number =>
  ARRAY_STORE + (words + 3 * capacityFor(entries + (entries >> 1))) * WORD

export const nameDictionaryBytes = (keys: number): number => dictionaryBytes(keys, 6)

/** V8 keeps elements in a dictionary if it takes a third of the room of a list or less. */
export function indexedBytes(elements: number, length: number): number {
  const dictionary = dictionaryBytes(elements, 4)
  const store = storeBytes(length)
  return dictionary * 3 <= store ? dictionary : store
}

// Read at the first use, since an import reads nothing of the process.
const versions = () => globalThis.process?.versions

/** Measured: a table of Bun's engine grows fourfold, and takes two words more an entry. */
export function hashTableBytes(size: number, wordsPerEntry: number): number {
  const capacity = capacityFor(size)
  if (versions()?.bun === undefined) {
    return ARRAY_STORE + 3 * WORD + capacity * (wordsPerEntry + 0.5) * WORD
  }
  const isPowerOfFour = (Math.log2(capacity) & 1) === 0
  return 16 * WORD + (isPowerOfFour ? 1 : 2) * capacity * (wordsPerEntry + 2) * WORD
}

let smallSetRoom: number | undefined

/** Since V8 12, a `Set` made from an array has room for eight. JavaScript cannot see what made it. */
export const leastSetRoom = (): number => {
  smallSetRoom ??= Number.parseInt(String(versions()?.v8), 10) < 12 ? 0 : 8
  return smallSetRoom
}
