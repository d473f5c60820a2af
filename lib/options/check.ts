/** Names the thing, says what it has to be, and shows what was given. */
export function wrongKind(name: string, accepted: string, value: unknown): TypeError {
  return new TypeError(message(name, accepted, value))
}

/** The same, where the value is a number, or a string that names one. */
export function outOfRange(name: string, accepted: string, value: unknown): RangeError {
  return new RangeError(message(name, accepted, value))
}

function message(name: string, accepted: string, value: unknown): string {
  return `${name} must be ${accepted}; got ${formatValue(value)}`
}

const LONGEST = 60

/** A value as an error message shows it: short, and without running any code of the value. */
export function formatValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(cut(value))
    case 'bigint':
      return `${cut(String(value))}n`
    case 'symbol':
      return cut(String(value))
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : 'an object'
    default:
      return String(value)
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

const NONE: Readonly<Record<string, unknown>> = /* @__PURE__ */ Object.create(null)

/**
 * The options, once it is sure that they are options and that none is unknown; of `undefined`, none.
 * `name` is what an error calls them.
 */
export function checkedOptions(
  name: string,
  options: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (options === undefined) return NONE
  // An array or a Map would pass for options none of which is set, when what was meant are entries.
  if (typeof options !== 'object' || options === null || Symbol.iterator in options) {
    throw wrongKind(name, 'a plain object', options)
  }
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new TypeError(`${formatValue(option)} is no option; there are ${known.join(', ')}`)
    }
  }
  return unpolluted(options, known)
}

/**
 * The object, or a copy without the named properties that a program has added to `Object.prototype`.
 * What the object inherits from elsewhere stays, such as the accessors of a class.
 */
export function unpolluted(
  object: object,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  const given = object as Record<string, unknown>
  return isPolluted() ? copied(given, names) : given
}

const COMMON = Object.prototype as unknown as Readonly<Record<string, unknown>>

/** Checked once, since a check of each name would make a write with a TTL half as slow again. */
function isPolluted(): boolean {
  for (const _ in COMMON) return true
  return false
}

function copied(given: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const copy: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    const value = given[name]
    if (Object.hasOwn(given, name) || value !== COMMON[name]) copy[name] = value
  }
  return copy
}

/** The key that `cache[key]` makes of a string, a number or a bigint; any other key is refused. */
export function keyFrom(key: unknown): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  throw wrongKind('A key', 'a string, a number or a bigint', key)
}

/** The entries of an object, or of an iterable of pairs, all checked before any is used. */
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
