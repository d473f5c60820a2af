import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv, KeyvCacheDict } from 'faas-cache-dict/keyv'
import { describe, expect, it, test, vi } from 'vitest'

type Values = Record<string, unknown>

const made = (options?: unknown) => new FaaSCacheDict<Values>(options as CacheOptions)
const controlled = (options?: unknown) => controllerOf(made(options))

const DURATION =
  "seconds above 0, a string with a unit such as '500ms', '10s', '5m', '2h' or '1d', or null or Infinity for no limit"
const TTL = DURATION.replace(' above 0', '')
const WAIT = DURATION.replace(' above 0', ', 0 or more')
const BYTES =
  "a whole number of bytes above 0, a string such as '64K', '128M', '1.5G' or '1T', a percentage such as '25%', or null or Infinity for no limit"
const ITEMS = 'a whole number above 0, or null or Infinity for no limit'
const INSTANT =
  'a valid Date or epoch milliseconds of at least 1e11 (March 1973), not seconds (if the option now counts from 0, use a TTL)'
const SIZE = 'a number of bytes from 0 to 2 ** 53'
const SNAPSHOT = { format: 'faas-cache-dict', version: 1 }
const ENTRY = { key: 'a', value: 1, expiresAt: null }
// Replaced by the bytes of an empty cache.
const EMPTY = '<empty>'

const load = (snapshot: unknown) => () => controlled().load(snapshot as never)
const loadEntry = (entry: unknown) => load({ ...SNAPSHOT, entries: [ENTRY, entry] })
const set = (options: unknown) => () => controlled().set('a', 1, options as never)

