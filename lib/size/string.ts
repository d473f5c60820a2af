import { STRING_HEADER, WORD } from './layout.ts'

/** Up to here a look at each character is quicker than a call of the expression. */
const SHORT = 6
const LONG = 1e6
// The engine compiles it apart for strings of one byte a character, where it fails at once.
const WIDE = /[\u0100-\uffff]/

/**
 * Bytes of a string on the heap: one a character, or two where any is above U+00FF. Makes one piece
 * of a string that was joined of many, as any reader does. A slice is charged its own characters,
 * not the string that it keeps alive.
 */
export function stringSize(text: string): number {
  const { length } = text
  let isWide: boolean
  if (length > SHORT) {
    // A long text that was cut short ends in an ellipsis.
    isWide = (length > LONG && text.charCodeAt(length - 1) > 0xff) || WIDE.test(text)
  } else {
    let bits = 0
    for (let at = 0; at < length; at++) bits |= text.charCodeAt(at)
    isWide = bits > 0xff
    // The engine has one of each character below.
    if (length < 2 && !isWide) return 0
  }
  return (STRING_HEADER + (isWide ? length * 2 : length) + WORD - 1) & -WORD
}
