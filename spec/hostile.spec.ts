import { controllerOf, DataTooLargeError, FaaSCacheDict, heapSize } from 'faas-cache-dict'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheWith, type Values } from './support/cache.ts'
import { EMPTY_BYTES } from './support/charges.ts'
import { expectInvariants } from './support/invariants.ts'

const fail = () => {
  throw new Error('code of the value ran')
}

/** Writes, reads, measures and removes a value in every way except printing and serialising it. */
function useInEveryWay(value: unknown): string[] {
  const calls: string[] = []
  const { cache, controller, clock } = cacheWith({
    maxSizeBytes: '1M',
    onDelete: (_key, _value, reason) => calls.push(reason),
    onError: (error) => calls.push(String(error)),
  })
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
  expect(controller.sizeBytes).toBe(EMPTY_BYTES)
  return calls
}

const REASONS = ['replaced', 'expired', 'deleted', 'cleared', 'cleared']

describe('a key from untrusted input', () => {
  it('that names a prototype changes no prototype', () => {
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

  it('is charged for its length, and the error for one too long stays short', () => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '1M' })
    const controller = controllerOf(cache)
    cache['k'.repeat(500_000)] = 1
    expect(controller.sizeBytes).toBeGreaterThan(500_000)
    const long = '\u2028'.repeat(1_000_000)
    expect(() => {
      cache[long] = 1
    }).toThrow(DataTooLargeError)
    for (const call of [() => controller.ttl(long), () => controller.set(long, 1)]) {
      expect(call).toThrow(expect.objectContaining({ key: long }))
      expect(call).toThrow(/^.{1,600}$/s)
    }
    expect(controller.size).toBe(1)
    expectInvariants(controller)
  })

  it('can contain half of a surrogate pair, which survives a snapshot', () => {
    const halves = ['\ud83d', '\ude00', '\ude00\ud83d', 'a\ud83d', '\ud83d\ude00']
    const cache = new FaaSCacheDict<Values>(
      {},
      halves.map((key, at) => [key, at] as const),
    )
    const controller = controllerOf(new FaaSCacheDict<Values>())
    controller.load(JSON.parse(JSON.stringify(controllerOf(cache).dump())))
    expect([...controller]).toEqual(halves.map((key, at) => [key, at]))
  })

  it('is told apart from 4,000 keys with similar hashes', () => {
    // The engine hashes a short number to the number itself, so these hashes share their low bits.
    const keys = Array.from({ length: 4_000 }, (_, at) => String(at * 4_096))
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: null })
    for (const key of keys) cache[key] = key
    for (const key of keys) expect(cache[key] === key && !(`${key}.` in cache)).toBe(true)
    for (const key of keys.slice(0, 2_000)) delete cache[key]
    expect(Object.keys(cache)).toEqual(keys.slice(2_000))
    expectInvariants(controllerOf(cache))
  }, 20_000)

  it('that is new on each of 50,000 writes never makes the cache exceed its budget', () => {
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

describe('a hostile value', () => {
  it('has no method and no getter of its class called', () => {
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
    expect(useInEveryWay(new Trap())).toEqual(REASONS)
    const map = Object.assign(new Map([[1, 2]]), {
      ...{ entries: fail, forEach: fail, get: fail, [Symbol.iterator]: fail },
    })
    expect(useInEveryWay(map)).toEqual(REASONS)
    expect(useInEveryWay(Object.assign(new Date(0), { getTime: fail, valueOf: fail }))).toEqual(
      REASONS,
    )
    expect(useInEveryWay(Object.assign([1], { [Symbol.iterator]: fail, keys: fail }))).toEqual(
      REASONS,
    )
  })

  it.each([1, 300, 2 ** 20])(
    'is measured without calling its getter at index %i of an Array subclass',
    (length) => {
      class Rows extends Array {}
      let calls = 0
      for (const first of [1, 'text', {}]) {
        const rows = new Rows()
        rows[0] = first
        Object.defineProperty(rows, length, { get: () => ++calls, enumerable: true })
        heapSize(rows)
        expect(useInEveryWay(rows)).toEqual(REASONS)
      }
      expect(calls).toBe(0)
    },
  )

  it('can throw from every getter and every Proxy trap', () => {
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
    for (const value of values) expect(useInEveryWay(value)).toEqual(REASONS)
  })

  it('can contain itself, or reach one array by a great many paths', () => {
    const cycle: Values = {}
    cycle.self = cycle
    const map = new Map<unknown, unknown>()
    map.set(map, new Set([map, cycle]))
    const list: unknown[] = []
    list.push(list, cycle, map)
    // 2 ** 60 paths lead to the innermost array.
    let bomb: unknown[] = []
    for (let depth = 0; depth < 60; depth++) bomb = [bomb, bomb]
    for (const value of [cycle, map, list, bomb]) expect(useInEveryWay(value)).toEqual(REASONS)
    expect(heapSize(bomb)).toBeLessThan(61 * 128)
  })

  it('can be nested a million levels deep, and dump then throws an error that names its key', () => {
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

  it('can create new values endlessly, and measuring it still ends', () => {
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

  it('can be a string of a million pieces, or a slice of a larger string', () => {
    let rope = ''
    for (let i = 0; i < 1_000_000; i++) rope = `ab${rope}`
    const flat = 'ab'.repeat(1_000_000)
    expect(heapSize(rope)).toBe(heapSize(flat))
    expect(heapSize(flat.slice(7, 107))).toBe(heapSize('x'.repeat(100)))
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '8M' })
    cache[rope] = 1
    expect(cache[flat]).toBe(1)
  })

  it('with a then is not awaited, and cannot make the cache a thenable', async () => {
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

  it('continues after a value that throws from every trap', async () => {
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

describe('JSON from untrusted input', () => {
  const snapshotOf = (entries: unknown[]) => ({ format: 'faas-cache-dict', version: 1, entries })
  const parsed = (snapshot: object) => JSON.parse(JSON.stringify(snapshot))
  const written = (options?: object) => controllerOf(new FaaSCacheDict()).set('a', 1, options)
  const loaded = () =>
    controllerOf(new FaaSCacheDict()).load(
      snapshotOf([{ key: 'a', value: 1, expiresAt: null }]) as never,
    )

  it('cannot set options through __proto__', () => {
    const options = JSON.parse('{"__proto__":{"maxItems":1}}')
    expect(() => new FaaSCacheDict(options)).toThrow(/^Unknown option "__proto__"/)
  })

  it.each<[string, unknown, () => unknown]>([
    ['maxItems', 1, () => controllerOf(new FaaSCacheDict()).maxItems],
    ['defaultTtl', '1s', () => controllerOf(new FaaSCacheDict({ maxItems: 9 })).defaultTtl],
    ['ttl', '1s', () => written({ sizeBytes: 9 }).ttl('a')],
    ['expiresAt', 1, () => written({ sizeBytes: 9 }).ttl('a')],
    ['maxItems', 1, () => written().resize({ maxSizeBytes: null }).maxItems],
    ['sizeBytes', 99, () => loaded().sizeOf('a') === written().sizeOf('a') || 'another size'],
    ['isPromise', true, () => loaded().get('a') === 1 || 'another value'],
  ])('cannot set %s through Object.prototype', (name, value, use) => {
    const expected = use()
    const prototype = Object.prototype as unknown as Record<string, unknown>
    prototype[name] = value
    try {
      expect(use()).toBe(expected)
    } finally {
      delete prototype[name]
    }
  })

  it('can be 100,000 levels deep', () => {
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

  it('loaded as a snapshot, stores any key as data and no more entries than fit', () => {
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
    // Each entry claims a size of 0 bytes.
    const many = Array.from({ length: 20_000 }, (_, at) => entry(`key-${at}`))
    controller.load(parsed(snapshotOf(many)))
    expect(controller.size).toBeLessThan(65_536 / 64)
    expectInvariants(controller)
  })

  it('loaded as a malformed snapshot, is refused and changes nothing', () => {
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
