import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { argumentsFor, scriptOf } from './support/child.ts'

const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`,
)
const faketime = libraries.find((path) => existsSync(path))

const folder = mkdtempSync(join(tmpdir(), 'freeze-'))
const clockFile = join(folder, 'clock')
const setWallClock = (offset: string) => writeFileSync(clockFile, offset)

let script: string
let child: ChildProcess
let lines: AsyncIterator<string>

beforeAll(async () => {
  script = await scriptOf(`
    import { createInterface } from 'node:readline'
    import { setTimeout as pause } from 'node:timers/promises'
    import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
    let cache
    const answers = {
      read() {
        const [wall, monotonic] = [Date.now(), performance.now()]
        return { wall, monotonic, isServed: cache.a === 1 }
      },
      make(ttl) {
        cache = new FaaSCacheDict({ defaultTtl: ttl }, { a: 1 })
        return answers.read()
      },
      async load(window) {
        const windows = { staleIfError: window, retryAfter: '10d', onError() {} }
        const keys = ['revalidated', 'impatient', 'hurried', 'failing', 'paused']
        const entries = keys.map((key) => [key, 'stale'])
        cache = new FaaSCacheDict({ defaultTtl: '50ms', ...windows }, entries)
        await pause(100)
        await get('paused', () => Promise.reject(new Error('down')))
        const load = () => new Promise((resolve) => (finish = resolve))
        get('revalidated', load, { staleWhileRevalidate: window })
        waits = [
          get('impatient', () => pause(600, 'new'), { softTimeout: '400ms' }),
          get('hurried', () => new Promise(() => {}), { timeout: '400ms' }),
          get('failing', () => pause(600).then(() => Promise.reject(new Error('down')))),
        ]
        return []
      },
      async end(window) {
        waits.push(get('revalidated', () => 'new', { staleWhileRevalidate: window }))
        waits.push(get('paused', () => 'new'))
        finish('new')
        return Promise.all(waits)
      },
    }
    let waits, finish
    const get = (key, load, options) =>
      controllerOf(cache).getOrSet(key, load, options).catch(({ name, message }) => name + ': ' + message)
    for await (const line of createInterface({ input: process.stdin })) {
      const [name, argument] = line.split(' ')
      console.log(JSON.stringify(await answers[name](argument)))
    }
  `)
  return () => rmSync(folder, { recursive: true })
})

beforeEach(() => {
  setWallClock('+0')
  child = spawn(process.execPath, argumentsFor(script), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...(faketime && { LD_PRELOAD: faketime }),
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
  lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
})

afterEach(() => {
  child.kill('SIGKILL')
})

/** Has the child run one of its `answers`, with an argument. */
const ask = async <T>(line: string) => {
  child.stdin?.write(`${line}\n`)
  const { value } = await lines.next()
  return JSON.parse(value) as T
}
/** What the child sees of its clocks and its entry. */
const send = (line: string) =>
  ask<{ wall: number; monotonic: number; isServed: boolean }>(
    line === 'read' ? line : `make ${line}`,
  )

const stop = async (milliseconds: number) => {
  child.kill('SIGSTOP')
  await pause(milliseconds)
  child.kill('SIGCONT')
}

/** What five callers get who wait for loads in the middle of which `freeze` runs. */
const loadsAcross = async (window: string, freeze: () => unknown) => {
  await ask(`load ${window}`)
  await freeze()
  const [impatient, hurried, failing, revalidated, paused] = await ask<string[]>(`end ${window}`)
  return { impatient, hurried, failing, revalidated, paused }
}
const fresh = {
  impatient: 'new',
  hurried: 'TimeoutError: The load of "hurried" took longer than 400 ms',
  failing: 'Error: down',
  revalidated: 'new',
  paused: 'new',
}
const stale = {
  impatient: 'stale',
  hurried: 'stale',
  failing: 'stale',
  revalidated: 'stale',
  paused: 'stale',
}

// Deno does not pass these signals on to a child; the time benchmark stops a Deno process itself.
describe.skipIf('Deno' in globalThis)('after the process was stopped and continued', () => {
  it('an entry is not served past its TTL', async () => {
    expect((await send('500ms')).isServed).toBe(true)
    await stop(600)
    expect((await send('read')).isServed).toBe(false)
  })

  it('no caller who waited gets a value past its window', async () => {
    expect(await loadsAcross('400ms', () => stop(1_000))).toEqual(fresh)
  })

  it('callers get stale values within their windows', async () => {
    expect(await loadsAcross('1h', () => stop(1_000))).toEqual(stale)
  })
})

describe.runIf(faketime)('when only the wall clock jumps', () => {
  it('an entry expires if the clock jumps an hour ahead, as after a freeze', async () => {
    const before = await send('10m')
    setWallClock('+1h')
    const after = await send('read')
    expect(after.wall - before.wall).toBeGreaterThan(3_500_000)
    expect(after.monotonic - before.monotonic).toBeLessThan(600_000)
    expect([before.isServed, after.isServed]).toEqual([true, false])
  })

  it('no caller who waits for a load gets a value past its window', async () => {
    expect(await loadsAcross('30m', () => setWallClock('+1h'))).toEqual(fresh)
  })

  it('callers who wait for a load get stale values within their windows', async () => {
    expect(await loadsAcross('2h', () => setWallClock('+1h'))).toEqual(stale)
  })

  it('an entry lives exactly its TTL if the clock is set an hour back', async () => {
    const before = await send('2s')
    setWallClock('-1h')
    const after = await send('read')
    expect(after.wall - before.wall).toBeLessThan(-3_500_000)
    expect(after.isServed).toBe(after.monotonic - before.monotonic < 2000)
    await pause(2020)
    expect((await send('read')).isServed).toBe(false)
  })

  it('an entry written while the clock was an hour ahead expires after its TTL', async () => {
    setWallClock('+1h')
    const before = await send('500ms')
    setWallClock('+0')
    await pause(600)
    const after = await send('read')
    expect(after.wall - before.wall).toBeLessThan(-3_500_000)
    expect(after.isServed).toBe(false)
  })
})
