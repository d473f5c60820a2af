import { deepStrictEqual } from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expectInvariants } from './support/invariants.ts'

const RUNS = Number(process.env.PROXY_RUNS ?? 1_000)
const SEED = 20_261_125

type Key = string | symbol
type Bag = Record<Key, unknown>

const namesOf = (object: object) => Object.getOwnPropertyNames(object)
const wellKnown = namesOf(Symbol)
  .map((name) => (Symbol as unknown as Bag)[name])
  .filter((value): value is symbol => typeof value === 'symbol')
const INSPECT = Symbol.for('nodejs.util.inspect.custom')
/** The symbols for printing and disposal, which read as functions. */
const ANSWERED: readonly symbol[] = [Symbol.toPrimitive, Symbol.dispose, INSPECT]

const keys: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom(
    ...namesOf(Object.prototype),
    ...namesOf(Function.prototype),
    ...namesOf(Array.prototype),
    ...namesOf(Promise.prototype),
  ),
  fc.constantFrom('then', 'toJSON', '__proto__', 'constructor', 'length', 'get', 'size', 'inner'),
  fc.constantFrom(
    '',
    '0',
    '1',
    '7',
    '-0',
    '-1',
    '01',
    '1.5',
    '1e3',
    'NaN',
    '4294967294',
    '4294967295',
  ),
  fc.nat(20).map(String),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('\ud800', '\udc00', '\udc00\ud800', '\0', 'e\u0301', '\u00e9', '𝒳'),
  fc.constantFrom(...wellKnown, ...ANSWERED),
  fc.constantFrom(
    Symbol('own'),
    Symbol.for('registered'),
    Symbol.for('faas-cache-dict.registry.1'),
  ),
)

const noop = () => {}
const values = fc.constantFrom<unknown>(
  ...[undefined, null, 0, -0, Number.NaN, '', 'text', 1n, true, Symbol('value')],
  ...[noop, class Made {}, { a: 1 }, Object.freeze([1]), new Map(), new Proxy({}, {})],
  ...[{ then: noop }, new Promise(noop)],
)

