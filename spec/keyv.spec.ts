import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv, KeyvCacheDict } from 'faas-cache-dict/keyv'
import { Keyv } from 'keyv'
import { expect, test } from 'vitest'

const all = async (entries: AsyncIterable<unknown>) => {
  const found: unknown[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

test('what Keyv stores is readable as a property, as itself, and the other way round', async () => {
  const cache = new FaaSCacheDict()
  const keyv = createKeyv(cache)
  const value = { bar: [1] }
  expect(await keyv.set('foo', value)).toBe(true)
  expect(cache.foo).toBe(value)
  cache.text = 'plain'
  expect(await keyv.get('text')).toBe('plain')
  expect(await keyv.getMany(['foo', 'none', 'text'])).toEqual([value, undefined, 'plain'])
  expect(await keyv.has('foo')).toBe(true)
  expect(await keyv.delete('foo')).toBe(true)
  expect('foo' in cache).toBe(false)
  expect(await keyv.delete('foo')).toBe(false)
})

test("Keyv's expiry is the entry's TTL", async () => {
  const cache = new FaaSCacheDict()
  const keyv = createKeyv(cache)
  await keyv.set('foo', 1, 10_000)
  const ttl = controllerOf(cache).ttl('foo')
  expect(ttl).toBeGreaterThan(9)
  expect(ttl).toBeLessThanOrEqual(10)
  await keyv.set('bar', 1)
  expect(controllerOf(cache).ttl('bar')).toBeNull()
})

test('a namespace has its own keys, and clear takes those only', async () => {
  const cache = new FaaSCacheDict({}, { other: 1 })
  const a = createKeyv(cache, { namespace: 'a' })
  const b = createKeyv(cache, { namespace: 'b' })
  await a.set('x', 1)
  await a.set('a:x', 2)
  await b.set('x', 3)
  expect({ ...cache }).toEqual({ other: 1, 'a:x': 1, 'a:a:x': 2, 'b:x': 3 })
  expect(await all(a.iterator?.(undefined) as AsyncIterable<unknown>)).toEqual([
    ['x', 1],
    ['a:x', 2],
  ])
  await a.clear()
  expect({ ...cache }).toEqual({ other: 1, 'b:x': 3 })
})

test('a write that is too large is refused, and the request goes on', async () => {
  for (const onTooLarge of ['throw', 'skip'] as const) {
    const cache = new FaaSCacheDict({ maxSizeBytes: '8K', onTooLarge })
    const keyv = createKeyv(cache)
    expect(await keyv.set('big', 'x'.repeat(10_000))).toBe(false)
    expect(await keyv.get('big')).toBeUndefined()
    expect(controllerOf(cache).stats().refusals).toBe(1)
  }
})

test('a Keyv of its own, which serialises and prefixes, finds what it stored', async () => {
  const cache = new FaaSCacheDict()
  const keyv = new Keyv({ store: new KeyvCacheDict(cache), namespace: 'own' })
  await keyv.set('foo', { bar: 1 }, 60_000)
  expect(Object.keys(cache)).toEqual(['own:foo'])
  expect(await keyv.get('foo')).toEqual({ bar: 1 })
  expect(
    await keyv.setMany([
      { key: 'x', value: 1 },
      { key: 'y', value: 2 },
    ]),
  ).toEqual([true, true])
  expect(await keyv.hasMany(['x', 'none'])).toEqual([true, false])
  expect(await all(keyv.iterator?.(undefined) as AsyncIterable<unknown>)).toEqual([
    ['foo', { bar: 1 }],
    ['x', 1],
    ['y', 2],
  ])
  expect(await keyv.deleteMany(['x', 'y'])).toBe(true)
  await keyv.clear()
  expect(Object.keys(cache)).toEqual([])
})

test('reading through Keyv is one use of the entry', async () => {
  const cache = new FaaSCacheDict({}, { foo: 1 })
  const keyv = createKeyv(cache)
  await keyv.get('foo')
  await keyv.get('none')
  expect(controllerOf(cache).stats()).toMatchObject({ hits: 1, misses: 1 })
})
