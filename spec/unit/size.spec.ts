import { runInNewContext, runInThisContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { heapSize, lookFurther, measure } from '../../lib/size/heap-size.ts'
import { stringSize } from '../../lib/size/layout.ts'
import { Walk } from '../../lib/size/walk.ts'

describe('the size of a value', () => {
  it('is one byte a character, or two if any character is above U+00FF', () => {
    expect(stringSize('a'.repeat(1000))).toBe(1016)
    expect(stringSize(`${'a'.repeat(999)}\u20ac`)).toBe(2016)
  })
  it('counts a shared object once and ends on a cycle', () => {
    const part: unknown[] = ['x'.repeat(500)]
    expect(heapSize([part, part], '')).toBeLessThan(heapSize([part, [...part]], ''))
    part.push(part)
    expect(heapSize(part, '')).toBeGreaterThan(500)
  })
  it('follows a linked list a hundred thousand long', () => {
    let list: object | null = null
    for (let i = 0; i < 100_000; i++) list = { next: list }
    expect(heapSize(list, '')).toBe(100_000 * 32)
  })
  it('stops beyond the limit', () => {
    const list = Array.from({ length: 100_000 }, () => 'x'.repeat(100))
    expect(measure(list, 1e6)).toBeGreaterThan(1e6)
    expect(measure(list, 1e6)).toBeLessThan(2e6)
  })
  it('is the same in slices as in one run', () => {
    const value = new Map(Array.from({ length: 5000 }, (_, i) => [`key-${i}`, [i + 0.5, { i }]]))
    const sliced = new Walk()
    sliced.add(value)
    while (lookFurther(sliced));
    expect(sliced.bytes).toBe(heapSize(value, ''))
  })
  it('counts each of three hundred thousand objects once, in steps as in one run', () => {
    const parts = Array.from({ length: 300_000 }, (_, at) => ({ at }))
    const value = [parts, [...parts].reverse(), parts[0], parts[299_999]]
    const stepped = new Walk(true)
    stepped.add(value)
    while (lookFurther(stepped));
    expect(stepped.bytes).toBe(heapSize(value, ''))
    expect(heapSize(value, '')).toBeLessThan(heapSize(parts, '') + 300_000 * 9)
  })
  it('ends a step after long texts anywhere, and among the keys of a large object', () => {
    const text = `${'x'.repeat(100_000)}語`
    const texts = Array.from({ length: 100 }, () => text)
    const named = Object.fromEntries(texts.map((each, at) => [`name ${at}`, each]))
    const numbered = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [at * 2, 'x']))
    const keyed = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`key ${at}`, 1]))
    for (const value of [texts, named, numbered, keyed]) {
      const walk = new Walk(true)
      walk.add(value)
      let most = 0
      let steps = 0
      for (let before = -1; before !== walk.bytes || !walk.isDone; steps++) {
        before = walk.bytes
        lookFurther(walk)
        // The first step counts the tables themselves.
        if (steps > 0) most = Math.max(most, walk.bytes - before)
      }
      expect(steps).toBeGreaterThan(10)
      expect(most).toBeLessThan(1e6)
      expect(walk.bytes).toBe(heapSize(value, ''))
    }
  })
  it('never throws', () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const buffer = new ArrayBuffer(64)
    const view = new Uint8Array(buffer)
    structuredClone(buffer, { transfer: [buffer] })
    const throwing = {
      get a(): never {
        throw new Error('read')
      },
    }
    for (const value of [revoked.proxy, view, throwing, Object.create(Map.prototype)]) {
      expect(heapSize(value, '')).toBeGreaterThan(0)
    }
  })
  it('ends on a getter that makes new objects forever', () => {
    const make = (): object => ({
      get next() {
        return make()
      },
    })
    expect(heapSize(make(), '')).toBeGreaterThan(0)
  })
  it('ends on proxies with endless keys or prototypes', () => {
    const keys = (): object =>
      new Proxy(
        {},
        {
          ownKeys: () => ['next'],
          getOwnPropertyDescriptor: () => ({ value: 1, configurable: true, enumerable: true }),
          get: keys,
        },
      )
    const prototypes = (): object => new Proxy({}, { getPrototypeOf: prototypes })
    const values = (): object =>
      new Proxy(
        {},
        {
          ownKeys: () => ['next'],
          getPrototypeOf: () => null,
          getOwnPropertyDescriptor: () => ({
            value: values(),
            configurable: true,
            enumerable: true,
          }),
        },
      )
    expect(heapSize(keys(), '')).toBeGreaterThan(0)
    expect(heapSize(prototypes(), '')).toBeGreaterThan(0)
    expect(heapSize(values(), '')).toBeGreaterThan(4096)
  })
  it('follows a list a million long in any length of step', () => {
    let list: object | null = null
    // Shorter under mutation testing, where a counter in every expression makes it slow.
    const length = Number(process.env.LIST_LENGTH ?? 1_000_000)
    for (let i = 0; i < length; i++) list = { next: list }
    expect(heapSize(list)).toBe(length * 32)
  })
  it('judges an array by all of its elements', () => {
    const doubles = Array.from({ length: 1000 }, (_, i) => i + 0.5)
    expect(heapSize([...doubles, 'x'.repeat(16)]) - heapSize([...doubles, 0])).toBe(1000 * 16 + 32)
  })
  it('charges an object without named keys for the room that it has for them', () => {
    expect(heapSize({})).toBe(24 + 4 * 8)
    expect(heapSize(JSON.parse('{ "5000": 1 }'))).toBe(24 + 4 * 8 + 16 + 4 * 8 + 4 * 24)
  })
  it('charges only the slot of a hole', () => {
    const holed = Array.from({ length: 16 }, (_, i) => i + 0.5)
    delete holed[3]
    expect(heapSize(holed)).toBe(32 + 16 + 16 * 8)
  })
  it('ends on an array with a false length', () => {
    const endless = new Proxy([], { get: (_, key) => (key === 'length' ? 4e9 : 1.5) })
    expect(heapSize(endless)).toBeGreaterThan(0)
  })
  it.each([4, 4000])('does not call the own constructor of an array of %i elements', (length) => {
    const array = Array.from({ length }, (_, at) => at)
    const size = heapSize(array)
    const species = vi.fn(function (this: object) {
      return this
    })
    const own = { [Symbol.species]: species }
    Object.assign(array, { constructor: own })
    expect(heapSize(array)).toBe(size + 8 + heapSize(own))
    expect(species).not.toHaveBeenCalled()
  })
  it('runs no code of a class or of a subclass of Array', () => {
    const ran: string[] = []
    class Told extends Array<number> {
      static override get [Symbol.species](): ArrayConstructor {
        ran.push('species')
        return Array
      }
      get [Symbol.toStringTag](): string {
        ran.push('tag')
        return 'Told'
      }
    }
    class Row {
      text = 'x'.repeat(100)
      get upper(): string {
        ran.push('getter')
        return this.text
      }
      toJSON(): void {
        ran.push('toJSON')
      }
      [Symbol.iterator](): Iterator<string> {
        ran.push('iterator')
        return [this.text].values()
      }
    }
    const told = Told.from({ length: 1000 }, (_, i) => i + 0.5)
    ran.length = 0
    expect(heapSize([told, new Row()])).toBeGreaterThan(8116)
    expect(ran).toEqual([])
  })
  it('does not read the stack of an error, which would read its name and message', () => {
    const ran: string[] = []
    class Told extends Error {
      detail = 'x'.repeat(1000)
      override get name(): string {
        ran.push('name')
        return 'Told'
      }
      override get message(): string {
        ran.push('message')
        return 'told'
      }
    }
    class Traced {
      constructor() {
        Error.captureStackTrace?.(this)
      }
      get message(): string {
        ran.push('message')
        return 'traced'
      }
    }
    const [told, traced] = [new Told(), new Traced()]
    ran.length = 0
    expect(heapSize(told)).toBeGreaterThan(1000)
    expect(heapSize(traced)).toBeGreaterThan(0)
    expect(ran).toEqual([])
  })
  it('counts a value of the program under the key stack', () => {
    const machine = Object.assign(Object.create({}), { stack: ['x'.repeat(1000)] })
    expect(heapSize(machine)).toBeGreaterThan(1000)
  })
  it.each([
    ['a text', 'y'.repeat(100)],
    ['a number', 1],
    ['undefined', undefined],
  ])('reads an element once if a getter returns %s', (_name, element) => {
    for (const length of [1, 3, 1000]) {
      for (const at of [0, length - 1]) {
        let reads = 0
        const array: unknown[] = Array(length).fill(1)
        Object.defineProperty(array, at, {
          get() {
            reads++
            return element
          },
        })
        expect(heapSize(array)).toBeGreaterThan(0)
        expect(reads).toBeLessThan(2)
      }
    }
  })
  it.each([
    'new Map([["k", ["v"]]])',
    'new Set([1.5])',
    'new Date(0)',
    'new Uint8Array(1000)',
    'new ArrayBuffer(10)',
    '[1.5, 2.5]',
    '({ a: 1.5 })',
  ])('is the same for %s in another realm', (code) => {
    expect(heapSize(runInNewContext(code))).toBe(heapSize(runInThisContext(code)))
  })
  it('recognises a sparse array by any spacing of its elements', () => {
    for (const spacing of [100, 1_000, 4_096, 3_125]) {
      const sparse: number[] = []
      for (let at = 1; at <= 20_000; at++) sparse[at * spacing] = at
      expect(heapSize(sparse, '')).toBeLessThan(20_000 * 100)
    }
  })
  it('charges a sparse array its elements', () => {
    const sparse: number[] = []
    sparse[1_000_000] = 1
    expect(heapSize(sparse, '')).toBeLessThan(1000)
  })
  it.each([
    ['is at the end of a short one', [1_023]],
    ['is at the end of one of 5,000', [1_000, 2_000, 3_000, 4_000, 4_999]],
    ['is in a short one again and again', [1_000, 2_000, 3_000, 4_000]],
  ])('charges the whole length if an element %s', (_name, places) => {
    const array: number[] = []
    for (const at of places) array[at] = 1
    expect(heapSize(array, '')).toBeGreaterThanOrEqual(array.length * 8)
    expect(heapSize(array, '')).toBeLessThan(array.length * 8 + 100)
  })
  it.each([
    ['lies 1,025 places beyond the one before', [1_000, 2_025]],
    ['lies beyond the first 1,024 places', [1_024]],
    ['lies beyond the first 5,000 places', [1_000, 2_000, 3_000, 4_000, 5_000]],
  ])('charges only the elements if an element %s', (_name, places) => {
    const array: number[] = []
    for (const at of places) array[at] = 1
    expect(heapSize(array, '')).toBeLessThan(500)
  })
})

