import { formatValue } from './options/check.ts'

/**
 * The entry is larger than `maxEntrySizeBytes`, or does not fit in an empty cache. The cache evicted nothing else for it, and removed an
 * older value under the key with reason `'replaced'`. A `RangeError`.
 *
 * With the option `onTooLarge: 'skip'` no write throws it.
 *
 * In a program with two copies or two builds of the package, check `error.name`: each has its own class.
 */
export class DataTooLargeError extends RangeError {
  /** The key that was written. */
  readonly key: string
  /**
   * What the entry takes at least, in bytes, with the cost of the cache's own structure: `heapSize`
   * stops measuring once the entry cannot fit.
   */
  readonly sizeBytes: number
  /** The limit that it exceeds, in bytes: `maxEntrySizeBytes`, or else that of the whole cache. */
  readonly maxSizeBytes: number

  constructor(key: string, sizeBytes: number, maxSizeBytes: number, isCapped = false) {
    const limit = isCapped
      ? `is larger than the ${maxSizeBytes} bytes of maxEntrySizeBytes`
      : `does not fit in an empty cache of ${maxSizeBytes} bytes`
    super(`The entry ${formatValue(key)} takes at least ${sizeBytes} bytes and ${limit}`)
    this.key = key
    this.sizeBytes = sizeBytes
    this.maxSizeBytes = maxSizeBytes
  }
}

/**
 * The key is missing or its entry has expired.
 *
 * In a program with two copies or two builds of the package, check `error.name`: each has its own class.
 */
export class KeyError extends Error {
  /** The key as a string, also if the caller passed a number or a bigint. */
  readonly key: string

  constructor(key: string) {
    super(`The key ${formatValue(key)} is missing or has expired`)
    this.key = key
  }
}

/**
 * A load took longer than the `timeout` of the caller who began it, or of a caller who joined it. Also the
 * reason of the signal that the factory got.
 *
 * In a program with two copies or two builds of the package, check `error.name`: each has its own class.
 */
export class TimeoutError extends Error {
  /** The key that was loaded; the first one, if there were several. */
  readonly key: string
  /** In milliseconds. */
  readonly timeout: number

  constructor(key: string, timeout: number) {
    super(`The load of ${formatValue(key)} took longer than ${timeout} ms`)
    this.key = key
    this.timeout = timeout
  }
}

// A minifier renames classes, but not properties.
for (const [name, type] of Object.entries({ DataTooLargeError, KeyError, TimeoutError })) {
  const value = { value: name, configurable: true }
  Object.defineProperty(type, 'name', value)
  Object.defineProperty(type.prototype, 'name', { ...value, writable: true })
}
