import { shown } from './shown.ts'

/** Names the thing, says what it has to be, and shows what was given. */
export function wrongKind(name: string, accepted: string, value: unknown): TypeError {
  return new TypeError(message(name, accepted, value))
}

/** The same, where the value is a number, or a string that names one. */
export function outOfRange(name: string, accepted: string, value: unknown): RangeError {
  return new RangeError(message(name, accepted, value))
}

function message(name: string, accepted: string, value: unknown): string {
  return `${name} must be ${accepted}; got ${shown(value)}`
}
