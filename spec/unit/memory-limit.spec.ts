import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
import { expect, it } from 'vitest'
import {
  cloudFunctionMemory,
  containerLimit,
  denoLeave,
  heapLimit,
  lambdaMemory,
  machineMemory,
  memoryLimit,
  type Platform,
} from '../../lib/options/memory-limit.ts'

const MEBIBYTE = 2 ** 20
const allowed = () => true
const refused = () => false

// A platform of which each source tells something else.
const platform = ({
  lambda = '512',
  cloudFunction = '768',
  container = 1_024 * MEBIBYTE,
  heap = 2_048 * MEBIBYTE,
  machine = 4_096 * MEBIBYTE,
  env = {} as Record<string, string>,
} = {}): Required<Platform> => ({
  env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: lambda, FUNCTION_MEMORY_MB: cloudFunction, ...env },
  versions: {},
  constrainedMemory: () => container,
  getBuiltinModule: (name) =>
    name === 'node:v8'
      ? { getHeapStatistics: () => ({ heap_size_limit: heap }) }
      : { totalmem: () => machine, availableParallelism: () => 4 },
})

it('each source tells what it stands for, in bytes', () => {
  expect(lambdaMemory(platform(), allowed)).toBe(512 * MEBIBYTE)
  expect(cloudFunctionMemory(platform(), allowed)).toBe(768 * MEBIBYTE)
  expect(containerLimit(platform(), allowed)).toBe(1_024 * MEBIBYTE)
  expect(heapLimit(platform(), allowed)).toBe(2_048 * MEBIBYTE)
  expect(machineMemory(platform(), allowed)).toBe(4_096 * MEBIBYTE)
})

it.each([
  ['lambda', { lambda: '64' }],
  ['cloudFunction', { cloudFunction: '64' }],
  ['container', { container: 64 * MEBIBYTE }],
  ['heap', { heap: 64 * MEBIBYTE }],
  ['machine', { machine: 64 * MEBIBYTE }],
])('the smallest wins, when it is that of the %s', (_source, said) => {
  expect(memoryLimit(platform(said), allowed)).toBe(64 * MEBIBYTE)
})

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63 - 4_096, 2 ** 64, 1.5])(
  'a limit of %s is none',
  (nonsense) => {
    const said = { container: nonsense, heap: nonsense, machine: nonsense }
    expect(memoryLimit(platform(said), allowed)).toBe(512 * MEBIBYTE)
  },
)

it.each(['', 'much', '-512', '0', 'Infinity'])('a configured memory of "%s" is none', (said) => {
  const all = platform({ lambda: said, cloudFunction: said })
  expect(memoryLimit(all, allowed)).toBe(1_024 * MEBIBYTE)
})

it('it is 128 MiB where nothing tells: in a browser, or where everything throws', () => {
  const fail = () => {
    throw new Error('not here')
  }
  expect(memoryLimit({}, allowed)).toBe(128 * MEBIBYTE)
  expect(memoryLimit({ env: {} }, allowed)).toBe(128 * MEBIBYTE)
  expect(memoryLimit({ constrainedMemory: fail, getBuiltinModule: fail }, allowed)).toBe(
    128 * MEBIBYTE,
  )
})

it.each([
  ['lambda', { lambda: '64' }],
  ['cloudFunction', { cloudFunction: '64' }],
  ['container', { container: 64 * MEBIBYTE }],
  ['machine', { machine: 64 * MEBIBYTE }],
])('worker threads share what the %s has, and each takes its part', (_source, said) => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' }
  expect(memoryLimit(platform({ ...said, env }), allowed)).toBe(16 * MEBIBYTE)
})

it('a thread has its heap limit for itself', () => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '4' }
  expect(memoryLimit(platform({ heap: 96 * MEBIBYTE, env }), allowed)).toBe(96 * MEBIBYTE)
})

