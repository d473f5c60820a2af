import { deserialize, serialize } from 'node:v8'
import { controllerOf, FaaSCacheDict, type Snapshot } from 'faas-cache-dict'
import { expect, test } from 'vitest'
import type { Values } from './support/cache.ts'
import { cacheWith } from './support/cache.ts'
import { FakeClock } from './support/fake-clock.ts'

const ways: [string, (snapshot: Snapshot) => Snapshot][] = [
  ['structuredClone', structuredClone],
  ['v8.serialize', (snapshot) => deserialize(serialize(snapshot))],
  ['JSON', (snapshot) => JSON.parse(JSON.stringify(snapshot))],
]

test.each(ways)('order, values, expiry and explicit sizes survive %s', (_name, carry) => {
  const clock = new FakeClock()
  const cache = new FaaSCacheDict<Values>({ now: clock.now, defaultTtl: '10s' })
  const controller = controllerOf(cache)
  cache.a = [1, { b: 'c' }]
  controller.set('__proto__', 'own', { ttl: null })
  controller.set('sized', 1, { sizeBytes: 500 })
  cache.a
  const snapshot = carry(controller.dump())
  clock.advance(4_000)
  const copy = new FaaSCacheDict<Values>({ now: clock.now })
  const restored = controllerOf(copy).load(snapshot)
  expect([...restored]).toEqual([...controller])
  expect([...restored.keys()]).toEqual(['__proto__', 'sized', 'a'])
  expect(restored.ttl('a')).toBe(6)
  expect(restored.ttl('__proto__')).toBeNull()
  expect(restored.sizeOf('sized')).toBe(controller.sizeOf('sized'))
})

test('load drops entries that expired in between, and writes the others in order', () => {
  const clock = new FakeClock()
  const cache = new FaaSCacheDict<Values>({ now: clock.now, defaultTtl: '10s' }, { a: 1 })
  controllerOf(cache).set('b', 2, { ttl: '1m' })
  const snapshot = controllerOf(cache).dump()
  clock.advance(10_000)
  const copy = new FaaSCacheDict<Values>({ now: clock.now, maxItems: 2 }, { c: 3, b: 0 })
  controllerOf(copy).load(snapshot)
  expect({ ...copy }).toEqual({ c: 3, b: 2 })
  expect(controllerOf(copy).stats().writes).toBe(3)
})

test('dump keeps fulfilled promises and omits pending ones', async () => {
  const cache = new FaaSCacheDict<Values>()
  cache.done = Promise.resolve({ a: 1 })
  cache.pending = new Promise(() => {})
  await cache.done
  const snapshot = structuredClone(controllerOf(cache).dump())
  const copy = new FaaSCacheDict<Values>()
  controllerOf(copy).load(snapshot)
  expect(Object.keys(copy)).toEqual(['done'])
  expect(copy.done).toBeInstanceOf(Promise)
  expect(await copy.done).toEqual({ a: 1 })
})

test('dump leaves out values that cannot be cloned if it is told to', () => {
  const { controller } = cacheWith({}, { a: 1, b: () => {}, c: [Symbol('c')], d: 'last' })
  const { entries } = controller.dump({ skipUncloneable: true })
  expect(entries.map(({ key }) => key)).toEqual(['a', 'd'])
  expect(() => controller.dump({ skipUncloneable: false })).toThrow(/^The value of "b" cannot/)
  expect(() => controller.dump({})).toThrow(TypeError)
})

test('a bad option of dump is a TypeError that names it', () => {
  const { controller } = cacheWith()
  expect(() => controller.dump({ skipUncloneable: 1 as never })).toThrow(
    new TypeError('skipUncloneable must be true or false; got 1'),
  )
  expect(() => controller.dump({ skip: true } as never)).toThrow(TypeError)
})

test('dump throws a TypeError that names the key of a value that cannot be cloned', () => {
  const cache = new FaaSCacheDict<Values>({}, { good: 1, bad: () => {} })
  expect(() => controllerOf(cache).dump()).toThrow(TypeError)
  expect(() => controllerOf(cache).dump()).toThrow(/"bad"/)
})

const entry = { key: 'x', value: 1, expiresAt: null }
const good = { format: 'faas-cache-dict', version: 1, entries: [] }
test.each([
  ['null', null, /^A snapshot must be the result of dump\(\); got null$/],
  ['a string', '{}', /snapshot/],
  ['a foreign object', { entries: [] }, /format/],
  ['a later version', { ...good, version: 2 }, /version/],
  ['missing entries', { ...good, entries: undefined }, /entries/],
  [
    'a wrong last entry',
    { ...good, entries: [{ key: 'x', value: 1, expiresAt: null }, 7] },
    /Entry 1/,
  ],
  ['a hole among the entries', { ...good, entries: new Array(1) }, /Entry 0/],
  [
    'a function as a value',
    { ...good, entries: [entry, { key: 'then', value: () => {}, expiresAt: null }] },
    /Entry 1.*value must be a value that can be cloned/,
  ],
  [
    'a key that is not a string',
    { ...good, entries: [{ key: 1, value: 1, expiresAt: null }] },
    /key/,
  ],
  [
    'an expiry that is not a time',
    { ...good, entries: [{ key: 'x', value: 1, expiresAt: 'soon' }] },
    /expiresAt/,
  ],
  [
    'a negative size',
    { ...good, entries: [{ key: 'x', value: 1, expiresAt: null, sizeBytes: -1 }] },
    /sizeBytes/,
  ],
])(
  'given %s, load throws a TypeError that says what is wrong, and changes nothing',
  (_name, snapshot, message) => {
    const cache = new FaaSCacheDict<Values>({}, { a: 1 })
    const load = () => controllerOf(cache).load(snapshot as Snapshot)
    expect(load).toThrow(TypeError)
    expect(load).toThrow(message)
    expect({ ...cache }).toEqual({ a: 1 })
  },
)

