import {
  type CacheController,
  type CacheOptions,
  controllerOf,
  DataTooLargeError,
  FaaSCacheDict,
  heapSize,
  KeyError,
} from 'faas-cache-dict'
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

/** Compiled, and never run: the compiler is what asserts. */
const compiled = (_check: () => unknown) => {}

const typed = new FaaSCacheDict<Schema>()
const open = new FaaSCacheDict<Open>()
const users = new FaaSCacheDict<Record<string, User>>()
const loads = new FaaSCacheDict<Record<string, Promise<User>>>()
const numbered = new FaaSCacheDict<Record<number, User>>()
const untyped = new FaaSCacheDict()

describe('a dictionary', () => {
  it('gives each property of its schema as possibly undefined', () => {
    expectTypeOf(typed.token).toEqualTypeOf<string | undefined>()
    expectTypeOf(typed.user).toEqualTypeOf<User | undefined>()
    expectTypeOf(users.ada).toEqualTypeOf<User | undefined>()
    expectTypeOf(users['ada']).toEqualTypeOf<User | undefined>()
    expectTypeOf(numbered[42]).toEqualTypeOf<User | undefined>()
    expectTypeOf(loads.ada).toEqualTypeOf<Promise<User> | undefined>()
  })

  it('gives named and index keys side by side', () => {
    expectTypeOf(open.foo).toEqualTypeOf<string | undefined>()
    expectTypeOf(open.other).toEqualTypeOf<unknown>()
    compiled(() => {
      open.other = 1
      open.foo = 'text'
      // @ts-expect-error foo is a string
      open.foo = 1
    })
  })

  it('takes what the schema says, and nothing else', () => {
    compiled(() => {
      typed.token = 'text'
      // @ts-expect-error token is a string
      typed.token = 1
      // @ts-expect-error no such key
      typed.tokne = 'text'
      // @ts-expect-error no such key
      void typed.tokne
      delete typed.token
    })
  })

  it('gives the value itself from ??=', () => {
    compiled(async () => {
      expectTypeOf((users.ada ??= { name: 'Ada' })).toEqualTypeOf<User>()
      expectTypeOf(await (loads.ada ??= Promise.resolve({ name: 'Ada' }))).toEqualTypeOf<User>()
    })
  })

  it('without a schema takes any string and any value', () => {
    compiled(() => {
      untyped.anything = 1
      untyped.other = 'text'
      const seeded = new FaaSCacheDict({}, { a: 1 })
      seeded.b = 'text'
    })
  })

  it('takes initial entries of its schema: some of them, as an object or as pairs', () => {
    compiled(() => {
      new FaaSCacheDict<Schema>({}, { token: 'text' })
      new FaaSCacheDict<Record<string, User>>({}, [['ada', { name: 'Ada' }]])
      new FaaSCacheDict<Record<string, User>>({}, new Map([['ada', { name: 'Ada' }]]))
      new FaaSCacheDict<Record<string, User>>(undefined, users)
      // @ts-expect-error token is a string
      new FaaSCacheDict<Schema>({}, { token: 1 })
      // @ts-expect-error no such key
      new FaaSCacheDict<Schema>({}, { tokne: 'text' })
    })
  })
})

