import assert from 'node:assert'
import { format, inspect, isDeepStrictEqual } from 'node:util'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { produce } from 'immer'
import lodash from 'lodash'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Values } from './support/cache.ts'

const ENTRIES: [string, unknown][] = [
  ['name', 'Ada'],
  ['nested', { list: [1, { two: 2 }], date: new Date(0) }],
  ['nothing', undefined],
  ['none', null],
  ['10', 'ten'],
  ['9', 'nine'],
  ['with space', true],
]

/** A plain object without a prototype. */
const asPlain = (entries: [string, unknown][]): Values => {
  const plain = Object.create(null) as Values
  for (const [key, value] of entries) plain[key] = value
  return plain
}

// A plain object puts integer-like keys first and a cache does not, so both start in this order.
const INTEGERS_FIRST = Object.keys(asPlain(ENTRIES)).map((key): [string, unknown] => [
  key,
  asPlain(ENTRIES)[key],
])

const both = (entries = INTEGERS_FIRST) => ({
  cache: new FaaSCacheDict<Values>({}, entries),
  plain: asPlain(entries),
})

/** Checks that an act gives the same result for a cache and for a plain object. */
const expectSame = (act: (of: Values) => unknown, entries?: [string, unknown][]) => {
  const { cache, plain } = both(entries)
  expect(act(cache)).toEqual(act(plain))
}

