import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { describe, expect, it } from 'vitest'

type Controller = ReturnType<typeof controllerOf<Record<string, unknown>>>

const made = (entries: Record<string, unknown> = {}) =>
  controllerOf(new FaaSCacheDict<Record<string, unknown>>({}, entries))

const NUMBERS = [
  ...[0n, 42n, -1n, 2n ** 64n],
  ...[0, -0, 1, -1, 42, 1.5, 1e21, 1e-7, 0.1 + 0.2, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
]

// Every member that takes a key, so that each spec below covers them all.
const MEMBERS: [string, (controller: Controller, key: string) => unknown][] = [
  ['get', (controller, key) => controller.get(key)],
  ['getOrThrow', (controller, key) => controller.getOrThrow(key)],
  ['peek', (controller, key) => controller.peek(key)],
  ['has', (controller, key) => controller.has(key)],
  ['set', (controller, key) => controller.set(key, 1)],
  ['setDefault', (controller, key) => controller.setDefault(key, 1)],
  ['update', (controller, key) => controller.update([[key, 1]])],
  ['pop', (controller, key) => controller.pop(key)],
  ['delete', (controller, key) => controller.delete(key)],
  ['promote', (controller, key) => controller.promote(key)],
  ['demote', (controller, key) => controller.demote(key)],
  ['getOrSet', (controller, key) => controller.getOrSet(key, () => 1)],
  ['ttl', (controller, key) => controller.ttl(key)],
  ['setTtl', (controller, key) => controller.setTtl(key, '10s')],
  ['expireAt', (controller, key) => controller.expireAt(key, Date.now() + 10_000)],
  ['isExpired', (controller, key) => controller.isExpired(key)],
  ['sizeOf', (controller, key) => controller.sizeOf(key)],
  ['remeasure', (controller, key) => controller.remeasure(key)],
]

describe('a number or a bigint as a key', () => {
  it.each(NUMBERS)('is the string that cache[key] makes of it: %s', (key) => {
    const number = key as number
    const cache = new FaaSCacheDict<Record<string | number, unknown>>()
    const controller = controllerOf(cache)
    controller.set(number, 'data')
    expect([...controller.keys()]).toEqual([String(number)])
    expect(cache[number]).toBe('data')
    expect(cache[String(number)]).toBe('data')
    expect(controller.get(number)).toBe('data')
    expect(controller.has(String(number))).toBe(true)
    expect(controller.delete(number)).toBe(true)
    expect(number in cache).toBe(false)
  })

  it.each(MEMBERS)('is accepted by %s as that string', async (_name, call) => {
    for (const key of [42, 42n]) {
      const controller = made({ 42: 'data', other: 1 })
      await call(controller, key as unknown as string)
      expect([...controller.keys()].every((key) => key === '42' || key === 'other')).toBe(true)
      const { misses } = controller.stats()
      expect(misses).toBe(0)
    }
  })
})

describe('a key that is not a string, a number or a bigint', () => {
  const fail = () => {
    throw new Error('user code ran')
  }
  const wrong: unknown[] = [
    Symbol('s'),
    Symbol.iterator,
    Symbol.toPrimitive,
    null,
    true,
    {},
    ['a'],
    () => 'a',
    new String('a'),
    { toString: fail, [Symbol.toPrimitive]: fail },
  ]

  it.each(MEMBERS)('makes %s throw a TypeError and change nothing', async (name, call) => {
    const controller = made({ a: 1 })
    for (const key of [...wrong, ...(name === 'remeasure' ? [] : [undefined])]) {
      const refused = async () => call(controller, key as string)
      await expect(refused()).rejects.toThrow(TypeError)
      await expect(refused()).rejects.toThrow(/key/i)
    }
    expect([...controller]).toEqual([['a', 1]])
    expect(controller.stats()).toMatchObject({ hits: 0, misses: 0, writes: 1 })
  })
})

describe('keys', () => {
  it('that only look the same are different keys', () => {
    const alike = ['e\u0301', '\u00e9', 'key', 'Key', 'key ', 'ke\u0000y', '1', '01', '1.0', '+1']
    const controller = made()
    alike.forEach((key, index) => {
      controller.set(key, index)
    })
    expect([...controller.keys()]).toEqual(alike)
    alike.forEach((key, index) => {
      expect(controller.get(key)).toBe(index)
    })
  })

  it('can be as long as a string can be', () => {
    const controller = made()
    const long = 'k'.repeat(1_000_000)
    controller.set(`${long}a`, 1).set(`${long}b`, 2)
    expect(controller.get(`${long}a`)).toBe(1)
    expect(controller.get(`${long}b`)).toBe(2)
    expect(controller.sizeOf(`${long}a`)).toBeGreaterThan(1_000_000)
  })

  it('with the same characters are one key, however they were built', () => {
    const controller = made()
    controller.set(['a', 'b'].join(''), 1)
    controller.set(`${'a'}b`, 2)
    controller.set('xab'.slice(1), 3)
    expect([...controller]).toEqual([['ab', 3]])
  })

  it('come back in the order of use, however many there are', () => {
    const controller = made()
    const keys = Array.from({ length: 5_000 }, (_, index) => `${(index * 7_919) % 5_000}`)
    for (const key of keys) controller.set(key, key)
    expect([...controller.keys()]).toEqual(keys)
    for (const key of keys.toReversed()) controller.get(key)
    expect([...controller.keys()]).toEqual(keys.toReversed())
  })
})
