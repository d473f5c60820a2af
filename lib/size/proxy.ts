import { builtinModule } from '../builtin-module.ts'

type IsProxy = (value: unknown) => boolean
let known: IsProxy | undefined
/** Of objects in one value that are taken for no Proxy where the engine does not tell. */
const MOST_UNTOLD = 2 ** 20

const cannotTell: IsProxy = () => false

function test(): IsProxy {
  known ??= builtinModule('node:util')?.types?.isProxy ?? cannotTell
  return known
}

/** False where the engine does not tell. */
export function isProxy(value: object): boolean {
  return test()(value)
}

/** Where the engine does not tell, it may be one once `met` objects were met in its value. */
export function mayBeProxy(value: object, met: number): boolean {
  const isProxy = test()
  return isProxy(value) || (isProxy === cannotTell && met > MOST_UNTOLD)
}
