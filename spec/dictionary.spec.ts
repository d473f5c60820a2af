import { deepStrictEqual } from 'node:assert/strict'
import { inspect } from 'node:util'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'

type Dictionary = Record<string, unknown>

const made = (entries: Dictionary = {}, options = {}) =>
  new FaaSCacheDict<Dictionary>(options, entries)

const statsOf = (cache: FaaSCacheDict) => controllerOf(cache).stats()
const keysOf = (cache: FaaSCacheDict) => [...controllerOf(cache).keys()]

const UNUSUAL_KEYS = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Function.prototype),
  ...Object.getOwnPropertyNames(Map.prototype),
  ...['then', 'catch', 'toJSON', 'get', 'size', 'inspect', 'prototype', 'asymmetricMatch'],
  ...['', '0', '1', '-1', '01', '4294967295', '1.5', ' ', '\0', '𝒳', '\ud800', 'key\nkey'],
]

describe('every string is a key', () => {
  it.each(UNUSUAL_KEYS)('the key %j is absent until it is written', (key) => {
    const cache = made()
    expect(key in cache).toBe(false)
    expect(cache[key]).toBeUndefined()
    expect(Object.hasOwn(cache, key)).toBe(false)
    expect(Object.getOwnPropertyDescriptor(cache, key)).toBeUndefined()

    cache[key] = 'data'
    expect(key in cache).toBe(true)
    expect(cache[key]).toBe('data')
    expect(Object.hasOwn(cache, key)).toBe(true)
    expect(Object.keys(cache)).toEqual([key])
    expect(Object.getPrototypeOf(cache)).toBeNull()

    expect(delete cache[key]).toBe(true)
    expect(key in cache).toBe(false)
    expect(cache[key]).toBeUndefined()
  })

  it.each(UNUSUAL_KEYS)('the initial entries and update accept the key %j', (key) => {
    const pairs: [string, unknown][] = [[key, 1]]
    const cache = new FaaSCacheDict<Dictionary>({}, pairs)
    expect(cache[key]).toBe(1)
    controllerOf(cache).update([[key, 2]])
    expect(cache[key]).toBe(2)
  })

  it('storing an object under __proto__ does not change the prototype', () => {
    const cache = made()
    const value = { polluted: true }
    cache.__proto__ = value
    expect(cache.__proto__).toBe(value)
    expect(Object.keys(cache)).toEqual(['__proto__'])
    expect('polluted' in cache).toBe(false)
    expect(Object.getPrototypeOf(cache)).toBeNull()
    expect(JSON.stringify(cache)).toBe('{"__proto__":{"polluted":true}}')
  })

  it('String(cache) and JSON.stringify ignore values stored under method names', () => {
    const toString = vi.fn(() => 'mine')
    const toJSON = 'not a function'
    const cache = made({ toString, valueOf: toString, toJSON, hasOwnProperty: 1, constructor: 2 })
    expect(String(cache)).toMatch(/^<FaaSCacheDict; /)
    expect(toString).not.toHaveBeenCalled()
    expect(JSON.parse(JSON.stringify(cache))).toEqual({ toJSON, hasOwnProperty: 1, constructor: 2 })
  })

  it('a number used as a key becomes a string', () => {
    const cache = made()
    cache[42] = 'answer'
    expect(cache['42']).toBe('answer')
    expect(42 in cache).toBe(true)
    expect(keysOf(cache)).toEqual(['42'])
  })
})

