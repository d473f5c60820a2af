import { controllerOf, DataTooLargeError, FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv, KeyvCacheDict } from 'faas-cache-dict/keyv'
import { Keyv } from 'keyv'
import { describe, expect, test, vi } from 'vitest'
import { FakeClock } from './support/fake-clock.ts'

/** The specs run with version 5 and, by `npm run test:all -- keyv`, also with version 6. */
const isKeyv6 = !('useKeyPrefix' in Keyv.prototype)

async function collect(keyv: Keyv): Promise<unknown[]> {
  const entries: unknown[] = []
  for await (const entry of keyv.iterator?.(undefined) ?? []) entries.push(entry)
  return entries
}

describe('a Keyv over a dictionary', () => {
  test('stores values as themselves and reads what was written to the dictionary', async () => {
    const cache = new FaaSCacheDict()
    const keyv = createKeyv(cache)
    const row = { id: 1n, at: new Date(0), tags: new Set(['a']) }
    await keyv.set('row', row)
    expect(cache.row).toBe(row)
    expect(await keyv.get('row')).toBe(row)
    cache.text = '{"value":"not an envelope"}'
    cache.promised = Promise.resolve('kept')
    cache.nothing = null
    expect(await keyv.get('text')).toBe('{"value":"not an envelope"}')
    expect(await keyv.get('promised')).toBe('kept')
    expect(await keyv.get('nothing')).toBe(null)
    expect(await keyv.has('nothing')).toBe(true)
    expect(await keyv.get('missing')).toBe(undefined)
    delete cache.row
    expect(await keyv.get('row')).toBe(undefined)
  })

  test('stores values that look like an envelope of Keyv as themselves', async () => {
    const cache = new FaaSCacheDict()
    const keyv = createKeyv(cache)
    for (const lookalike of [{ value: 1 }, { value: 1, expires: 2 }, '{"value":1,"expires":2}']) {
      await keyv.set('a', lookalike)
      expect(cache.a).toBe(lookalike)
      expect(await keyv.get('a')).toBe(lookalike)
      expect(await keyv.getMany(['a'])).toEqual([lookalike])
      expect(await collect(keyv)).toEqual([['a', lookalike]])
    }
  })

  test('distinguishes a stored undefined from a miss', async () => {
    const cache = new FaaSCacheDict({}, { a: undefined })
    const keyv = createKeyv(cache)
    expect(await keyv.get('a')).toBe(undefined)
    expect(await keyv.getRaw('a')).toEqual({ value: undefined, expires: undefined })
    expect(await keyv.getRaw('b')).toBe(undefined)
    expect(await keyv.hasMany(['a', 'b'])).toEqual([true, false])
    expect(controllerOf(cache).stats()).toMatchObject({ hits: 2, misses: 1 })
  })

  test('gives an entry the TTL of Keyv, or else the defaultTtl of the dictionary', async () => {
    const clock = new FakeClock()
    const cache = new FaaSCacheDict({ defaultTtl: '10s', now: clock.now })
    const keyv = createKeyv(cache)
    await keyv.set('short', 1, 2_500)
    await keyv.set('default', 2)
    expect(controllerOf(cache).ttl('short')).toBeCloseTo(2.5)
    expect(controllerOf(cache).ttl('default')).toBeCloseTo(10)
    clock.advance(3_000)
    expect(await keyv.get('short')).toBe(undefined)
    expect(await keyv.has('short')).toBe(false)
    expect(await keyv.get('default')).toBe(2)
    clock.advance(8_000)
    expect(await keyv.get('default')).toBe(undefined)
  })

  test('passes the expiry of an entry of the dictionary to Keyv', async () => {
    const cache = new FaaSCacheDict({ defaultTtl: '1h' })
    cache.a = 1
    const raw = await createKeyv(cache).getRaw('a')
    expect(raw?.value).toBe(1)
    expect(Math.abs((raw?.expires ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000)
  })

  test('keeps an entry without expiry if neither Keyv nor the dictionary sets one', async () => {
    const cache = new FaaSCacheDict()
    const keyv = createKeyv(cache)
    await keyv.set('a', 1)
    expect(controllerOf(cache).ttl('a')).toBe(null)
    expect(await keyv.getRaw('a')).toEqual({ value: 1, expires: undefined })
  })

  test('removes an entry that is written with an expiry in the past', async () => {
    const cache = new FaaSCacheDict({}, { a: 1 })
    const { store } = createKeyv(cache)
    expect(await store.set('a', { value: 2 }, isKeyv6 ? Date.now() - 1 : -1)).toBe(true)
    expect('a' in cache).toBe(false)
    cache.b = 1
    expect(await new KeyvCacheDict(cache).set('b', { value: 2 }, 0)).toBe(true)
    expect('b' in cache).toBe(false)
  })

  test('treats a TTL of 0 as none, as Keyv does', async () => {
    const cache = new FaaSCacheDict({ defaultTtl: '10s' })
    const keyv = createKeyv(cache)
    await keyv.set('a', 1, 0)
    await keyv.setMany([{ key: 'b', value: 2, ttl: 0 }])
    expect(controllerOf(cache).ttl('a')).toBeGreaterThan(9)
    expect(controllerOf(cache).ttl('b')).toBeGreaterThan(9)
  })

  test('returns the value of a stored promise, by every way to read', async () => {
    const cache = new FaaSCacheDict({ defaultTtl: '1h' })
    const keyv = createKeyv(cache)
    let fulfil: (value: unknown) => void = () => {}
    cache.a = new Promise((resolve) => {
      fulfil = resolve
    })
    cache.failed = Promise.reject(new Error('no such row'))
    const reads = Promise.all([
      keyv.get('a'),
      keyv.getMany(['a', 'failed']),
      keyv.getRaw('a'),
      collect(keyv),
      keyv.get('failed'),
    ])
    expect(controllerOf(cache).ttl('a')).toBeLessThanOrEqual(30)
    fulfil('row')
    const [one, many, raw, iterated, failed] = await reads
    expect(one).toBe('row')
    expect(many).toEqual(['row', undefined])
    expect(raw?.value).toBe('row')
    // The TTL of a promise starts when it fulfils.
    expect(raw?.expires).toBeGreaterThan(Date.now() + 3_000_000)
    expect(iterated).toEqual([['a', 'row']])
    expect(failed).toBe(undefined)
    expect(cache.a).toBeInstanceOf(Promise)
  })

  test('never calls then of a value that is not a native promise', async () => {
    const then = vi.fn((ran: (rows: string) => void) => ran('rows'))
    const query = Object.fromEntries([['then', then]])
    const raw = await createKeyv(new FaaSCacheDict({}, { query })).getRaw('query')
    expect(raw?.value).toBe(query)
    expect(then).not.toHaveBeenCalled()
  })

  test('returns a value as expired if the entry was removed while the promise was pending', async () => {
    const cache = new FaaSCacheDict({}, { a: Promise.resolve('row') })
    const read = new KeyvCacheDict(cache).get('a')
    delete cache.a
    const { value, expires } = await read
    expect(value).toBe('row')
    expect(expires).toBeLessThanOrEqual(Date.now())
  })

  test('reads a value or a miss if time passes during the read', async () => {
    let time = 0
    const cache = new FaaSCacheDict({ defaultTtl: 0.05, now: () => time++, sweepInterval: null })
    const keyv = createKeyv(cache)
    for (let round = 0; round < 100; round++) {
      cache.a = 1
      time += round
      expect([1, undefined]).toContain(await keyv.get('a'))
      expect(await keyv.getMany(['a'])).toHaveLength(1)
    }
  })

  test.each([['throw'], ['skip']] as const)(
    'gets false for a value that is too large (onTooLarge: %s)',
    async (onTooLarge) => {
      const cache = new FaaSCacheDict({ maxSizeBytes: '4K', onTooLarge })
      const keyv = createKeyv(cache)
      const errors: unknown[] = []
      keyv.on('error', (error: unknown) => errors.push(error))
      cache.big = 'older'
      const big = 'x'.repeat(10_000)
      expect(await keyv.set('big', big)).toBe(false)
      expect('big' in cache).toBe(false)
      const many = [
        { key: 'small', value: 1 },
        { key: 'big', value: big },
      ]
      expect(await keyv.setMany(many)).toEqual([true, false])
      expect(cache.small).toBe(1)
      expect(errors).toEqual([])
      expect(controllerOf(cache).stats().refusals).toBe(2)
    },
  )

  test('emits every other error', async () => {
    const cache = new FaaSCacheDict({ sizeOf: () => Number.NaN })
    const keyv = createKeyv(cache)
    const errors: unknown[] = []
    keyv.on('error', (error: unknown) => errors.push(error))
    expect(await keyv.set('a', 1)).toBe(false)
    expect(errors).toHaveLength(1)
  })

  test('writes, reads, checks and deletes several keys in one call', async () => {
    const cache = new FaaSCacheDict()
    const keyv = createKeyv(cache)
    await keyv.setMany([
      { key: 'a', value: 1 },
      { key: 'b', value: 2, ttl: 1_000 },
    ])
    expect({ ...cache }).toEqual({ a: 1, b: 2 })
    expect(controllerOf(cache).ttl('b')).toBeLessThanOrEqual(1)
    expect(await keyv.getMany(['b', 'missing', 'a'])).toEqual([2, undefined, 1])
    expect(await keyv.hasMany(['b', 'missing', 'a'])).toEqual([true, false, true])
    expect(await keyv.deleteMany(['a', 'missing'])).toEqual(isKeyv6 ? [true, false] : false)
    expect(await keyv.deleteMany(['b'])).toEqual(isKeyv6 ? [true] : true)
    expect(await keyv.delete('a')).toBe(false)
    expect({ ...cache }).toEqual({})
  })

  test('counts a read as a use, but neither has nor an iteration', async () => {
    const cache = new FaaSCacheDict({}, { a: 1, b: 2 })
    const keyv = createKeyv(cache)
    await keyv.has('a')
    await keyv.hasMany(['a', 'missing'])
    expect(await collect(keyv)).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(Object.keys(cache)).toEqual(['a', 'b'])
    expect(controllerOf(cache).stats()).toMatchObject({ hits: 0, misses: 0 })
    await keyv.get('a')
    await keyv.get('missing')
    expect(Object.keys(cache)).toEqual(['b', 'a'])
    expect(controllerOf(cache).stats()).toMatchObject({ hits: 1, misses: 1 })
    await keyv.getMany(['b', 'a', 'missing'])
    expect(controllerOf(cache).stats()).toMatchObject({ hits: 3, misses: 2 })
  })

  test('iterates over the entries at the start that are still live', async () => {
    const cache = new FaaSCacheDict({}, { a: 1, b: 2, c: 3 })
    const seen: unknown[] = []
    for await (const [key, value] of createKeyv(cache).iterator?.(undefined) ?? []) {
      seen.push([key, value])
      delete cache.b
      cache.c = 4
      cache.d = 5
    }
    expect(seen).toEqual([
      ['a', 1],
      ['c', 4],
    ])
  })

  test('accepts every string as a key', async () => {
    const cache = new FaaSCacheDict()
    const keyv = createKeyv(cache, { namespace: 'ns' })
    const keys = ['__proto__', 'constructor', '0', 'ns:', 'ns:a', 'a']
    // Version 6 does not accept the empty key.
    if (!isKeyv6) keys.push('')
    for (const key of keys) await keyv.set(key, key)
    for (const key of keys) expect(await keyv.get(key)).toBe(key)
    expect(Object.keys(cache)).toEqual(keys.map((key) => `ns:${key}`))
    expect((await collect(keyv)).map((entry) => (entry as [string])[0])).toEqual(keys)
  })

  test('leaves the dictionary as it is on disconnect', async () => {
    const cache = new FaaSCacheDict({}, { a: 1 })
    await createKeyv(cache).disconnect()
    expect(cache.a).toBe(1)
  })
})

describe('a namespace', () => {
  test('prefixes its keys in the dictionary and clears only its own entries', async () => {
    const cache = new FaaSCacheDict({}, { a: 0 })
    const one = createKeyv(cache, { namespace: 'one' })
    const two = createKeyv(cache, { namespace: 'two' })
    await one.set('a', 1)
    await two.set('a', 2)
    expect({ ...cache }).toEqual({ a: 0, 'one:a': 1, 'two:a': 2 })
    expect(await collect(one)).toEqual([['a', 1]])
    expect(await one.getMany(['a'])).toEqual([1])
    await one.clear()
    expect({ ...cache }).toEqual({ a: 0, 'two:a': 2 })
    expect(await two.delete('a')).toBe(true)
    await createKeyv(cache).clear()
    expect({ ...cache }).toEqual({})
    expect(controllerOf(cache).stats()).toMatchObject({ deletions: 2, clears: 1 })
  })

  test('is cleared with its stale values and its loads under way, and nothing of others', async () => {
    let time = 1_700_000_000_000
    const options = { now: () => time, defaultTtl: '10s', staleIfError: '1m', onError() {} }
    const cache = new FaaSCacheDict<Record<string, unknown>>(options)
    const controller = controllerOf(cache)
    const one = createKeyv(cache, { namespace: 'one' })
    await one.set('a', 1)
    cache['two:a'] = 2
    time += 10_000
    const loads = ['one:b', 'two:b'].map((key) => controller.getOrSet(key, async () => 'loaded'))
    await one.clear()
    await Promise.all(loads)
    expect(Object.keys(cache)).toEqual(['two:b'])
    const fail = () => Promise.reject(new Error('down'))
    expect(await controller.getOrSet('two:a', fail)).toBe(2)
    await expect(controller.getOrSet('one:a', fail)).rejects.toThrow('down')
  })

  test('may be set later, as Cacheable does', async () => {
    const cache = new FaaSCacheDict({}, { a: 0 })
    const keyv = createKeyv(cache)
    keyv.namespace = 'app:v2'
    await keyv.set('a', 1)
    expect({ ...cache }).toEqual({ a: 0, 'app:v2:a': 1 })
    expect(await keyv.get('a')).toBe(1)
    expect(await collect(keyv)).toEqual([['a', 1]])
    await keyv.clear()
    expect({ ...cache }).toEqual({ a: 0 })
  })

  test('does not contain the entries of a longer namespace that starts with it', async () => {
    const cache = new FaaSCacheDict()
    const outer = createKeyv(cache, { namespace: 'a' })
    const inner = createKeyv(cache, { namespace: 'a:b' })
    await inner.set('c', 1)
    await outer.set('c', 2)
    await outer.set('d:e', 3)
    expect(await collect(outer)).toEqual([
      ['c', 2],
      ['d:e', 3],
    ])
    await outer.clear()
    expect({ ...cache }).toEqual({ 'a:b:c': 1 })
    expect(await collect(inner)).toEqual([['c', 1]])
    await inner.clear()
    expect({ ...cache }).toEqual({})
  })

  test('shares an entry that two namespaces give the same key, and the longer one clears it', async () => {
    const cache = new FaaSCacheDict()
    const outer = createKeyv(cache, { namespace: 'a' })
    const inner = createKeyv(cache, { namespace: 'a:b' })
    await outer.set('b:c', 1)
    expect(await inner.get('c')).toBe(1)
    await outer.clear()
    expect(await outer.get('b:c')).toBe(1)
    await inner.clear()
    expect(await outer.get('b:c')).toBeUndefined()
  })

  test('is remembered while it has an entry, however many namespaces are used', async () => {
    const cache = new FaaSCacheDict()
    const outer = createKeyv(cache, { namespace: 'a' })
    for (let i = 0; i < 300; i++) {
      const tenant = createKeyv(cache, { namespace: `a:${i}` })
      await tenant.set('x', i)
      if (i % 100 !== 0) await tenant.clear()
    }
    await outer.clear()
    expect({ ...cache }).toEqual({ 'a:0:x': 0, 'a:100:x': 100, 'a:200:x': 200 })
  })
})

test('the adapter accepts a number as the string of a cache, and rejects other keys', async () => {
  const cache = new FaaSCacheDict({}, { undefined: 1, null: 2 })
  const adapter = new KeyvCacheDict(cache)
  expect(await adapter.set(42 as never, 'x')).toBe(true)
  expect(await adapter.has(42n as never)).toBe(true)
  for (const key of [Symbol('s'), undefined, null, {}] as never[]) {
    const calls = [
      () => adapter.get(key),
      () => adapter.getMany([key]),
      () => adapter.set(key, 1),
      () => adapter.setMany([{ key, value: 1 }]),
      () => adapter.has(key),
      () => adapter.hasMany([key]),
      () => adapter.delete(key),
      () => adapter.deleteMany([key]),
    ]
    for (const call of calls) await expect(call()).rejects.toThrow(/^A key must be/)
  }
  expect({ ...cache }).toEqual({ undefined: 1, null: 2, 42: 'x' })
})

test('createKeyv accepts a cache of another copy of the package, which may refuse a value', async () => {
  vi.resetModules()
  const other = await import('../lib/index.ts')
  const cache = new other.FaaSCacheDict({ maxSizeBytes: '4K' })
  expect(other.DataTooLargeError).not.toBe(DataTooLargeError)
  expect(await createKeyv(cache).set('big', 'x'.repeat(10_000))).toBe(false)
})

test('an entry does not take an expiry that was added to Object.prototype', async () => {
  const cache = new FaaSCacheDict()
  const prototype = Object.prototype as { expires?: number }
  prototype.expires = 7
  try {
    await new KeyvCacheDict(cache).setMany([{ key: 'a', value: 1 }])
  } finally {
    delete prototype.expires
  }
  expect(controllerOf(cache).ttl('a')).toBeNull()
})

describe("the adapter in a program's own Keyv", () => {
  test('stores the serialised text of Keyv under the key of Keyv', async () => {
    const cache = new FaaSCacheDict()
    const own = () => new Keyv({ store: new KeyvCacheDict(cache), namespace: 'own' })
    const keyv = own()
    await keyv.set('a', { b: 1 }, 60_000)
    expect(JSON.parse(cache['own:a'] as string)).toMatchObject({ value: { b: 1 } })
    expect(controllerOf(cache).ttl('own:a')).toBeLessThanOrEqual(60)
    expect(await keyv.get('a')).toEqual({ b: 1 })
    expect(await own().get('a')).toEqual({ b: 1 })
    expect(await collect(keyv)).toEqual([['a', { b: 1 }]])
    const many = [
      { key: 'x', value: 1 },
      { key: 'y', value: 2 },
    ]
    expect(await keyv.setMany(many)).toEqual([true, true])
    expect(await keyv.getMany(['y', 'none', 'x'])).toEqual([2, undefined, 1])
    expect(await keyv.hasMany(['x', 'none'])).toEqual([true, false])
    expect(await keyv.deleteMany(['x', 'y'])).toEqual(isKeyv6 ? [true, true] : true)
    cache.other = 1
    await keyv.clear()
    expect({ ...cache }).toEqual({ other: 1 })
  })

  test('stores values as themselves without serialisation', async () => {
    const cache = new FaaSCacheDict()
    const plain = { serialize: undefined, deserialize: undefined, serialization: false }
    const store = new KeyvCacheDict(cache)
    const keyv = new Keyv({ store, namespace: 'ns', ...plain } as object)
    await keyv.set('text', 'as it is')
    await keyv.set('row', { b: 1 })
    expect({ ...cache }).toEqual({ 'ns:text': 'as it is', 'ns:row': { b: 1 } })
    expect(await keyv.get('text')).toBe('as it is')
    expect(await keyv.getMany(['text', 'row'])).toEqual(['as it is', { b: 1 }])
  })

  test('stores values under their own keys without serialisation and namespace', async () => {
    const cache = new FaaSCacheDict()
    const plain = isKeyv6
      ? { serialization: false }
      : { namespace: undefined, serialize: undefined, deserialize: undefined }
    const keyv = new Keyv({ store: new KeyvCacheDict(cache), ...plain } as object)
    await keyv.set('row', { b: 1 })
    cache.text = 'as it is'
    expect({ ...cache }).toEqual({ row: { b: 1 }, text: 'as it is' })
    expect(await keyv.getMany(['text', 'row'])).toEqual(['as it is', { b: 1 }])
  })

  test('stores a value without an envelope as itself', async () => {
    const cache = new FaaSCacheDict()
    const adapter = new KeyvCacheDict(cache)
    for (const bare of [null, undefined, 0, 'text', Object.assign(() => {}, { value: 1 })]) {
      await adapter.set('a', bare)
      expect(cache.a).toBe(bare)
    }
  })

  test('reads values of the dictionary as well as its own serialised text', async () => {
    const cache = new FaaSCacheDict({}, { 'own:row': { b: 1 } })
    const keyv = new Keyv({ store: new KeyvCacheDict(cache), namespace: 'own' })
    expect(await keyv.get('row')).toEqual({ b: 1 })
  })

  test('returns itself from on, as an event emitter does', () => {
    const adapter = new KeyvCacheDict(new FaaSCacheDict())
    expect(adapter.on()).toBe(adapter)
  })

  test('adds no prefix if Keyv has no namespace', async () => {
    const cache = new FaaSCacheDict()
    const keyv = new Keyv({ store: new KeyvCacheDict(cache), namespace: '' })
    await keyv.set('a', 1)
    expect(Object.keys(cache)).toEqual(['a'])
    expect(await keyv.get('a')).toBe(1)
  })

  test('takes epoch milliseconds and adds the prefix once Keyv 6 has read its capabilities', async () => {
    const cache = new FaaSCacheDict()
    const adapter = new KeyvCacheDict(cache)
    expect(adapter.capabilities.expires).toBe(true)
    adapter.namespace = 'ns'
    expect(await adapter.set('ever', 1)).toBe(true)
    expect(controllerOf(cache).ttl('ns:ever')).toBeNull()
    await adapter.delete('ever')
    const expires = Date.now() + 60_000
    expect(await adapter.set('a', { value: 1, expires }, expires)).toBe(true)
    expect(await adapter.setMany([{ key: 'ns:a', value: { value: 2 }, expires }])).toEqual([true])
    expect({ ...cache }).toEqual({ 'ns:a': 1, 'ns:ns:a': 2 })
    expect(controllerOf(cache).ttl('ns:a')).toBeLessThanOrEqual(60)
    expect(await adapter.deleteMany(['a', 'missing'])).toEqual([true, false])
    const left: unknown[] = []
    for await (const [key] of adapter.iterator()) left.push(key)
    expect(left).toEqual(['ns:a'])
  })
})

test('an error names a wrong dictionary, an unknown option and a wrong namespace', () => {
  expect(() => createKeyv(new Map() as never)).toThrow('must be a FaaSCacheDict')
  expect(() => new KeyvCacheDict({} as never)).toThrow(TypeError)
  const cache = new FaaSCacheDict()
  expect(() => createKeyv(cache, { namespace: 1 as never })).toThrow('namespace must be a string')
  expect(() => createKeyv(cache, { ttl: 1 } as never)).toThrow('Unknown option "ttl"')
})