const REFUSALS: [string, () => unknown, string][] = [
  ...(
    [
      ['defaultTtl', `${DURATION}; got true`, true],
      ['pendingTtl', `${DURATION}; got "10"`, '10'],
      ['sweepInterval', `${DURATION}; got 0`, 0],
      ['timeout', `${DURATION}; got "0s"`, '0s'],
      ['staleWhileRevalidate', `${WAIT}; got -1`, -1],
      ['staleIfError', `${WAIT}; got "10"`, '10'],
      ['retryAfter', `${WAIT}; got NaN`, Number.NaN],
      ['ttlJitter', 'a number from 0 to 1; got "10%"', '10%'],
      ['maxEntrySizeBytes', `${BYTES}; got "0%"`, '0%'],
      ['maxSizeBytes', `${BYTES}; got "128MB"`, '128MB'],
      ['maxItems', `${ITEMS}; got "5"`, '5'],
      ['maxItems', `${ITEMS}; got 1.5`, 1.5],
      ['sizeOf', 'a function; got null', null],
      ['onDelete', 'a function; got an object', {}],
      ['onError', 'a function; got 10n', 10n],
      ['now', 'a function; got Symbol(now)', Symbol('now')],
      ['waitUntil', 'a function; got true', true],
      ['onTooLarge', "'throw' or 'skip'; got a function", () => {}],
      ['memoryGuard', 'true or false; got "off"', 'off'],
    ] as const
  ).map(([name, rest, value]): [string, () => unknown, string] => [
    name,
    () => made({ [name]: value }),
    `${name} must be ${rest}`,
  ]),
  ['options', () => made([]), 'The options must be a plain object, not an iterable; got an object'],
  [
    'options',
    () => made('maxItems'),
    'The options must be a plain object, not an iterable; got "maxItems"',
  ],
  [
    'an unknown option',
    () => controlled().resize({ maxBytes: 1 } as never),
    'Unknown option "maxBytes"; the options are maxSizeBytes, maxEntrySizeBytes, maxItems',
  ],
  [
    'entries',
    () => new FaaSCacheDict({}, null as never),
    'The entries must be an object or an iterable of pairs; got null',
  ],
  [
    'entries',
    () => controlled().update(1 as never),
    'The entries must be an object or an iterable of pairs; got 1',
  ],
  [
    'a pair',
    () => controlled().update([['a', 1], ['b']] as never),
    'Entry 1 must be a pair [key, value]; got an object',
  ],
  [
    'a pair',
    () => controlled().update([['a', 1, 2]] as never),
    'Entry 0 must be a pair [key, value]; got an object',
  ],
  [
    'a key',
    () => controlled().get(null as never),
    'A key must be a string, a number or a bigint; got null',
  ],
  [
    'a budget',
    () => made({ maxSizeBytes: 1 }),
    `maxSizeBytes must be at least the ${EMPTY} bytes of a cache without entries; got 1`,
  ],
  [
    'limits',
    () => controlled().resize({ maxSizeBytes: 1 }),
    `maxSizeBytes must be at least the ${EMPTY} bytes of a cache without entries; got 1`,
  ],
  [
    'limits',
    () => controlled().resize(1 as never),
    'The limits must be a plain object, not an iterable; got 1',
  ],
  [
    'limits',
    () => controlled().resize({ maxSizeBytes: true as never }),
    `maxSizeBytes must be ${BYTES}; got true`,
  ],
  ['limits', () => controlled().resize({ maxItems: 0 }), `maxItems must be ${ITEMS}; got 0`],
  [
    'limits',
    () => controlled().resize({ maxEntrySizeBytes: '10' }),
    `maxEntrySizeBytes must be ${BYTES}; got "10"`,
  ],
  ['a test', () => controlled().deleteWhere('a' as never), 'test must be a function; got "a"'],
  [
    'a test',
    () =>
      controlled()
        .set('a', 1)
        .deleteWhere(async () => true),
    'The result of test must be true or false, not a promise; got an object',
  ],
  [
    'an entry above maxEntrySizeBytes',
    () => controlled({ maxEntrySizeBytes: '1K' }).set('a', 1, { sizeBytes: 1_000 }),
    'The entry "a" takes at least 1076 bytes and is larger than the 1024 bytes of maxEntrySizeBytes',
  ],
  [
    'an entry above the budget',
    () => controlled({ maxSizeBytes: '64K' }).set('a', 1, { sizeBytes: 100_000 }),
    'The entry "a" takes at least 100076 bytes and does not fit in an empty cache of 65536 bytes',
  ],
  ['a write', set('1s'), 'The write options must be a plain object, not an iterable; got "1s"'],
  ['a write', set({ ttl: Number.NaN }), `ttl must be ${TTL}; got NaN`],
  ['a write', set({ sizeBytes: '1' }), `sizeBytes must be ${SIZE}; got "1"`],
  ['a write', set({ sizeBytes: -1 }), `sizeBytes must be ${SIZE}; got -1`],
  ['a write', set({ expiresAt: '2030' }), `expiresAt must be ${INSTANT}; got "2030"`],
  ['a write', set({ ttl: 1, expiresAt: 1 }), 'A write takes either ttl or expiresAt, not both'],
  [
    'a date',
    () => controlled().set('a', 1).expireAt('a', new Date(Number.NaN)),
    `when must be ${INSTANT}; got NaN`,
  ],
  [
    'a date in seconds',
    () => controlled().set('a', 1).expireAt('a', 1_700_000_000),
    `when must be ${INSTANT}; got 1700000000`,
  ],
  ['a snapshot', load(undefined), 'A snapshot must be the result of dump(); got undefined'],
  [
    'a snapshot',
    load({ format: 'other' }),
    'The format of a snapshot must be "faas-cache-dict"; got "other"',
  ],
  ['a snapshot', load({ ...SNAPSHOT, version: 2 }), 'The version of a snapshot must be 1; got 2'],
  [
    'a snapshot',
    load({ ...SNAPSHOT, entries: {} }),
    'The entries of a snapshot must be an array; got an object',
  ],
  ['an entry', loadEntry(null), 'Entry 1 of the snapshot must be an object; got null'],
  [
    'an entry',
    loadEntry({ ...ENTRY, key: 1 }),
    'Entry 1 of the snapshot: key must be a string; got 1',
  ],
  [
    'an entry',
    loadEntry({ ...ENTRY, expiresAt: Number.NaN }),
    'Entry 1 of the snapshot: expiresAt must be epoch milliseconds or null; got NaN',
  ],
  [
    'an entry',
    loadEntry({ ...ENTRY, sizeBytes: 1.5 }),
    'Entry 1 of the snapshot: sizeBytes must be a whole number of bytes; got 1.5',
  ],
  [
    'an entry',
    loadEntry({ ...ENTRY, isPromise: false }),
    'Entry 1 of the snapshot: isPromise must be true or absent; got false',
  ],
  [
    'a value that cannot be cloned',
    () => controlled().set('a', made).dump(),
    'The value of "a" cannot be cloned into a snapshot',
  ],
  [
    'controllerOf',
    () => controllerOf({} as never),
    'The cache must be a FaaSCacheDict; got an object',
  ],
  [
    'a subclass',
    () => new (class extends (FaaSCacheDict as never as new () => object) {})(),
    'FaaSCacheDict cannot be subclassed: an instance has no prototype',
  ],
  [
    'a symbol',
    () => Reflect.set(made(), Symbol('s'), 1),
    'A key must be a string, a number or a bigint; got Symbol(s)',
  ],
  [
    'a definition under a symbol',
    () => Object.defineProperty(made(), Symbol('s'), { value: 1 }),
    'A key must be a string, a number or a bigint; got Symbol(s)',
  ],
  [
    'a definition',
    () => Object.defineProperty(made(), 'a', { get: () => 1 }),
    'Cannot define "a": a cache accepts only a value that is writable, enumerable and configurable',
  ],
  [
    'then',
    () => Reflect.set(made(), 'then', () => 1),
    "A cache cannot store a function under 'then': await would call it",
  ],
  [
    'a prototype',
    () => Object.setPrototypeOf(made(), {}),
    'The prototype of a cache is always null',
  ],
  [
    'freezing',
    () => Object.freeze(made()),
    'A cache cannot be frozen, sealed or made inextensible',
  ],
  ['a missing key', () => controlled().ttl('a'), 'The key "a" is missing or has expired'],
  [
    'a sizeOf that throws',
    () => controlled({ sizeOf: () => JSON.parse('{') }).set('a', 1),
    `sizeOf failed for "a": ${messageOf(() => JSON.parse('{'))}`,
  ],
  [
    'a sizeOf that throws what is no error',
    () =>
      controlled({
        sizeOf() {
          throw 'a string'
        },
      }).set('a', 1),
    'sizeOf failed for "a": "a string"',
  ],
  [
    'a sizeOf that gives no size',
    () => controlled({ sizeOf: () => Number.NaN }).set('a', 1),
    'sizeOf must return a number of bytes from 0 to 2 ** 53; got NaN for "a"',
  ],
  [
    'a clock',
    () => controlled({ now: () => Number.NaN, defaultTtl: 1 }).set('a', 1),
    'The result of now must be a finite number of epoch milliseconds; got NaN',
  ],
  [
    'a Keyv adapter',
    () => new KeyvCacheDict({} as never),
    'The cache must be a FaaSCacheDict; got an object',
  ],
  [
    'a namespace',
    () => createKeyv(made(), { namespace: 1 as never }),
    'namespace must be a string; got 1',
  ],
  [
    'createKeyv',
    () => createKeyv(made(), 1 as never),
    'The options must be a plain object, not an iterable; got 1',
  ],
]

function messageOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing was thrown'
}

describe('an error names the thing, what is accepted and what was given', () => {
  it.each(REFUSALS.map(([name, action, message]) => [name, message, action] as const))(
    'for %s: %s',
    (_name, message, action) => {
      expect(messageOf(action)).toBe(message.replace(EMPTY, String(controlled().sizeBytes)))
    },
  )
})

const LOAD_OPTIONS =
  'ttl, staleWhileRevalidate, staleIfError, softTimeout, timeout, retryAfter, signal, waitUntil, refresh'
const never = () => new Promise(() => {})

const REJECTIONS: [string, () => Promise<unknown>, string][] = [
  ...(
    [
      ['ttl', `${TTL}; got "5 parsecs"`, '5 parsecs'],
      ['staleWhileRevalidate', `${WAIT}; got "10"`, '10'],
      ['staleIfError', `${WAIT}; got -0.5`, -0.5],
      ['softTimeout', `${WAIT}; got "-1ms"`, '-1ms'],
      ['timeout', `${DURATION}; got 0`, 0],
      ['retryAfter', `${WAIT}; got true`, true],
      ['signal', 'an AbortSignal; got an object', new AbortController()],
      ['signal', 'an AbortSignal; got null', null],
      ['waitUntil', 'a function; got an object', {}],
      ['refresh', 'true or false; got 1', 1],
    ] as const
  ).map(([name, rest, value]): [string, () => Promise<unknown>, string] => [
    `the option ${name}`,
    () => controlled().getOrSet('a', () => 1, { [name]: value } as never),
    `${name} must be ${rest}`,
  ]),
  [
    'an unknown option',
    () => controlled().getOrSet('a', () => 1, { maxAge: 1 } as never),
    `Unknown option "maxAge"; the options are ${LOAD_OPTIONS}`,
  ],
  [
    'options',
    () => controlled().getOrSetMany(['a'], () => [1], '5s' as never),
    'The options must be a plain object, not an iterable; got "5s"',
  ],
  [
    'a factory',
    () => controlled().getOrSet('a', 'b' as never),
    'factory must be a function; got "b"',
  ],
  [
    'loadMany',
    () => controlled().getOrSetMany(['a'], {} as never),
    'loadMany must be a function; got an object',
  ],
  [
    'keys',
    () => controlled().getOrSetMany('ab' as never, () => [1]),
    'The keys must be an iterable of keys, not a string; got "ab"',
  ],
  [
    'a key among them',
    () => controlled().getOrSetMany(['a', null] as never, () => [1]),
    'A key must be a string, a number or a bigint; got null',
  ],
  [
    'a result of loadMany',
    () => controlled().getOrSetMany(['a'], () => 'A' as never),
    'The result of loadMany must be a Map, an object, an iterable of pairs, or an array in the order of the keys; got "A"',
  ],
  [
    'too short an array of loadMany',
    () => controlled().getOrSetMany(['a', 'b'], () => [1]),
    'The array that loadMany returns must have a value for each of the 2 keys, undefined for none; got 1 values',
  ],
  [
    'a load that takes too long',
    () => controlled().getOrSet('a', never, { timeout: '1ms' }),
    'The load of "a" took longer than 1 ms',
  ],
  [
    'a factory that waits for itself',
    () => {
      const controller = controlled()
      return controller.getOrSet('a', () => controller.getOrSet('a', never))
    },
    'The factory of "a" called getOrSet with its own key, so it would wait for itself',
  ],
]