describe('a cache inherits nothing', () => {
  it('its prototype is null, and it is an instance of FaaSCacheDict', () => {
    const cache = made()
    expect(Object.getPrototypeOf(cache)).toBeNull()
    expect(Reflect.getPrototypeOf(cache)).toBeNull()
    expect(cache instanceof FaaSCacheDict).toBe(true)
    expect((cache as object) instanceof Object).toBe(false)
  })

  it('only a cache is an instance of FaaSCacheDict', () => {
    const others = [{}, Object.create(null), [], new Map(), () => 1, null, undefined, 1, 'cache']
    for (const other of [...others, Object.create(made()), controllerOf(made())]) {
      expect((other as object) instanceof FaaSCacheDict).toBe(false)
    }
  })

  it('a property added to Object.prototype stays invisible', () => {
    const prototype = Object.prototype as unknown as Dictionary
    prototype.leaked = true
    try {
      const cache = made({ a: 1 })
      expect(cache.leaked).toBeUndefined()
      expect('leaked' in cache).toBe(false)
      const seen: string[] = []
      for (const key in cache) seen.push(key)
      expect(seen).toEqual(['a'])
    } finally {
      delete prototype.leaked
    }
  })

  it('a subclass throws a TypeError when it is constructed', () => {
    const Base = FaaSCacheDict as unknown as new () => object
    class Mine extends Base {}
    expect(() => new Mine()).toThrow(TypeError)
    expect(() => Reflect.construct(FaaSCacheDict as never, [], Mine)).toThrow(TypeError)
  })

  it('calling FaaSCacheDict without new throws a TypeError', () => {
    expect(() => (FaaSCacheDict as unknown as () => object)()).toThrow(TypeError)
  })
})

describe('the key then', () => {
  it('every way to store a function under it throws a TypeError and changes nothing', () => {
    const cache = made({ then: 'later' })
    const controller = controllerOf(cache)
    const then = () => {}
    const writes = [
      () => {
        cache.then = then
      },
      () => Reflect.set(cache, 'then', then),
      () => Object.assign(cache, { then }),
      () => Object.defineProperty(cache, 'then', { value: then }),
      () => controller.set('then', then),
      () => controller.update({ then }),
      () => controller.update([['then', then]]),
      () => made({ then }),
    ]
    for (const write of writes) expect(write).toThrow(TypeError)
    expect(cache.then).toBe('later')
    expect(controller.stats().writes).toBe(1)
    delete cache.then
    expect(() => controller.setDefault('then', then)).toThrow(TypeError)
    expect('then' in cache).toBe(false)
  })

  it('getOrSet rejects if its factory returns a function for it', async () => {
    const cache = made()
    const load = controllerOf(cache).getOrSet('then', () => () => {})
    await expect(load).rejects.toThrow(TypeError)
    expect('then' in cache).toBe(false)
  })

  it('await cache gives the cache, with or without a value under it', async () => {
    const cache = made()
    expect((await cache) === cache).toBe(true)
    cache.then = 'data'
    expect((await cache) === cache).toBe(true)
    expect((await Promise.resolve(cache)) === cache).toBe(true)
    const give = async () => cache
    expect((await give()) === cache).toBe(true)
  })
})

