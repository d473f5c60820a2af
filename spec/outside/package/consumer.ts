import { type CacheController, controllerOf, FaaSCacheDict, KeyError } from 'faas-cache-dict'
import { type Advisor, advise } from 'faas-cache-dict/advisor'
import { createKeyv } from 'faas-cache-dict/keyv'
import { payloadSize } from 'faas-cache-dict/payload'

const cache = new FaaSCacheDict<{ foo: string; [id: string]: unknown }>(
  { defaultTtl: '10s', maxSizeBytes: '128M', maxItems: 10, sizeOf: payloadSize },
  { foo: 'first' },
)
const foo: string | undefined = cache.foo
const seconds: number | null = controllerOf(cache).ttl('foo')
const size: number = controllerOf(cache).sizeBytes

interface User {
  name: string
}

export const users = new FaaSCacheDict<Record<string, Promise<User>>>({ defaultTtl: '5m' })
export const untyped = new FaaSCacheDict()
export const made = () => new FaaSCacheDict<{ token: string; 4: number }>()
export const entries = controllerOf(users).entries()
export const stats = controllerOf(users).stats()
export const snapshot = controllerOf(users).dump()
export const resize = controllerOf(users).resize.bind(controllerOf(users))
export const membersOf = <Schema extends object>(controller: CacheController<Schema>) => {
  const { get, getOrSet, getOrSetMany, set, update, keys, values, popOldest } = controller
  return { get, getOrSet, getOrSetMany, set, update, keys, values, popOldest }
}
export const loaded = controllerOf(new FaaSCacheDict<Record<string, User>>()).getOrSet(
  'ada',
  async () => ({ name: 'Ada' }),
)

export const advised = advise(users, { sample: 1 / 32 })
export const report = advised.report()
export const advisorOf = <Row extends object>(rows: FaaSCacheDict<Row>): Advisor => advise(rows)

export class Repository<Row extends object> {
  readonly rows = new FaaSCacheDict<Record<string, Row>>()
  readonly controller = controllerOf(this.rows)

  rowOf(id: string, load: () => Promise<Row>): Promise<Row> {
    return this.controller.getOrSet(id, load)
  }
}

export type Controller = CacheController<{ foo: string }>
export { createKeyv, foo, KeyError, seconds, size }
