import { builtinModule } from '../engine.ts'

type IsProxy = (value: unknown) => boolean
let known: IsProxy | undefined
/** If the engine cannot tell a Proxy, so many objects of one value are taken for ordinary ones. */
const MOST_UNTOLD = 2 ** 20

const cannotTell: IsProxy = () => false

function test(): IsProxy {
  known ??= builtinModule('node:util')?.types?.isProxy ?? cannotTell
  return known
}

/** `false` if the engine cannot tell. */
export function isProxy(value: object): boolean {
  return test()(value)
}

/** If the engine cannot tell, any object may be a Proxy once `met` objects were met in the value. */
export function mayBeProxy(value: object, met: number): boolean {
  const isProxy = test()
  return isProxy(value) || (isProxy === cannotTell && met > MOST_UNTOLD)
}
