import {
  type CacheController,
  type CacheOptions,
  controllerOf,
  DataTooLargeError,
  FaaSCacheDict,
  heapSize,
  KeyError,
} from 'faas-cache-dict'
import { type Advisor, type AdvisorReport, advise } from 'faas-cache-dict/advisor'
import { payloadSize } from 'faas-cache-dict/payload'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  name: string
}

interface Schema {
  token: string
  count: number
  user: User
  load: Promise<User>
}

interface Open {
  foo: string
  [id: string]: unknown
}

/** Compiled and never run: the compiler checks it. */
const compiled = (_check: () => unknown) => {}

const typed = new FaaSCacheDict<Schema>()
const open = new FaaSCacheDict<Open>()
const users = new FaaSCacheDict<Record<string, User>>()
const loads = new FaaSCacheDict<Record<string, Promise<User>>>()
const numbered = new FaaSCacheDict<Record<number, User>>()
const untyped = new FaaSCacheDict()

describe('a dictionary', () => {
  it('has each property of its schema, possibly undefined', () => {
    expectTypeOf(typed.token).toEqualTypeOf<string | undefined>()
    expectTypeOf(typed.user).toEqualTypeOf<User | undefined>()
    expectTypeOf(users.ada).toEqualTypeOf<User | undefined>()
    expectTypeOf(users['ada']).toEqualTypeOf<User | undefined>()
    expectTypeOf(numbered[42]).toEqualTypeOf<User | undefined>()
    expectTypeOf(loads.ada).toEqualTypeOf<Promise<User> | undefined>()
  })

  it('has named keys beside index keys', () => {
    expectTypeOf(open.foo).toEqualTypeOf<string | undefined>()
    expectTypeOf(open.other).toEqualTypeOf<unknown>()
    compiled(() => {
      open.other = 1
      open.foo = 'text'
      // @ts-expect-error foo is a string
      open.foo = 1
    })
  })

  it('accepts only the keys and values of its schema', () => {
    compiled(() => {
      typed.token = 'text'
      // @ts-expect-error token is a string
      typed.token = 1
      // @ts-expect-error unknown key
      typed.tokne = 'text'
      // @ts-expect-error unknown key
      void typed.tokne
      delete typed.token
      // @ts-expect-error token is a string, and this project has exactOptionalPropertyTypes
      typed.token = undefined
    })
  })

  it('has typed properties for a key that is a type parameter', () => {
    compiled(() => {
      const ofSchema = <Key extends keyof Schema>(key: Key, value: Schema[Key]) => {
        const read: Schema[Key] | undefined = typed[key]
        typed[key] = read ?? value
        const stored: Schema[Key] = (typed[key] ??= value)
        return stored
      }
      const ofAny = <Any extends object, Key extends keyof Any & string>(
        cache: FaaSCacheDict<Any>,
        key: Key,
        value: Any[Key],
      ) => {
        const stored: Any[Key] = (cache[key] ??= value)
        return stored
      }
      return [ofSchema, ofAny]
    })
  })

  it('is a plain object of its schema', () => {
    compiled((log?: (entries: Record<string, unknown>) => void) => {
      const some: Partial<Schema> = typed
      const copy: Partial<Schema> = { ...typed }
      const { token, ...rest } = typed
      log?.(typed)
      expectTypeOf({ ...typed }).toEqualTypeOf<Partial<Schema>>()
      expectTypeOf<keyof typeof typed>().toEqualTypeOf<keyof Schema>()
      expectTypeOf(rest.count).toEqualTypeOf<number | undefined>()
      expectTypeOf(Object.entries(users)).toEqualTypeOf<[string, User | undefined][]>()
      expectTypeOf(Object.values(typed)).toEqualTypeOf<Schema[keyof Schema][]>()
      return [some, copy, token]
    })
  })

  it('has the value without undefined as the result of ??=', () => {
    compiled(async () => {
      expectTypeOf((users.ada ??= { name: 'Ada' })).toEqualTypeOf<User>()
      expectTypeOf(await (loads.ada ??= Promise.resolve({ name: 'Ada' }))).toEqualTypeOf<User>()
    })
  })

  it('accepts any string and any value without a schema', () => {
    compiled(() => {
      untyped.anything = 1
      untyped.other = 'text'
      const seeded = new FaaSCacheDict({}, { a: 1 })
      seeded.b = 'text'
    })
  })

  it('accepts some entries of its schema at first, as an object or as pairs', () => {
    compiled(() => {
      new FaaSCacheDict<Schema>({}, { token: 'text' })
      new FaaSCacheDict<Record<string, User>>({}, [['ada', { name: 'Ada' }]])
      new FaaSCacheDict<Record<string, User>>({}, new Map([['ada', { name: 'Ada' }]]))
      new FaaSCacheDict<Record<string, User>>(undefined, users)
      // @ts-expect-error token is a string
      new FaaSCacheDict<Schema>({}, { token: 1 })
      // @ts-expect-error unknown key
      new FaaSCacheDict<Schema>({}, { tokne: 'text' })
    })
  })
})

