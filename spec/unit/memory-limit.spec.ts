import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
import { expect, it } from 'vitest'
import {
  grantedByDeno,
  memoryLimit,
  memoryLimits,
  type Platform,
} from '../../lib/options/memory-limit.ts'

const MEBIBYTE = 2 ** 20
const granted = () => true
const denied = () => false

// A platform on which each source reports another limit.
const platform = ({
  lambda = '512',
  cloudFunction = '768',
  container = 1_024 * MEBIBYTE,
  heap = 2_100 * MEBIBYTE,
  machine = 4_096 * MEBIBYTE,
  env = {} as Record<string, string>,
  execArgv = [] as string[],
  versions = {} as Record<string, string>,
  abort = {} as object,
  resourceLimits = {} as object,
} = {}): Platform => ({
  env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: lambda, FUNCTION_MEMORY_MB: cloudFunction, ...env },
  versions,
  execArgv,
  abort,
  constrainedMemory: () => container,
  getBuiltinModule: (name) =>
    name === 'node:v8'
      ? { getHeapStatistics: () => ({ heap_size_limit: heap }) }
      : name === 'node:worker_threads'
        ? { resourceLimits }
        : { totalmem: () => machine, availableParallelism: () => 4 },
})

it.each<[string, Partial<Parameters<typeof platform>[0]>, number]>([
  ['AWS Lambda in MiB', { lambda: '512' }, 512 * MEBIBYTE],
  ['Google Cloud Functions in MiB', { cloudFunction: '768' }, 768 * MEBIBYTE],
  ['the container in bytes', { container: 1_000_000_001 }, 1_000_000_001],

  ['the machine in bytes', { machine: 1_000_000_003 }, 1_000_000_003],
])('reads the limit of %s', (_source, reported, bytes) => {
  const nothing = { lambda: '', cloudFunction: '', container: 0, heap: 0, machine: 0 }
  expect(memoryLimit(platform({ ...nothing, ...reported }), granted)).toBe(bytes)
})

it.each([
  ['lambda', { lambda: '64' }],
  ['cloudFunction', { cloudFunction: '64' }],
  ['container', { container: 64 * MEBIBYTE }],
  ['heap', { heap: 70 * MEBIBYTE }],
  ['machine', { machine: 64 * MEBIBYTE }],
])('takes the limit of the %s if that is the smallest', (_source, reported) => {
  expect(memoryLimit(platform(reported), granted)).toBe(64 * MEBIBYTE)
})

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63 - 4_096, 2 ** 64, 1.5])(
  'ignores a limit of %s',
  (nonsense) => {
    const reported = { container: nonsense, heap: nonsense, machine: nonsense }
    expect(memoryLimit(platform(reported), granted)).toBe(512 * MEBIBYTE)
  },
)

it.each(['', 'much', '-512', '0', 'Infinity'])('ignores a configured memory of "%s"', (memory) => {
  const reported = { lambda: memory, cloudFunction: memory }
  expect(memoryLimit(platform(reported), granted)).toBe(1_024 * MEBIBYTE)
})

it('is 128 MiB if the platform reports nothing, as a browser, or if every read throws', () => {
  const fail = () => {
    throw new Error('not here')
  }
  expect(memoryLimit({}, granted)).toBe(128 * MEBIBYTE)
  expect(memoryLimit({ env: {} }, granted)).toBe(128 * MEBIBYTE)
  expect(memoryLimit({ constrainedMemory: fail, getBuiltinModule: fail }, granted)).toBe(
    128 * MEBIBYTE,
  )
})

it.each([
  ['lambda', { lambda: '64' }],
  ['cloudFunction', { cloudFunction: '64' }],
  ['container', { container: 64 * MEBIBYTE }],
  ['machine', { machine: 64 * MEBIBYTE }],
])('divides the limit of the %s by the number of worker threads', (_source, reported) => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' }
  expect(memoryLimit(platform({ ...reported, env }), granted)).toBe(16 * MEBIBYTE)
})

it('does not divide the heap limit, which each thread has for itself', () => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' }
  expect(memoryLimit(platform({ heap: 70 * MEBIBYTE, env }), granted)).toBe(64 * MEBIBYTE)
})