it('a function of Lambda Managed Instances has eight threads for each processor by default', () => {
  const env = { AWS_LAMBDA_MAX_CONCURRENCY: '64' }
  expect(memoryLimit(platform({ env }), allowed)).toBe(16 * MEBIBYTE)
  const configured = { ...env, AWS_LAMBDA_NODEJS_WORKER_COUNT: '2' }
  expect(memoryLimit(platform({ env: configured }), allowed)).toBe(256 * MEBIBYTE)
})

it('a part is a whole number of bytes', () => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: '3' }
  expect(memoryLimit(platform({ env }), allowed)).toBe(Math.floor((512 * MEBIBYTE) / 3))
})

it.each(['', '0', '-2', 'many'])('a count of threads that is "%s" is ignored', (count) => {
  const env = { AWS_LAMBDA_NODEJS_WORKER_COUNT: count, AWS_LAMBDA_MAX_CONCURRENCY: count }
  expect(memoryLimit(platform({ env }), allowed)).toBe(512 * MEBIBYTE)
})

it("Bun's heap limit is no limit, but its present peak", () => {
  const bun = { ...platform({ heap: 64 * MEBIBYTE }), versions: { bun: '1.4.5' } }
  expect(memoryLimit(bun, allowed)).toBe(512 * MEBIBYTE)
})

it('what one would have to ask for is not read, and the heap limit needs no permission', () => {
  const read: string[] = []
  const env = new Proxy({}, { get: (_, name) => read.push(`env ${String(name)}`) })
  const watched: Platform = {
    env,
    versions: {},
    constrainedMemory: () => read.push('container'),
    getBuiltinModule: (name) => {
      read.push(name)
      return { getHeapStatistics: () => ({ heap_size_limit: 96 * MEBIBYTE }) }
    },
  }
  expect(memoryLimit(watched, refused)).toBe(96 * MEBIBYTE)
  expect(read).toEqual(['node:v8'])
})

it('each source that needs a permission asks for its own, as Deno names it', () => {
  const asked: object[] = []
  const ask = (permission: object) => {
    asked.push(permission)
    return true
  }
  memoryLimit(platform(), ask)
  const memory = { name: 'sys', kind: 'systemMemoryInfo' }
  const variables = [
    'AWS_LAMBDA_NODEJS_WORKER_COUNT',
    'AWS_LAMBDA_MAX_CONCURRENCY',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    'FUNCTION_MEMORY_MB',
  ]
  expect(asked).toEqual([
    ...variables.map((variable) => ({ name: 'env', variable })),
    memory,
    memory,
  ])
})

it('in Deno a permission counts if it was granted, and not if it would be asked for', () => {
  const asked: object[] = []
  const deno = (state: string) => ({
    permissions: {
      querySync(permission: object) {
        asked.push(permission)
        return { state }
      },
    },
  })
  const permission = { name: 'env', variable: 'X' }
  expect(denoLeave(deno('granted'))(permission)).toBe(true)
  expect(denoLeave(deno('prompt'))(permission)).toBe(false)
  expect(denoLeave(deno('denied'))(permission)).toBe(false)
  expect(asked).toEqual([permission, permission, permission])
})

it('in this process it is no more than the heap and the machine have', () => {
  const limit = memoryLimit()
  expect(limit).toBeLessThanOrEqual(getHeapStatistics().heap_size_limit)
  expect(limit).toBeLessThanOrEqual(totalmem())
  expect(limit).toBeGreaterThan(0)
  expect(limit).toBe(memoryLimit(process, allowed))
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

it('--max-old-space-size is respected', () => {
  const limit = limitInChild(['--max-old-space-size=96'])
  expect(limit).toBeGreaterThanOrEqual(96 * MEBIBYTE)
  // On top comes the young generation: 48 MiB on Node 20, 192 MiB on Node 24.
  expect(limit).toBeLessThanOrEqual((96 + 192) * MEBIBYTE)
})

it('the heap limit of a worker thread is respected', async () => {
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

it('the memory of a Lambda function and of a Cloud Function is respected', () => {
  expect(limitInChild([], { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '160' })).toBe(160 * MEBIBYTE)
  expect(limitInChild([], { FUNCTION_MEMORY_MB: '224' })).toBe(224 * MEBIBYTE)
})
