import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Gauge, processGauge, type Reading } from '../../lib/memory/gauge.ts'
import { memoryLimits } from '../../lib/options/memory-limit.ts'
import { inChild, scriptOf } from '../support/child.ts'
import { nextTurn } from '../support/promises.ts'
import { MIB } from '../support/test-gauge.ts'

const isNode = !('Bun' in globalThis) && !('Deno' in globalThis)

const SMALL_HEAP = '--max-old-space-size=64'
const FLAGS = [
  '--stack-size=900',
  SMALL_HEAP,
  `${SMALL_HEAP} --jitless`,
  `${SMALL_HEAP} --single-threaded`,
  `${SMALL_HEAP} --expose-gc`,
  `${SMALL_HEAP} --max-semi-space-size=1`,
]

/** A program that keeps some objects, drops more, and makes the engine collect. */
const COLLECTING = `
  import { processGauge } from './lib/memory/gauge.ts'
  const gauge = processGauge()
  const make = (count) => Array.from({ length: count }, (_, at) => ({ at, text: 'x' + at, list: [at] }))
  const kept = make(20_000)
  const before = gauge.collect()
  let dropped = make(100_000)
  const full = gauge.read()
  dropped = undefined
  const after = gauge.collect()
  if (kept.length) print([before, full, after])
`

/** Values whose closures the cache cannot measure: 2 KB each, 80 MB in all. */
const WRITING = `
  import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
  const cache = new FaaSCacheDict({ maxSizeBytes: '64M' })
  const closing = (list) => ({ read: () => list })
  for (let at = 0; at < 40_000; at++) cache[at] = closing(new Array(250).fill(at))
  const { size, effectiveMaxSizeBytes } = controllerOf(cache)
  const { writes, refusals, pressureEvictions } = controllerOf(cache).stats()
  print({ size, effectiveMaxSizeBytes, writes, refusals, pressureEvictions })
`

const printed = (source: string) =>
  `const print = (seen) => console.log(JSON.stringify(seen))\n${source}`

const isWhole = (reading: Reading) =>
  Object.values(reading).every((bytes) => typeof bytes === 'number' && bytes >= 0)

describe.runIf(isNode)('the gauge of a process', () => {
  it('reads numbers, and the limits that the process reports', () => {
    const reading = processGauge()?.read() as Reading
    const { heap, shared } = memoryLimits()
    expect(isWhole(reading)).toBe(true)
    expect(reading).toMatchObject({ heapLimit: heap, containerLimit: shared })
    expect(reading.old).toBeGreaterThan(MIB)
    expect(reading.oldPages).toBeGreaterThanOrEqual(reading.old)
    expect(reading.resident).toBeLessThanOrEqual(2 * process.memoryUsage().rss)
  })

  it.each(FLAGS)('knows what is alive after collect() with %s', async (flags) => {
    const [before, full, after] = (await inChild(printed(COLLECTING), ...flags.split(' '))) as [
      Reading,
      Reading,
      Reading,
    ]
    const [keptBytes, allBytes, aliveBytes] = [before, full, after].map(
      ({ old, young }) => old + young,
    ) as [number, number, number]
    expect(allBytes).toBeGreaterThan(keptBytes + 8 * MIB)
    // What was marked before it was dropped stays until the next collection.
    expect(aliveBytes).toBeLessThan((keptBytes + allBytes) / 2)
    expect(aliveBytes).toBeGreaterThan(MIB)
    expect(isWhole(after)).toBe(true)
    expect(after.resident).toBeGreaterThan(after.old)
  })

  it('calls back once, after the next full collection', async () => {
    const calls = await inChild(
      printed(`
        import { processGauge } from './lib/memory/gauge.ts'
        const gauge = processGauge()
        const turns = async () => {
          for (let turn = 0; turn < 20; turn++) await new Promise((done) => setTimeout(done, 2))
        }
        let calls = 0
        const seen = []
        gauge.onCollection(() => calls++)
        let text = ''
        for (let at = 0; at < 200_000; at++) text = [at, text.length]
        await turns()
        seen.push(calls)
        gauge.collect()
        seen.push(calls)
        await turns()
        seen.push(calls)
        gauge.collect()
        await turns()
        seen.push(calls)
        print(seen)
      `),
    )
    expect(calls).toEqual([0, 0, 1, 1])
  })

  it('reads a container that was resized after some readings', () => {
    const gauge = processGauge()
    const constrainedMemory = vi.spyOn(process, 'constrainedMemory').mockReturnValue(100 * MIB)
    const limits = new Set<number>()
    for (let reading = 0; reading < 64; reading++) limits.add(gauge?.read().containerLimit ?? 0)
    constrainedMemory.mockRestore()
    expect([...limits].at(-1)).toBe(100 * MIB)
  })

  it('counts memory that objects hold, also where the heap is not resident', () => {
    const memoryUsage = vi.spyOn(process, 'memoryUsage').mockReturnValue({
      rss: 20 * MIB,
      heapTotal: 90 * MIB,
      heapUsed: 60 * MIB,
      external: MIB,
      arrayBuffers: 0,
    })
    const reading = processGauge()?.read() as Reading
    memoryUsage.mockRestore()
    expect(reading.allocated).toBe(61 * MIB)
  })

  it('is none on Bun, where a reading is a collection, and none where nothing is reported', () => {
    vi.stubGlobal('process', { versions: { bun: '1.3.0' }, memoryUsage: () => ({}) })
    expect(processGauge()).toBeUndefined()
    vi.stubGlobal('process', { versions: {} })
    expect(processGauge()).toBeUndefined()
    vi.stubGlobal('process', undefined)
    expect(processGauge()).toBeUndefined()
    vi.unstubAllGlobals()
  })
})

