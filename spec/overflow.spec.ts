import { inspect } from 'node:util'
import { type CacheController, controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { advise } from 'faas-cache-dict/advisor'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Values } from './support/cache.ts'
import { EMPTY_BYTES } from './support/charges.ts'
import { inChild } from './support/child.ts'
import { atEachDepth, callAt } from './support/deep.ts'
import { expectInvariants } from './support/invariants.ts'
import { deferred, expectNoUnhandledRejection, nextTurn } from './support/promises.ts'

type Act = (cache: Values, controller: CacheController) => unknown

const LIMITS = { maxItems: 12, maxSizeBytes: '64K', defaultTtl: '1h' } as const

const filled = (onDelete?: () => void) => {
  const options = { ...LIMITS, sweepInterval: null, onTooLarge: 'skip', onDelete } as const
  const cache = new FaaSCacheDict<Values>(options)
  for (let at = 0; at < 14; at++) cache[`k${at}`] = at % 2 === 0 ? `${at}` : { at }
  return { cache, controller: controllerOf(cache) }
}

const acts: Record<string, Act> = {
  'a write of a new key': (cache) => {
    cache['new'] = 'new'
  },
  'a write that replaces': (cache) => {
    cache['k5'] = 'replaced'
  },
  'a write of an object': (cache) => {
    cache['new'] = { list: [{}, new Map([[1, {}]])], date: new Date(0) }
  },
  'a write of a promise': (cache) => {
    cache['new'] = Promise.resolve(1)
  },
  'a write with a TTL': (_, controller) => controller.set('k5', 1, { ttl: '2h' }),
  'a write that has already expired': (_, controller) => controller.set('k5', 1, { ttl: -1 }),
  'a write with an absolute expiry': (_, controller) =>
    controller.set('new', 1, { expiresAt: Date.now() + 3_600_000 }),
  'a refused write': (_, controller) => controller.set('k5', 'x'.repeat(100_000)),
  'a read': (cache) => cache['k5'],
  'a delete': (cache) => delete cache['k5'],
  clear: (_, controller) => controller.clear(),
  pop: (_, controller) => controller.pop('k5'),
  popOldest: (_, controller) => controller.popOldest(),
  evictOldest: (_, controller) => controller.evictOldest(),
  setTtl: (_, controller) => controller.setTtl('k5', '2h'),
  'setTtl of 0': (_, controller) => controller.setTtl('k5', 0),
  promote: (_, controller) => controller.promote('k5'),
  demote: (_, controller) => controller.demote('k5'),
  remeasure: (_, controller) => controller.remeasure(),
  resize: (_, controller) => controller.resize({ maxItems: 5, maxSizeBytes: '32K' }),
  stats: (_, controller) => controller.stats(),
}

/** Checks every entry, and that clearing gives back every byte. */
const expectSound = (controller: CacheController) => {
  expectInvariants(controller)
  for (const [key, value] of controller) {
    const charge = controller.sizeOf(key)
    controller.remeasure(key)
    expect([controller.peek(key), controller.sizeOf(key)]).toEqual([value, charge])
    expect(controller.ttl(key)).toBeGreaterThan(value instanceof Promise ? 25 : 3_500)
  }
  controller.clear()
  expect(controller.sizeBytes).toBe(EMPTY_BYTES)
}

const removalsOf = (controller: CacheController) => {
  const { items, writes } = controller.stats()
  return writes - items
}

