import { builtinModule } from '../engine.ts'
import { WORD } from './layout.ts'
import { dataOf, getterOf } from './slots.ts'
import { stringSize } from './string.ts'
import { takeAll, type Walk } from './walk.ts'

/** Charges a value for what it holds out of sight. Throws if the value is no instance of the class. */
export type Visit = (walk: Walk, value: object) => void
/** Makes a visit with the getters and methods of a class's prototype. */
type VisitOf = (own: object) => Visit

/** Charged for a body whose length is not stated. */
const UNKNOWN_BODY = 2 ** 13

/** A class that lists pairs. Each is charged `pairBytes`, its name and its value. */
function pairs(bytes: number, pairBytes: number): VisitOf {
  return (own) => {
    const entries = dataOf(own, 'entries') as () => Iterator<[unknown, unknown]>
    return (walk, value) => {
      takeAll(walk, entries.call(value), Number.POSITIVE_INFINITY, ([name, item]) => {
        walk.bytes += pairBytes
        walk.add(name)
        walk.add(item)
      })
      walk.bytes += bytes
    }
  }
}

/** A class with a getter that counts or lists what it holds. */
function counted(bytes: number, getter: string, eachBytes = 1): VisitOf {
  return (own) => {
    const counter = getterOf(own, getter)
    return (walk, value) => {
      const count = counter.call(value)
      const each = wholeOr(0, Array.isArray(count) ? count.length : count)
      walk.bytes += bytes + Math.ceil(each * eachBytes)
    }
  }
}

/** A class with a getter for what it holds. */
function holding(bytes: number, getter: string): VisitOf {
  return (own) => {
    const held = getterOf(own, getter)
    return (walk, value) => {
      walk.add(held.call(value))
      walk.bytes += bytes
    }
  }
}

function message(bytes: number): VisitOf {
  return (own) => {
    const urlOf = getterOf(own, 'url')
    const headersOf = getterOf(own, 'headers')
    const bodyOf = getterOf(own, 'body')
    return (walk, value) => {
      const url = urlOf.call(value) as string
      walk.bytes += bytes
      // On Node 20 and 22 the state holds everything.
      const isState = ({ description }: symbol) => description === 'state'
      const state = Object.getOwnPropertySymbols(value).find(isState)
      if (state !== undefined) {
        walk.add(dataOf(value, state))
        return
      }
      walk.bytes += stringSize(url)
      const headers = headersOf.call(value)
      walk.add(headers)
      // On other runtimes the getter may turn the body into a stream.
      const body = isNode() ? bodyOf.call(value) : undefined
      if (body === null) return
      walk.add(body)
      const get = classAt('Headers', FETCH)?.prototype.get as (name: string) => string | null
      walk.bytes += wholeOr(UNKNOWN_BODY, Number(get.call(headers, 'content-length') ?? Number.NaN))
    }
  }
}

const wholeOr = (other: number, count: unknown): number =>
  Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) : other

/** Node loads it when a program first uses `fetch` or one of its classes, which takes 20 ms. */
const FETCH = 'internal/deps/undici/undici'

/** By tag, or else by name: how to charge it, and the module that Node must have loaded for it. */
const classes: Record<string, [VisitOf, module?: string]> = {
  // A thirty-second more, since an allocator gives whole pages.
  Blob: [counted(900, 'size', 33 / 32)],
  BlockList: [counted(2500, 'rules', 500), 'net'],
  FormData: [pairs(200, 64), FETCH],
  Headers: [pairs(300, 150), FETCH],
  ImageData: [holding(100, 'data')],
  Request: [message(1000), FETCH],
  Response: [message(300), FETCH],
  URL: [holding(260, 'href')],
  URLSearchParams: [pairs(160, 32)],
  'WebAssembly.Instance': [holding(1000, 'exports')],
  'WebAssembly.Memory': [holding(200, 'buffer')],
  'WebAssembly.Table': [counted(200, 'length', 4 * WORD)],
  // The getter adds nothing: it only throws if the value is no instance.
  X509Certificate: [counted(6500, 'ca'), 'crypto'],
}

const loadedModules = (): readonly string[] =>
  (builtinModule('node:process') as { moduleLoadList?: string[] } | undefined)?.moduleLoadList ?? []

/** Other runtimes list no module. */
const isNode = (): boolean => loadedModules().length > 0

type Class = { prototype: Record<string, unknown> }

/** A class of the platform, by its path. Loads nothing. */
function classAt(path: string, module?: string): Class | undefined {
  if (module !== undefined && isNode() && !loadedModules().includes(`NativeModule ${module}`))
    return
  let found: unknown =
    module === 'net' || module === 'crypto' ? builtinModule(`node:${module}`) : globalThis
  for (const name of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[name]
  return found as Class | undefined
}

/** How to charge instances of the class that has this prototype, if it is the platform's own. */
export function platformVisit(prototype: object, path: string): Visit | undefined {
  const [visitOf, module] = (Object.hasOwn(classes, path) && classes[path]) || []
  return visitOf && classAt(path, module)?.prototype === prototype ? visitOf(prototype) : undefined
}