describe('symbols are not keys', () => {
  const symbols = [Symbol('s'), Symbol.for('s'), Symbol.iterator, Symbol.toStringTag]
  const answered = [Symbol.toPrimitive, Symbol.dispose, inspect.custom].filter(
    (symbol) => symbol !== undefined,
  )

  it('every way to store under a symbol throws a TypeError', () => {
    const cache = made({ a: 1 })
    for (const symbol of [...symbols, ...answered]) {
      expect(() => {
        ;(cache as Record<symbol, unknown>)[symbol] = 1
      }).toThrow(TypeError)
      expect(() => Reflect.set(cache, symbol, 1)).toThrow(TypeError)
      expect(() => Object.defineProperty(cache, symbol, { value: 1 })).toThrow(TypeError)
      expect(() => Object.assign(cache, { [symbol]: 1 })).toThrow(TypeError)
    }
    expect(Reflect.ownKeys(cache)).toEqual(['a'])
  })

  it('reading a symbol gives undefined, except the symbols for printing and disposal', () => {
    const cache = made() as Record<symbol, unknown>
    for (const symbol of symbols) {
      expect(cache[symbol]).toBeUndefined()
      expect(symbol in cache).toBe(false)
    }
    for (const symbol of answered) expect(cache[symbol]).toBeTypeOf('function')
  })

  it('the symbols for printing and disposal are not properties of the cache', () => {
    const cache = made()
    expect(Object.getOwnPropertySymbols(cache)).toEqual([])
    expect(Reflect.ownKeys(cache)).toEqual([])
    for (const symbol of answered) {
      expect(Object.getOwnPropertyDescriptor(cache, symbol)).toBeUndefined()
      expect(Object.hasOwn(cache, symbol)).toBe(false)
    }
  })

  it('deleting a symbol returns true and changes nothing', () => {
    const cache = made({ a: 1 })
    for (const symbol of [...symbols, ...answered]) {
      expect(delete (cache as Record<symbol, unknown>)[symbol]).toBe(true)
    }
    expect(String(cache)).toMatch(/^<FaaSCacheDict/)
    expect(statsOf(cache)).toMatchObject({ deletions: 0, items: 1 })
  })

  it('the cache looks like a plain, extensible object', () => {
    expect(Object.prototype.toString.call(made())).toBe('[object Object]')
    expect(typeof made()).toBe('object')
    expect(Array.isArray(made())).toBe(false)
    expect(Object.isExtensible(made())).toBe(true)
    expect(Object.isFrozen(made({ a: 1 }))).toBe(false)
    expect(Object.isSealed(made({ a: 1 }))).toBe(false)
  })

  it('a disposed cache can still be read and written', () => {
    const cache = made({ a: 1 })
    ;(cache as unknown as Disposable)[Symbol.dispose]?.()
    expect(cache.a).toBe(1)
    cache.b = 2
    expect(keysOf(cache)).toEqual(['a', 'b'])
  })
})

describe('uses', () => {
  it('reading a key promotes the entry and counts a hit or a miss', () => {
    const cache = made({ a: 1, b: 2, c: 3 })
    expect(cache.a).toBe(1)
    expect(keysOf(cache)).toEqual(['b', 'c', 'a'])
    expect(Reflect.get(cache, 'b')).toBe(2)
    expect(keysOf(cache)).toEqual(['c', 'a', 'b'])
    expect(cache.absent).toBeUndefined()
    expect(statsOf(cache)).toMatchObject({ hits: 2, misses: 1 })
  })

  it('checking, enumerating and printing are not uses', () => {
    const cache = made({ a: 1, b: 2, c: 3 })
    const before = String(cache)
    const looks: (() => unknown)[] = [
      () => 'a' in cache,
      () => 'absent' in cache,
      () => Reflect.has(cache, 'a'),
      () => Object.hasOwn(cache, 'a'),
      () => Object.keys(cache),
      () => Object.getOwnPropertyNames(cache),
      () => Reflect.ownKeys(cache),
      () => {
        for (const _key in cache);
      },
      () => Object.getOwnPropertyDescriptor(cache, 'a'),
      () => Object.getOwnPropertyDescriptors(cache),
      () => Object.prototype.propertyIsEnumerable.call(cache, 'a'),
      () => Object.hasOwn(cache, 'absent'),
      () => inspect(cache),
      // With showProxy, Deno's inspect reads through the Proxy.
      () => inspect(cache, { showProxy: !('Deno' in globalThis) }),
      () => String(cache),
      () => Object.prototype.toString.call(cache),
      () => cache.then,
      () => cache.toJSON,
      () => Promise.resolve(cache),
      () => Object.getPrototypeOf(cache),
      () => cache instanceof FaaSCacheDict,
    ]
    for (const look of looks) look()
    expect(keysOf(cache)).toEqual(['a', 'b', 'c'])
    expect(statsOf(cache)).toMatchObject({ hits: 0, misses: 0, writes: 3 })
    expect(String(cache)).toBe(before)
  })

  it('reading a stored then or toJSON is a use', () => {
    const cache = made({ then: 1, toJSON: 2, other: 3 })
    expect([cache.then, cache.toJSON]).toEqual([1, 2])
    expect(statsOf(cache).hits).toBe(2)
    expect(keysOf(cache)).toEqual(['other', 'then', 'toJSON'])
  })

  it.each([
    ['a spread', (cache: object) => ({ ...cache })],
    ['Object.assign', (cache: object) => Object.assign({}, cache)],
    ['JSON.stringify', (cache: object) => JSON.stringify(cache)],
    ['Object.entries', (cache: object) => Object.entries(cache)],
    ['Object.values', (cache: object) => Object.values(cache)],
  ])('%s uses each entry once, oldest first, so the order stays', (_name, read) => {
    const cache = made({ b: 1, a: 2, 10: 3, 9: 4 })
    const before = keysOf(cache)
    read(cache)
    expect(keysOf(cache)).toEqual(before)
    expect(statsOf(cache)).toMatchObject({ hits: 4, misses: 0 })
  })
})