describe('a controller', () => {
  const controller = controllerOf(typed)

  it('knows the keys and the value under each', () => {
    expectTypeOf(controller.get('token')).toEqualTypeOf<string | undefined>()
    expectTypeOf(controller.peek('user')).toEqualTypeOf<User | undefined>()
    expectTypeOf(controller.pop('count')).toEqualTypeOf<number | undefined>()
    expectTypeOf(controller.getOrThrow<'user'>).returns.toEqualTypeOf<User>()
    expectTypeOf(controller.setDefault<'user'>).returns.toEqualTypeOf<User>()
    compiled(() => {
      controller.set('token', 'text').set('count', 1)
      // @ts-expect-error token is a string
      controller.set('token', 1)
      // @ts-expect-error no such key
      controller.get('tokne')
      // @ts-expect-error no such key
      controller.set('tokne', 'text')
      // @ts-expect-error no such key
      controller.get(42n)
      // @ts-expect-error a symbol is no key
      controllerOf(users).get(Symbol('s'))
    })
  })

  it('gives the value or the fallback', () => {
    expectTypeOf(controller.get('token', 0)).toEqualTypeOf<string | number>()
    expectTypeOf(controller.pop('count', null)).toEqualTypeOf<number | null>()
    expectTypeOf(controller.get('token', undefined)).toEqualTypeOf<string | undefined>()
  })

  it('of an index takes strings, numbers and bigints', () => {
    const people = controllerOf(users)
    expectTypeOf(people.get(42n)).toEqualTypeOf<User | undefined>()
    expectTypeOf(controllerOf(numbered).get(42n)).toEqualTypeOf<User | undefined>()
    expectTypeOf(people.get('ada')).toEqualTypeOf<User | undefined>()
    expectTypeOf(people.get(42)).toEqualTypeOf<User | undefined>()
    expectTypeOf(controllerOf(numbered).get(42)).toEqualTypeOf<User | undefined>()
    compiled(() => {
      people.set(42, { name: 'Ada' })
      people.delete(42)
      // @ts-expect-error no user
      people.set(42, 'Ada')
    })
  })

  it('of named and index keys knows both', () => {
    const both = controllerOf(open)
    expectTypeOf(both.get('foo')).toEqualTypeOf<string | undefined>()
    expectTypeOf(both.get('other')).toEqualTypeOf<unknown>()
    compiled(() => {
      both.set('other', 1)
      // @ts-expect-error foo is a string
      both.set('foo', 1)
    })
  })

  it('iterates over what the schema says', () => {
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

  it('getOrSet gives what the factory makes, once it is there', () => {
    const people = controllerOf(users)
    compiled(async () => {
      const ada = await people.getOrSet('ada', async () => ({ name: 'Ada' }))
      expectTypeOf(ada).toEqualTypeOf<User>()
      await people.getOrSet('ada', () => ({ name: 'Ada' }), { ttl: (user) => user.name.length })
      await people.getOrSet('ada', () => ({ name: 'Ada' }), { ttl: '10s' })
      // @ts-expect-error no user
      await people.getOrSet('ada', () => 1)
      // @ts-expect-error a ttl is no date
      await people.getOrSet('ada', () => ({ name: 'Ada' }), { ttl: new Date() })
    })
  })

  it('getOrSet gives all that the schema says, since that may be live', () => {
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
      // @ts-expect-error no such plan
      void account.getOrSet('plan', () => 'gold')
    })
  })

  it('getOrSet gives what the factory makes where the schema says nothing', () => {
    compiled((anything?: CacheController) => {
      const rate = controllerOf(untyped).getOrSet('rate', async () => 1.09, { ttl: (rate) => rate })
      expectTypeOf(rate).toEqualTypeOf<Promise<number>>()
      expectTypeOf(controllerOf(open).getOrSet('other', () => 1)).toEqualTypeOf<Promise<number>>()
      expectTypeOf(controllerOf(open).getOrSet('foo', () => 'a')).toEqualTypeOf<Promise<string>>()
      expectTypeOf(anything?.getOrSet('a', () => 1)).toEqualTypeOf<Promise<number> | undefined>()
    })
  })

  it('getOrSet takes a type parameter for its values', () => {
    class Repository<Row extends object> {
      readonly rows = new FaaSCacheDict<Record<string, Row>>()

      rowOf(id: string, load: () => Promise<Row>): Promise<Row> {
        return controllerOf(this.rows).getOrSet(id, load)
      }

      async freshRowOf(id: string, load: () => Promise<Row>): Promise<Row> {
        return await controllerOf(this.rows).getOrSet(id, async () => await load(), { ttl: '1s' })
      }
    }
    compiled(() => {
      expectTypeOf(new Repository<User>().rowOf).returns.toEqualTypeOf<Promise<User>>()
    })
  })

  it('is made with its dictionary only', () => {
    compiled((Controller?: typeof CacheController) => {
      // @ts-expect-error a private constructor
      if (Controller) new Controller()
    })
  })

  it('has its members in the units that it says', () => {
    expectTypeOf(controller.defaultTtl).toEqualTypeOf<number | null>()
    expectTypeOf(controller.maxSizeBytes).toEqualTypeOf<number | null>()
    expectTypeOf(controller.maxItems).toEqualTypeOf<number | null>()
    expectTypeOf(controller.size).toEqualTypeOf<number>()
    expectTypeOf(controller.sizeBytes).toEqualTypeOf<number>()
    expectTypeOf(controller.ttl).returns.toEqualTypeOf<number | null>()
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
      // @ts-expect-error read only: resize is what changes it
      controller.maxItems = 1
      // @ts-expect-error no limit of this name
      controller.resize({ maxsize: 1 })
    })
  })

  it('is had of caches only', () => {
    compiled(() => {
      // @ts-expect-error no cache
      controllerOf(undefined)
      // @ts-expect-error no cache
      controllerOf('cache')
    })
  })
})

