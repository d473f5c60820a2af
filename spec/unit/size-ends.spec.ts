import { afterEach, describe, expect, it, vi } from 'vitest'
import { heapSize, lookFurther } from '../../lib/size/heap-size.ts'
import { Walk } from '../../lib/size/walk.ts'

let made = 0

afterEach(() => {
  made = 0
  vi.unstubAllGlobals()
  vi.resetModules()
})

/** An accessor that makes a new value each time, and throws when a test would take too long. */
const getterOf = (make: () => unknown): PropertyDescriptor => ({
  get() {
    if (++made > 100_000) throw new Error('Measuring does not end')
    return make()
  },
  enumerable: true,
  configurable: true,
})

const withGetter = <T extends object>(value: T, key: PropertyKey, make: () => unknown): T =>
  Object.defineProperty(value, key, getterOf(make))

class Rows extends Array {}

class Holed extends Array {}

const objects = (length: number) => Array.from({ length }, () => ({}))
const numbers = (length: number) => Array.from({ length }, (_, at) => at)

/** Each makes a value with an accessor that returns another such value. */
const forms: [string, (next: () => unknown) => unknown][] = [
  ['an object', (next) => withGetter({}, 'next', next)],
  ['an object of many keys', (next) => withGetter({ ...numbers(300) }, 'next', next)],
  ['an array, first', (next) => withGetter(objects(2), 0, next)],
  ['an array, last', (next) => withGetter(objects(2), 1, next)],
  ['an array of numbers', (next) => withGetter(numbers(2), 1, next)],
  ['an array of numbers and others', (next) => withGetter([1, 2, 'text', {}], 1, next)],
  ['an array that is almost empty', (next) => withGetter([], 1_000_000, next)],
  ['a long array', (next) => withGetter(objects(300), 299, next)],
  ['a long array of numbers', (next) => withGetter(numbers(300), 299, next)],
  ['an array of a subclass', (next) => withGetter(Rows.from(numbers(2)), 1, next)],
  ['a long array of a subclass', (next) => withGetter(Rows.from(objects(300)), 299, next)],
  ['an array, through a hole', (next) => Object.setPrototypeOf(Array(1), withGetter([], 0, next))],
  [
    'a function in an array',
    (next) => withGetter([], 0, () => Object.assign(() => {}, { next: next() })),
  ],
  ['a key of a Map', (next) => new Map([[withGetter({}, 'next', next), 1]])],
  ['a member of a Set', (next) => new Set([withGetter([], 0, next)])],
  [
    'every element',
    (next) => numbers(20).reduce((all: unknown[], at) => withGetter(all, at, next), []),
  ],
]

describe('measuring ends, in one run and in steps, if an accessor makes a new value each time:', () => {
  it.each(forms)('%s', (_name, form) => {
    const make = (): unknown => form(make)
    expect(heapSize(make())).toBeGreaterThan(0)
    const walk = new Walk(true)
    walk.add(make())
    while (lookFurther(walk));
    expect(made).toBeLessThan(20_000)
  })

  it('a lazy structure that keeps what it makes', () => {
    const lazy = (): unknown[] => {
      let next: unknown
      return withGetter([{}], 0, () => (next ??= lazy()))
    }
    expect(heapSize(lazy())).toBeGreaterThan(0)
    expect(made).toBeLessThan(10_000)
  })

  it('an element of a Proxy that gives a new Proxy each time', () => {
    const proxy = (): unknown[] =>
      new Proxy([1, 2, 3], {
        get: (target, key) => (key === 'length' ? 3 : ++made && proxy()) ?? target,
      })
    expect(heapSize([proxy()])).toBeGreaterThan(0)
    expect(made).toBeLessThan(20_000)
  })
})

describe('measuring ends on', () => {
  it('an array of a class with a getter behind a hole, which does not run', () => {
    withGetter(Holed.prototype, 0, () => new Holed(1))
    withGetter(Holed.prototype, 299, () => new Holed(300))
    expect(heapSize(new Holed(1))).toBeGreaterThan(0)
    const long = new Holed(300).fill({} as never, 1, 299)
    expect(heapSize(long)).toBeGreaterThan(0)
    expect(made).toBe(0)
  })

  it('a Proxy of an array that grows when its length is read again', () => {
    let reads = 0
    const array = new Proxy([1.5, 2.5], {
      get: (target, key, receiver) =>
        key === 'length' && ++reads > 1 ? 2 ** 53 - 1 : Reflect.get(target, key, receiver),
    })
    expect(heapSize(array)).toBeLessThan(1_000)
  })

  it('a Proxy of an array that names a class for its copies', () => {
    const species = vi.fn(() => new Proxy({}, { get: () => 2 ** 53 - 1, set: () => true }))
    const array = new Proxy([1.5, 2.5], {
      get: (target, key, receiver) =>
        key === 'constructor' ? { [Symbol.species]: species } : Reflect.get(target, key, receiver),
    })
    expect(heapSize(array)).toBeLessThan(1_000)
    expect(species).not.toHaveBeenCalled()
  })

  it('views whose prototypes go on forever', () => {
    let asked = 0
    const prototype = (): object =>
      new Proxy({}, { getPrototypeOf: () => (++asked > 1_000 ? null : prototype()) })
    for (const view of [new Uint8Array(64), new DataView(new ArrayBuffer(64))]) {
      expect(heapSize(Object.setPrototypeOf(view, prototype()))).toBeGreaterThan(64)
    }
    expect(asked).toBeLessThan(200)
  })

  it('a Map or a Set whose entries are moved to its end between steps', () => {
    const map = new Map(numbers(1_000).map((at) => [at, 'text']))
    const set = new Set(map.keys())
    const walk = new Walk(true)
    walk.add([map, set])
    let steps = 0
    while (lookFurther(walk)) {
      if (++steps > 1_000) break
      for (let turn = 0; turn < 100; turn++) {
        const key = (steps * 100 + turn) % 1_000
        map.delete(key)
        map.set(key, 'text')
        set.delete(key)
        set.add(key)
      }
    }
    expect(steps).toBeLessThan(100)
  })

  it('a Proxy of endlessly many keys, which is no longer read once the value is large', () => {
    let asked = 0
    const keys = Array.from({ length: 2_000 }, (_, at) => `key ${at}`)
    const wide = (): object =>
      new Proxy(
        {},
        {
          ownKeys: () => keys,
          getOwnPropertyDescriptor: () => ({
            value: ++asked > 40_000 ? 0 : wide(),
            enumerable: true,
            configurable: true,
          }),
          getPrototypeOf: () => null,
        },
      )
    expect(heapSize(wide())).toBeGreaterThan(0)
    expect(asked).toBeLessThan(20_000)
  })

  it('proxies on an engine that cannot tell a Proxy from an object', async () => {
    vi.stubGlobal('process', { versions: {} })
    vi.resetModules()
    const { heapSize } = await import('../../lib/size/heap-size.ts')
    const target = {}
    const handler: ProxyHandler<object> = {
      ownKeys: () => ['next'],
      getOwnPropertyDescriptor: () => ({
        value: ++made > 2_000_000 ? 0 : new Proxy(target, handler),
        enumerable: true,
        configurable: true,
      }),
      getPrototypeOf: () => null,
    }
    expect(heapSize(new Proxy(target, handler))).toBeGreaterThan(0)
    expect(made).toBeLessThan(2 ** 20 + 10)
  })
})
