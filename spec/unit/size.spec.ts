import { describe, expect, it } from 'vitest'
import { heapSize } from '../../lib/size/heap-size.ts'
import { Measurement, measure } from '../../lib/size/measure.ts'
import { stringSize } from '../../lib/size/string.ts'

describe('the size of a value', () => {
  it('is one byte a character, or two where any is above U+00FF', () => {
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
  it('stops once it is past the limit', () => {
    const list = Array.from({ length: 100_000 }, () => 'x'.repeat(100))
    expect(measure(list, 1e6)).toBeGreaterThan(1e6)
    expect(measure(list, 1e6)).toBeLessThan(2e6)
  })
  it('gives the same in slices as in one run', () => {
    const value = new Map(Array.from({ length: 5000 }, (_, i) => [`key-${i}`, [i + 0.5, { i }]]))
    const sliced = new Measurement(value)
    while (!sliced.step(() => true));
    expect(sliced.bytes).toBe(heapSize(value, ''))
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
  it('ends on a getter that makes new objects for ever', () => {
    const make = (): object => ({
      get next() {
        return make()
      },
    })
    expect(heapSize(make(), '')).toBeGreaterThan(0)
  })
  it('ends on proxies that lie about keys and prototypes', () => {
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
    expect(heapSize(keys(), '')).toBeGreaterThan(0)
    expect(heapSize(prototypes(), '')).toBeGreaterThan(0)
  })
  it('charges a sparse array by what it holds', () => {
    const sparse: number[] = []
    sparse[1_000_000] = 1
    expect(heapSize(sparse, '')).toBeLessThan(1000)
  })
})
