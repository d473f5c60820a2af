import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectInvariants } from '../support/invariants.ts'

const RUNS = process.env.MODEL_RUNS === undefined ? 50 : Number(process.env.MODEL_RUNS) / 40

test('a byte budget evicts the least recently used entries, and no more than needed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.nat(60), length: fc.nat(900), isRead: fc.boolean() }), {
        minLength: 40,
        maxLength: 200,
        size: 'max',
      }),
      (program) => {
        const order: string[] = []
        const cache = new FaaSCacheDict<Record<string, string>>({
          maxSizeBytes: '8K',
          onTooLarge: 'skip',
          onDelete(key, _value, reason) {
            if (reason === 'evicted') expect(order.shift()).toBe(key)
          },
        })
        const controller = controllerOf(cache)
        for (const { key, length, isRead } of program) {
          const name = `key-${key}`
          const at = order.indexOf(name)
          if (isRead) {
            if (cache[name] !== undefined) order.push(...order.splice(at, 1))
          } else {
            if (at !== -1) order.splice(at, 1)
            order.push(name)
            cache[name] = 'x'.repeat(length)
          }
          expect([...controller.keys()]).toEqual(order)
          expectInvariants(controller)
        }
      },
    ),
    { numRuns: Math.ceil(RUNS), seed: 20_261_124 },
  )
})
