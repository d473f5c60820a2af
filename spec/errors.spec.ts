import {
  controllerOf,
  DataTooLargeError,
  FaaSCacheDict,
  heapSize,
  KeyError,
  TimeoutError,
} from 'faas-cache-dict'
import { describe, expect, it, vi } from 'vitest'

const errorOf = (action: () => unknown): unknown => {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const LARGE = 'x'.repeat(100_000)

describe('DataTooLargeError', () => {
  const limited = (options = {}) =>
    new FaaSCacheDict<Record<string, unknown>>({ maxSizeBytes: '64K', ...options })

  it('is a RangeError with the key, the bytes of the entry and the limit', () => {
    const cache = limited()
    const error = errorOf(() => {
      cache.report = LARGE
    })
    expect(error).toBeInstanceOf(DataTooLargeError)
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toBeInstanceOf(Error)
    const { key, sizeBytes, maxSizeBytes, name, message } = error as DataTooLargeError
    expect([key, maxSizeBytes, name]).toEqual(['report', 65_536, 'DataTooLargeError'])
    expect(sizeBytes).toBeGreaterThanOrEqual(65_536)
    expect(message).toContain('"report"')
    expect(message).toContain(String(sizeBytes))
    expect(message).toContain('65536')
  })

  it('is thrown by every way to write', () => {
    const cache = limited()
    const controller = controllerOf(cache)
    const writes = [
      () => Object.assign(cache, { large: LARGE }),
      () => Reflect.set(cache, 'large', LARGE),
      () => Object.defineProperty(cache, 'large', { value: LARGE }),
      () => controller.set('large', LARGE),
      () => controller.set('large', 1, { sizeBytes: 65_536 }),
      () => controller.setDefault('large', LARGE),
      () => controller.update({ large: LARGE }),
      () => controller.update([['large', LARGE]]),
      () => new FaaSCacheDict({ maxSizeBytes: '64K' }, { large: LARGE }),
    ]
    for (const write of writes) expect(write).toThrow(DataTooLargeError)
    expect(controller.size).toBe(0)
  })

  it('comes without an eviction, and so does a skipped write', () => {
    for (const onTooLarge of ['throw', 'skip'] as const) {
      const onDelete = vi.fn()
      const cache = limited({ onTooLarge, onDelete })
      for (let i = 0; i < 50; i++) cache[`row-${i}`] = 'x'.repeat(500)
      const before = Object.keys(cache)
      const write = () => {
        cache.large = LARGE
      }
      if (onTooLarge === 'throw') expect(write).toThrow(DataTooLargeError)
      else write()
      expect(Object.keys(cache)).toEqual(before)
      expect(onDelete).not.toHaveBeenCalled()
      expect(controllerOf(cache).stats().refusals).toBe(1)
    }
  })

  it("comes after an older value was removed as 'replaced', and so does a skipped write", () => {
    for (const onTooLarge of ['throw', 'skip'] as const) {
      const onDelete = vi.fn()
      const cache = limited({ onTooLarge, onDelete })
      cache.page = 'old'
      const charge = controllerOf(cache).sizeOf('page')
      const write = () => {
        cache.page = LARGE
      }
      if (onTooLarge === 'throw') expect(write).toThrow(DataTooLargeError)
      else write()
      expect('page' in cache).toBe(false)
      expect(onDelete.mock.calls).toEqual([['page', 'old', 'replaced', charge]])
      expect(controllerOf(cache).stats()).toMatchObject({
        writes: 1,
        replacements: 1,
        refusals: 1,
        items: 0,
      })
    }
  })

  it('is not thrown for an entry that fits once others are evicted', () => {
    const cache = limited()
    for (let i = 0; i < 100; i++) cache[`row-${i}`] = 'x'.repeat(500)
    cache.large = 'x'.repeat(60_000)
    expect('large' in cache).toBe(true)
    expect(controllerOf(cache).sizeBytes).toBeLessThanOrEqual(65_536)
  })

  it('is thrown from one byte on: with one byte less the entry is kept', () => {
    const controller = controllerOf(limited())
    const refused = (sizeBytes: number) => {
      try {
        controller.set('item', 1, { sizeBytes })
        return false
      } catch (error) {
        if (error instanceof DataTooLargeError) return true
        throw error
      }
    }
    let [kept, tooLarge] = [0, 65_536]
    while (tooLarge - kept > 1) {
      const middle = Math.floor((kept + tooLarge) / 2)
      if (refused(middle)) tooLarge = middle
      else kept = middle
    }
    controller.set('item', 1, { sizeBytes: kept })
    expect(controller.sizeBytes).toBe(65_536)
  })

  it('cuts a long key in its message and keeps it whole in its property', () => {
    const key = 'k'.repeat(1_000_000)
    const error = errorOf(() => controllerOf(limited()).set(key, 1)) as DataTooLargeError
    expect(error).toBeInstanceOf(DataTooLargeError)
    expect(error.key).toBe(key)
    expect(error.message.length).toBeLessThan(300)
  })
})

describe('KeyError', () => {
  const members = ['getOrThrow', 'ttl', 'promote', 'demote', 'sizeOf'] as const
  const calls = (cache: FaaSCacheDict): [string, () => unknown][] => {
    const controller = controllerOf(cache)
    return [
      ...members.map((member): [string, () => unknown] => [
        member,
        () => controller[member]('gone'),
      ]),
      ['setTtl', () => controller.setTtl('gone', '10s')],
      ['expireAt', () => controller.expireAt('gone', Date.now() + 1_000)],
    ]
  }

  it('is an Error, but not a RangeError, with the key', () => {
    const error = errorOf(() => controllerOf(new FaaSCacheDict()).getOrThrow('gone')) as KeyError
    expect(error).toBeInstanceOf(KeyError)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(RangeError)
    expect([error.key, error.name]).toEqual(['gone', 'KeyError'])
    expect(error.message).toContain('"gone"')
  })

  it('is thrown by each member that needs an entry, for a missing key', () => {
    for (const [member, call] of calls(new FaaSCacheDict({}, { other: 1 }))) {
      expect(errorOf(call), member).toMatchObject({ name: 'KeyError', key: 'gone' })
    }
  })

  it('is thrown by each of them for an expired entry', () => {
    for (let index = 0; index < members.length + 2; index++) {
      let time = 1_000
      const cache = new FaaSCacheDict({ defaultTtl: '1s', now: () => time }, { gone: 1 })
      time += 1_000
      const [member, call] = calls(cache)[index] as [string, () => unknown]
      expect(errorOf(call), member).toMatchObject({ name: 'KeyError', key: 'gone' })
    }
  })

  it('has a number as the string that it stands for', () => {
    const error = errorOf(() => controllerOf(new FaaSCacheDict()).getOrThrow(42)) as KeyError
    expect(error.key).toBe('42')
  })

  it('is thrown only after the other arguments were checked', () => {
    const controller = controllerOf(new FaaSCacheDict())
    expect(() => controller.setTtl('gone', Number.NaN)).toThrow(RangeError)
    expect(() => controller.setTtl('gone', '10')).toThrow(TypeError)
    expect(() => controller.expireAt('gone', Number.NaN)).toThrow(RangeError)
    expect(() => controller.expireAt('gone', 1_800_000_000)).toThrow(RangeError)
    expect(() => controller.expireAt('gone', 1e11 - 1)).toThrow(RangeError)
    expect(() => controller.expireAt('gone', 1e11)).toThrow(KeyError)
    expect(() => controller.expireAt('gone', new Date(Number.NaN))).toThrow(RangeError)
    expect(() => controller.expireAt('gone', '2030-01-01' as never)).toThrow(TypeError)
  })
})

describe('TimeoutError', () => {
  it('is an Error, but not a RangeError, with the key and the milliseconds', async () => {
    const load = controllerOf(new FaaSCacheDict()).getOrSet('slow', () => new Promise(() => {}), {
      timeout: '1.5ms',
    })
    const error = (await load.catch((error) => error)) as TimeoutError
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(RangeError)
    expect([error.key, error.timeout, error.name]).toEqual(['slow', 1.5, 'TimeoutError'])
    expect(error.message).toBe('The load of "slow" took longer than 1.5 ms')
  })

  it('has a number as the string that it stands for', async () => {
    const load = controllerOf(new FaaSCacheDict()).getOrSet(42, () => new Promise(() => {}), {
      timeout: '1ms',
    })
    await expect(load).rejects.toMatchObject({ key: '42' })
  })

  it('cuts a long key in its message and keeps it whole in its property', () => {
    const key = 'k'.repeat(1_000_000)
    const error = new TimeoutError(key, 5)
    expect(error.key).toBe(key)
    expect(error.message.length).toBeLessThan(300)
  })
})

describe('the name of an error', () => {
  it('is not among the properties that printing the error shows', () => {
    expect(Reflect.ownKeys(new KeyError('k'))).not.toContain('name')
    expect(Object.keys(new KeyError('k'))).toEqual(['key'])
  })

  it('can be assigned, as the name of any error', () => {
    const error = new KeyError('k')
    error.name = 'Missing'
    expect(String(error)).toMatch(/^Missing: /)
  })

  it('is the same in every copy of the package', async () => {
    vi.resetModules()
    const other = await import('../lib/errors.ts')
    expect(other.KeyError).not.toBe(KeyError)
    expect(new other.KeyError('k').name).toBe('KeyError')
    expect(new other.DataTooLargeError('k', 2, 1).name).toBe('DataTooLargeError')
    expect(new other.TimeoutError('k', 1).name).toBe('TimeoutError')
  })
})

describe('instanceof', () => {
  it('distinguishes the classes, and all of them from other errors', () => {
    const errors = [new DataTooLargeError('k', 2, 1), new KeyError('k'), new TimeoutError('k', 1)]
    const classes = [DataTooLargeError, KeyError, TimeoutError]
    for (const error of errors) {
      expect(classes.filter((type) => error instanceof type)).toEqual([error.constructor])
    }
    for (const other of [new RangeError('k'), new Error('k'), {}, null, undefined, 'KeyError', 1]) {
      for (const type of classes) expect((other as object) instanceof type).toBe(false)
    }
  })

  it("with a program's own subclass is true only for instances of the subclass", () => {
    class Missing extends KeyError {}
    expect(new Missing('k')).toBeInstanceOf(Missing)
    expect(new Missing('k')).toBeInstanceOf(KeyError)
    expect(new KeyError('k') instanceof Missing).toBe(false)
  })
})

describe('heapSize', () => {
  it('never throws because of a value', () => {
    const fail = () => {
      throw new Error('user code ran')
    }
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const values = [cycle, { toJSON: fail }, Object.assign([], { toJSON: fail }), Symbol('s'), 1n]
    for (const value of values) expect(heapSize(value, 'key')).toBeGreaterThan(0)
  })
})
