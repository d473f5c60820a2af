import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { payloadSize } from 'faas-cache-dict/payload'
import sizeof from 'object-sizeof'
import { describe, expect, it } from 'vitest'

const cycle: Record<string, unknown> = { name: 'loop' }
cycle.self = cycle

const UNMEASURABLE: [string, unknown][] = [
  ['a cycle', cycle],
  [
    'a toJSON that throws',
    {
      toJSON: () => {
        throw new Error('user code')
      },
    },
  ],
  ['a DataView', new DataView(new ArrayBuffer(8))],
]

describe('payloadSize', () => {
  it.each([
    'text',
    1,
    true,
    null,
    undefined,
    10n,
    { a: [1, 2, { b: 'text' }] },
    [1, 'two', null],
    new Map([['a', 1]]),
    new Set([1, 2]),
    new Uint8Array(10),
    new Date(0),
  ])('is the sum of what object-sizeof returns for value and key: %s', (value) => {
    expect(payloadSize(value, 'some key')).toBe(sizeof(value) + sizeof('some key'))
  })

  it.each(UNMEASURABLE)('throws a TypeError that names the key for %s', (_name, value) => {
    expect(() => payloadSize(value, 'culprit')).toThrow(TypeError)
    expect(() => payloadSize(value, 'culprit')).toThrow('"culprit"')
  })
})

describe('a cache with sizeOf: payloadSize', () => {
  const made = () => new FaaSCacheDict<Record<string, unknown>>({ sizeOf: payloadSize })

  it('charges the size that it returns plus the cost of the structure', () => {
    const controller = controllerOf(made())
    controller.set('a', 'x'.repeat(100)).set('b', 'x'.repeat(500))
    expect(controller.sizeOf('b') - controller.sizeOf('a')).toBe(
      payloadSize('x'.repeat(500), 'b') - payloadSize('x'.repeat(100), 'a'),
    )
    expect(controller.sizeOf('a')).toBeGreaterThan(payloadSize('x'.repeat(100), 'a'))
  })

  it.each(UNMEASURABLE)(
    'throws for %s, stores nothing and keeps the other entries',
    (_name, value) => {
      const cache = made()
      cache.other = 1
      expect(() => {
        cache.culprit = value
      }).toThrow(TypeError)
      expect(() => {
        cache.culprit = value
      }).toThrow('"culprit"')
      expect(Object.keys(cache)).toEqual(['other'])
    },
  )
})