it('counts eight threads for each processor on Lambda Managed Instances by default', () => {
  const env = { AWS_LAMBDA_MAX_CONCURRENCY: '64' }
  expect(memoryLimit(platform({ env }), granted)).toBe(16 * MEBIBYTE)
  const configured = { ...env, AWS_LAMBDA_NODEJS_WORKER_COUNT: '2' }
  expect(memoryLimit(platform({ env: configured }), granted)).toBe(256 * MEBIBYTE)
})

it('rounds the part of a thread down to a whole byte', () => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '3' }
  expect(memoryLimit(platform({ env }), granted)).toBe(Math.floor((512 * MEBIBYTE) / 3))
})

it.each(['', '0', '-2', 'many'])('ignores a thread count of "%s"', (count) => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: count, AWS_LAMBDA_MAX_CONCURRENCY: count }
  expect(memoryLimit(platform({ env }), granted)).toBe(512 * MEBIBYTE)
})

it('reports the heap of a thread, what the threads share and how many they are', () => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' }
  const execArgv = ['--max-old-space-size=96']
  expect(memoryLimits(platform({ env, execArgv }), granted)).toEqual({
    heap: 96 * MEBIBYTE,
    shared: 512 * MEBIBYTE,
    threads: 4,
  })
})

it('reports Infinity for the limits that the platform does not report, and one thread', () => {
  expect(memoryLimits({}, granted)).toEqual({ heap: Infinity, shared: Infinity, threads: 1 })
})

it('assumes 128 MiB if the platform reports only a larger heap limit', () => {
  const nothing = { lambda: '', cloudFunction: '', container: 0, machine: 0 }
  expect(memoryLimit(platform(nothing), granted)).toBe(128 * MEBIBYTE)
  const execArgv = ['--max-old-space-size=96']
  expect(memoryLimit(platform({ ...nothing, execArgv }), granted)).toBe(96 * MEBIBYTE)
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' }
  expect(memoryLimit(platform({ ...nothing, env }), granted)).toBe(32 * MEBIBYTE)
})

const heapLimit = (reported: Parameters<typeof platform>[0]) =>
  memoryLimits(platform(reported), granted).heap / MEBIBYTE

it.each([
  ['--max-old-space-size=96', [], 96],
  ['--max_old_space_size=96', [], 96],
  ['--enable-source-maps --max-old-space-size=96 --no-warnings', [], 96],
  ['"--max-old-space-size=96"', [], 96],
  ['--max-old-space-size="96"', [], 96],
  ['--max-old-space-size=96 --max-old-space-size=64', [], 64],
  ['--max-old-space-size=64 --max-old-space-size=96', [], 96],
  ['--max-semi-space-size=1 --max-old-space-size=96 --max-semi-space-size=1', [], 96],
  ['', ['--max-old-space-size=96'], 96],
  ['', ['--max_old-space_size=96'], 96],
  ['', ['-max-old-space-size=96'], 96],
  ['', ['--max-old-space-size=64', '--max-old-space-size=96'], 96],
  ['', ['--max-old-space-size=64', '--eval', 'a()\nb()', '--max-old-space-size=96'], 96],
  ['--max-old-space-size=64', ['--max-old-space-size=96'], 96],
  ['--max-old-space-size=96', ['--max-old-space-size=64'], 64],
])('takes the old generation from the flags "%s" and %j', (NODE_OPTIONS, execArgv, mebibytes) => {
  expect(heapLimit({ env: { NODE_OPTIONS }, execArgv, heap: 288 * MEBIBYTE })).toBe(mebibytes)
})

it('does not take more from a flag than the engine reports', () => {
  expect(heapLimit({ execArgv: ['--max-old-space-size=4096'] })).toBe(2_100)
})

it('a script among the arguments sets no limit, and a long one takes no time', () => {
  const script = `'--max-old-space-size=96' ${'x'.repeat(2_000_000)}`
  expect(heapLimit({ execArgv: ['-e', script] })).toBe(heapLimit({}))
  expect(heapLimit({ env: { NODE_OPTIONS: `--${'-max'.repeat(500_000)}` } })).toBe(heapLimit({}))
})