describe('the language', () => {
  it.each<[string, (of: Values) => unknown]>([
    ['JSON.stringify', (of) => JSON.stringify(of)],
    ['JSON.stringify with an indent', (of) => JSON.stringify(of, null, 2)],
    ['JSON.stringify with a list of keys', (of) => JSON.stringify(of, ['none', 'name', 'absent'])],
    [
      'JSON.stringify with a replacer',
      (of) => JSON.stringify(of, (key, value) => (key === 'name' ? `${value}!` : value)),
    ],
    [
      'JSON.stringify, nested in another object',
      (of) => JSON.stringify({ before: 1, of, list: [of] }),
    ],
    ['a spread', (of) => ({ ...of })],
    ['a spread between others', (of) => ({ name: 'before', ...of, none: 'after' })],
    ['Object.assign from it', (of) => Object.assign({ name: 'before' }, of)],
    ['Object.entries', (of) => Object.entries(of)],
    ['Object.keys', (of) => Object.keys(of)],
    ['Object.values', (of) => Object.values(of)],
    ['Object.fromEntries(Object.entries)', (of) => Object.fromEntries(Object.entries(of))],
    ['Object.getOwnPropertyNames', (of) => Object.getOwnPropertyNames(of)],
    ['Object.getOwnPropertySymbols', (of) => Object.getOwnPropertySymbols(of)],
    ['Object.getOwnPropertyDescriptors', (of) => Object.getOwnPropertyDescriptors(of)],
    ['Object.getPrototypeOf', (of) => Object.getPrototypeOf(of)],
    ['typeof of every value', (of) => Object.keys(of).map((key) => typeof of[key])],
    ['Reflect.ownKeys', (of) => Reflect.ownKeys(of)],
    ['Reflect.has', (of) => ['name', 'absent', 'toString'].map((key) => Reflect.has(of, key))],
    ['Reflect.get', (of) => ['name', 'absent', 'toString'].map((key) => Reflect.get(of, key))],
    ['Object.hasOwn', (of) => ['name', 'absent', 'toString'].map((key) => Object.hasOwn(of, key))],
    ['Object.prototype.toString', (of) => Object.prototype.toString.call(of)],
    ['typeof', (of) => typeof of],
    ['Array.isArray', (of) => Array.isArray(of)],
    [
      'Object.isFrozen',
      (of) => [Object.isFrozen(of), Object.isSealed(of), Object.isExtensible(of)],
    ],
    ['Array.from', (of) => Array.from(of as never)],
    [
      'for…in',
      (of) => {
        const keys: string[] = []
        for (const key in of) keys.push(key)
        return keys
      },
    ],
    [
      'rest destructuring',
      (of) => {
        const { name, absent = 'default', ...rest } = of
        return [name, absent, rest]
      },
    ],
    ['a computed key', (of) => of[`na${'me'}`]],
    ['optional chaining', (of) => (of.nested as { list?: unknown[] })?.list?.[0]],
    ['Object.is of a value read twice', (of) => Object.is(of.nested, of.nested)],
  ])('%s gives the same as for a plain object', (_name, act) => expectSame(act))

  it.each<[string, (of: Values) => unknown]>([
    ['an assignment', (of) => (of.added = 1)],
    [
      'a logical assignment',
      (of) => [(of.none ??= 1), (of.name ??= 2), (of.name &&= 3), (of.added ||= 4)],
    ],
    ['an increment', (of) => [(of.count = 1), (of.count as number)++, ++(of.count as number)]],
    ['delete', (of) => [delete of.name, delete of.absent]],
    ['Object.assign to it', (of) => Object.assign(of, { added: 1, name: 'Grace' }) === of],
    ['Object.defineProperty', (of) => Object.defineProperty(of, 'none', { value: 2 }) === of],
    ['Reflect.set', (of) => [Reflect.set(of, 'added', 1), Reflect.set(of, 'name', 2)]],
    ['Reflect.deleteProperty', (of) => Reflect.deleteProperty(of, 'name')],
    ['a destructuring assignment', (of) => ([of.first, of.second] = [1, 2])],
    [
      'a for…in with a target',
      (of) => {
        for (of.name in { last: 1 });
      },
    ],
  ])('%s does the same as to a plain object', (_name, act) => {
    expectSame((of) => [act(of), { ...of }])
  })

  it('a template literal shows String(cache), where a plain object without a prototype throws', () => {
    const { cache, plain } = both()
    expect(`${cache}`).toMatch(/^<FaaSCacheDict; /)
    expect(() => `${plain}`).toThrow(TypeError)
  })

  it('integer-like keys keep their place in the order of a cache', () => {
    const cache = new FaaSCacheDict<Values>({}, ENTRIES)
    const keys = ENTRIES.map(([key]) => key)
    expect(Object.keys(cache)).toEqual(keys)
    expect(Reflect.ownKeys(cache)).toEqual(keys)
    expect(Object.keys(JSON.parse(JSON.stringify(cache)))).toEqual([
      '9',
      '10',
      'name',
      'nested',
      'none',
      'with space',
    ])
  })

  it('for…of throws a TypeError for the cache and iterates over its controller', () => {
    const { cache } = both()
    expect(() => [...(cache as unknown as Iterable<unknown>)]).toThrow(TypeError)
    expect([...controllerOf(cache)]).toEqual(INTEGERS_FIRST)
  })

  it('JSON.stringify calls a function stored under toJSON', () => {
    expectSame((of) => {
      of.toJSON = () => 'as text'
      return JSON.stringify(of)
    })
  })

  it('JSON.stringify writes a stored promise as {}', () => {
    const cache = new FaaSCacheDict<Values>({}, { user: Promise.resolve({ id: 1 }) })
    expect(JSON.stringify(cache)).toBe('{"user":{}}')
  })

  it('a cache can be a key of a WeakMap and a member of a Set', () => {
    const { cache } = both()
    expect(new WeakMap([[cache, 1]]).get(cache)).toBe(1)
    expect(new Set([cache, cache]).size).toBe(1)
  })
})