describe('a controller', () => {
  const controller = controllerOf(typed)

  it('knows the keys of its schema and the type of each value', () => {
    expectTypeOf(controller.get('token')).toEqualTypeOf<string | undefined>()
    expectTypeOf(controller.peek('user')).toEqualTypeOf<User | undefined>()
    expectTypeOf(controller.pop('count')).toEqualTypeOf<number | undefined>()
    expectTypeOf(controller.getOrThrow<'user'>).returns.toEqualTypeOf<User>()
    expectTypeOf(controller.setDefault<'user'>).returns.toEqualTypeOf<User>()
    compiled(() => {
      controller.set('token', 'text').set('count', 1)
      // @ts-expect-error token is a string
      controller.set('token', 1)
      // @ts-expect-error unknown key
      controller.get('tokne')
      // @ts-expect-error unknown key
      controller.set('tokne', 'text')
      // @ts-expect-error unknown key
      controller.get(42n)
      // @ts-expect-error a symbol is not a key
      controllerOf(users).get(Symbol('s'))
    })
  })

  it('returns the value or the fallback', () => {
    expectTypeOf(controller.get('token', 0)).toEqualTypeOf<string | number>()
    expectTypeOf(controller.pop('count', null)).toEqualTypeOf<number | null>()
    expectTypeOf(controller.get('token', undefined)).toEqualTypeOf<string | undefined>()
  })

  it('accepts strings, numbers and bigints if the schema has an index signature', () => {
    const people = controllerOf(users)
    expectTypeOf(people.get(42n)).toEqualTypeOf<User | undefined>()
    expectTypeOf(controllerOf(numbered).get(42n)).toEqualTypeOf<User | undefined>()
    expectTypeOf(people.get('ada')).toEqualTypeOf<User | undefined>()
    expectTypeOf(people.get(42)).toEqualTypeOf<User | undefined>()
    expectTypeOf(controllerOf(numbered).get(42)).toEqualTypeOf<User | undefined>()
    compiled(() => {
      people.set(42, { name: 'Ada' })
      people.delete(42)
      // @ts-expect-error not a user
      people.set(42, 'Ada')
    })
  })

  it('knows named keys beside index keys', () => {
    const both = controllerOf(open)
    expectTypeOf(both.get('foo')).toEqualTypeOf<string | undefined>()
    expectTypeOf(both.get('other')).toEqualTypeOf<unknown>()
    compiled(() => {
      both.set('other', 1)
      // @ts-expect-error foo is a string
      both.set('foo', 1)
    })
  })

  it('iterates over the keys and values of its schema', () => {
    const people = controllerOf(users)
    expectTypeOf([...people]).toEqualTypeOf<[string, User][]>()
    expectTypeOf([...people.keys()]).toEqualTypeOf<string[]>()
    expectTypeOf([...people.values()]).toEqualTypeOf<User[]>()
    expectTypeOf([...people.reversed()]).toEqualTypeOf<[string, User][]>()
    expectTypeOf([...controller.keys()]).toEqualTypeOf<(keyof Schema)[]>()
    expectTypeOf(people.popOldest()).toEqualTypeOf<[string, User] | undefined>()
    people.forEach((user, key, self) => {
      expectTypeOf(user).toEqualTypeOf<User>()
      expectTypeOf(key).toEqualTypeOf<string>()
      expectTypeOf(self).toEqualTypeOf(people)
    })
  })

  it('accepts a key that is a type parameter, with the value of the schema', () => {
    const use = async <Any extends object, Key extends keyof Any & string>(
      any: CacheController<Any>,
      key: Key,
      value: Any[Key],
      load: () => Promise<Any[Key]>,
    ) => {
      any.set(key, value, { ttl: '1s' }).delete(key)
      const read: Any[Key] | undefined = any.get(key)
      const loaded: Promise<Any[Key]> = any.getOrSet(key, load)
      const revalidated: Promise<Any[Key]> = any.getOrSet(
        key,
        async (_key, { stale }) => stale ?? (await load()),
        { ttl: (fresh) => (fresh === value ? 1 : 2) },
      )
      // @ts-expect-error not the value of this key
      any.set(key, 1)
      // @ts-expect-error not the value of this key
      any.getOrSet(key, () => 1)
      return [read, await loaded, await revalidated]
    }
    const useOfSchema = <Key extends keyof Schema>(key: Key, load: () => Promise<Schema[Key]>) => {
      const loaded: Promise<Schema[Key]> = controller.getOrSet(key, load)
      return loaded
    }
    compiled(() => [use, useOfSchema])
  })

  it('resolves getOrSet to the value of the factory', () => {
    const people = controllerOf(users)
    compiled(async () => {
      const ada = await people.getOrSet('ada', async () => ({ name: 'Ada' }))
      expectTypeOf(ada).toEqualTypeOf<User>()
      await people.getOrSet('ada', () => ({ name: 'Ada' }), { ttl: (user) => user.name.length })
      await people.getOrSet('ada', () => ({ name: 'Ada' }), { ttl: '10s' })
      // @ts-expect-error not a user
      await people.getOrSet('ada', () => 1)
      // @ts-expect-error a ttl is not a Date
      await people.getOrSet('ada', () => ({ name: 'Ada' }), { ttl: new Date() })
    })
  })

  it('resolves getOrSet to the declared type, since the live value may be any of it', () => {
    interface Account {
      plan: 'free' | 'pro'
      owner: { id: string } | null
      either: User | Promise<User>
    }
    const account = controllerOf(new FaaSCacheDict<Account>())
    compiled(() => {
      expectTypeOf(account.getOrSet('plan', () => 'free')).toEqualTypeOf<Promise<'free' | 'pro'>>()
      expectTypeOf(account.getOrSet('owner', async () => null)).toEqualTypeOf<
        Promise<{ id: string } | null>
      >()
      expectTypeOf(account.getOrSet('either', () => ({ name: 'Ada' }))).toEqualTypeOf<
        Promise<User>
      >()
      expectTypeOf(controllerOf(loads).getOrSet('ada', () => ({ name: 'Ada' }))).toEqualTypeOf<
        Promise<User>
      >()
      // @ts-expect-error unknown plan
      void account.getOrSet('plan', () => 'gold')
    })
  })

  it('keeps the literals that a factory returns', () => {
    type Plan = 'free' | 'pro'
    interface Job {
      kind: 'a' | 'b'
    }
    const plans = controllerOf(new FaaSCacheDict<{ plan: Plan; tries: 1 | 2 | null }>())
    const anyPlan = controllerOf(new FaaSCacheDict<Record<string, Plan>>())
    const jobs = controllerOf(new FaaSCacheDict<{ job: Job; [id: string]: unknown }>())
    compiled(() => {
      expectTypeOf(plans.getOrSet('plan', async () => 'free')).toEqualTypeOf<Promise<Plan>>()
      expectTypeOf(plans.getOrSet('plan', () => 'free')).toEqualTypeOf<Promise<Plan>>()
      expectTypeOf(plans.getOrSet('plan', async (_key) => 'pro')).toEqualTypeOf<Promise<Plan>>()
      expectTypeOf(anyPlan.getOrSet('x', async () => 'free')).toEqualTypeOf<Promise<Plan>>()
      expectTypeOf(jobs.getOrSet('job', async () => ({ kind: 'a' }))).toEqualTypeOf<Promise<Job>>()
      expectTypeOf(jobs.getOrSet('job', () => ({ kind: 'b' }))).toEqualTypeOf<Promise<Job>>()
      plans.getOrSet('tries', async () => 1)
      plans.getOrSet('tries', async () => null)
      // @ts-expect-error unknown plan
      plans.getOrSet('plan', async () => 'gold')
      // @ts-expect-error unknown plan
      plans.getOrSet('plan', async (_key) => 'gold')
      // @ts-expect-error unknown kind
      jobs.getOrSet('job', async () => ({ kind: 'c' }))
    })
  })

  it('passes key, signal and stale value to a factory, and takes the options of a load', () => {
    compiled((signal?: AbortSignal) => {
      controllerOf(loads).getOrSet('ada', async (key, context) => {
        expectTypeOf(key).toEqualTypeOf<string>()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        expectTypeOf(context.stale).toEqualTypeOf<User | undefined>()
        return { name: key }
      })
      controller.getOrSet('token', (key) => {
        expectTypeOf(key).toEqualTypeOf<'token'>()
        return key
      })
      controller.getOrSet('token', () => 'text', {
        staleWhileRevalidate: '1m',
        staleIfError: '1d',
        softTimeout: '100ms',
        timeout: 5,
        retryAfter: null,
        signal,
        waitUntil: (promise) => promise.then(() => {}),
        refresh: true,
      })
      // @ts-expect-error unknown option
      controller.getOrSet('token', () => 'text', { tll: 1 })
      // @ts-expect-error undefined is not a user
      controllerOf(users).getOrSet('ada', async () => undefined)
    })
  })

  it('resolves getOrSetMany to a Map of the declared type, however the values are given', () => {
    const people = controllerOf(users)
    compiled((ids: string[] = [], load?: (missing: string[]) => Promise<Map<string, User>>) => {
      const userOf = async (name: string): Promise<User> => ({ name })
      const given = [
        people.getOrSetMany(ids, async (missing) => (await load?.(missing)) ?? new Map()),
        people.getOrSetMany(
          new Set(ids),
          (missing) => new Map(missing.map((id) => [id, { name: id }])),
        ),
        people.getOrSetMany(ids, async (missing) => missing.map((name) => ({ name }))),
        people.getOrSetMany(ids, async () => [{ name: 'Ada' }, undefined]),
        people.getOrSetMany(ids, (missing) => missing.map(userOf)),
        people.getOrSetMany(ids, async () => ({ ada: { name: 'Ada' } })),
        people.getOrSetMany([42, 43n, 'ada'], function* (missing, { signal }) {
          expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
          for (const name of missing) yield [name, { name }]
        }),
        controllerOf(loads).getOrSetMany(ids, (missing) => missing.map(userOf)),
      ]
      expectTypeOf(given).toEqualTypeOf<Promise<Map<string, User>>[]>()
      people.getOrSetMany(ids, () => [], { ttl: (user) => user.name.length })
      // @ts-expect-error a string is not a list of keys
      people.getOrSetMany('ada', () => [])
      people.getOrSetMany(ids, async () => [['ada', { name: 'Ada' }]])
      // @ts-expect-error not users
      people.getOrSetMany(ids, async (missing) => missing)
      // @ts-expect-error not users
      people.getOrSetMany(ids, async () => ({ ada: 1 }))
      // @ts-expect-error nothing
      people.getOrSetMany(ids, async () => {})
    })
  })

  it('knows the keys of getOrSetMany if the schema declares each', () => {
    compiled(() => {
      const both = controller.getOrSetMany(['token', 'count'], async (missing) => {
        expectTypeOf(missing).toEqualTypeOf<('token' | 'count')[]>()
        return { token: 'text', count: 1 }
      })
      expectTypeOf(both).toEqualTypeOf<Promise<Map<'token' | 'count', string | number>>>()
      // @ts-expect-error unknown key
      controller.getOrSetMany(['tokne'], () => [])
    })
  })

  it('resolves getOrSetMany to the type of the values if the schema declares unknown', () => {
    const rates = controllerOf(untyped)
    compiled((ids: string[] = []) => {
      const asArray = rates.getOrSetMany(ids, async () => [1, undefined], { ttl: (rate) => rate })
      expectTypeOf(asArray).toEqualTypeOf<Promise<Map<string, number>>>()
      const asMap = rates.getOrSetMany(ids, () => new Map([['eur', 1]]))
      expectTypeOf(asMap).toEqualTypeOf<Promise<Map<string, number>>>()
      const asObject = rates.getOrSetMany(ids, async () => ({ eur: 1 }))
      expectTypeOf(asObject).toEqualTypeOf<Promise<Map<string, number>>>()
    })
  })

  it('resolves getOrSet to the type of the factory if the schema declares unknown', () => {
    compiled((anything?: CacheController) => {
      const rate = controllerOf(untyped).getOrSet('rate', async () => 1.09, { ttl: (rate) => rate })
      expectTypeOf(rate).toEqualTypeOf<Promise<number>>()
      expectTypeOf(controllerOf(open).getOrSet('other', () => 1)).toEqualTypeOf<Promise<number>>()
      expectTypeOf(controllerOf(open).getOrSet('foo', () => 'a')).toEqualTypeOf<Promise<string>>()
      expectTypeOf(anything?.getOrSet('a', () => 1)).toEqualTypeOf<Promise<number> | undefined>()
    })
  })

  it('accepts a type parameter as the type of its values in getOrSet', () => {
    class Repository<Row extends object> {
      readonly rows = new FaaSCacheDict<Record<string, Row>>()

      rowOf(id: string, load: () => Promise<Row>): Promise<Row> {
        return controllerOf(this.rows).getOrSet(id, load)
      }

      async freshRowOf(id: string, load: () => Promise<Row>): Promise<Row> {
        return await controllerOf(this.rows).getOrSet(id, async () => await load(), { ttl: '1s' })
      }

      rowsOf(ids: string[], load: (ids: string[]) => Promise<(Row | undefined)[]>) {
        const rows: Promise<Map<string, Row>> = controllerOf(this.rows).getOrSetMany(ids, load)
        return rows
      }
    }
    compiled(() => {
      expectTypeOf(new Repository<User>().rowOf).returns.toEqualTypeOf<Promise<User>>()
    })
  })

  it('has no public constructor', () => {
    compiled((Controller?: typeof CacheController) => {
      // @ts-expect-error a private constructor
      if (Controller) new Controller()
    })
  })

  it('declares the types of its members', () => {
    expectTypeOf(controller.defaultTtl).toEqualTypeOf<number | null>()
    expectTypeOf(controller.maxSizeBytes).toEqualTypeOf<number | null>()
    expectTypeOf(controller.effectiveMaxSizeBytes).toEqualTypeOf<number | null>()
    expectTypeOf(controller.maxItems).toEqualTypeOf<number | null>()
    expectTypeOf(controller.size).toEqualTypeOf<number>()
    expectTypeOf(controller.sizeBytes).toEqualTypeOf<number>()
    expectTypeOf(controller.ttl).returns.toEqualTypeOf<number | null>()
    expectTypeOf(controller.stats().pressureEvictions).toEqualTypeOf<number>()
    expectTypeOf(controller.isExpired).returns.toEqualTypeOf<boolean | undefined>()
    expectTypeOf(controller.purgeExpired).returns.toEqualTypeOf<number>()
    expectTypeOf(controller.evictOldest).returns.toEqualTypeOf<boolean>()
    expectTypeOf(controller.has).returns.toEqualTypeOf<boolean>()
    expectTypeOf(controller.delete).returns.toEqualTypeOf<boolean>()
    compiled(() => {
      controller.defaultTtl = '10s'
      controller.defaultTtl = null
      controller.resize({ maxItems: 1 }).resize({ maxSizeBytes: '64K' })
      controller.load(controller.dump())
      // @ts-expect-error read-only: use resize
      controller.maxItems = 1
      // @ts-expect-error read-only
      controller.effectiveMaxSizeBytes = 1
      // @ts-expect-error unknown limit
      controller.resize({ maxsize: 1 })
    })
  })

  it('exists only for a cache', () => {
    compiled((plain: Record<string, unknown> = {}) => {
      const copy = { ...typed }
      // @ts-expect-error not a cache
      controllerOf(undefined)
      // @ts-expect-error not a cache
      controllerOf('cache')
      // @ts-expect-error not a cache
      controllerOf({})
      // @ts-expect-error not a cache
      controllerOf({ a: 1 })
      // @ts-expect-error not a cache
      controllerOf(new Map())
      // @ts-expect-error a copy
      controllerOf({ ...typed })
      // @ts-expect-error a copy
      controllerOf({ ...users })
      // @ts-expect-error a copy
      controllerOf(copy)
      // @ts-expect-error not declared as a cache
      controllerOf(plain)
    })
  })

  it('exists for a cache of any schema, wherever it is kept', () => {
    class Holder<Any extends object> {
      readonly cache: FaaSCacheDict<Any> = new FaaSCacheDict<Any>()
      readonly controller = controllerOf(this.cache)
      maybe?: FaaSCacheDict<Any>

      of(cache: FaaSCacheDict<Any>): CacheController<Any> {
        return this.maybe ? controllerOf(this.maybe) : controllerOf(cache)
      }
    }
    // biome-ignore lint/suspicious/noExplicitAny: a dictionary of any schema
    compiled(async (anything?: FaaSCacheDict<any>, value?: unknown) => {
      const declared: FaaSCacheDict<Schema> = new FaaSCacheDict()
      expectTypeOf(controllerOf(declared)).toEqualTypeOf<CacheController<Schema>>()
      expectTypeOf(controllerOf(new FaaSCacheDict())).toEqualTypeOf(controllerOf(untyped))
      expectTypeOf(new Holder<Schema>().controller).toEqualTypeOf<CacheController<Schema>>()
      expectTypeOf(new Holder<Schema>().of(typed)).toEqualTypeOf<CacheController<Schema>>()
      expectTypeOf(controllerOf(await typed)).toEqualTypeOf<CacheController<Schema>>()
      expectTypeOf([users].map((cache) => controllerOf(cache))).toEqualTypeOf<
        CacheController<Record<string, User>>[]
      >()
      const readonly = new FaaSCacheDict<Readonly<Schema>>()
      expectTypeOf(controllerOf(readonly)).toEqualTypeOf<CacheController<Readonly<Schema>>>()
      const partial = new FaaSCacheDict<Partial<Schema>>()
      expectTypeOf(controllerOf(partial)).toEqualTypeOf<CacheController<Partial<Schema>>>()
      if (anything) expectTypeOf(controllerOf(anything)).toEqualTypeOf<CacheController>()
      expectTypeOf(controllerOf(JSON.parse('{}'))).toEqualTypeOf<CacheController>()
      if (value instanceof FaaSCacheDict) controllerOf(value).clear()
    })
  })
})