describe('a stack overflow at any depth', () => {
  it.each(Object.entries(acts))(
    'of %s leaves entries, order, bytes and counters right',
    (_, act) => {
      atEachDepth(
        () => filled(),
        ({ cache, controller }) => act(cache, controller),
        ({ controller }) => expectSound(controller),
      )
    },
  )

  it.each(Object.entries(acts))('of %s calls onDelete exactly once for each removal', (_, act) => {
    atEachDepth(
      () => {
        const calls = { count: 0 }
        return { ...filled(() => calls.count++), calls }
      },
      ({ cache, controller }) => act(cache, controller),
      ({ cache, controller, calls }) => {
        cache['last'] = 1
        delete cache['last']
        expect(calls.count).toBe(removalsOf(controller))
        expectSound(controller)
      },
    )
  })

  it.each(Object.entries(acts))('of %s leaves an advisor right', (_, act) => {
    atEachDepth(
      () => {
        const made = filled()
        return { ...made, advisor: advise(made.cache, { sample: 1 }) }
      },
      ({ cache, controller }) => act(cache, controller),
      ({ cache, controller, advisor }) => {
        const { hits, misses } = controller.stats()
        expect(advisor.report().uses).toBe(hits + misses)
        // Each of its lists is walked.
        for (let at = 0; at < 28; at++) cache[`k${at}`] ??= at
        controller.remeasure()
        expectInvariants(controller)
        advisor.close()
        expectSound(controller)
      },
    )
  })

  it('in onDelete delays the calls for the other removals until the next call', () => {
    atEachDepth(
      () => {
        const keys = new Set<string>()
        const cache = new FaaSCacheDict<Values>({
          onError: () => {},
          onDelete: (key) => {
            keys.add(key)
            callAt(50, () => {})
          },
        })
        for (let at = 0; at < 10; at++) cache[at] = at
        return { cache, controller: controllerOf(cache), keys }
      },
      ({ controller }) => controller.clear(),
      ({ cache, controller, keys }) => {
        controller.clear()
        cache['last'] = 1
        delete cache['last']
        expect(keys.size).toBe(11)
      },
    )
  })

  it('of getOrSet never leaves a load that later callers wait for in vain', async () => {
    const first: Promise<unknown>[] = []
    const second: Promise<unknown>[] = []
    atEachDepth(
      () => controllerOf(new FaaSCacheDict<Values>()),
      (controller) => first.push(controller.getOrSet('a', () => 1)),
      (controller) => second.push(controller.getOrSet('a', () => 2)),
    )
    await Promise.allSettled(first)
    for (const value of await Promise.all(second)) expect([1, 2]).toContain(value)
  })

  it('of inspect leaves the next inspect complete', () => {
    atEachDepth(
      () => new FaaSCacheDict<Values>({}, { a: 1 }),
      (cache) => inspect(cache),
      (cache) => expect(inspect(cache)).toContain('{ a: 1 }'),
    )
  })
})

// The engine compiles a function when it first runs, and that needs stack too.
describe.runIf(!('Bun' in globalThis))(
  'a stack overflow in code that runs for the first time',
  () => {
    const lines = {
      'a write': 'cache["z" + n] = n',
      'a write that replaces': 'cache["k" + (n % 30)] = n',
      'a write of an object': 'cache["z" + n] = { n }',
      'a write of a promise': 'cache["z" + n] = Promise.resolve(n)',
      'a write of a large size': 'controller.set("z" + n, n, { sizeBytes: 2 ** 40 })',
      'a write of a large size in place of a small one':
        'controller.set("k1", n, { sizeBytes: 2 ** 40 })',
      'a write that has already expired': 'controller.set("k1", n, { ttl: -1 })',
      'a delete': 'delete cache["k" + n]',
      'a delete of a large size': 'controller.set("l", n, { sizeBytes: 2 ** 40 }); delete cache.l',
      evictOldest: 'controller.evictOldest()',
      purgeExpired: 'time += 40; controller.purgeExpired()',
      resize: 'controller.resize({ maxItems: Math.max(1, 30 - n) })',
      clear: 'controller.clear()',
    }

    it.each(Object.entries(lines))(
      'of %s leaves entries, counters and bytes right',
      async (_, line) => {
        const seen = await inChild(`
      import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
      let time = 1.7e12
      let calls = 0
      const limits = { maxItems: 30, maxSizeBytes: null, sweepInterval: null, defaultTtl: 1 }
      const cache = new FaaSCacheDict({ ...limits, now: () => time, onDelete() { calls++ } })
      const controller = controllerOf(cache)
      for (let at = 0; at < 30; at++) { cache['k' + at] = at; time += 20 }
      let n = 0
      let done = 0
      const act = () => {
        try { act() } catch {}
        n++
        if (done < 5) try { ${line}; done++ } catch {}
      }
      act()
      time = 1.7e12 + 700
      const present = [...controller.keys()]
      const { writes, items, sizeBytes, ...counts } = controller.stats()
      const { replacements, evictions, expirations, deletions, clears } = counts
      const removed = replacements + evictions + expirations + deletions + clears
      const charged = present.reduce((sum, key) => sum + controller.sizeOf(key), 0)
      const readable = present.every((key) => controller.has(key))
      const missed = calls - removed
      controller.clear()
      const empty = controllerOf(new FaaSCacheDict(limits)).sizeBytes
      console.log(JSON.stringify([
        writes - removed - items, missed, present.length - items, readable,
        charged <= sizeBytes, controller.sizeBytes - empty,
      ]))
    `)
        expect(seen).toEqual([0, 0, 0, true, true, 0])
      },
    )
  },
)