// The figures of Node 24, where the young generation is the largest.
it.each([
  [4_288, 4_096],
  [2_240, 2_048],
  [1_696, 1_504],
  [1_120, 1_024],
  [560, 512],
  [259, 235],
  [19.5, 16.5],
])('subtracts three semi-spaces from the %f MiB that the engine reports', (whole, mebibytes) => {
  expect(heapLimit({ heap: whole * MEBIBYTE })).toBe(mebibytes)
})

it.each([
  ['--max-semi-space-size=64', 4_288, 4_096],
  ['--max_semi_space_size=8', 1_048, 1_024],
  ['--max-semi-space-size=5', 1_048, 1_024],
  ['--max-semi-space-size=1 --max-semi-space-size=8', 1_048, 1_024],
])('subtracts three semi-spaces of "%s" from %i MiB', (NODE_OPTIONS, whole, mebibytes) => {
  expect(heapLimit({ env: { NODE_OPTIONS }, heap: whole * MEBIBYTE })).toBe(mebibytes)
})

it('takes at least an eighth of what the engine reports, whatever size a semi-space has', () => {
  const execArgv = ['--max-semi-space-size=512']
  expect(heapLimit({ execArgv, heap: 400 * MEBIBYTE })).toBe(50)
  expect(heapLimit({ execArgv, heap: 400 * MEBIBYTE + 1 })).toBe(50)
})

it.each([
  '--max-old-space-size=0',
  '--max-old-space-size=',
  '--max-old-space-size=-5',
  '--max-old-space-size=much',
  '--max-old-space-size',
  '--max-old-space-size 96',
  '--old-space-size=96',
  '--max-semi-space-size=0',
])('ignores the flag "%s"', (flag) => {
  expect(heapLimit({ execArgv: [flag], heap: 560 * MEBIBYTE })).toBe(512)
})

it.each([
  [232, 192, 40],
  [232.5, 192, 40.5],
  [46, 6, 40],
  // The flag of a process sets the limit of its worker threads, which may not see it.
  [320, 192, 128],
  // The engine rounds a third of the young generation up to a power of two.
  [106, 5, 100],
])('subtracts the resourceLimits of a worker thread, %f - %f = %f MiB', (whole, young, left) => {
  const worker = {
    abort: Object.assign(() => {}, { disabled: true }),
    heap: whole * MEBIBYTE,
    resourceLimits: { maxYoungGenerationSizeMb: young },
  }
  expect(heapLimit(worker)).toBe(left)
  expect(heapLimit({ ...worker, execArgv: ['--max-old-space-size=32'] })).toBe(32)
  expect(heapLimit({ ...worker, execArgv: ['--max-semi-space-size=8'] })).toBe(whole - 24)
})

it('reads the heap limit of a worker thread without resourceLimits', () => {
  const abort = Object.assign(() => {}, { disabled: true })
  for (const resourceLimits of [{}, { maxYoungGenerationSizeMb: -1 }]) {
    expect(heapLimit({ abort, resourceLimits, heap: 70 * MEBIBYTE })).toBe(64)
  }
})

it('reads no resourceLimits in the main thread', () => {
  const resourceLimits = { maxYoungGenerationSizeMb: 48 }
  expect(heapLimit({ resourceLimits, heap: 70 * MEBIBYTE })).toBe(64)
})

it('takes the flags of Deno from its own variable', () => {
  const deno = { versions: { deno: '2.9.6' }, heap: 288 * MEBIBYTE }
  const DENO_V8_FLAGS = '--max-semi-space-size=8,--max-old-space-size=64,--expose-gc'
  expect(heapLimit({ ...deno, env: { DENO_V8_FLAGS } })).toBe(64)
  expect(heapLimit({ ...deno, env: { NODE_OPTIONS: '--max-old-space-size=64' } })).toBe(192)
  expect(heapLimit({ env: { DENO_V8_FLAGS }, heap: 35 * MEBIBYTE })).toBe(32)
})