describe('options', () => {
  it('accept the documented values', () => {
    compiled(() => {
      new FaaSCacheDict({
        defaultTtl: 10,
        maxSizeBytes: '128M',
        maxItems: null,
        sweepInterval: null,
      })
      new FaaSCacheDict({ defaultTtl: undefined, sizeOf: undefined, onDelete: undefined })
      new FaaSCacheDict({ sizeOf: heapSize, now: Date.now, onTooLarge: 'skip', pendingTtl: '30s' })
      new FaaSCacheDict({ sizeOf: payloadSize })
      new FaaSCacheDict({ memoryGuard: false }, { a: 1 })
      new FaaSCacheDict({ memoryGuard: undefined })
      new FaaSCacheDict({ sizeOf: () => 1, onError: () => {}, onDelete: () => {} })
      // Configuration that the compiler knows only as a string.
      new FaaSCacheDict({ defaultTtl: process.env.TTL, maxSizeBytes: process.env.BYTES ?? '64M' })
    })
  })

  it('do not compile with a wrong name or value', () => {
    compiled(() => {
      // @ts-expect-error unknown option
      new FaaSCacheDict({ maxsize: 1 })
      // @ts-expect-error a boolean is not a ttl
      new FaaSCacheDict({ defaultTtl: true })
      // @ts-expect-error a Date is not a ttl
      new FaaSCacheDict({ defaultTtl: new Date() })
      // @ts-expect-error a string is not a number of items
      new FaaSCacheDict({ maxItems: '10' })
      // @ts-expect-error a bigint is not a number of bytes
      new FaaSCacheDict({ maxSizeBytes: 10n })
      // @ts-expect-error neither 'throw' nor 'skip'
      new FaaSCacheDict({ onTooLarge: 'ignore' })
      // @ts-expect-error a string is not a boolean
      new FaaSCacheDict({ memoryGuard: 'off' })
      // @ts-expect-error not a function
      new FaaSCacheDict({ onDelete: 'log' })
      // @ts-expect-error a Date is not a number
      new FaaSCacheDict({ now: () => new Date() })
      // @ts-expect-error a string is not a size
      new FaaSCacheDict({ sizeOf: () => 'large' })
      // @ts-expect-error unknown write option
      controllerOf(users).set('ada', { name: 'Ada' }, { tll: 1 })
    })
  })

  it('pass the keys and values of the schema to hooks', () => {
    const options: CacheOptions<string, User> = {
      onDelete(key, value, reason, sizeBytes) {
        expectTypeOf(key).toEqualTypeOf<string>()
        expectTypeOf(value).toEqualTypeOf<User>()
        expectTypeOf(reason).toEqualTypeOf<
          'deleted' | 'evicted' | 'expired' | 'replaced' | 'cleared' | 'rejected'
        >()
        expectTypeOf(sizeBytes).toEqualTypeOf<number>()
      },
      onError(error, { source, key }) {
        expectTypeOf(error).toEqualTypeOf<unknown>()
        expectTypeOf(source).toEqualTypeOf<string>()
        expectTypeOf(key).toEqualTypeOf<string | undefined>()
      },
    }
    compiled(() => {
      new FaaSCacheDict<Record<string, User>>(options)
      new FaaSCacheDict<Record<string, User>>({
        sizeOf: (user, key) => user.name.length + key.length,
        onDelete: (key, user) => `${key} ${user.name}`,
      })
    })
  })
})

