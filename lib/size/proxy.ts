import { builtinModule } from '../builtin-module.ts'

type IsProxy = (value: unknown) => boolean
let known: IsProxy | undefined

/** False where the engine does not tell. */
export function isProxy(value: object): boolean {
  known ??= builtinModule('node:util')?.types?.isProxy ?? (() => false)
  return known(value)
}