describe('util.inspect', () => {
  it.each([0, 1, 2, 3, null, Number.POSITIVE_INFINITY])(
    'at depth %s shows String(cache) and the entries of a plain object',
    (depth) => {
      const { cache, plain } = both()
      expect(inspect(cache, { depth })).toBe(`${cache} ${inspect({ ...plain }, { depth })}`)
    },
  )

  it.each([{ compact: false }, { breakLength: 20 }, { sorted: true }, { colors: true }])(
    'with %j shows String(cache) and the entries of a plain object',
    (options) => {
      const { cache, plain } = both()
      expect(inspect(cache, options)).toBe(`${cache} ${inspect({ ...plain }, options)}`)
    },
  )

  it('shows as many levels of a nested cache as of a nested plain object', () => {
    const { cache, plain } = both([['a', { b: { c: { d: { e: 1 } } } }]])
    for (const depth of [0, 1, 2, 3, 4, 5, null]) {
      const shown = inspect({ of: { cache } }, { depth, breakLength: 1_000, compact: 10 })
      const usual = inspect(
        { of: { cache: { ...plain } } },
        { depth, breakLength: 1_000, compact: 10 },
      )
      if (depth === null || depth > 1) expect(shown.replace(`${cache} `, '')).toBe(usual)
      else expect(shown).toBe(usual.replace('[Object]', depth === 1 ? String(cache) : '[Object]'))
    }
  })

  it('shows the entries of a nested cache down to the depth limit only', () => {
    const { cache } = both([['a', 1]])
    expect(inspect({ cache })).toContain(String(cache))
    expect(inspect({ cache })).toContain('a: 1')
    expect(inspect({ very: { deep: { down: { cache } } } })).not.toContain('a: 1')
    expect(inspect({ down: { cache } }, { depth: 0 })).not.toContain('a: 1')
  })

  it('is used by util.format', () => {
    const { cache, plain } = both([['a', 1]])
    expect(format('%o|%O|%s|%j', cache, cache, cache, cache)).toContain('"a":1')
    expect(format(cache)).toBe(`${cache} ${inspect({ ...plain })}`)
  })

  it('terminates for a cache that contains itself', () => {
    const cache = new FaaSCacheDict<Values>()
    cache.self = cache
    for (const depth of [0, 2, null, Number.POSITIVE_INFINITY]) {
      expect(inspect(cache, { depth, breakLength: 1_000 })).toBe(`${cache} { self: ${cache} }`)
    }
    expect(() => JSON.stringify(cache)).toThrow(TypeError)
  })
})

describe('deep equality', () => {
  it('of Vitest treats a cache as an object of its entries', () => {
    const { cache, plain } = both()
    expect(cache).toEqual(plain)
    expect(cache).toEqual({ ...plain })
    expect(plain).toEqual(cache)
    expect(cache).toMatchObject({ name: 'Ada' })
    expect(cache).toHaveProperty('nested.list')
    expect(cache).not.toEqual({ ...plain, name: 'Grace' })
    expect(cache).not.toEqual({ ...plain, more: 1 })
    expect({ inside: cache }).toEqual({ inside: plain })
    expect(cache).toEqual(both().cache)
  })

  it('of assert.deepEqual treats a cache as an object of its entries', () => {
    const { cache, plain } = both()
    assert.deepEqual(cache, plain)
    assert.notDeepEqual(cache, { ...plain, name: 'Grace' })
    assert.deepEqual({ ...cache }, { ...plain })
  })

  it('of assert.deepStrictEqual treats a cache as an object without a prototype', () => {
    const { cache, plain } = both()
    assert.deepStrictEqual(cache, plain)
    expect(isDeepStrictEqual(cache, plain)).toBe(true)
    expect(isDeepStrictEqual(cache, { ...plain })).toBe(false)
    expect(isDeepStrictEqual(cache, both([['other', 1]]).plain)).toBe(false)
  })
})

