import { controllerOf, DataTooLargeError, FaaSCacheDict, heapSize } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'
import { expectInvariants } from './support/invariants.ts'

type Values = Record<string, unknown>

const fail = () => {
  throw new Error('code of the value ran')
}

/** Everything that is done to a value while it is in a cache, but for showing and serialising it. */
function treat(value: unknown): { told: string[] } {
  const clock = new FakeClock()
  const told: string[] = []
  const cache = new FaaSCacheDict<Values>({
    now: clock.now,
    maxSizeBytes: '1M',
    onDelete: (_key, _value, reason) => told.push(reason),
    onError: (error) => told.push(String(error)),
  })
  const controller = controllerOf(cache)
  cache.a = value
  expect(Object.is(cache.a, value)).toBe(true)
  const charge = controller.sizeOf('a')
  expect(charge).toBeGreaterThan(0)
  controller.remeasure()
  expect(controller.sizeOf('a')).toBe(charge)
  cache.a = value
  cache.a = 'another'
  controller.set('b', value, { ttl: 1 })
  clock.advance(1_000)
  expect(cache.b).toBeUndefined()
  controller.setDefault('c', value)
  expect(Object.is(controller.pop('c'), value)).toBe(true)
  controller.update([['d', value]])
  expect(`${String(cache)}${[...controller.entries()].length}`).toMatch(/items=2>2$/)
  controller.clear()
  expectInvariants(controller)
  expect(controller.sizeBytes).toBe(controllerOf(new FaaSCacheDict()).sizeBytes)
  return { told }
}

const REASONS = ['replaced', 'expired', 'deleted', 'cleared', 'cleared']

describe('a key from outside', () => {
  it('that names a prototype pollutes nothing', () => {
    const body = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}'
    const cache = new FaaSCacheDict<Values>({}, JSON.parse(body) as Values)
    expect(Object.keys(cache)).toEqual(['__proto__', 'constructor'])
    controllerOf(cache).clear()
    controllerOf(cache).update(JSON.parse(body) as Values)
    expect(Object.keys(cache)).toEqual(['__proto__', 'constructor'])
    cache['__proto__'] = { isAdmin: true }
    expect(cache.isAdmin).toBeUndefined()
    expect(({} as Values).isAdmin).toBeUndefined()
    expect(Object.getPrototypeOf({ ...cache })).toBe(Object.prototype)
    expect(JSON.parse(JSON.stringify(cache))).toEqual(JSON.parse(body))
  })

  it('is charged for its length, and refused beyond the budget in a message that stays short', () => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '1M' })
    const controller = controllerOf(cache)
    cache['k'.repeat(500_000)] = 1
    expect(controller.sizeBytes).toBeGreaterThan(500_000)
    const long = '\u2028'.repeat(1_000_000)
    expect(() => {
      cache[long] = 1
    }).toThrow(DataTooLargeError)
    for (const ask of [() => controller.ttl(long), () => controller.set(long, 1)]) {
      expect(ask).toThrow(expect.objectContaining({ key: long }))
      expect(ask).toThrow(/^.{1,600}$/s)
    }
    expect(controller.size).toBe(1)
    expectInvariants(controller)
  })

  it('may hold half of a surrogate pair, and comes out of a snapshot as it went in', () => {
    const halves = ['\ud83d', '\ude00', '\ude00\ud83d', 'a\ud83d', '\ud83d\ude00']
    const cache = new FaaSCacheDict<Values>(
      {},
      halves.map((key, at) => [key, at] as const),
    )
    const controller = controllerOf(new FaaSCacheDict<Values>())
    controller.load(JSON.parse(JSON.stringify(controllerOf(cache).dump())))
    expect([...controller]).toEqual(halves.map((key, at) => [key, at]))
  })

  it('is told from others that the engine puts in the same bucket', () => {
    // The hash of a short number is the number, so that these share the low bits.
    const keys = Array.from({ length: 4_000 }, (_, at) => String(at * 4_096))
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: null })
    for (const key of keys) cache[key] = key
    for (const key of keys) expect(cache[key] === key && !(`${key}.` in cache)).toBe(true)
    for (const key of keys.slice(0, 2_000)) delete cache[key]
    expect(Object.keys(cache)).toEqual(keys.slice(2_000))
    expectInvariants(controllerOf(cache))
  }, 20_000)

  it('never seen before takes no more than the budget, however many there are', () => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '64K', defaultTtl: '1h' })
    const controller = controllerOf(cache)
    let most = 0
    for (let i = 0; i < 50_000; i++) {
      cache[`${i * 7_919}-from-outside`] = i
      most = Math.max(most, controller.sizeBytes)
    }
    expect(most).toBeLessThanOrEqual(65_536)
    expectInvariants(controller)
  })
})

