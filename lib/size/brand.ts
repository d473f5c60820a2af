const getter = (prototype: object, name: string): ((this: unknown) => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, name)?.get ?? (() => undefined)

type Probe = (this: unknown) => unknown

const shared = globalThis.SharedArrayBuffer
const probes: Readonly<Record<string, Probe>> = {
  Map: getter(Map.prototype, 'size'),
  Set: getter(Set.prototype, 'size'),
  Date: Date.prototype.getTime as Probe,
  ArrayBuffer: getter(ArrayBuffer.prototype, 'byteLength'),
  SharedArrayBuffer: shared ? getter(shared.prototype, 'byteLength') : () => undefined,
  RegExp: getter(RegExp.prototype, 'source'),
}
const estimated = new Set(['Error', 'Promise', 'URL', 'Headers', 'WeakMap', 'WeakSet', 'WeakRef'])
const kinds = new WeakMap<object, string>()

const kindOfPrototype = (prototype: object): string => {
  let at: object | null = prototype
  // A Proxy among the prototypes may answer with another one for ever.
  for (let depth = 0; at !== null && depth < 64; depth++, at = Object.getPrototypeOf(at)) {
    const maker: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof maker !== 'function') continue
    const name: unknown = Object.getOwnPropertyDescriptor(maker, 'name')?.value
    if (typeof name === 'string' && (Object.hasOwn(probes, name) || estimated.has(name))) {
      return name
    }
  }
  return 'Object'
}

/** The built-in class of a value, of any realm, told by its internal slots; runs none of its code. */
export function brandOf(value: object, prototype: object | null): string {
  if (prototype === null) return 'Object'
  let kind = kinds.get(prototype)
  if (kind === undefined) {
    kind = kindOfPrototype(prototype)
    kinds.set(prototype, kind)
  }
  const probe = Object.hasOwn(probes, kind) ? probes[kind] : undefined
  if (probe === undefined) return kind
  try {
    probe.call(value)
    return kind
  } catch {
    return 'Object'
  }
}

type IsProxy = (value: unknown) => boolean
let known: IsProxy | undefined

/** False where the engine does not tell. */
export function isProxy(value: object): boolean {
  known ??= globalThis.process?.getBuiltinModule?.('node:util')?.types?.isProxy ?? (() => false)
  return known(value)
}