describe('values', () => {
  it('undefined and null can be stored, and in tells them from a miss', () => {
    const cache = made({ nothing: undefined, none: null })
    expect(cache.nothing).toBeUndefined()
    expect(cache.none).toBeNull()
    expect('nothing' in cache).toBe(true)
    expect('none' in cache).toBe(true)
    expect('absent' in cache).toBe(false)
    expect(Object.keys(cache)).toEqual(['nothing', 'none'])
    expect(statsOf(cache)).toMatchObject({ hits: 2, misses: 0, items: 2 })
  })

  it.each([Number.NaN, 0, -0, '', false, 1n, Symbol('value')])('%o can be stored', (value) => {
    const cache = made({ value })
    expect(Object.is(cache.value, value)).toBe(true)
    expect('value' in cache).toBe(true)
  })
})

describe('delete', () => {
  it('returns true with or without an entry', () => {
    const cache = made({ a: 1 })
    expect(delete cache.a).toBe(true)
    expect(delete cache.a).toBe(true)
    expect(Reflect.deleteProperty(cache, 'absent')).toBe(true)
    expect(statsOf(cache)).toMatchObject({ deletions: 1, items: 0 })
  })
})

describe('enumeration', () => {
  const enumerations: [string, (cache: Dictionary) => string[]][] = [
    ['Object.keys', (cache) => Object.keys(cache)],
    ['Object.entries', (cache) => Object.entries(cache).map(([key]) => key)],
    ['Reflect.ownKeys', (cache) => Reflect.ownKeys(cache) as string[]],
    ['Object.getOwnPropertyNames', (cache) => Object.getOwnPropertyNames(cache)],
    [
      'JSON.stringify',
      (cache) => [...JSON.stringify(cache).matchAll(/"(\w+)":/g)].map((m) => m[1] as string),
    ],
    [
      'for…in',
      (cache) => {
        const keys: string[] = []
        for (const key in cache) keys.push(key)
        return keys
      },
    ],
  ]

  it.each(enumerations)('%s gives live keys, least recently used first', (_name, keys) => {
    const clock = new FakeClock()
    const cache = made({}, { now: clock.now })
    const controller = controllerOf(cache)
    controller.set('brief', 0, { ttl: '1s' })
    for (const key of ['z', '10', 'a', '9']) cache[key] = key
    expect(cache.z).toBe('z')
    expect(keys(cache)).toEqual(['brief', '10', 'a', '9', 'z'])
    clock.advance(1_000)
    expect(keys(cache)).toEqual(['10', 'a', '9', 'z'])
  })

  it('the result of a spread puts integer-like keys first, as every object does', () => {
    const cache = made()
    for (const key of ['b', '10', '9']) cache[key] = key
    expect(Object.keys({ ...cache })).toEqual(['9', '10', 'b'])
    expect(Object.keys(cache)).toEqual(['b', '10', '9'])
  })

  it('a descriptor is writable, enumerable and configurable', () => {
    const cache = made({ a: 1 })
    expect(Object.getOwnPropertyDescriptor(cache, 'a')).toEqual({
      value: 1,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  })

  it('for…in skips a key deleted during the loop', () => {
    const cache = made({ a: 1, b: 2, c: 3 })
    const seen: string[] = []
    for (const key in cache) {
      seen.push(key)
      delete (cache as Dictionary).b
    }
    expect(seen).toEqual(['a', 'c'])
  })
})

describe('Object.defineProperty', () => {
  it('stores a value if no attribute is false', () => {
    const cache = made({ a: 1, b: 2 })
    Object.defineProperty(cache, 'a', { value: 3 })
    Object.defineProperty(cache, 'c', {
      value: 4,
      writable: true,
      enumerable: true,
      configurable: true,
    })
    Object.defineProperties(cache, { d: { value: 5, enumerable: true } })
    expect(Reflect.defineProperty(cache, 'e', { value: undefined })).toBe(true)
    expect(Object.entries(cache)).toEqual([
      ['b', 2],
      ['a', 3],
      ['c', 4],
      ['d', 5],
      ['e', undefined],
    ])
  })

  it.each<[string, PropertyDescriptor]>([
    ['writable: false', { value: 2, writable: false }],
    ['enumerable: false', { value: 2, enumerable: false }],
    ['configurable: false', { value: 2, configurable: false }],
    ['a getter', { get: () => 2 }],
    ['a configurable getter', { get: () => 2, enumerable: true, configurable: true }],
    ['a setter', { set: () => {} }],
    ['an empty descriptor', {}],
    ['attributes only', { writable: true, enumerable: true, configurable: true }],
  ])('given %s, throws a TypeError and changes nothing', (_name, descriptor) => {
    const cache = made({ a: 1, b: 2 })
    for (const key of ['a', 'absent']) {
      expect(() => Object.defineProperty(cache, key, descriptor)).toThrow(TypeError)
      expect(() => Reflect.defineProperty(cache, key, descriptor)).toThrow(TypeError)
    }
    expect(Object.entries(cache)).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(statsOf(cache).writes).toBe(2)
  })
})

describe('changes to the object itself', () => {
  it.each<[string, (cache: object) => unknown]>([
    ['Object.freeze', Object.freeze],
    ['Object.seal', Object.seal],
    ['Object.preventExtensions', Object.preventExtensions],
    ['Reflect.preventExtensions', Reflect.preventExtensions],
    ['Object.setPrototypeOf', (cache) => Object.setPrototypeOf(cache, {})],
    ['Reflect.setPrototypeOf', (cache) => Reflect.setPrototypeOf(cache, Array.prototype)],
  ])('%s throws a TypeError and changes nothing', (_name, change) => {
    const cache = made({ a: 1 })
    expect(() => change(cache)).toThrow(TypeError)
    cache.b = 2
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    expect(Object.isExtensible(cache)).toBe(true)
    expect(Object.getPrototypeOf(cache)).toBeNull()
  })

  it('setting the prototype to null succeeds, since it is null already', () => {
    const cache = made()
    expect(Object.setPrototypeOf(cache, null)).toBe(cache)
  })
})

describe('Object.create(cache)', () => {
  it('inherits reads, and each read is a use', () => {
    const cache = made({ a: 1, b: 2 })
    const child = Object.create(cache) as Dictionary
    expect(child.a).toBe(1)
    expect('a' in child).toBe(true)
    expect(child.absent).toBeUndefined()
    expect(keysOf(cache)).toEqual(['b', 'a'])
    expect(statsOf(cache)).toMatchObject({ hits: 1, misses: 1 })
  })

  it('keeps its own writes', () => {
    const cache = made({ a: 1 })
    const child = Object.create(cache) as Dictionary
    child.a = 2
    child.own = 3
    child.own = 4
    expect([child.a, child.own, cache.a, cache.own]).toEqual([2, 4, 1, undefined])
    expect(Object.keys(child)).toEqual(['a', 'own'])
    delete child.a
    expect(child.a).toBe(1)
    expect(statsOf(cache).writes).toBe(1)
  })

  it('stores a then and a symbol as its own properties', () => {
    const child = Object.create(made()) as Record<string | symbol, unknown>
    const symbol = Symbol('own')
    child[symbol] = 1
    child.then = undefined
    expect(child[symbol]).toBe(1)
    expect(Object.keys(child)).toEqual(['then'])
  })

  it('throws a TypeError on a write once it is frozen', () => {
    const cache = made({ a: 1 })
    const child = Object.create(cache) as Dictionary
    Object.freeze(child)
    expect(() => {
      child.a = 2
    }).toThrow(TypeError)
    expect(cache.a).toBe(1)
  })

  it('Reflect.set writes to its receiver, not to the cache', () => {
    const cache = made({ a: 1 })
    const receiver: Dictionary = {}
    expect(Reflect.set(cache, 'a', 2, receiver)).toBe(true)
    expect(receiver.a).toBe(2)
    expect(Reflect.set(cache, 'a', 2, 1)).toBe(false)
    expect(cache.a).toBe(1)
  })
})

describe('printing', () => {
  it('String(cache), a template and a concatenation show the options and the sizes', () => {
    const cache = made({ foo: 1 }, { defaultTtl: '10s', maxSizeBytes: '128M', maxItems: 10 })
    const line = `<FaaSCacheDict; defaultTtl=10s, maxSizeBytes=128M, maxItems=10, sizeBytes=${controllerOf(cache).sizeBytes}, items=1>`
    expect(String(cache)).toBe(line)
    expect(`${cache}`).toBe(line)
    expect(`is ${cache as unknown as string}`).toBe(`is ${line}`)
  })

  it('Number(cache) is NaN, as for a plain object', () => {
    expect(Number(made())).toBeNaN()
  })

  it('inspect shows String(cache) and the live entries', () => {
    const clock = new FakeClock()
    const cache = made({ expired: 0 }, { defaultTtl: '1s', now: clock.now })
    clock.advance(1_000)
    cache.list = [1, 2]
    cache['odd key'] = 'text'
    expect(inspect(cache)).toBe(`${cache} ${inspect({ list: [1, 2], 'odd key': 'text' })}`)
  })

  it('inspect uses no entry at any depth', () => {
    const cache = made({ a: { b: { c: { d: 1 } } }, e: 2 })
    for (const depth of [0, 1, 2, 10, null, Number.POSITIVE_INFINITY]) {
      expect(inspect(cache, { depth })).toContain(String(cache))
    }
    expect(statsOf(cache)).toMatchObject({ hits: 0, misses: 0 })
    expect(keysOf(cache)).toEqual(['a', 'e'])
  })
})

describe('structuredClone', () => {
  it('throws, as it does for every Proxy', () => {
    expect(() => structuredClone(made({ a: 1 }))).toThrow()
  })
})

describe('the name FaaSCacheDict', () => {
  const messageOf = (action: () => unknown) => {
    try {
      action()
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing was thrown'
  }

  it.each<[string, (cache: object) => string]>([
    ['console.dir', (cache) => inspect(cache, { customInspect: false })],
    ['inspect with showProxy', (cache) => inspect(cache, { showProxy: true })],
    ['an assertion diff', (cache) => messageOf(() => deepStrictEqual(cache, { b: 2 }))],
    ['inspect of an object that holds the cache', (cache) => inspect({ cache })],
    ['inspect of the class', () => inspect(FaaSCacheDict)],
  ])('appears in %s', (_name, show) => {
    const shown = show(made({ a: 1 }))
    expect(shown).toContain('FaaSCacheDict')
    expect(shown).not.toContain('Target')
  })

  it.runIf(process.versions.v8 && !process.versions.bun)(
    'appears in the error of structuredClone on V8',
    () => {
      expect(messageOf(() => structuredClone(made()))).toContain('#<FaaSCacheDict>')
    },
  )
})

describe('the invariants of a Proxy', () => {
  it('hold while entries are written, deleted, evicted and expire', () => {
    const clock = new FakeClock()
    const cache = made({}, { defaultTtl: '1s', maxItems: 3, now: clock.now })
    for (let round = 0; round < 200; round++) {
      cache[`key-${round % 7}`] = round
      if (round % 5 === 0) delete cache[`key-${round % 3}`]
      if (round % 11 === 0) clock.advance(600)
      const keys = Reflect.ownKeys(cache)
      expect(new Set(keys).size).toBe(keys.length)
      for (const key of keys) {
        expect(Reflect.has(cache, key)).toBe(true)
        expect(Reflect.getOwnPropertyDescriptor(cache, key)?.configurable).toBe(true)
      }
      expect(Reflect.isExtensible(cache)).toBe(true)
      expect(Reflect.getPrototypeOf(cache)).toBeNull()
    }
  })
})

describe('initial entries', () => {
  it('can be an object or any iterable of pairs', () => {
    const pairs: [string, unknown][] = [
      ['b', 1],
      ['a', 2],
    ]
    const generate = function* () {
      yield* pairs
    }
    for (const entries of [pairs, new Map(pairs), generate(), made(Object.fromEntries(pairs))]) {
      const cache = new FaaSCacheDict<Dictionary>({}, entries as [string, unknown][])
      expect(Object.entries(cache)).toEqual(pairs)
    }
    expect(Object.entries(made({ b: 1, a: 2 }))).toEqual(pairs)
  })

  it('can be another cache, which is copied', () => {
    const source = made({ b: 1, a: 2 })
    const copy = new FaaSCacheDict<Dictionary>({}, source)
    delete source.b
    expect(Object.entries(copy)).toEqual([
      ['b', 1],
      ['a', 2],
    ])
  })

  it('are written in order within the limits, and the last value of a key wins', () => {
    const pairs: [string, number][] = [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ]
    const cache = new FaaSCacheDict<Dictionary>({ maxItems: 2 }, pairs)
    expect(Object.entries(cache)).toEqual([
      ['a', 3],
      ['c', 4],
    ])
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 1],
    ['a string', 'ab'],
    ['a function', () => []],
    ['an iterable of strings', ['ab', 'cd']],
    ['an iterable of numbers', [1]],
    ['a pair with a symbol key', [[Symbol('s'), 1]]],
    ['a pair with an object key', [[{}, 1]]],
  ])('given as %s, throw a TypeError', (_name, entries) => {
    expect(() => new FaaSCacheDict({}, entries as never)).toThrow(TypeError)
  })
})

describe('loading with ??=', () => {
  it('concurrent callers share one load', async () => {
    const load = vi.fn(async (id: string) => ({ id }))
    const users = new FaaSCacheDict<Record<string, Promise<{ id: string }>>>({ defaultTtl: '5m' })
    const read = () => (users.ada ??= load('ada'))
    const results = await Promise.all([read(), read(), read()])
    expect(load).toHaveBeenCalledOnce()
    for (const user of results) expect(user).toBe(results[0])
    await read()
    expect(load).toHaveBeenCalledOnce()
  })

  it('a failed load is not kept', async () => {
    const load = vi.fn(async () => {
      throw new Error('down')
    })
    const users = new FaaSCacheDict<Record<string, Promise<never>>>()
    const read = async () => (users.ada ??= load())
    await Promise.all([
      expect(read()).rejects.toThrow('down'),
      expect(read()).rejects.toThrow('down'),
    ])
    expect(load).toHaveBeenCalledOnce()
    expect('ada' in users).toBe(false)
    await expect(read()).rejects.toThrow('down')
    expect(load).toHaveBeenCalledTimes(2)
  })
})

describe('an initial entry that does not fit', () => {
  it('makes the constructor throw, and leaves no timer', () => {
    vi.useFakeTimers()
    const options = { maxSizeBytes: '8K', defaultTtl: '1m' } as const
    const entries = { small: 1, large: 'x'.repeat(10_000) }
    expect(() => new FaaSCacheDict(options, entries)).toThrow(RangeError)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})