it.each([
  [224, 128],
  [160, 64],
  [4_192, 4_096],
  [80, 10],
])('subtracts 96 MiB from the %i MiB that Deno reports if it hides its flags', (whole, left) => {
  const deno = platform({ versions: { deno: '2.9.6' }, heap: whole * MEBIBYTE })
  expect(memoryLimits(deno, denied)).toEqual({
    heap: left * MEBIBYTE,
    shared: Infinity,
    threads: 1,
  })
})

it('reads a frozen process', () => {
  const frozen = Object.freeze(platform({ execArgv: ['--max-old-space-size=96'] }))
  expect(memoryLimit(frozen, granted)).toBe(96 * MEBIBYTE)
})

it('reads the other limits if the variables throw', () => {
  const fail = () => {
    throw new Error('no variables')
  }
  const env = new Proxy({}, { get: fail })
  const limits = memoryLimits({ ...platform({ heap: 70 * MEBIBYTE }), env }, granted)
  expect(limits).toEqual({ heap: 64 * MEBIBYTE, shared: 1_024 * MEBIBYTE, threads: 1 })
  const flagged = platform({ execArgv: ['--max-old-space-size=96'] })
  expect(memoryLimits({ ...flagged, env }, granted).heap).toBe(96 * MEBIBYTE)
})

it('reads the heap limit if the platform has no variables, no flags and no abort', () => {
  const { versions, getBuiltinModule } = platform({ heap: 70 * MEBIBYTE })
  expect(memoryLimits({ versions, getBuiltinModule }, granted).heap).toBe(64 * MEBIBYTE)
})

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63, 1.5, '', null, Symbol('limit')])(
  'reports no heap limit if the engine reports %s',
  (nonsense) => {
    const heap = nonsense as number
    expect(heapLimit({ heap })).toBe(Infinity)
    expect(heapLimit({ heap, execArgv: ['--max-old-space-size=96'] })).toBe(Infinity)
    expect(heapLimit({ heap, versions: { deno: '2.9.6' } })).toBe(Infinity)
  },
)

it('reads the limits anew each time, since a container may be resized', () => {
  let container = 96 * MEBIBYTE
  const resized = { ...platform(), constrainedMemory: () => container }
  expect(memoryLimit(resized, granted)).toBe(96 * MEBIBYTE)
  container = 64 * MEBIBYTE
  expect(memoryLimit(resized, granted)).toBe(64 * MEBIBYTE)
})

it('ignores the heap limit of Bun, which is the present peak of its heap', () => {
  const bun = { ...platform({ heap: 64 * MEBIBYTE }), versions: { bun: '1.4.5' } }
  expect(memoryLimit(bun, granted)).toBe(512 * MEBIBYTE)
})

it('reads only the heap limit if no permission was granted', () => {
  const read: string[] = []
  const env = new Proxy({}, { get: (_, name) => read.push(`env ${String(name)}`) })
  const watched: Platform = {
    env,
    versions: {},
    execArgv: [],
    abort: () => {},
    constrainedMemory: () => read.push('container'),
    getBuiltinModule: (name) => {
      read.push(name)
      return { getHeapStatistics: () => ({ heap_size_limit: 70 * MEBIBYTE }) }
    },
  }
  expect(memoryLimits(watched, denied)).toEqual({
    heap: 64 * MEBIBYTE,
    shared: Infinity,
    threads: 1,
  })
  expect(read).toEqual(['node:v8'])
})

it('checks the permission of each source by its name in Deno', () => {
  const checked: object[] = []
  const isGranted = (permission: object) => {
    checked.push(permission)
    return true
  }
  memoryLimit(platform(), isGranted)
  const memory = { name: 'sys', kind: 'systemMemoryInfo' }
  const variables = [
    'AWS_LAMBDA_NODEJS_WORKER_COUNT',
    'AWS_LAMBDA_MAX_CONCURRENCY',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    'FUNCTION_MEMORY_MB',
  ]
  expect(checked).toEqual([
    ...variables.map((variable) => ({ name: 'env', variable })),
    memory,
    memory,
    { name: 'env', variable: 'NODE_OPTIONS' },
  ])
})