describe('objects whose keys are data', () => {
  const withUniqueKeys = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => ({ [`${name}-${i}-a`]: 1, [`${name}-${i}-b`]: 2 }))
  const shared = { [`shared-a`]: 1, [`shared-b`]: 2 }
  const ofTheSameShape = heapSize(shared)

  it('are charged their keys and shapes, while objects that share a shape are not', () => {
    const objects = withUniqueKeys('one', 500)
    for (const value of objects) heapSize(value)
    expect(heapSize(objects[400])).toBeGreaterThan(4 * ofTheSameShape)
    expect(heapSize({ ...shared })).toBe(ofTheSameShape)
  })
  it('are charged the same whenever they are measured again', () => {
    const objects = withUniqueKeys('two', 500)
    const first = objects.map((value) => heapSize(value))
    for (const value of withUniqueKeys('three', 10_000)) heapSize(value)
    for (let i = 0; i < 10; i++) expect(objects.map((value) => heapSize(value))).toEqual(first)
  })
  it('are charged the same when objects with the same keys replace them repeatedly', () => {
    const load = () => withUniqueKeys('four', 500).map((ids) => ({ loaded: true, ...ids }))
    // The common first key has to become known.
    for (let i = 0; i < 3; i++) for (const value of load()) heapSize(value)
    const first = load().map((value) => heapSize(value))
    expect(Math.max(...first)).toBeGreaterThan(300)
    for (let i = 0; i < 100; i++) expect(load().map((value) => heapSize(value))).toEqual(first)
  })
  it('do not add to the charge of objects that share a shape', () => {
    const objects = withUniqueKeys('six', 1000)
    const row = () => ({ late_shape: 1, of: 2, many: 3 })
    for (const value of objects) {
      heapSize(value)
      heapSize(row())
    }
    expect(heapSize(row())).toBe(24 + 3 * 8)
  })
  it('take a bounded memory', () => {
    const heapNow = () => {
      globalThis.gc?.()
      return process.memoryUsage().heapUsed
    }
    const charged = heapSize(shared)
    const before = heapNow()
    for (let i = 0; i < 200_000; i++) heapSize({ [`seven-${i}`]: i })
    expect(heapNow() - before).toBeLessThan(5e6)
    expect(heapSize(shared)).toBe(charged)
  })
})
