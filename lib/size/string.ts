const HEADER = 16
const SHORT = 8
const TWO_BYTE = /[\u0100-\uffff]/

const rounded = (bytes: number): number => (HEADER + bytes + 7) & ~7

/**
 * Bytes of a string on the heap: one a character, or two where any is above U+00FF.
 * A slice is charged its own characters, not the string that it keeps alive.
 */
export function stringSize(text: string): number {
  const length = text.length
  if (length < 2) return length === 0 || text.charCodeAt(0) < 256 ? 0 : 24
  const short = length < SHORT ? length : SHORT
  for (let i = 0; i < short; i++) {
    if (text.charCodeAt(i) > 255) return rounded(length * 2)
  }
  // The engine compiles the expression apart for one-byte strings, where it fails at once.
  return rounded(length > SHORT && TWO_BYTE.test(text) ? length * 2 : length)
}