describe('lodash', () => {
  it.each<[string, (of: Values) => unknown]>([
    ['get', (of) => lodash.get(of, 'nested.list[1].two')],
    ['get of a missing path', (of) => lodash.get(of, 'absent.deep', 'default')],
    ['has', (of) => [lodash.has(of, 'name'), lodash.has(of, 'absent')]],
    ['pick', (of) => lodash.pick(of, ['name', 'absent', '10'])],
    ['pickBy', (of) => lodash.pickBy(of, (value) => value !== null)],
    ['omit', (of) => lodash.omit(of, ['name', 'absent'])],
    ['omitBy', (of) => lodash.omitBy(of, lodash.isNil)],
    ['keys', (of) => lodash.keys(of)],
    ['keysIn', (of) => lodash.keysIn(of)],
    ['values', (of) => lodash.values(of)],
    ['toPairs', (of) => lodash.toPairs(of)],
    ['size', (of) => lodash.size(of)],
    ['merge from it', (of) => lodash.merge({ nested: { more: 1 } }, of)],
    ['merge into it', (of) => ({ ...lodash.merge(of, { nested: { more: 1 }, added: 2 }) })],
    ['defaults', (of) => ({ ...lodash.defaults(of, { name: 'x', added: 1 }) })],
    ['assign', (of) => lodash.assign({}, of)],
    ['mapValues', (of) => lodash.mapValues(of, String)],
    ['mapKeys', (of) => lodash.mapKeys(of, (_value, key) => key.toUpperCase())],
    ['invert', (of) => lodash.invert(lodash.pick(of, ['name', '10']))],
    ['cloneDeep', (of) => lodash.cloneDeep(of)],
    ['clone', (of) => lodash.clone(of)],
    ['isPlainObject', (of) => lodash.isPlainObject(of)],
    ['isEmpty', (of) => lodash.isEmpty(of)],
    ['isObject', (of) => [lodash.isObject(of), lodash.isObjectLike(of), lodash.isArrayLike(of)]],
    ['isEqual', (of) => lodash.isEqual(of, asPlain(INTEGERS_FIRST))],
    ['isMatch', (of) => lodash.isMatch(of, { name: 'Ada' })],
    [
      'forOwn',
      (of) => {
        const seen: unknown[] = []
        lodash.forOwn(of, (value, key) => seen.push([key, value]))
        return seen
      },
    ],
    [
      'map, filter and reduce',
      (of) => [
        lodash.map(of, (value) => typeof value),
        lodash.filter(of, lodash.isString),
        lodash.reduce(of, (sum, value) => sum + String(value).length, 0),
      ],
    ],
    [
      'set',
      (of) => {
        lodash.set(of, 'nested.list[0]', 5)
        lodash.set(of, 'fresh.deep', 1)
        return { ...of }
      },
    ],
    ['unset', (of) => [lodash.unset(of, 'name'), { ...of }]],
  ])('%s gives the same as for a plain object', (_name, act) => {
    expectSame(
      act,
      INTEGERS_FIRST.map(([key, value]) => [key, lodash.cloneDeep(value)]),
    )
  })

  it('isEmpty returns true for an empty cache', () => {
    expect(lodash.isEmpty(new FaaSCacheDict())).toBe(true)
  })

  it('cloneDeep returns an independent object', () => {
    const { cache } = both()
    const clone = lodash.cloneDeep(cache) as Values
    expect(clone.nested).toEqual(cache.nested)
    expect(clone.nested).not.toBe(cache.nested)
    clone.name = 'Grace'
    expect(cache.name).toBe('Ada')
  })
})

describe('immer', () => {
  it('produces a new value from a stored one, which stays unchanged', () => {
    const { cache } = both([['state', { list: [1], deep: { on: true } }]])
    type State = { list: number[]; deep: { on: boolean } }
    const before = cache.state as State
    cache.state = produce(before, (draft) => {
      draft.list.push(2)
    })
    const after = cache.state as State
    expect(after.list).toEqual([1, 2])
    expect(before.list).toEqual([1])
    expect(after.deep).toBe(before.deep)
  })

  it('produces a frozen value, which is stored as itself', () => {
    const cache = new FaaSCacheDict<Values>()
    const frozen = produce({ list: [1] }, (draft) => {
      draft.list.push(2)
    })
    cache.state = frozen
    expect(cache.state).toBe(frozen)
    expect(Object.isFrozen(cache.state)).toBe(true)
  })

  it('produces a plain object from a cache, which stays unchanged', () => {
    const { cache, plain } = both([
      ['list', [1]],
      ['other', { on: true }],
    ])
    const recipe = (draft: Values) => {
      draft.added = 1
      ;(draft.list as number[]).push(2)
    }
    expect(produce(cache as Values, recipe)).toEqual(produce(plain, recipe))
    expect(Object.keys(cache).toSorted()).toEqual(['list', 'other'])
    expect(cache.list).toEqual([1])
  })
})

describe('zod', () => {
  const cases: [string, z.ZodType, boolean][] = [
    ['a record', z.record(z.string(), z.unknown()), true],
    ['a record of numbers', z.record(z.string(), z.number()), false],
    ['an object', z.object({ name: z.string() }), true],
    ['a loose object', z.looseObject({ name: z.string() }), true],
    ['a strict object', z.strictObject({ name: z.string() }), false],
    ['an object with a missing property', z.object({ absent: z.string() }), false],
    ['an array', z.array(z.unknown()), false],
  ]

  it.each(cases)('%s gives the same result as for a plain object', (_name, schema, accepts) => {
    const { cache, plain } = both()
    const result = schema.safeParse(cache)
    expect(result).toEqual(schema.safeParse(plain))
    expect(result.success).toBe(accepts)
  })
})
