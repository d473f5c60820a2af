import { measure } from './measure.ts'
import { stringSize } from './string.ts'

/**
 * Bytes that a value and its key occupy in memory: each object once, cycles and any depth
 * included. Never throws because of a value. Regular expressions, errors, functions and promises
 * count a fixed estimate; private fields, closures and stack traces are not seen.
 */
export function heapSize(value: unknown, key = ''): number {
  return measure(value, Number.POSITIVE_INFINITY) + stringSize(key)
}