it('a stack overflow as the keys of a large table begin to move keeps removals and onDelete in step', () => {
  let calls = 0
  const options = { maxSizeBytes: null, sweepInterval: null, onDelete: () => calls++ } as const
  const cache = new FaaSCacheDict<Values>(options)
  const controller = controllerOf(cache)
  for (let id = 0; id < 140_000; id++) cache[id] = id
  // The next removal is the first one that moves keys.
  for (let id = 0; id < 140_000 - 2 ** 16; id++) delete cache[id]
  const fails = (depth: number, act: () => unknown) => {
    try {
      callAt(depth, act)
      return false
    } catch {
      return true
    }
  }
  let depth = 0
  for (let step = 2 ** 17; step >= 1; step /= 2) if (!fails(depth + step, () => {})) depth += step
  while (fails(depth, () => delete cache[139_999])) {
    depth--
    expect(controller.stats().deletions).toBe(140_000 - 2 ** 16)
    expect(calls).toBe(140_000 - 2 ** 16)
  }
  expect(calls).toBe(140_001 - 2 ** 16)
  expectInvariants(controller)
})

describe('a failed allocation of a larger table', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it.each(['Int32Array', 'Float64Array'])('by new %s changes nothing', (name) => {
    const cache = new FaaSCacheDict<Values>({ maxSizeBytes: '8M', maxItems: 1_000 })
    const controller = controllerOf(cache)
    let failures = 0
    const attempt = (act: () => void) => {
      vi.stubGlobal(name, function refuse() {
        throw new RangeError('Array buffer allocation failed')
      })
      try {
        act()
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        failures++
      }
      vi.unstubAllGlobals()
      expectInvariants(controller)
    }
    for (let at = 0; at < 1_500; at++) {
      attempt(() => {
        cache[at] = at
      })
      cache[at] = at
    }
    for (let at = 0; at < 1_500; at++) attempt(() => delete cache[at])
    expect(failures).toBeGreaterThan(0)
    expect(Object.keys(cache)).toEqual([])
  })
})

describe('an allocation that fails as a promise is stored', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('leaves a promise whose rejection removes the entry and raises nothing', async () => {
    const cache = new FaaSCacheDict<Values>({ sweepInterval: null, pendingTtl: null })
    const controller = controllerOf(cache)
    for (let at = 0; at < 500; at++) cache[`k${at}`] = at
    for (let at = 0; at < 200; at++) delete cache[`k${at}`]
    controller.resize({ maxSizeBytes: controller.sizeBytes })
    vi.stubGlobal('Int32Array', function refuse() {
      throw new RangeError('Array buffer allocation failed')
    })
    const { promise, reject } = deferred<number>()
    // Room for the promise is made by a smaller table, which cannot be allocated.
    expect(() => Reflect.set(cache, 'k499', promise)).toThrow('allocation failed')
    vi.unstubAllGlobals()
    await expectNoUnhandledRejection(async () => {
      reject(new Error('origin down'))
      await nextTurn()
    })
    expect(controller.has('k499')).toBe(false)
  })
})

describe('after a stack overflow in onDelete', () => {
  it('onDelete runs for later removals, and their values are garbage-collected', async () => {
    const grown = await inChild(
      `
      import { FaaSCacheDict } from 'faas-cache-dict'
      let calls = 0
      const cache = new FaaSCacheDict({ maxSizeBytes: '1M', onError() {}, onDelete() { calls++ } })
      const deep = () => { try { deep() } finally { cache.a = {}; delete cache.a } }
      try { deep() } catch {}
      const heap = () => { gc(); return process.memoryUsage().heapUsed }
      cache.a = 1
      delete cache.a
      calls = 0
      const before = heap()
      for (let id = 0; id < 5_000; id++) cache[id] = { row: 'x'.repeat(5_000) + id + 'y'.repeat(5_000) }
      console.log(JSON.stringify({ megabytes: (heap() - before) / 2 ** 20, calls }))
    `,
      '--expose-gc',
    )
    expect((grown as { megabytes: number }).megabytes).toBeLessThan(2)
    expect((grown as { calls: number }).calls).toBeGreaterThan(4_800)
  })
})

describe('the sweep', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is started by the next write if a stack overflow prevented its start', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
    const subjects: { cache: Values; removedKeys: string[] }[] = []
    atEachDepth(
      () => {
        const removedKeys: string[] = []
        const onDelete = (key: string) => removedKeys.push(key)
        const options = { defaultTtl: '1s', sweepInterval: '2s', onDelete }
        return { cache: new FaaSCacheDict<Values>(options), removedKeys }
      },
      ({ cache }) => {
        cache['a'] = 1
      },
      (subject) => subjects.push(subject),
    )
    await null
    for (const { cache } of subjects) cache['b'] = 2
    vi.advanceTimersByTime(4_100)
    for (const { removedKeys } of subjects) expect(removedKeys).toContain('b')
  })
})