describe('options', () => {
  it('take what is documented', () => {
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
      new FaaSCacheDict({ sizeOf: () => 1, onError: () => {}, onDelete: () => {} })
      // Configuration, of which the compiler knows no more than that it is text.
      new FaaSCacheDict({ defaultTtl: process.env.TTL, maxSizeBytes: process.env.BYTES ?? '64M' })
    })
  })

  it('that are wrong do not compile', () => {
    compiled(() => {
      // @ts-expect-error no such option
      new FaaSCacheDict({ maxsize: 1 })
      // @ts-expect-error a boolean is no ttl
      new FaaSCacheDict({ defaultTtl: true })
      // @ts-expect-error a Date is no ttl
      new FaaSCacheDict({ defaultTtl: new Date() })
      // @ts-expect-error a string is no number of items
      new FaaSCacheDict({ maxItems: '10' })
      // @ts-expect-error a bigint is no number of bytes
      new FaaSCacheDict({ maxSizeBytes: 10n })
      // @ts-expect-error neither 'throw' nor 'skip'
      new FaaSCacheDict({ onTooLarge: 'ignore' })
      // @ts-expect-error no function
      new FaaSCacheDict({ onDelete: 'log' })
      // @ts-expect-error a Date is no number
      new FaaSCacheDict({ now: () => new Date() })
      // @ts-expect-error text is no size
      new FaaSCacheDict({ sizeOf: () => 'large' })
      // @ts-expect-error no such option of a write
      controllerOf(users).set('ada', { name: 'Ada' }, { tll: 1 })
    })
  })

  it('give hooks the keys and the values of the schema', () => {
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

describe('the rest', () => {
  it('errors and measures are what they are documented to be', () => {
    expectTypeOf<DataTooLargeError>().toExtend<RangeError>()
    expectTypeOf<KeyError>().toExtend<Error>()
    expectTypeOf(new DataTooLargeError('k', 2, 1))
      .toHaveProperty('maxSizeBytes')
      .toBeNumber()
    expectTypeOf(new KeyError('k').key).toBeString()
    expectTypeOf(heapSize).returns.toBeNumber()
    expectTypeOf(payloadSize).returns.toBeNumber()
  })

  it('instanceof narrows', () => {
    compiled((error: unknown = undefined) => {
      if (error instanceof KeyError) expectTypeOf(error).toEqualTypeOf<KeyError>()
      if (error instanceof DataTooLargeError) expectTypeOf(error.sizeBytes).toBeNumber()
    })
  })
})