describe('a value that fights back', () => {
  it('has none of its methods called, and no getter of its class', () => {
    class Trap {
      get length() {
        return fail()
      }
      get then() {
        return fail()
      }
      get size() {
        return fail()
      }
      toJSON = fail
      toString = fail
      valueOf = fail
      inspect = fail;
      [Symbol.iterator] = fail;
      [Symbol.toPrimitive] = fail;
      [Symbol.asyncIterator] = fail
    }
    expect(treat(new Trap()).told).toEqual(REASONS)
    const map = Object.assign(new Map([[1, 2]]), {
      ...{ entries: fail, forEach: fail, get: fail, [Symbol.iterator]: fail },
    })
    expect(treat(map).told).toEqual(REASONS)
    expect(treat(Object.assign(new Date(0), { getTime: fail, valueOf: fail })).told).toEqual(
      REASONS,
    )
    expect(treat(Object.assign([1], { [Symbol.iterator]: fail, keys: fail })).told).toEqual(REASONS)
  })

  it.each([1, 300, 2 ** 20])(
    'has no own getter called that is the last of %i elements of a class',
    (length) => {
      class Rows extends Array {}
      let calls = 0
      for (const first of [1, 'text', {}]) {
        const rows = new Rows()
        rows[0] = first
        Object.defineProperty(rows, length, { get: () => ++calls, enumerable: true })
        heapSize(rows)
        expect(treat(rows).told).toEqual(REASONS)
      }
      expect(calls).toBe(0)
    },
  )

  it('may throw from every getter and every trap', () => {
    const traps = Object.getOwnPropertyNames(Reflect).map((name) => [name, fail])
    const thrower = Object.fromEntries(traps) as ProxyHandler<object>
    const { proxy: revoked, revoke } = Proxy.revocable([], {})
    revoke()
    const values = [
      Object.defineProperty({}, 'a', { get: fail, enumerable: true }),
      new Proxy({}, thrower),
      new Proxy([], thrower),
      new Proxy(new Map(), thrower),
      new Proxy(fail, thrower),
      Object.create(new Proxy({}, thrower)),
      { inside: [new Proxy({}, thrower), revoked] },
      revoked,
    ]
    for (const value of values) expect(treat(value).told).toEqual(REASONS)
  })

  it('may hold itself, or be held a great many times', () => {
    const cycle: Values = {}
    cycle.self = cycle
    const map = new Map<unknown, unknown>()
    map.set(map, new Set([map, cycle]))
    const list: unknown[] = []
    list.push(list, cycle, map)
    // Two to the power of sixty ways lead to its end.
    let bomb: unknown[] = []
    for (let depth = 0; depth < 60; depth++) bomb = [bomb, bomb]
    for (const value of [cycle, map, list, bomb]) expect(treat(value).told).toEqual(REASONS)
    expect(heapSize(bomb)).toBeLessThan(61 * 128)
  })

  it('may be nested a million deep, and is then no part of a snapshot', () => {
    let deep: unknown = 'bottom'
    for (let depth = 0; depth < 1_000_000; depth++) deep = [deep]
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: null }, { deep })
    const controller = controllerOf(cache)
    expect(controller.sizeOf('deep')).toBeGreaterThan(40_000_000)
    expect(() => controller.dump()).toThrow(/^The value of "deep" cannot be cloned/)
    expect(cache.deep).toBe(deep)
    controller.clear()
    expectInvariants(controller)
  })

  it('may make new values for as long as it is asked', () => {
    let made = 0
    const chain = (): object => ({
      get next() {
        made++
        return chain()
      },
    })
    expect(heapSize(chain())).toBeGreaterThan(0)
    expect(made).toBeLessThanOrEqual(4_096)
    made = 0
    const unending = (): object =>
      new Proxy(
        {},
        {
          ownKeys: () => ['a', 'b', 'c'],
          getOwnPropertyDescriptor: () => ({
            value: ++made && unending(),
            enumerable: true,
            configurable: true,
          }),
        },
      )
    expect(heapSize(unending())).toBeGreaterThan(0)
    expect(made).toBeLessThanOrEqual(8 * 4_096)
  })

  it('may be built of a million pieces, or be cut from a larger string', () => {
    let rope = ''
    for (let i = 0; i < 1_000_000; i++) rope = `ab${rope}`
    const flat = 'ab'.repeat(1_000_000)
    expect(heapSize(rope)).toBe(heapSize(flat))
    expect(heapSize(flat.slice(7, 107))).toBe(heapSize('x'.repeat(100)))
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '8M' })
    cache[rope] = 1
    expect(cache[flat]).toBe(1)
  })

  it('cannot make a promise of itself, nor be waited for', async () => {
    const thenable = {
      get then() {
        return fail()
      },
    }
    const cache = new FaaSCacheDict<Values>({}, { thenable })
    expect(await cache).toBe(cache)
    expect(cache.thenable).toBe(thenable)
    expect(() => {
      cache.then = fail
    }).toThrow(TypeError)
  })
})

