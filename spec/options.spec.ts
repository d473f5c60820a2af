import { type CacheOptions, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'

const made = (options?: unknown) => new FaaSCacheDict(options as CacheOptions)
const controlled = (options?: unknown) => controllerOf(made(options))

const errorOf = (action: () => unknown): Error => {
  try {
    action()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

const MEBIBYTE = 2 ** 20

// An error message may describe these values, but must not run their code.
const hostile = () => {
  const fail = () => {
    throw new Error('user code ran')
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  return [
    { toString: fail, valueOf: fail, toJSON: fail, [Symbol.toPrimitive]: fail },
    Object.defineProperty({}, 'message', { get: fail, enumerable: true }),
    Object.create(null),
    revoked,
    new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail }),
    Object.assign(() => 1, { toString: fail }),
    class Late {},
    Symbol('label'),
    10n,
    10n ** 5_000n,
    [10],
    new Date(0),
    new Map(),
    true,
    false,
  ]
}

const ACCEPTED: Record<string, RegExp> = {
  defaultTtl: /seconds above 0.*'10s'.*null/,
  pendingTtl: /seconds above 0.*'10s'.*null/,
  sweepInterval: /seconds above 0.*'10s'.*null/,
  timeout: /seconds above 0.*'10s'.*null/,
  staleWhileRevalidate: /seconds, 0 or more.*'10s'.*null/,
  staleIfError: /seconds, 0 or more.*'10s'.*null/,
  retryAfter: /seconds, 0 or more.*'10s'.*null/,
  ttlJitter: /a number from 0 to 1/,
  maxEntrySizeBytes: /whole number of bytes.*'128M'.*'25%'.*null/,
  maxSizeBytes: /whole number of bytes.*'128M'.*'25%'.*null/,
  maxItems: /whole number above 0.*null/,
  sizeOf: /a function/,
  onDelete: /a function/,
  onError: /a function/,
  now: /a function/,
  waitUntil: /a function/,
  onTooLarge: /'throw' or 'skip'/,
  memoryGuard: /true or false/,
}

const DURATIONS = ['defaultTtl', 'pendingTtl', 'sweepInterval', 'timeout']
const WAITS = ['staleWhileRevalidate', 'staleIfError', 'retryAfter']
const SIZES = ['maxSizeBytes', 'maxEntrySizeBytes']
const FUNCTIONS = ['sizeOf', 'onDelete', 'onError', 'now', 'waitUntil']

const OF_WRONG_KIND: Record<string, unknown[]> = {
  maxItems: ['10', '', '1K'],
  ttlJitter: ['0.5', '', '10%', null],
  onTooLarge: ['', 'THROW', 'ignore', null, 0],
  memoryGuard: ['', 'true', 'false', 'off', null, 0, 1],
}
for (const name of SIZES) {
  OF_WRONG_KIND[name] = [
    '10',
    '128',
    '128MB',
    '128Q',
    '128 M',
    'M',
    '',
    '%',
    '1e3K',
    '1,5G',
    '.5G',
    '0x1K',
  ]
}
for (const name of [...DURATIONS, ...WAITS]) {
  OF_WRONG_KIND[name] = [
    '10',
    '',
    '5 parsecs',
    '10 s',
    '10S',
    '5M',
    '1w',
    's',
    '1e3s',
    ' 10s',
    '10s\n',
  ]
}
for (const name of FUNCTIONS) OF_WRONG_KIND[name] = [null, 0, 1, '', 'heapSize', {}, []]

const OUT_OF_RANGE: Record<string, unknown[]> = {
  maxItems: [0, -0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY],
  ttlJitter: [
    ...[-1, -Number.MIN_VALUE, 1.000_1, 50, Number.NaN],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ],
}
for (const name of SIZES) {
  OUT_OF_RANGE[name] = [
    ...[0, -0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY],
    ...['0K', '0M', '0.0001K', '-1M', '0%', '101%', '100.5%', '-25%', '0.0%'],
  ]
}
for (const name of WAITS) {
  OUT_OF_RANGE[name] = [-1, -0.5, Number.NaN, Number.NEGATIVE_INFINITY, '-5s', '-1ms']
}
for (const name of DURATIONS) {
  OUT_OF_RANGE[name] = [...(OUT_OF_RANGE.retryAfter ?? []), 0, -0, '0s', '0ms', '0.0h']
}

const TAKES_FUNCTIONS = new Set(FUNCTIONS)
const TAKES_BOOLEANS = new Set(['memoryGuard'])

describe.each(Object.keys(ACCEPTED))('%s', (name) => {
  const accepted = ACCEPTED[name] as RegExp

  it('throws a TypeError that names the option and what is accepted for a value of the wrong kind', () => {
    for (const value of [...(OF_WRONG_KIND[name] ?? []), ...hostile()]) {
      if (typeof value === 'function' && TAKES_FUNCTIONS.has(name)) continue
      if (typeof value === 'boolean' && TAKES_BOOLEANS.has(name)) continue
      const error = errorOf(() => made({ [name]: value }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain(name)
      expect(error.message).toMatch(accepted)
      if (typeof value === 'string') expect(error.message).toContain(JSON.stringify(value))
      expect(error.message.length).toBeLessThan(400)
    }
  })

  it('throws a RangeError that names the option and what is accepted for a value out of range', () => {
    for (const value of OUT_OF_RANGE[name] ?? []) {
      const error = errorOf(() => made({ [name]: value }))
      expect(error).toBeInstanceOf(RangeError)
      expect(error.message).toContain(name)
      expect(error.message).toMatch(accepted)
      expect(error.message).toContain(
        typeof value === 'string' ? JSON.stringify(value) : String(value),
      )
    }
  })

  it('cuts a long value in the error message', () => {
    const error = errorOf(() => made({ [name]: 'x'.repeat(1_000_000) }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('"xxx')
    expect(error.message.length).toBeLessThan(400)
  })

  it('has its default if it is undefined', () => {
    expect(String(made({ [name]: undefined }))).toBe(String(made()))
    const { maxItems, maxSizeBytes, defaultTtl } = controlled({ [name]: undefined })
    const defaults = controlled()
    expect([maxItems, maxSizeBytes, defaultTtl]).toEqual([
      defaults.maxItems,
      defaults.maxSizeBytes,
      defaults.defaultTtl,
    ])
  })
})

describe('an option that an object inherits', () => {
  class Config {
    get maxItems() {
      return 5
    }
  }

  it.each<[string, object]>([
    ['from its class', new Config()],
    ['from another object', Object.create({ maxItems: 5 })],
  ])('counts if it comes %s, but not if it was added to Object.prototype', (_name, options) => {
    expect(controllerOf(new FaaSCacheDict(options)).maxItems).toBe(5)
    const prototype = Object.prototype as { maxItems?: number }
    prototype.maxItems = 1
    try {
      expect(controllerOf(new FaaSCacheDict(options)).maxItems).toBe(5)
      expect(controllerOf(new FaaSCacheDict({ maxItems: undefined })).maxItems).toBeNull()
      expect(controllerOf(new FaaSCacheDict({ maxItems: 1 })).maxItems).toBe(1)
    } finally {
      delete prototype.maxItems
    }
  })
})

describe('a load option that an object inherits', () => {
  class Config {
    get staleIfError() {
      return '1m'
    }
  }

  it.each<[string, object]>([
    ['from its class', new Config()],
    ['from another object', Object.create({ staleIfError: '1m' })],
  ])('counts if it comes %s, but not if it was added to Object.prototype', (_name, options) => {
    const isKept = (given: object) => {
      let time = 1_000
      const now = () => time
      const cache = new FaaSCacheDict(Object.assign(given, { now, defaultTtl: '10s' }), { a: 1 })
      time += 10_000
      return controllerOf(cache).purgeExpired() === 1 && controllerOf(cache).isExpired('a') === true
    }
    expect(isKept(options)).toBe(true)
    expect(isKept({})).toBe(false)
    const prototype = Object.prototype as { staleIfError?: string }
    prototype.staleIfError = '1s'
    try {
      expect(isKept({})).toBe(false)
      expect(isKept({ staleIfError: '1s' })).toBe(true)
    } finally {
      delete prototype.staleIfError
    }
  })
})

describe('a bad load option', () => {
  it('is refused as the cache is made, also if it comes with good ones', () => {
    expect(() => made({ staleIfError: '1m', retryAfter: -1 })).toThrow(/^retryAfter must be/)
    expect(() => made({ staleIfError: '1m', timeout: 0 })).toThrow(/^timeout must be/)
  })

  it.each(['softTimeout', 'signal', 'refresh', 'ttl'])('%s is one of a call alone', (name) => {
    expect(() => made({ [name]: undefined })).toThrow(`Unknown option "${name}"`)
  })
})

describe('defaultTtl', () => {
  it.each([
    [10, 10],
    [0.25, 0.25],
    [1e-3, 0.001],
    ['500ms', 0.5],
    ['10s', 10],
    ['1.5s', 1.5],
    ['0.25s', 0.25],
    ['5m', 300],
    ['2h', 7_200],
    ['1d', 86_400],
    ['36500d', 3_153_600_000],
    [null, null],
    [Number.POSITIVE_INFINITY, null],
  ])('of %s is %s seconds', (given, seconds) => {
    expect(controlled({ defaultTtl: given }).defaultTtl).toBe(seconds)
  })

  it('is null by default, so nothing expires', () => {
    expect(controlled().defaultTtl).toBeNull()
  })
})

describe('maxSizeBytes', () => {
  it.each([
    [65_536, 65_536],
    ['64K', 65_536],
    ['64k', 65_536],
    ['128M', 128 * MEBIBYTE],
    ['128m', 128 * MEBIBYTE],
    ['1.5G', 1_536 * MEBIBYTE],
    ['1T', 2 ** 40],
    ['1t', 2 ** 40],
    ['10.0009K', 10_240],
    [null, null],
    [Number.POSITIVE_INFINITY, null],
  ])('of %s is %s bytes', (given, bytes) => {
    expect(controlled({ maxSizeBytes: given }).maxSizeBytes).toBe(bytes)
  })

  it('as a percentage is a part of the memory that this process may use, 25% by default', () => {
    const whole = controlled({ maxSizeBytes: '100%' }).maxSizeBytes as number
    expect(whole).toBeGreaterThan(32 * MEBIBYTE)
    expect(controlled({ maxSizeBytes: '50%' }).maxSizeBytes).toBe(Math.floor(whole / 2))
    expect(controlled({ maxSizeBytes: '12.5%' }).maxSizeBytes).toBe(Math.floor(whole / 8))
    expect(controlled({ maxSizeBytes: '0.3%' }).maxSizeBytes).toBe(Math.floor((0.3 / 100) * whole))
    expect(controlled({ maxSizeBytes: '25%' }).maxSizeBytes).toBe(Math.floor(whole / 4))
    expect(controlled().maxSizeBytes).toBe(Math.floor(whole / 4))
  })

  it('as a percentage is of the memory as the first cache found it, until a resize reads it anew', () => {
    const { maxSizeBytes } = controlled()
    const container = vi.spyOn(process, 'constrainedMemory').mockReturnValue(2 ** 26)
    const controller = controlled()
    expect(controller.maxSizeBytes).toBe(maxSizeBytes)
    controller.resize({ maxSizeBytes: '25%' })
    expect(controller.maxSizeBytes).toBe(2 ** 24)
    container.mockRestore()
  })

  it('as a percentage is the same for each cache', () => {
    expect(controlled().maxSizeBytes).toBe(controlled().maxSizeBytes)
  })

  it('throws a RangeError if it is too small for an empty cache', () => {
    const error = errorOf(() => made({ maxSizeBytes: 1 }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toContain('maxSizeBytes')
    const empty = controlled().sizeBytes
    expect(() => made({ maxSizeBytes: empty - 1 })).toThrow(RangeError)
    expect(controlled({ maxSizeBytes: empty }).sizeBytes).toBeLessThanOrEqual(empty)
  })
})

describe('maxItems', () => {
  it('limits the number of entries, and is null by default: no limit', () => {
    const cache = new FaaSCacheDict({ maxItems: 2 }, { a: 1, b: 2, c: 3 })
    expect(Object.keys(cache)).toEqual(['b', 'c'])
    expect(controllerOf(cache).maxItems).toBe(2)
    expect(controlled({ maxItems: null }).maxItems).toBeNull()
    expect(controlled({ maxItems: Number.POSITIVE_INFINITY }).maxItems).toBeNull()
    expect(controlled().maxItems).toBeNull()
  })

  it('can be 1', () => {
    const cache = new FaaSCacheDict({ maxItems: 1 }, { a: 1, b: 2 })
    expect(Object.keys(cache)).toEqual(['b'])
  })
})

describe('sizeOf', () => {
  it('gets value and key, and the cache rounds its result up', () => {
    const sizeOf = vi.fn((value: number, _key: string) => value)
    const cache = new FaaSCacheDict<Record<string, number>>({ sizeOf })
    const controller = controllerOf(cache)
    cache.none = 0
    cache.some = 99.5
    expect(sizeOf).toHaveBeenCalledWith(99.5, 'some')
    expect(controller.sizeOf('some') - controller.sizeOf('none')).toBe(100)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, '10', undefined, null, 10n, {}])(
    'that returns %s makes the write throw a TypeError and store nothing',
    (bytes) => {
      const cache = new FaaSCacheDict({ sizeOf: (() => bytes) as never })
      const error = errorOf(() => {
        cache.item = 1
      })
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain('sizeOf')
      expect(error.message).toContain('"item"')
      expect('item' in cache).toBe(false)
    },
  )
})

describe('onTooLarge', () => {
  it("of 'skip' refuses an entry without an error, and 'throw', the default, with one", () => {
    const large = 'x'.repeat(100_000)
    const limits = { maxSizeBytes: '64K' }
    expect(() => new FaaSCacheDict(limits, { large })).toThrow(RangeError)
    expect(() => new FaaSCacheDict({ ...limits, onTooLarge: 'throw' }, { large })).toThrow(
      RangeError,
    )
    const cache = new FaaSCacheDict({ ...limits, onTooLarge: 'skip' }, { large })
    expect('large' in cache).toBe(false)
    expect(controllerOf(cache).stats().refusals).toBe(1)
  })
})

describe('onDelete', () => {
  it('gets key, value, reason and the bytes that were charged for the entry', () => {
    const onDelete = vi.fn()
    const cache = new FaaSCacheDict({ onDelete }, { a: 'first' })
    const sizeBytes = controllerOf(cache).sizeOf('a')
    delete cache.a
    expect(onDelete.mock.calls).toEqual([['a', 'first', 'deleted', sizeBytes]])
  })
})

describe('onError', () => {
  const failure = new Error('hook')
  const onDelete = () => {
    throw failure
  }

  it('gets the error that a hook throws, its source and the key', () => {
    const onError = vi.fn()
    const cache = new FaaSCacheDict({ onDelete, onError }, { a: 1 })
    delete cache.a
    expect(onError).toHaveBeenCalledOnce()
    const [error, context] = onError.mock.calls[0] ?? []
    expect(error).toBe(failure)
    expect(context).toMatchObject({ source: 'onDelete', key: 'a' })
  })

  it('is one console.warn for each error by default', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      const cache = new FaaSCacheDict({ onDelete }, { a: 1, b: 2 })
      delete cache.a
      expect(warn).toHaveBeenCalledOnce()
      expect(warn.mock.calls[0]).toContain(failure)
      delete cache.b
      expect(warn).toHaveBeenCalledTimes(2)
    } finally {
      warn.mockRestore()
    }
  })
})

describe('now', () => {
  it('is the clock by which entries expire', () => {
    let time = Date.UTC(2030, 0, 1)
    const cache = new FaaSCacheDict({ defaultTtl: '1d', now: () => time }, { a: 1 })
    time += 86_399_999
    expect('a' in cache).toBe(true)
    time += 1
    expect('a' in cache).toBe(false)
  })
})

describe('pendingTtl', () => {
  it.each([
    [undefined, 30_000],
    ['2s', 2_000],
    [0.5, 500],
  ])('of %s serves a promise that has not settled for %s ms', (pendingTtl, milliseconds) => {
    let time = 1_000
    const cache = new FaaSCacheDict<Record<string, unknown>>({ pendingTtl, now: () => time })
    cache.load = new Promise(() => {})
    time += milliseconds - 1
    expect('load' in cache).toBe(true)
    time += 1
    expect('load' in cache).toBe(false)
  })

  it('of null serves it until it settles', () => {
    let time = 1_000
    const cache = new FaaSCacheDict<Record<string, unknown>>({ pendingTtl: null, now: () => time })
    cache.load = new Promise(() => {})
    time += 1e12
    expect('load' in cache).toBe(true)
  })
})

describe('the options argument', () => {
  it.each(['maxsize', 'ttl', 'max', '', 'toString', 'constructor', 'x'.repeat(100_000)])(
    'throws a TypeError that names an unknown option and lists the options',
    (name) => {
      for (const value of [1, undefined]) {
        const error = errorOf(() => made({ [name]: value }))
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toContain(JSON.stringify(name.slice(0, 40)).slice(0, -1))
        expect(error.message).toContain('maxSizeBytes')
        expect(error.message.length).toBeLessThan(400)
      }
    },
  )

  it('throws for an own property __proto__, which is an unknown option too', () => {
    expect(() => made(JSON.parse('{"__proto__":{"maxItems":1}}'))).toThrow(/__proto__/)
  })

  it('throws a TypeError unless it is an object, and for entries in its place', () => {
    for (const value of [null, 1, 'maxItems', true, Symbol('s'), () => ({}), [], [['a', 1]]]) {
      const error = errorOf(() => made(value))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/options/i)
    }
    expect(() => made(new Map([['a', 1]]))).toThrow(TypeError)
  })

  it('may be absent, undefined, empty or without a prototype', () => {
    const usual = String(made({}))
    expect(String(new FaaSCacheDict())).toBe(usual)
    expect(String(made(undefined))).toBe(usual)
    expect(String(made(Object.create(null)))).toBe(usual)
  })

  it('is read once and never changed', () => {
    const options = Object.freeze({ maxItems: 2, maxSizeBytes: '1M', defaultTtl: '10s' })
    const cache = made(options)
    controllerOf(cache).resize({ maxItems: 1 })
    expect(options).toEqual({ maxItems: 2, maxSizeBytes: '1M', defaultTtl: '10s' })
  })
})

describe('String(cache)', () => {
  it('shows the options as they were given', () => {
    const cache = made({ defaultTtl: '10s', maxSizeBytes: '128M', maxItems: 10 })
    const { sizeBytes } = controllerOf(cache)
    expect(String(cache)).toBe(
      `<FaaSCacheDict; defaultTtl=10s, maxSizeBytes=128M, maxItems=10, sizeBytes=${sizeBytes}, items=0>`,
    )
  })

  it('shows the default of each option that was not given', () => {
    expect(String(made())).toMatch(
      /^<FaaSCacheDict; defaultTtl=null, maxSizeBytes=25%, maxItems=null, sizeBytes=\d+, items=0>$/,
    )
  })

  it('shows the bytes and entries of the cache now', () => {
    const cache = new FaaSCacheDict({}, { a: 1, b: 2 })
    const { sizeBytes } = controllerOf(cache)
    expect(`${cache}`).toContain(`sizeBytes=${sizeBytes}, items=2>`)
    delete cache.a
    expect(`${cache}`).toContain('items=1>')
  })
})