const descriptors = fc.record(
  {
    value: values,
    writable: fc.boolean(),
    enumerable: fc.boolean(),
    configurable: fc.boolean(),
    get: fc.constantFrom(noop, undefined),
    set: fc.constantFrom(noop, undefined),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<PropertyDescriptor>

/** Receivers of a read or write. Each is made once for the cache and once for the plain object. */
const RECEIVERS = {
  itself: (host: object) => host,
  child: (host: object) => Object.create(host) as object,
  wrapper: (host: object) => new Proxy(host, {}),
  object: () => ({}),
  fixed: (_host: object, key: Key) => Object.defineProperty({}, key, { value: 'fixed' }),
  accessor: (_host: object, key: Key) => Object.defineProperty({}, key, { get: noop, set: noop }),
  hidden: (_host: object, key: Key) => Object.defineProperty({}, key, { value: 1, writable: true }),
  frozen: () => Object.freeze({}),
  array: () => [1, 2],
  function: () => () => {},
  refuser: () => new Proxy({}, { defineProperty: () => false }),
  thrower: () =>
    new Proxy(
      {},
      {
        getOwnPropertyDescriptor() {
          throw new TypeError('thrown by the receiver')
        },
      },
    ),
  number: () => 1,
  string: () => 'text',
  null: () => null,
  undefined: () => undefined,
} satisfies Record<string, (host: object, key: Key) => unknown>

type ReceiverName = keyof typeof RECEIVERS
const receivers = fc.constantFrom(...(Object.keys(RECEIVERS) as ReceiverName[]))
const protos = fc.constantFrom<object | null>(null, {}, Object.prototype, noop, [])

const index = fc.nat(7)
const call = <T extends string, R extends object>(
  trap: T,
  rest: { [K in keyof R]: fc.Arbitrary<R[K]> },
) =>
  fc.record({ trap: fc.constant(trap), index, ...rest }) as unknown as fc.Arbitrary<
    { trap: T; index: number } & R
  >

const calls = fc.oneof(
  {
    weight: 6,
    arbitrary: call('set', { value: values, receiver: fc.constant<ReceiverName>('itself') }),
  },
  { weight: 4, arbitrary: call('set', { value: values, receiver: receivers }) },
  { weight: 4, arbitrary: call('get', { receiver: receivers }) },
  { weight: 2, arbitrary: call('has', {}) },
  { weight: 2, arbitrary: call('deleteProperty', {}) },
  { weight: 2, arbitrary: call('getOwnPropertyDescriptor', {}) },
  { weight: 4, arbitrary: call('defineProperty', { descriptor: descriptors }) },
  { weight: 2, arbitrary: call('ownKeys', {}) },
  { weight: 1, arbitrary: call('forIn', {}) },
  { weight: 1, arbitrary: call('isExtensible', {}) },
  { weight: 1, arbitrary: call('preventExtensions', {}) },
  { weight: 1, arbitrary: call('getPrototypeOf', {}) },
  { weight: 1, arbitrary: call('setPrototypeOf', { prototype: protos }) },
)
type Call = typeof calls extends fc.Arbitrary<infer T> ? T : never

/** The result of a `Reflect` call or the class of its error, and the receiver's properties after. */
interface Outcome {
  answer?: unknown
  error?: unknown
  receiver?: unknown
}

function perform(call: Call, host: object, key: Key): Outcome {
  let receiver: unknown
  const outcome = ((): Outcome => {
    try {
      return { answer: run() }
    } catch (error) {
      return { error: (error as Error).constructor }
    }
  })()
  if (receiver !== host && call.trap === 'set' && call.receiver !== 'wrapper') {
    outcome.receiver = ownOf(receiver)
  }
  return outcome

  function run(): unknown {
    switch (call.trap) {
      case 'get': {
        receiver = RECEIVERS[call.receiver](host, key)
        // Reading a child makes the child the receiver, without a third argument.
        const value =
          call.receiver === 'child'
            ? Reflect.get(receiver as object, key)
            : Reflect.get(host, key, receiver)
        return ANSWERED.includes(key as symbol) && typeof value === 'function'
          ? 'a function'
          : value
      }
      case 'set':
        receiver = RECEIVERS[call.receiver](host, key)
        if (call.receiver === 'child' || call.receiver === 'wrapper') {
          return Reflect.set(receiver as object, key, call.value)
        }
        return Reflect.set(host, key, call.value, receiver)
      case 'defineProperty':
        return Reflect.defineProperty(host, key, call.descriptor)
      case 'setPrototypeOf':
        return Reflect.setPrototypeOf(host, call.prototype)
      case 'forIn': {
        const seen: string[] = []
        for (const name in Object.create(host)) seen.push(name)
        return seen
      }
      case 'has':
      case 'deleteProperty':
      case 'getOwnPropertyDescriptor':
        return Reflect[call.trap](host, key)
      default:
        return Reflect[call.trap](host)
    }
  }
}

function ownOf(receiver: unknown): unknown {
  if ((typeof receiver !== 'object' && typeof receiver !== 'function') || receiver === null) {
    return receiver
  }
  try {
    // As pairs, since Node 24 never takes two objects with a Symbol.toStringTag for equal.
    return Reflect.ownKeys(receiver).map((key) => [
      key,
      Reflect.getOwnPropertyDescriptor(receiver, key),
    ])
  } catch {
    return 'unknowable'
  }
}

const PLAIN = { writable: true, enumerable: true, configurable: true }
const REFUSED: Outcome = { error: TypeError }

/** Whether the call writes to the cache itself. */
const isWrite = (call: Call): boolean =>
  call.trap === 'defineProperty' ||
  (call.trap === 'set' && (call.receiver === 'itself' || call.receiver === 'wrapper'))

const writtenBy = (call: Call): unknown =>
  call.trap === 'set'
    ? call.value
    : call.trap === 'defineProperty'
      ? call.descriptor.value
      : undefined

const isMalformed = ({ get, set, ...rest }: PropertyDescriptor, given: PropertyDescriptor) =>
  ('get' in given || 'set' in given) && ('value' in rest || 'writable' in rest)

interface Difference {
  applies(call: Call, key: Key): boolean
  /** The cache's outcome. Also brings `plain` to the state of the cache. */
  expected(call: Call, key: Key, plain: object, order: readonly string[]): Outcome
}

/** All differences between a cache and `Object.create(null)`. */
const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'storing under a symbol throws a TypeError': {
    applies: (call, key) =>
      typeof key === 'symbol' &&
      isWrite(call) &&
      !(call.trap === 'defineProperty' && isMalformed(call.descriptor, call.descriptor)),
    expected: () => REFUSED,
  },
  'storing a function under then throws a TypeError': {
    applies: (call, key) =>
      key === 'then' && isWrite(call) && typeof writtenBy(call) === 'function',
    expected: () => REFUSED,
  },
  'defining an accessor, no value or a false attribute throws a TypeError': {
    applies: (call) =>
      call.trap === 'defineProperty' &&
      (!('value' in call.descriptor) ||
        [
          call.descriptor.writable,
          call.descriptor.enumerable,
          call.descriptor.configurable,
        ].includes(false)),
    expected: () => REFUSED,
  },
  'a missing attribute of a definition is true': {
    applies: (call) =>
      call.trap === 'defineProperty' && !isMalformed(call.descriptor, call.descriptor),
    expected: (call, key, plain) => {
      const { descriptor } = call as Call & { trap: 'defineProperty' }
      return { answer: Reflect.defineProperty(plain, key, { ...PLAIN, value: descriptor.value }) }
    },
  },
  'the symbols for printing and disposal read as functions': {
    applies: (call, key) => call.trap === 'get' && ANSWERED.includes(key as symbol),
    expected: () => ({ answer: 'a function' }),
  },
  'keys are in the order of use, integer-like keys too': {
    applies: (call) => call.trap === 'ownKeys' || call.trap === 'forIn',
    expected: (call, _key, plain, order) => {
      const keys = perform(call, plain, '').answer as string[]
      expect([...keys].sort()).toEqual([...order].sort())
      return { answer: [...order] }
    },
  },
  'preventing extensions throws a TypeError': {
    applies: (call) => call.trap === 'preventExtensions',
    expected: () => REFUSED,
  },
  'setting a prototype throws a TypeError': {
    applies: (call) => call.trap === 'setPrototypeOf' && call.prototype !== null,
    expected: () => REFUSED,
  },
}

/** Differences that the programs reached. */
const reached = new Set<string>()
/** Differences that changed an outcome or a state at least once. */
const confirmed = new Set<string>()
/** Pairs of a trap and the type of its key. */
const reachedTraps = new Set<string>()

function copyOf(plain: object): object {
  return Object.defineProperties(Object.create(null), Object.getOwnPropertyDescriptors(plain))
}

function compare(program: readonly Call[], pool: readonly Key[]): void {
  const cache = new FaaSCacheDict<Bag>()
  const controller = controllerOf(cache)
  const plain = Object.create(null) as Bag
  let order: string[] = []
  const uses = { hits: 0, misses: 0 }

  for (const call of program) {
    const key = pool[call.index % pool.length] as Key
    reachedTraps.add(`${call.trap} ${typeof key}`)
    const [name, difference] =
      Object.entries(DIFFERENCES).find(([, { applies }]) => applies(call, key)) ?? []
    let expected: Outcome
    if (difference !== undefined) {
      const ordinary = copyOf(plain)
      const ordinaryOutcome = perform(call, ordinary, key)
      const ordinaryState = Object.getOwnPropertyDescriptors(ordinary)
      expected = difference.expected(call, key, plain, order)
      reached.add(name as string)
      const state = Object.getOwnPropertyDescriptors(plain)
      const hasSameOutcome = isDeepStrictEqual(ordinaryOutcome, expected)
      if (!hasSameOutcome || !isDeepStrictEqual(ordinaryState, state)) confirmed.add(name as string)
    } else expected = perform(call, plain, key)

    if (typeof key === 'string') {
      if (call.trap === 'get') {
        const isProbed = key === 'then' || key === 'toJSON'
        if (key in plain) uses.hits++
        else if (!isProbed) uses.misses++
      }
      const isUse = call.trap === 'get' && key in plain
      if (isUse || (isWrite(call) && expected.error === undefined)) {
        order = [...order.filter((other) => other !== key), key]
      } else if (call.trap === 'deleteProperty') order = order.filter((other) => other !== key)
    }

    deepStrictEqual(perform(call, cache, key), expected)
    const state = Object.getOwnPropertyDescriptors(plain)
    deepStrictEqual(Object.getOwnPropertyDescriptors(cache), state)
    expect(Reflect.ownKeys(cache)).toEqual(order)
    expect(controller.stats()).toMatchObject(uses)
  }
  expectInvariants(controller)
}

describe('a cache', () => {
  test(`behaves like Object.create(null) except for the listed differences, in ${RUNS} random programs`, () => {
    fc.assert(
      fc.property(
        fc.array(calls, { minLength: 20, maxLength: 60, size: 'max' }),
        fc.uniqueArray(keys, { minLength: 4, maxLength: 8 }),
        compare,
      ),
      { numRuns: RUNS, seed: SEED },
    )
    expect([...reached].sort()).toEqual(Object.keys(DIFFERENCES).sort())
    expect([...confirmed].sort()).toEqual([...reached].sort())
    expect(reachedTraps.size).toBe(12 * 2)
  })

  test('inherits no property added to Object.prototype, under a string or a symbol', () => {
    const name = Symbol('added')
    Object.assign(Object.prototype, { added: 1, [name]: 1 })
    try {
      const cache = new FaaSCacheDict<Bag>()
      expect([cache.added, cache[name], 'added' in cache, name in cache]).toEqual([
        ...[undefined, undefined, false, false],
      ])
    } finally {
      for (const key of ['added', name]) Reflect.deleteProperty(Object.prototype, key)
    }
  })
})