describe('the background sweep', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('goes on past a value that throws at everything', async () => {
    const traps = Object.getOwnPropertyNames(Reflect).map((name) => [name, fail])
    const errors: unknown[] = []
    const cache = new FaaSCacheDict<Values>({
      sweepInterval: 1,
      onError: (error) => errors.push(error),
    })
    const list: string[] = []
    cache.hostile = new Proxy({}, Object.fromEntries(traps))
    cache.list = list
    const before = controllerOf(cache).sizeOf('list')
    for (let i = 0; i < 1_000; i++) list.push('grown')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(errors).toEqual([])
    expect(controllerOf(cache).sizeOf('list')).toBeGreaterThan(before + 8_000)
  })
})

describe('JSON from outside', () => {
  const snapshotOf = (entries: unknown[]) => ({ format: 'faas-cache-dict', version: 1, entries })
  const parsed = (snapshot: object) => JSON.parse(JSON.stringify(snapshot))
  const set = (options?: object) => controllerOf(new FaaSCacheDict()).set('a', 1, options)
  const loaded = () =>
    controllerOf(new FaaSCacheDict()).load(
      snapshotOf([{ key: 'a', value: 1, expiresAt: null }]) as never,
    )

  it('is no way to set options by a prototype', () => {
    const options = JSON.parse('{"__proto__":{"maxItems":1}}')
    expect(() => new FaaSCacheDict(options)).toThrow(/^Unknown option "__proto__"/)
  })

  it.each<[string, unknown, () => unknown]>([
    ['maxItems', 1, () => controllerOf(new FaaSCacheDict()).maxItems],
    ['defaultTtl', '1s', () => controllerOf(new FaaSCacheDict({ maxItems: 9 })).defaultTtl],
    ['ttl', '1s', () => set({ sizeBytes: 9 }).ttl('a')],
    ['expiresAt', 1, () => set({ sizeBytes: 9 }).ttl('a')],
    ['maxItems', 1, () => set().resize({ maxSizeBytes: null }).maxItems],
    ['sizeBytes', 99, () => loaded().sizeOf('a') === set().sizeOf('a') || 'another size'],
    ['isPromise', true, () => loaded().get('a') === 1 || 'another value'],
  ])('that adds %s to Object.prototype sets no option', (name, value, use) => {
    const expected = use()
    const prototype = Object.prototype as unknown as Record<string, unknown>
    prototype[name] = value
    try {
      expect(use()).toBe(expected)
    } finally {
      delete prototype[name]
    }
  })

  it('a hundred thousand levels deep is stored, measured and let go', () => {
    const depth = 100_000
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '16M' })
    cache.list = JSON.parse('['.repeat(depth) + ']'.repeat(depth))
    cache.object = JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)
    const controller = controllerOf(cache)
    controller.remeasure()
    expect(controller.size).toBe(2)
    controller.clear()
    expectInvariants(controller)
  })

  it('as a snapshot brings keys as data, and no more entries than there is room for', () => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '64K' })
    const controller = controllerOf(cache)
    const entry = (key: string) => ({
      key,
      value: { isAdmin: true },
      expiresAt: null,
      sizeBytes: 0,
    })
    controller.load(parsed(snapshotOf(['__proto__', 'constructor', 'then'].map(entry))))
    expect(Object.keys(cache)).toEqual(['__proto__', 'constructor', 'then'])
    expect(({} as Values).isAdmin).toBeUndefined()
    // That says of each entry that it weighs nothing.
    const many = Array.from({ length: 20_000 }, (_, at) => entry(`key-${at}`))
    controller.load(parsed(snapshotOf(many)))
    expect(controller.size).toBeLessThan(65_536 / 64)
    expectInvariants(controller)
  })

  it('as a snapshot that lies is refused, and then nothing has changed', () => {
    const cache = new FaaSCacheDict<Values>({}, { kept: 1 })
    const controller = controllerOf(cache)
    const good = { key: 'a', value: 1, expiresAt: null }
    const wrong: unknown[] = [
      { ...good, key: 1 },
      { ...good, key: ['a'] },
      { ...good, expiresAt: '9999-12-31' },
      { ...good, expiresAt: undefined },
      { ...good, sizeBytes: -1 },
      { ...good, sizeBytes: 1.5 },
      { ...good, sizeBytes: 1e300 },
      { ...good, isPromise: 'yes' },
      null,
      [],
      'entry',
    ]
    for (const entry of wrong) {
      const snapshot = parsed(snapshotOf([good, entry]))
      expect(() => controller.load(snapshot), JSON.stringify(entry)).toThrow(TypeError)
    }
    for (const snapshot of [null, [], 'text', 1, {}, { ...snapshotOf([]), entries: { 0: good } }]) {
      expect(() => controller.load(parsed({ snapshot }).snapshot)).toThrow(TypeError)
    }
    expect([...controller]).toEqual([['kept', 1]])
    expect(controller.stats().writes).toBe(1)
  })
})