describe('other exports', () => {
  it('declare the documented types of errors and measures', () => {
    expectTypeOf<DataTooLargeError>().toExtend<RangeError>()
    expectTypeOf<KeyError>().toExtend<Error>()
    expectTypeOf(new DataTooLargeError('k', 2, 1))
      .toHaveProperty('maxSizeBytes')
      .toBeNumber()
    expectTypeOf(new KeyError('k').key).toBeString()
    expectTypeOf(heapSize).returns.toBeNumber()
    expectTypeOf(payloadSize).returns.toBeNumber()
  })

  it('narrow an error with instanceof', () => {
    compiled((error: unknown = undefined) => {
      if (error instanceof KeyError) expectTypeOf(error).toEqualTypeOf<KeyError>()
      if (error instanceof DataTooLargeError) expectTypeOf(error.sizeBytes).toBeNumber()
    })
  })
})

describe('an advisor', () => {
  it('takes a dictionary of any schema', () => {
    compiled(() => {
      for (const cache of [typed, open, users, loads, numbered, untyped]) advise(cache).close()
      const ofAny = <Any extends object>(cache: FaaSCacheDict<Any>): Advisor => advise(cache)
      return ofAny(typed)
    })
  })

  it('takes the share of the keys to watch, and no other option', () => {
    compiled(() => {
      advise(typed, {})
      advise(typed, { sample: 1 / 32 })
      advise(typed, { sample: undefined })
      // @ts-expect-error a number
      advise(typed, { sample: '1%' })
      // @ts-expect-error unknown option
      advise(typed, { samples: 1 })
      // @ts-expect-error a dictionary
      advise('cache')
      // @ts-expect-error a dictionary
      advise()
    })
  })

  it('reports numbers, and is disposable', () => {
    compiled(() => {
      using advisor = advise(typed)
      const disposable: Disposable = advisor
      expectTypeOf(advisor).toEqualTypeOf<Advisor>()
      expectTypeOf(advisor.report()).toEqualTypeOf<AdvisorReport>()
      expectTypeOf(advisor.report().points).toEqualTypeOf<
        { maxSizeBytes: number; hitRate: number; loadsSaved: number; msSaved: number }[]
      >()
      expectTypeOf(advisor.report().recommended).toEqualTypeOf<number>()
      expectTypeOf(advisor.report().uses).toEqualTypeOf<number>()
      expectTypeOf(advisor.close()).toEqualTypeOf<void>()
      return disposable
    })
  })
})
