import { BIGINT_HEADER, WORD } from './layout.ts'

/** Whether it lies in the slot that refers to it, rather than in a box. */
export const isSmall = (value: number): boolean =>
  (value | 0) === value && (value !== 0 || 1 / value > 0)

/** A sign and magnitude of whole words. */
export function bigintSize(value: bigint): number {
  if (value === 0n) return BIGINT_HEADER
  if (BigInt.asIntN(64, value) === value) return BIGINT_HEADER + WORD
  const digits = value.toString(16).length - (value < 0n ? 1 : 0)
  return BIGINT_HEADER + WORD * Math.ceil(digits / 16)
}