describe.runIf(isNode)('the gauge of this process', () => {
  const gaugeOf = () => processGauge() as Gauge

  /** A process that uses most of its heap. */
  const useMuch = () => {
    const heapTotal = 0.9 * memoryLimits().heap
    const usage = { ...process.memoryUsage(), heapTotal, rss: heapTotal }
    vi.spyOn(process, 'memoryUsage').mockReturnValue(usage)
    return usage
  }

  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    vi.unstubAllEnvs()
  })

  it('tells the generations apart once half of a limit is used', () => {
    const gauge = gaugeOf()
    expect(gauge.read().young).toBe(0)
    useMuch()
    const reading = gauge.read()
    expect(isWhole(reading)).toBe(true)
    expect(reading.young).toBeGreaterThan(0)
    expect(reading.old).toBeGreaterThan(MIB)
    expect(reading.oldPages).toBeGreaterThanOrEqual(reading.old)
  })

  it('leaves out pages that a file backs, where it can tell them', () => {
    const { rss } = useMuch()
    vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', String(Math.ceil(rss / 0.85 / MIB)))
    const gauge = gaugeOf()
    if (process.platform === 'linux') expect(gauge.read().resident).toBeLessThan(rss)
    const readFileSync = vi.fn(() => '1000 800 200 0 0 0 0')
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ readFileSync } as never)
    expect(gauge.read().resident).toBe(0.75 * rss)
    for (const nonsense of ['', '0 0 0', '1 2 3', 'x y z']) {
      readFileSync.mockReturnValue(nonsense)
      expect(gauge.read().resident).toBe(rss)
    }
    readFileSync.mockImplementation(() => {
      throw new Error('no such file')
    })
    expect(gauge.read().resident).toBe(rss)
  })

  it('leaves out of what is needed what the allocator keeps, but not in danger', () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '100')
    const usage = { ...process.memoryUsage(), heapUsed: 8 * MIB, heapTotal: 10 * MIB }
    const reads = (external: number, rss: number) => {
      vi.spyOn(process, 'memoryUsage').mockReturnValue({
        ...usage,
        external: external * MIB,
        rss: rss * MIB,
      })
      const { resident, needed } = gauge.read()
      return [resident / MIB, needed / MIB]
    }
    const gauge = gaugeOf()
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
    expect(reads(40, 70)).toEqual([70, 70])
    // 30 MB of buffers are gone, but still resident.
    expect(reads(10, 70)).toEqual([70, 40])
    expect(reads(10, 90)).toEqual([90, 90])
  })

  it('reads no file for which Deno would ask a person', () => {
    const { rss } = useMuch()
    vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', String(Math.ceil(rss / 0.85 / MIB)))
    const gauge = gaugeOf()
    vi.stubGlobal('Deno', { permissions: { querySync: () => ({ state: 'prompt' }) } })
    const module = vi.spyOn(process, 'getBuiltinModule')
    expect(gauge.read().resident).toBe(rss)
    expect(module).not.toHaveBeenCalledWith('node:fs')
  })

  it('notices after a while that the limits have changed', () => {
    const gauge = gaugeOf()
    gauge.read()
    vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '64')
    for (let at = 0; at < 100; at++) gauge.read()
    expect(gauge.read().containerLimit).toBe(64 * MIB)
  })

  it('makes the engine collect, whether it gives the memory back or not', () => {
    const gauge = gaugeOf()
    expect(isWhole(gauge.collect())).toBe(true)
    let transfers = 0
    class Ghost {
      transfer() {
        transfers++
      }
    }
    vi.stubGlobal('ArrayBuffer', Ghost)
    expect(isWhole(gauge.collect())).toBe(true)
    expect(transfers).toBeGreaterThan(0)
    vi.stubGlobal('ArrayBuffer', () => {
      throw new RangeError('no room in the address space')
    })
    expect(isWhole(gauge.collect())).toBe(true)
  })

  it.runIf(globalThis.gc)('calls back after a collection', async () => {
    const gauge = gaugeOf()
    const call = vi.fn()
    gauge.onCollection(call)
    for (let pass = 0; pass < 100 && call.mock.calls.length === 0; pass++) {
      globalThis.gc?.()
      await nextTurn()
    }
    expect(call).toHaveBeenCalledTimes(1)
    expect(isWhole(gauge.read())).toBe(true)
  })
})

describe.runIf(isNode)('a process that stores more than it seems', () => {
  it.each(FLAGS.slice(2, 5))('lives with %s', async (flags) => {
    const seen = await inChild(printed(WRITING), ...flags.split(' '))
    expect(seen).toMatchObject({ writes: 40_000, refusals: 0 })
    const { size, pressureEvictions } = seen as Record<string, number>
    expect(pressureEvictions).toBeGreaterThan(10_000)
    expect(size).toBeGreaterThan(1_000)
  })

  it('lives if its heap is nearly full before the first write', async () => {
    const seen = await inChild(
      printed(`
        const own = Array.from({ length: 320_000 }, (_, at) => ({ at, list: [at] }))
        ${WRITING}
        if (own.length === 0) process.exit(1)
      `),
      SMALL_HEAP,
    )
    expect(seen).toMatchObject({ writes: 40_000, refusals: 0 })
  })

  it('lives in a worker thread with limits of its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gauge-'))
    try {
      const file = join(folder, 'worker.mjs')
      const source = `
        import { parentPort } from 'node:worker_threads'
        ${WRITING.replace('print(', 'parentPort.postMessage(')}
      `
      await writeFile(file, await scriptOf(source))
      const worker = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: 48 } })
      const [seen] = await once(worker, 'message')
      expect(seen).toMatchObject({ writes: 40_000, refusals: 0 })
      expect(seen.pressureEvictions).toBeGreaterThan(10_000)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
