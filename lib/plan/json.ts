import type { Parser } from './parser.ts'

/** One JSON object a line. The field `a.b` is a property of that name, or else `b` in the object `a`. */
export function jsonParser(fields: readonly string[]): Parser {
  const paths = fields.map((field) => ({ field, path: field.split('.') }))
  return (line) => {
    let object: unknown
    try {
      object = JSON.parse(line)
    } catch {
      return 'not JSON'
    }
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      return 'no JSON object'
    }
    return paths.map(({ field, path }) => own(object, field) ?? path.reduce(own, object as unknown))
  }
}

function own(object: unknown, name: string): unknown {
  const isObject = typeof object === 'object' && object !== null
  return isObject && Object.hasOwn(object, name)
    ? (object as Record<string, unknown>)[name]
    : undefined
}
