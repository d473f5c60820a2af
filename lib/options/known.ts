import { wrongKind } from './refusal.ts'
import { shown } from './shown.ts'

/**
 * The options, once it is sure that they are options and that none is unknown; of `undefined`, none.
 * `name` is what an error calls them.
 */
export function refuseUnknown(
  name: string,
  options: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (options === undefined) return {}
  // An array or a Map would pass for options none of which is set, when what was meant are entries.
  if (typeof options !== 'object' || options === null || Symbol.iterator in options) {
    throw wrongKind(name, 'a plain object', options)
  }
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new TypeError(`${shown(option)} is no option; there are ${known.join(', ')}`)
    }
  }
  return options as Readonly<Record<string, unknown>>
}
