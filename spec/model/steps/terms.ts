import fc from 'fast-check'
import { entryTtls, keys, ttls } from './keys.ts'
import { type Step, step } from './step.ts'

export const moves: fc.Arbitrary<Step> = fc
  .record({ key: keys, end: fc.constantFrom('promote' as const, 'demote' as const) })
  .map(({ key, end }) =>
    step(
      `${end}(${JSON.stringify(key)})`,
      ({ controller }) => controller[end](key),
      ({ model: { model } }) => model[end](model.require(key)),
    ),
  )

export const renewals: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ key: keys, ttl: entryTtls }).map(({ key, ttl }) =>
    step(
      `setTtl(${JSON.stringify(key)}, ${ttl})`,
      ({ controller }) => controller.setTtl(key, ttl),
      ({ model }) => model.renew(key, { ttl: ttl * 1_000 }),
    ),
  ),
  fc.record({ key: keys, by: fc.integer({ min: -5, max: 5_000 }) }).map(({ key, by }) =>
    step(
      `expireAt(${JSON.stringify(key)}, now + ${by})`,
      ({ controller, clock }) => controller.expireAt(key, new Date(clock.time + by)),
      ({ model, clock }) => model.renew(key, { expiresAt: clock.time + by }),
    ),
  ),
)

export const defaultTtls: fc.Arbitrary<Step> = fc.option(ttls).map((ttl) =>
  step(
    `defaultTtl = ${ttl}`,
    ({ controller }) => {
      controller.defaultTtl = ttl
      return controller.defaultTtl
    },
    ({ model }) => {
      model.model.options.defaultTtl = (ttl ?? Number.POSITIVE_INFINITY) * 1_000
      return ttl
    },
  ),
)

export const waits: fc.Arbitrary<Step> = fc
  .record({
    passes: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(1, 300, 499, 500, 1_000) },
      { weight: 1, arbitrary: fc.constantFrom(9_999, 30_000, 3_600_000, 31_536_000_000) },
    ),
    freezes: fc.boolean(),
  })
  .map(({ passes, freezes }) => ({
    ...step(
      `${passes} ms pass${freezes ? ' in a freeze' : ''}`,
      ({ clock }) => clock.advance(passes),
      () => {},
    ),
    passes,
    freezes,
    skipsCheck: true,
  }))
