import {
  CacheController,
  controllerOf,
  DataTooLargeError,
  FaaSCacheDict,
  heapSize,
  KeyError,
} from 'faas-cache-dict'
import { payloadSize } from 'faas-cache-dict/payload'
import { equal, ok, sleep, throws } from './expect.mjs'
import { values } from './values.mjs'

const made = (options, entries) => {
  const cache = new FaaSCacheDict(options, entries)
  return { cache, controller: controllerOf(cache) }
}

/** Each runs within one request. */
export const checks = {
  'a cache reads like an object': () => {
    const { cache } = made({}, { a: 1 })
    cache.b = [2]
    equal({ ...cache }, { a: 1, b: [2] })
    equal(JSON.stringify(cache), '{"a":1,"b":[2]}')
    equal(
      [Object.keys(cache), 'a' in cache, delete cache.a, 'a' in cache],
      [['a', 'b'], true, true, false],
    )
    equal([Object.getPrototypeOf(cache), cache instanceof FaaSCacheDict], [null, true])
    ok(String(cache).startsWith('<FaaSCacheDict; '), 'it prints')
  },
  'every string is a key': () => {
    const { cache } = made()
    for (const key of ['constructor', '__proto__', 'toString', 'toJSON', 'then', 'size', '', '0']) {
      equal([cache[key], key in cache], [undefined, false], key)
      cache[key] = key
      equal([cache[key], key in cache], [key, true], key)
    }
  },
  'a refused write throws a TypeError and changes nothing': () => {
    const { cache } = made({}, { a: 1 })
    const refused = {
      'a symbol': () => {
        cache[Symbol('s')] = 1
      },
      'a function under then': () => {
        cache.then = () => {}
      },
      'a frozen cache': () => Object.freeze(cache),
      'a getter': () => Object.defineProperty(cache, 'b', { get: () => 1 }),
      'an unknown option': () => new FaaSCacheDict({ ttl: 1 }),
      'controllerOf an object': () => controllerOf({}),
      subclassing: () => new (class extends FaaSCacheDict {})(),
    }
    for (const [what, run] of Object.entries(refused)) throws(run, TypeError, what)
    throws(() => new FaaSCacheDict({ maxItems: 0 }), RangeError, 'no items')
    equal({ ...cache }, { a: 1 })
  },
  'await of a cache gives the cache': async () => {
    const { cache } = made()
    ok((await cache) === cache, 'it is the cache')
  },
  'the least recently used entry is evicted first': () => {
    const { cache, controller } = made({ maxItems: 2 }, { a: 1, b: 2 })
    equal(cache.a, 1)
    cache.c = 3
    equal(
      [...controller],
      [
        ['a', 1],
        ['c', 3],
      ],
    )
  },
  'the budget holds after every write': () => {
    const { cache, controller } = made({ maxSizeBytes: '64K' })
    for (let i = 0; i < 3_000; i++) {
      cache[`key-${i}`] = { text: 'x'.repeat(i % 100), list: [i] }
      ok(controller.sizeBytes <= 65_536, `${controller.sizeBytes} bytes after ${i}`)
    }
    ok(controller.size > 100, `${controller.size} entries are kept`)
    controller.clear()
    equal(controller.sizeBytes, made().controller.sizeBytes, 'an emptied cache')
  },
  'an entry larger than the cache is refused, and the error names its key': () => {
    const { cache, controller } = made({ maxSizeBytes: '4K' }, { a: 1 })
    const write = () => {
      cache.big = 'x'.repeat(5_000)
    }
    equal(throws(write, DataTooLargeError, 'it').key, 'big')
    ok(throws(write, RangeError, 'it').sizeBytes > 5_000, 'it says its size')
    equal([{ ...cache }, controller.stats().refusals], [{ a: 1 }, 2])
  },
  'a missing key is a KeyError': () =>
    equal(throws(() => made().controller.getOrThrow('a'), KeyError, 'it').key, 'a'),
  'expiry follows the given clock': () => {
    const start = 1_700_000_000_000
    let now = start
    const { cache, controller } = made({ defaultTtl: '10s', now: () => now }, { a: 1 })
    controller.set('date', 1, { expiresAt: start + 5_000 })
    equal([controller.ttl('a'), controller.ttl('date')], [10, 5])
    now = start + 9_999
    equal([cache.a, 'date' in cache], [1, false])
    now = start + 10_000
    equal([cache.a, controller.stats().expirations], [undefined, 2])
  },
  'an entry with a TTL of 0 or less has expired already, and evicts nothing': async () => {
    const { cache, controller } = made({ maxItems: 2 }, { a: 1, b: 2 })
    for (const ttl of [0, -30, '-5s']) {
      controller.set('dead', 1, { ttl })
      equal(await controller.getOrSet('dead', () => 3, { ttl: () => ttl }), 3)
    }
    const expiresAt = Date.now() - 1
    // Workers have no date before the first request.
    if (expiresAt > 0) controller.set('dead', 1, { expiresAt })
    equal({ ...cache }, { a: 1, b: 2 })
    const { writes, expirations, evictions } = controller.stats()
    equal([writes - expirations, evictions], [2, 0])
  },
  'an expiry time in seconds throws a RangeError that says so': () => {
    const { controller } = made({}, { a: 1 })
    const write = () => controller.set('a', 1, { expiresAt: 1_700_000_000 })
    ok(throws(write, RangeError, 'it').message.includes('seconds'), 'it says so')
    throws(() => controller.expireAt('a', new Date(0)), RangeError, 'a date')
  },
  'an entry is served during its TTL and not after': async () => {
    const start = Date.now()
    const { cache, controller } = made({ defaultTtl: '300ms' }, { a: 1 })
    controller.set('date', 1, { expiresAt: new Date(start + 300) })
    controller.set('hour', 1, { ttl: '1h' })
    await sleep(50)
    const seen = [cache.a, cache.date, cache.hour]
    // A busy machine may sleep for longer.
    if (Date.now() < start + 250) equal(seen, [1, 1, 1])
    await sleep(300)
    equal([cache.a, cache.date, cache.hour], [undefined, undefined, 1])
  },
  'onDelete runs once for each removed entry, with the reason': () => {
    const left = []
    const onDelete = (key, _value, reason) => left.push(`${key} ${reason}`)
    const { cache, controller } = made({ maxItems: 2, onDelete }, { a: 1, b: 2 })
    cache.c = 3
    cache.c = 4
    delete cache.b
    controller.clear()
    equal(left, ['a evicted', 'c replaced', 'b deleted', 'c cleared'])
  },
  'an error of a hook reaches onError': () => {
    const errors = []
    const { cache } = made({
      onDelete: () => {
        throw new Error('hook')
      },
      onError: (error, { source, key }) => errors.push([error.message, source, key]),
    })
    cache.a = 1
    delete cache.a
    equal([errors.length, errors[0][0], 'a' in cache], [1, 'hook', false])
  },
  'concurrent reads share one promise, and its TTL starts when it fulfils': async () => {
    const { cache, controller } = made({ defaultTtl: '300ms', pendingTtl: '10s' })
    let loads = 0
    const load = async () => {
      await sleep(400)
      return ++loads
    }
    equal(await Promise.all([1, 2, 3].map(() => (cache.a ??= load()))), [1, 1, 1])
    ok(controller.ttl('a') <= 0.3, `${controller.ttl('a')} seconds are left`)
    await sleep(350)
    equal(cache.a, undefined)
  },
  'a rejected promise is removed, and every reader gets the reason': async () => {
    const { cache, controller } = made()
    const load = async () => {
      await sleep(10)
      throw new Error('no')
    }
    const asked = [1, 2].map(() => (cache.a ??= load()).catch(({ message }) => message))
    equal(
      [await Promise.all(asked), 'a' in cache, controller.stats().rejections],
      [['no', 'no'], false, 1],
    )
  },
  'getOrSet loads once, and does not keep a failure': async () => {
    const { controller } = made()
    let loads = 0
    const load = async () => {
      await sleep(10)
      return ++loads
    }
    equal(await Promise.all([1, 2, 3].map(() => controller.getOrSet('a', load))), [1, 1, 1])
    equal(controller.peek('a'), 1)
    const fail = () => Promise.reject(new Error('no'))
    equal(await controller.getOrSet('b', fail).catch(({ message }) => message), 'no')
    equal(controller.has('b'), false)
  },
  'loads are traced where there are tracing channels': async () => {
    const diagnostics = globalThis.process?.getBuiltinModule?.('node:diagnostics_channel')
    if (diagnostics?.tracingChannel === undefined) return
    const { controller } = made()
    const seen = []
    const noting = (event) => (trace) => {
      if (trace.controller === controller) seen.push(`${event} ${trace.key}`)
    }
    const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']
    const subscribers = Object.fromEntries(events.map((event) => [event, noting(event)]))
    const loads = diagnostics.tracingChannel('faas-cache-dict.load')
    loads.subscribe(subscribers)
    equal(await controller.getOrSet('a', () => 1), 1)
    await controller.getOrSet('b', () => Promise.reject(new Error('down'))).catch(() => {})
    loads.unsubscribe(subscribers)
    equal(await controller.getOrSet('c', () => 1), 1)
    equal(seen, [
      ...['start a', 'end a', 'asyncStart a', 'asyncEnd a'],
      ...['start b', 'end b', 'error b', 'asyncStart b', 'asyncEnd b'],
    ])
  },
  'a thenable is a value, and its then is not called': () => {
    let called = 0
    const { cache } = made()
    cache.query = { then: () => called++ }
    ok(cache.query && called === 0, 'it is not called')
  },
  ...Object.fromEntries(
    Object.entries(values).map(([name, make]) => [
      `${name}: measured, charged, and uncharged when it is removed`,
      () => {
        const { cache, controller } = made()
        const value = make()
        const bytes = heapSize(value, 'key')
        ok(Number.isSafeInteger(bytes) && bytes > 0, `${bytes} bytes`)
        const before = controller.sizeBytes
        cache.value = value
        ok(cache.value === value && controller.sizeBytes > before, 'it is kept and charged')
        controller.remeasure()
        delete cache.value
        equal(controller.sizeBytes, before)
      },
    ]),
  ),
  'remeasure finds a value that grew in place': () => {
    const { cache, controller } = made({}, { list: [] })
    const before = controller.sizeOf('list')
    for (let i = 0; i < 1_000; i++) cache.list.push(i + 0.5)
    controller.remeasure('list')
    ok(controller.sizeOf('list') > before + 8_000, `${controller.sizeOf('list')} bytes`)
  },
  'payloadSize works as sizeOf': () => {
    const [short, long] = [payloadSize('abc', 'k'), payloadSize('x'.repeat(1_000), 'k')]
    ok(short > 0 && long > short + 900, `${short} and ${long} bytes`)
    const { controller } = made({ sizeOf: payloadSize }, { k: 'abc' })
    ok(controller.sizeOf('k') >= short, 'it is charged')
  },
  'a snapshot restores values, order and expiry, cloned or as JSON': () => {
    const { cache, controller } = made({ defaultTtl: '1h' }, { a: [1], b: { c: 1 } })
    equal(cache.a, [1])
    for (const copy of [
      structuredClone(controller.dump()),
      JSON.parse(JSON.stringify(controller.dump())),
    ]) {
      const restored = made()
      restored.controller.load(copy)
      equal(
        [...restored.controller],
        [
          ['b', { c: 1 }],
          ['a', [1]],
        ],
      )
      const left = restored.controller.ttl('a')
      ok(left > 3_590 && left < 3_601, `${left} of 3600 seconds are left`)
    }
  },
  'dump throws a TypeError that names the key of a function': () => {
    const { controller } = made({}, { task: () => {} })
    ok(/task/.test(throws(() => controller.dump(), TypeError, 'it').message), 'it names the key')
  },
  'a closed cache stays readable': () => {
    const { cache, controller } = made({ defaultTtl: '1h' }, { a: 1 })
    ok(controller instanceof CacheController, 'it is a controller')
    controller.close()
    equal(cache.a, 1)
  },
}
