/** For a value of the wrong type, or text of the wrong form. */
export function wrongKind(name: string, accepted: string, value: unknown): TypeError {
  return new TypeError(refusal(name, accepted, value))
}

/** For a number outside the accepted range, or text that stands for such a number. */
export function outOfRange(name: string, accepted: string, value: unknown): RangeError {
  return new RangeError(refusal(name, accepted, value))
}

/** `outOfRange` if `number`, which is what `value` stands for, is a number, or else `wrongKind`. */
export function invalidNumber(
  name: string,
  accepted: string,
  value: unknown,
  number: unknown,
): TypeError | RangeError {
  return (typeof number === 'number' ? outOfRange : wrongKind)(name, accepted, value)
}

function refusal(name: string, accepted: string, value: unknown): string {
  return `${name} must be ${accepted}; got ${formatValue(value)}`
}

export function booleanFrom(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongKind(name, 'true or false', value)
  return value
}

export function functionFrom<Given>(name: string, value: unknown): Given {
  if (value !== undefined && typeof value !== 'function') throw wrongKind(name, 'a function', value)
  return value as Given
}

const MAX_LENGTH = 60

/** A value for an error message. Runs no code of the value, and cuts long text. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value))
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  return cut(String(value)) + (typeof value === 'bigint' ? 'n' : '')
}

function cut(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}

const NO_OPTIONS: Readonly<Record<string, unknown>> = /* @__PURE__ */ Object.create(null)

/** The options. A `TypeError` if they are not an object or if one of them is not accepted. */
export function checkedOptions(
  name: string,
  options: unknown,
  accepted: readonly string[],
): Readonly<Record<string, unknown>> {
  if (options === undefined) return NO_OPTIONS
  // Entries that are passed in place of the options would set no option, and nobody would notice.
  if (typeof options !== 'object' || options === null || Symbol.iterator in options) {
    throw wrongKind(name, 'a plain object, not an iterable', options)
  }
  for (const option of Object.keys(options)) {
    if (!accepted.includes(option)) {
      throw new TypeError(
        `Unknown option ${formatValue(option)}; the options are ${accepted.join(', ')}`,
      )
    }
  }
  return unpolluted(options, accepted)
}

const OBJECT_PROTOTYPE = Object.prototype as unknown as Readonly<Record<string, unknown>>

/**
 * The object, without the named properties that the program added to `Object.prototype`. Properties
 * that the object inherits from other prototypes stay, such as the accessors of a class.
 */
export function unpolluted(
  object: object,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  const given = object as Readonly<Record<string, unknown>>
  // One check for all names: a check for each makes a write with a TTL half as slow again.
  for (const _ in OBJECT_PROTOTYPE) return unpollutedCopy(given, names)
  return given
}

function unpollutedCopy(given: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const copy: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    const value = given[name]
    if (Object.hasOwn(given, name) || value !== OBJECT_PROTOTYPE[name]) copy[name] = value
  }
  return copy
}

/** The string that `cache[key]` makes of a number or a bigint. Other keys are a `TypeError`. */
export function keyFrom(key: unknown): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  throw wrongKind('A key', 'a string, a number or a bigint', key)
}

/** Keys as `keyFrom` gives them. Text would be a list of letters, so it is a `TypeError`. */
export function keysFrom(keys: unknown): string[] {
  const isIterable =
    typeof keys === 'object' &&
    keys !== null &&
    typeof (keys as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
  if (!isIterable) throw wrongKind('The keys', 'an iterable of keys, not a string', keys)
  return Array.from(keys as Iterable<unknown>, keyFrom)
}

/** Entries of an object or of an iterable of pairs. All keys are checked before any entry is used. */
export function pairsFrom(entries: unknown): [string, unknown][] {
  if (typeof entries !== 'object' || entries === null) {
    throw wrongKind('The entries', 'an object or an iterable of pairs', entries)
  }
  if (typeof (entries as Partial<Iterable<unknown>>)[Symbol.iterator] !== 'function') {
    return Object.entries(entries)
  }
  return Array.from(entries as Iterable<unknown>, (pair, index) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw wrongKind(`Entry ${index}`, 'a pair [key, value]', pair)
    }
    return [keyFrom(pair[0]), pair[1]]
  })
}
