import { deserialize, serialize } from 'node:v8'
import type { Snapshot } from 'faas-cache-dict'
import fc from 'fast-check'
import type { ModelSnapshotEntry } from '../naive/controller.ts'
import { ModelError } from '../naive/entry.ts'
import { isGrowable } from '../values.ts'
import { type Step, step } from './step.ts'

const isCloneable = (value: unknown): boolean =>
  typeof value !== 'function' &&
  typeof value !== 'symbol' &&
  !(typeof value === 'object' && value !== null && 'then' in value)

const isJson = ({ value }: ModelSnapshotEntry): boolean =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  isGrowable(value)

const dumps: fc.Arbitrary<Step> = fc.constant({
  text: 'dump()',
  pair(world) {
    let snapshot: Snapshot | undefined
    return {
      real: () => {
        snapshot = world.controller.dump()
        return snapshot.entries.map((entry) => [entry.key, entry.value, entry.expiresAt])
      },
      model: () => {
        const entries = world.model.dump(isCloneable)
        if (snapshot !== undefined) world.snapshots.push({ real: snapshot, model: entries })
        return entries.map(({ key, value, deadline }) => [
          key,
          value,
          deadline === Number.POSITIVE_INFINITY ? null : deadline,
        ])
      },
    }
  },
})

const carriers = {
  directly: (snapshot: Snapshot) => snapshot,
  'through structuredClone': (snapshot: Snapshot) => structuredClone(snapshot),
  'through v8.serialize': (snapshot: Snapshot) => deserialize(serialize(snapshot)) as Snapshot,
  'through JSON': (snapshot: Snapshot) => JSON.parse(JSON.stringify(snapshot)) as Snapshot,
}

const restores: fc.Arbitrary<Step> = fc
  .constantFrom(...(Object.keys(carriers) as (keyof typeof carriers)[]))
  .map((way) => ({
    text: `load(the last snapshot, ${way})`,
    starts: 'promises' as const,
    isPossible: ({ snapshots }) => {
      const last = snapshots.at(-1)
      return last !== undefined && (way !== 'through JSON' || last.model.every(isJson))
    },
    pair(world) {
      const last = world.snapshots.at(-1)
      if (last === undefined) return { real: () => {}, model: () => {} }
      const carried = carriers[way](last.real)
      const entries = last.model.map((entry, index) => ({
        ...entry,
        value: carried.entries[index]?.value,
      }))
      return {
        real: () => world.controller.load(carried) === world.controller,
        model: () => {
          world.model.load(entries)
          return true
        },
      }
    },
  }))

const malformed: fc.Arbitrary<Step> = fc.constant(
  step(
    'load(a malformed snapshot)',
    ({ controller }) =>
      controller.load({
        format: 'faas-cache-dict',
        version: 1,
        entries: [{ key: 'a', value: 1, expiresAt: null }, { key: 'b' }],
      } as never),
    () => {
      throw new ModelError('TypeError')
    },
  ),
)

export const snapshots = fc.oneof(
  { weight: 3, arbitrary: dumps },
  { weight: 3, arbitrary: restores },
  { weight: 1, arbitrary: malformed },
)