it('takes a permission of Deno as granted only if its state is "granted"', () => {
  const checked: object[] = []
  const deno = (state: string) => ({
    permissions: {
      querySync(permission: object) {
        checked.push(permission)
        return { state }
      },
    },
  })
  const permission = { name: 'env', variable: 'X' }
  expect(grantedByDeno(deno('granted'))(permission)).toBe(true)
  expect(grantedByDeno(deno('prompt'))(permission)).toBe(false)
  expect(grantedByDeno(deno('denied'))(permission)).toBe(false)
  expect(checked).toEqual([permission, permission, permission])
})

it('is at most the heap limit and the memory of the machine in this process', () => {
  const limit = memoryLimit()
  expect(limit).toBeLessThanOrEqual(getHeapStatistics().heap_size_limit)
  expect(limit).toBeLessThanOrEqual(totalmem())
  expect(limit).toBeGreaterThan(0)
  expect(limit).toBe(memoryLimit(process, granted))
})

const inChild = (args: readonly string[], env: Record<string, string> = {}) => {
  const source = new URL('../../lib/options/memory-limit.ts', import.meta.url).pathname
  const script = `
    import { memoryLimit, memoryLimits } from ${JSON.stringify(bundled(source))}
    console.log(JSON.stringify({ limit: memoryLimit(), ...memoryLimits() }))
  `
  const { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: _a, FUNCTION_MEMORY_MB: _b, ...rest } = process.env
  return JSON.parse(
    execFileSync(process.execPath, [...args, '--input-type=module', '-e', script], {
      env: { ...rest, NODE_OPTIONS: '', ...env },
      encoding: 'utf8',
    }),
  ) as { limit: number; heap: number; shared: number; threads: number }
}

// Node 20 runs no TypeScript, and a child has no Vitest to translate it.
const bundled = (path: string): string => {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    bundle: true,
    format: 'esm',
    write: false,
  })
  const [output] = outputFiles
  return `data:text/javascript;base64,${Buffer.from(output?.contents ?? '').toString('base64')}`
}

it.each<[string[], string, number]>([
  [['--max-old-space-size=96'], '', 96],
  [['--max_old_space_size=96'], '', 96],
  [['--max-old-space-size=64', '--max-old-space-size=96'], '', 96],
  [['--max-old-space-size=96'], '--max-old-space-size=64', 96],
  [['--max-semi-space-size=32', '--max-old-space-size=96'], '', 96],
  [[], '"--max-old-space-size=64" --max-old-space-size="96"', 96],
])('takes the old generation from %j and NODE_OPTIONS "%s" of this Node', (args, options, size) => {
  expect(inChild(args, { NODE_OPTIONS: options }).heap).toBe(size * MEBIBYTE)
})

it.each([1, 16, 48])(
  'finds the same old generation of this Node with semi-spaces of %i MiB',
  (size) => {
    const { heap } = inChild([`--max-semi-space-size=${size}`])
    expect(heap).toBe(inChild(['--max-semi-space-size=2']).heap)
  },
)

it('takes at most the old generation of this Node and at least 0.88 of it if no flag is set', () => {
  const old = inChild(['--max-semi-space-size=1']).heap
  const { heap } = inChild([])
  expect(heap).toBeLessThanOrEqual(old)
  expect(heap).toBeGreaterThanOrEqual(0.88 * old)
})

it.each([
  { maxOldGenerationSizeMb: 40 },
  { maxOldGenerationSizeMb: 40, maxYoungGenerationSizeMb: 6 },
])('respects %j of a worker thread of this Node', async (resourceLimits) => {
  const source = new URL('../../lib/options/memory-limit.ts', import.meta.url).pathname
  const script = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(bundled(source))}).then((it) => parentPort.postMessage(it.memoryLimit()))
  `
  const worker = new Worker(script, { eval: true, resourceLimits })
  const [limit] = await once(worker, 'message')
  expect(limit).toBe(40 * MEBIBYTE)
})

it('respects the memory of a Lambda function and of a Cloud Function', () => {
  expect(inChild([], { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '160' }).limit).toBe(160 * MEBIBYTE)
  expect(inChild([], { FUNCTION_MEMORY_MB: '224' }).limit).toBe(224 * MEBIBYTE)
})
