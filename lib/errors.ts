import { formatValue } from './options/check.ts'

// A registered symbol, since a program may hold two copies of the package, or its ESM and its
// CommonJS build, each with classes of its own.
const KIND = /* @__PURE__ */ Symbol.for('faas-cache-dict.error')

type Kinded = { [KIND]?: string }
type ErrorClass = { prototype: Error & Kinded }

function isInstance(this: ErrorClass, error: unknown): boolean {
  const kind = Object.hasOwn(this.prototype, KIND) && this.prototype[KIND]
  // A subclass of the program's own has only its own instances.
  return kind
    ? (error as Kinded | null | undefined)?.[KIND] === kind
    : Function.prototype[Symbol.hasInstance].call(this, error)
}

// The names are spelled out, since a minifier shortens those of classes.
function identify(type: ErrorClass, name: string): void {
  const hidden = { value: name }
  Object.defineProperties(type, { name: hidden, [Symbol.hasInstance]: { value: isInstance } })
  Object.defineProperties(type.prototype, { name: { ...hidden, writable: true }, [KIND]: hidden })
}

/**
 * An entry that could not fit an empty cache. Nothing else was evicted for it; an older value under
 * the same key has left.
 *
 * `instanceof` holds for the errors of every copy and every build of the package.
 */
export class DataTooLargeError extends RangeError {
  /** The key that was written. */
  readonly key: string
  /** The entry takes at least so many bytes: measuring ends once it cannot fit. */
  readonly sizeBytes: number
  /** The limit of the whole cache when it was refused, in bytes. */
  readonly maxSizeBytes: number

  constructor(key: string, sizeBytes: number, maxSizeBytes: number) {
    super(
      `The entry ${formatValue(key)} takes at least ${sizeBytes} bytes and does not fit in an empty cache of ${maxSizeBytes} bytes`,
    )
    this.key = key
    this.sizeBytes = sizeBytes
    this.maxSizeBytes = maxSizeBytes
  }
}

/**
 * The key is missing or has expired.
 *
 * `instanceof` holds for the errors of every copy and every build of the package.
 */
export class KeyError extends Error {
  /** The key that was asked for. */
  readonly key: string

  constructor(key: string) {
    super(`The key ${formatValue(key)} is missing or has expired`)
    this.key = key
  }
}

identify(DataTooLargeError, 'DataTooLargeError')
identify(KeyError, 'KeyError')
