import { channel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { expectNoUnhandledRejection } from '../support/promises.ts'

const NAME = 'faas-cache-dict.load'

/** A controller of a new copy of the library, which is given this in place of `node:diagnostics_channel`. */
async function controllerWhere(diagnostics: unknown) {
  const asked = vi.fn()
  const { getBuiltinModule } = process
  const given = new Proxy(process, {
    get: (target, name) => (name === 'getBuiltinModule' ? builtin : Reflect.get(target, name)),
  })
  const builtin = (name: string) => {
    if (name !== 'node:diagnostics_channel') return getBuiltinModule(name)
    asked()
    return diagnostics
  }
  vi.stubGlobal('process', given)
  vi.resetModules()
  const { FaaSCacheDict, controllerOf } = await import('../../lib/index.ts')
  return { controller: controllerOf(new FaaSCacheDict<Record<string, unknown>>()), asked }
}

/** Subscribes to each event of loads until the test ends. */
function log() {
  const seen: string[] = []
  const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']
  for (const name of names) {
    const subscriber = () => {
      seen.push(name)
    }
    const event = channel(`tracing:${NAME}:${name}`)
    event.subscribe(subscriber)
    onTestFinished(() => {
      event.unsubscribe(subscriber)
    })
  }
  return seen
}

const GIVEN = ['start', 'end', 'asyncStart', 'asyncEnd']

afterEach(() => {
  vi.unstubAllGlobals()
})

it('the module is looked up at the first load, and only once', async () => {
  const { controller, asked } = await controllerWhere({ tracingChannel })
  controller.set('a', 1)
  await controller.getOrSet('a', () => 2)
  expect(asked).not.toHaveBeenCalled()
  await controller.getOrSet('b', () => 2)
  await controller.getOrSetMany(['c', 'd'], (keys) => keys)
  expect(asked).toHaveBeenCalledTimes(1)
})

it.each([
  ['no module', undefined],
  ['a module without tracing channels', { channel }],
])('loads go on where there is %s, which is looked up once', async (_what, diagnostics) => {
  const { controller, asked } = await controllerWhere(diagnostics)
  expect(await controller.getOrSet('a', () => 1)).toBe(1)
  await expect(controller.getOrSet('b', () => Promise.reject(2))).rejects.toBe(2)
  expect(asked).toHaveBeenCalledTimes(1)
})

/** As on Bun: only the channels of the events know whether they have subscribers. */
class WithoutHasSubscribers {
  readonly start = channel(`tracing:${NAME}:start`)
  readonly end = channel(`tracing:${NAME}:end`)
  readonly asyncStart = channel(`tracing:${NAME}:asyncStart`)
  readonly asyncEnd = channel(`tracing:${NAME}:asyncEnd`)
  readonly error = channel(`tracing:${NAME}:error`)
  readonly tracePromise = vi.fn((run: () => unknown, trace: object) =>
    tracingChannel(NAME).tracePromise(run as () => Promise<unknown>, trace),
  )
}

it('where a tracing channel does not tell its subscribers, those of its events count', async () => {
  const loads = new WithoutHasSubscribers()
  const { controller } = await controllerWhere({ tracingChannel: () => loads })
  expect(await controller.getOrSet('a', () => 1)).toBe(1)
  expect(loads.tracePromise).not.toHaveBeenCalled()
  const seen = log()
  expect(await controller.getOrSet('b', () => 2)).toBe(2)
  expect(seen).toEqual(GIVEN)
})

// As on Workers, where a subscriber that throws ends the trace.
it.each(['before', 'after'])('a load goes on if its trace throws %s it has begun', async (when) => {
  const tracePromise = (run: () => unknown) => {
    if (when === 'after') run()
    throw new Error('from a subscriber')
  }
  const { controller } = await controllerWhere({
    tracingChannel: () => ({ hasSubscribers: true, tracePromise }),
  })
  const factory = vi.fn(async () => 1)
  expect(await controller.getOrSet('a', factory)).toBe(1)
  expect(await controller.getOrSet('a', factory)).toBe(1)
  expect(factory).toHaveBeenCalledTimes(1)
})

it('a trace that rejects raises nothing', async () => {
  const tracePromise = async (run: () => unknown) => {
    await run()
    throw new Error('from a subscriber')
  }
  const { controller } = await controllerWhere({
    tracingChannel: () => ({ hasSubscribers: true, tracePromise }),
  })
  await expectNoUnhandledRejection(async () => {
    expect(await controller.getOrSet('a', () => 1)).toBe(1)
  })
})
