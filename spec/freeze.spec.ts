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
    import { FaaSCacheDict } from 'faas-cache-dict'
    let cache
    for await (const line of createInterface({ input: process.stdin })) {
      if (line !== 'read') cache = new FaaSCacheDict({ defaultTtl: line }, { a: 1 })
      const [wall, monotonic] = [Date.now(), performance.now()]
      console.log(JSON.stringify({ wall, monotonic, isServed: cache.a === 1 }))
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

/** Has the child read its clocks and its entry. A TTL as the line first makes a new cache. */
const send = async (line: string) => {
  child.stdin?.write(`${line}\n`)
  const { value } = await lines.next()
  return JSON.parse(value) as { wall: number; monotonic: number; isServed: boolean }
}

// Deno does not pass these signals on to a child; the time benchmark stops a Deno process itself.
describe.skipIf('Deno' in globalThis)('after the process was stopped and continued', () => {
  it('an entry is not served past its TTL', async () => {
    expect((await send('500ms')).isServed).toBe(true)
    child.kill('SIGSTOP')
    await pause(600)
    child.kill('SIGCONT')
    expect((await send('read')).isServed).toBe(false)
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