describe('a rejection names the thing, what is accepted and what was given', () => {
  it.each(REJECTIONS)('for %s', async (_name, call, message) => {
    const error = (await call().catch((error) => error)) as Error
    expect(error.message).toBe(message)
  })
})

describe('an error message', () => {
  it.each([
    ['x'.repeat(60), `"${'x'.repeat(60)}"`],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
    ['a "quoted"\nkey', '"a \\"quoted\\"\\nkey"'],
    [10n ** 59n, `1${'0'.repeat(59)}n`],
    [10n ** 60n, `1${'0'.repeat(59)}…n`],
    [Symbol('y'.repeat(100)), `Symbol(${'y'.repeat(53)}…`],
    [class Named {}, 'a function'],
    [Object.create(null), 'an object'],
    [new Date(0), 'an object'],
    [null, 'null'],
    [undefined, 'undefined'],
    [false, 'false'],
  ] as [unknown, string][])('shows %s as %s', (value, text) => {
    expect(messageOf(() => controllerOf(value as never))).toMatch(`; got ${text}`)
  })
})

describe('an error that another error caused', () => {
  const causeOf = (action: () => unknown) => {
    try {
      action()
    } catch (error) {
      return (error as Error).cause
    }
    return undefined
  }

  it('has that error as its cause', () => {
    const cause = new Error('of the program')
    const fail = () => {
      throw cause
    }
    expect(causeOf(() => controlled({ sizeOf: fail }).set('a', 1))).toBe(cause)
    const dump = () =>
      controlled()
        .set('a', Object.defineProperty({}, 'b', { get: fail, enumerable: true }))
        .dump()
    expect(causeOf(dump)).toBe(cause)
  })
})

describe('a cache without onError', () => {
  const warned = async (run: () => unknown) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      await run()
      await new Promise((turn) => setImmediate(turn))
      return warn.mock.calls
    } finally {
      warn.mockRestore()
    }
  }
  const error = new Error('no')
  const fail = () => {
    throw error
  }

  test('warns once, and names the hook, if a hook throws', async () => {
    const run = () => {
      made({ onDelete: fail }).a = 1
      return controlled({ onDelete: fail }).set('a', 1).clear()
    }
    expect(await warned(run)).toEqual([['faas-cache-dict: onDelete failed', error]])
  })

  test('warns once if a hook returns a promise that rejects, and never for another result', async () => {
    const run = () => {
      controlled({ onDelete: async () => fail() })
        .set('a', 1)
        .clear()
      for (const answer of [undefined, 1, { then: fail }, Promise.resolve()]) {
        controlled({ onDelete: () => answer })
          .set('a', 1)
          .clear()
      }
    }
    expect(await warned(run)).toEqual([['faas-cache-dict: onDelete failed', error]])
  })

  test('warns once if onError throws', async () => {
    const inner = new Error('onError too')
    const onError = () => {
      throw inner
    }
    const run = () => controlled({ onDelete: fail, onError }).set('a', 1).clear()
    expect(await warned(run)).toEqual([['faas-cache-dict: onError failed', inner]])
  })

  test('does not fail if there is no console', () => {
    vi.stubGlobal('console', undefined)
    const onError = vi.fn(fail)
    try {
      controlled({ onDelete: fail }).set('a', 1).clear()
      controlled({ onDelete: fail, onError }).set('a', 1).clear()
    } finally {
      vi.unstubAllGlobals()
    }
    expect(onError.mock.calls).toEqual([[error, { source: 'onDelete', key: 'a' }]])
  })
})