test('load reads each property of an entry once', () => {
  const controller = controllerOf(new FaaSCacheDict<Values>({ maxSizeBytes: '64K' }))
  const before = controller.sizeBytes
  const read: string[] = []
  const entry = new Proxy(
    { key: 'a', value: 1, expiresAt: null, sizeBytes: 10 },
    {
      get(target, name) {
        read.push(String(name))
        return read.filter((each) => each === name).length > 1
          ? Number.NaN
          : Reflect.get(target, name)
      },
    },
  )
  controller.load({ format: 'faas-cache-dict', version: 1, entries: [entry] })
  expect(read).toEqual([...new Set(read)])
  expect(controller.get('a')).toBe(1)
  controller.delete('a')
  expect(controller.sizeBytes).toBe(before)
})

test('load counts a refusal for an entry that does not fit, and loads the others', () => {
  const cache = new FaaSCacheDict<Values>({}, { big: 'x'.repeat(20_000), small: 1 })
  const copy = new FaaSCacheDict<Values>({ maxSizeBytes: '8K' })
  controllerOf(copy).load(controllerOf(cache).dump())
  expect({ ...copy }).toEqual({ small: 1 })
  expect(controllerOf(copy).stats()).toMatchObject({ refusals: 1, writes: 1 })
})

test('load measures values with its own sizeOf, and keeps explicit sizes', () => {
  const cache = new FaaSCacheDict<Values>({ sizeOf: () => 100 }, { a: 1 })
  controllerOf(cache).set('b', 2, { sizeBytes: 300 }).set('c', 3, { sizeBytes: 0 })
  const copy = new FaaSCacheDict<Values>({ sizeOf: () => 200 })
  const [before, after] = [controllerOf(cache), controllerOf(copy).load(controllerOf(cache).dump())]
  expect(after.sizeOf('a') - before.sizeOf('a')).toBe(100)
  expect(after.sizeOf('b')).toBe(before.sizeOf('b'))
  expect(after.sizeOf('c')).toBe(before.sizeOf('c'))
})

/** A literal whose getter runs when it is cloned. */
const withGetter = (run: () => void) => ({
  get own() {
    run()
    return 1
  },
})

test('dump contains an entry once, even if cloning its value promotes it', () => {
  const cache = new FaaSCacheDict<Values>({}, { b: 2 })
  const controller = controllerOf(cache)
  cache.a = withGetter(() => cache.a)
  cache.c = 3
  expect(controller.dump().entries.map(({ key }) => key)).toEqual(['b', 'a', 'c'])
})

test('dump contains the unchanged entries if cloning a value writes and deletes others', () => {
  const clock = new FakeClock()
  const cache = new FaaSCacheDict<Values>({ now: clock.now })
  const controller = controllerOf(cache)
  let isDumping = false
  cache.a = withGetter(() => {
    if (!isDumping) return
    for (let at = 0; at < 300; at++) delete cache[`deleted${at}`]
    cache.late = 'written during the dump'
    controller.set('over', 2, { expiresAt: clock.time })
  })
  controller.set('sized', 'x', { ttl: '10s', sizeBytes: 70 })
  for (let at = 0; at < 300; at++) cache[`deleted${at}`] = at
  cache.over = 1
  cache.z = 'last'
  isDumping = true
  const { entries } = controller.dump()
  expect(entries.map(({ key }) => key)).toEqual(['a', 'sized', 'z'])
  expect(entries[1]).toMatchObject({ value: 'x', sizeBytes: 70 })
  expect(entries[2]).toEqual({ key: 'z', value: 'last', expiresAt: null })
})

test('dump contains the old entry if cloning its value overwrites it', () => {
  const clock = new FakeClock()
  const cache = new FaaSCacheDict<Values>({ now: clock.now })
  const controller = controllerOf(cache)
  let isDumping = false
  const value = withGetter(() => {
    if (isDumping) controller.set('a', 'other', { ttl: '1m', sizeBytes: 70 })
  })
  controller.set('a', value, { ttl: '10s' })
  isDumping = true
  expect(controller.dump().entries).toEqual([{ key: 'a', value, expiresAt: clock.time + 10_000 }])
})
