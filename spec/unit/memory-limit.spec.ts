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
} = {}): Platform => ({
  env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: lambda, FUNCTION_MEMORY_MB: cloudFunction, ...env },
  versions: {},
  execArgv,
  abort: () => {},
  constrainedMemory: () => container,
  getBuiltinModule: (name) =>
    name === 'node:v8'
      ? { getHeapStatistics: () => ({ heap_size_limit: heap }) }
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

const limitInChild = (args: readonly string[], env: Record<string, string> = {}): number => {
  const source = new URL('../../lib/options/memory-limit.ts', import.meta.url).pathname
  const script = `
    import { memoryLimit } from ${JSON.stringify(bundled(source))}
    console.log(memoryLimit())
  `
  const { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: _a, FUNCTION_MEMORY_MB: _b, ...rest } = process.env
  return Number(
    execFileSync(process.execPath, [...args, '--input-type=module', '-e', script], {
      env: { ...rest, ...env, NODE_OPTIONS: '' },
      encoding: 'utf8',
    }),
  )
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

it('respects --max-old-space-size', () => {
  const limit = limitInChild(['--max-old-space-size=96'])
  expect(limit).toBeGreaterThanOrEqual(96 * MEBIBYTE)
  // On top comes the young generation: 48 MiB on Node 20, 192 MiB on Node 24.
  expect(limit).toBeLessThanOrEqual((96 + 192) * MEBIBYTE)
})

it('respects the heap limit of a worker thread', async () => {
  const source = new URL('../../lib/options/memory-limit.ts', import.meta.url).pathname
  const script = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(bundled(source))}).then((it) => parentPort.postMessage(it.memoryLimit()))
  `
  const resourceLimits = { maxOldGenerationSizeMb: 40, maxYoungGenerationSizeMb: 6 }
  const worker = new Worker(script, { eval: true, resourceLimits })
  const [limit] = await once(worker, 'message')
  expect(limit).toBeGreaterThanOrEqual(40 * MEBIBYTE)
  expect(limit).toBeLessThanOrEqual((40 + 3 * 6) * MEBIBYTE)
})

it('respects the memory of a Lambda function and of a Cloud Function', () => {
  expect(limitInChild([], { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '160' })).toBe(160 * MEBIBYTE)
  expect(limitInChild([], { FUNCTION_MEMORY_MB: '224' })).toBe(224 * MEBIBYTE)
})
