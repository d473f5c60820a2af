import { BIGINT_HEADER, WORD } from './layout.ts'

/** Whether it lies in the slot that refers to it, rather than in a box. */
export const isSmall = (value: number): boolean =>
  (value | 0) === value && (value !== 0 || 1 / value > 0)

/** Of words, with the sign in the header. */
export const bigintSize = (value: bigint): number =>
  BIGINT_HEADER +
  (value === 0n ? 0 : WORD * Math.ceil((value < 0n ? -value : value).toString(16).length / 16))
