/** What is read here of `globalThis.process`. A platform may lack any of it. */
export interface Platform {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly versions: Readonly<Record<string, string | undefined>>
  readonly execArgv: readonly string[]
  readonly abort: object
  constrainedMemory(): number
  getBuiltinModule(name: string): unknown
}

/** Whether the program has a permission already. */
type IsGranted = (permission: { name: string; [detail: string]: string }) => boolean

/** On Deno a read without permission stops and asks at the terminal. Elsewhere no read needs one. */
export const grantedByDeno =
  (deno: unknown = (globalThis as { Deno?: unknown }).Deno): IsGranted =>
  (permission) =>
    !deno ||
    (
      deno as { permissions: { querySync(permission: object): { state: string } } }
    ).permissions.querySync(permission).state === 'granted'

const MEBIBYTE = 2 ** 20

/** Limits in bytes, `Infinity` if the platform reports none. */
export interface MemoryLimits {
  /** What the old generation of the heap may use. Each thread has a heap for itself. */
  readonly heap: number
  /** The smallest limit that all threads share: of the function, the container or the machine. */
  readonly shared: number
  /** The number of threads that share it. 1 if the platform reports none. */
  readonly threads: number
}

/**
 * The memory that this thread may use, in bytes: its heap, or its part of what all threads share,
 * whichever is smaller. If the platform reports no shared limit, 128 MiB are assumed.
 */
export function memoryLimit(process?: Partial<Platform>, isGranted?: IsGranted): number {
  const { heap, shared, threads } = memoryLimits(process, isGranted)
  return Math.floor(Math.min(heap, (shared < Infinity ? shared : 128 * MEBIBYTE) / threads))
}

let known: number | undefined

/** As when it was first read. To read it takes longer than to make a cache without it. */
export function knownMemoryLimit(): number {
  known ??= memoryLimit()
  return known
}

/**
 * Reads the limits anew, since a container may be resized and a process may be restored from a
 * snapshot elsewhere. Reads nothing for which a person would be asked for permission.
 */
export function memoryLimits(
  process: Partial<Platform> = globalThis.process ?? {},
  isGranted: IsGranted = grantedByDeno(),
): MemoryLimits {
  const platform = process as Platform
  const text = (name: string) => isGranted({ name: 'env', variable: name }) && platform.env[name]
  const variable = (name: string, unit = 1) => read(() => Number(text(name)) * unit)
  const memory = (limit: () => number) =>
    read(() => isGranted({ name: 'sys', kind: 'systemMemoryInfo' }) && limit())
  const os = () =>
    platform.getBuiltinModule('node:os') as { totalmem(): number; availableParallelism(): number }

  // A function on Lambda Managed Instances runs in worker threads: as many as it configures, or else
  // eight for each processor. Only this platform sets the maximum concurrency.
  // https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html
  // https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
  const threads =
    variable('AWS_LAMBDA_NODEJS_WORKER_COUNT') ||
    (variable('AWS_LAMBDA_MAX_CONCURRENCY') && read(() => 8 * os().availableParallelism())) ||
    1

  const shared = [
    // The configured memory of an AWS Lambda function. Vercel, which runs on Lambda, sets it too.
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    // https://vercel.com/docs/environment-variables/reserved-environment-variables
    variable('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', MEBIBYTE),
    // The configured memory of a Google Cloud Function of the first generation, in older runtimes.
    // Later runtimes and Cloud Run report only the limit of the container.
    // https://cloud.google.com/functions/docs/env-var
    // https://cloud.google.com/run/docs/reference/container-contract
    variable('FUNCTION_MEMORY_MB', MEBIBYTE),
    // The limit of the process's own control group, version 1 or 2: Cloud Run, Kubernetes, Docker.
    // It leaves out the groups around that one, which a container cannot see either.
    // https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_constrained_memory
    memory(() => platform.constrainedMemory()),
    memory(() => os().totalmem()),
  ]

  return {
    heap: read(() => oldGeneration(platform, text)) || Infinity,
    shared: Math.min(...shared.filter(Boolean)),
    threads,
  }
}

/** V8 reports one limit for the old generation and the three semi-spaces of the young generation. */
function oldGeneration(platform: Platform, variable: (name: string) => unknown): number {
  const { bun, deno } = platform.versions
  // Bun reports the present peak of the heap as its limit.
  if (bun) return 0
  const builtin = (name: string) => platform.getBuiltinModule(name) as Builtin
  const whole = read(() => builtin('node:v8').getHeapStatistics().heap_size_limit)

  // The engine reads the variable first, then the command line, and the last flag wins.
  // What is no flag may be a long script, as after `-e`.
  let flags = `${platform.execArgv?.filter((argument) => argument.startsWith('-'))}`
  try {
    flags = `${variable(deno ? 'DENO_V8_FLAGS' : 'NODE_OPTIONS')} ${flags}`
  } catch {}
  const flag = (space: string) => {
    const found = flags.matchAll(RegExp(`-max[-_]${space}[-_]space[-_]size="?(\\d+)`, 'g'))
    return Number([...found].at(-1)?.[1]) * MEBIBYTE
  }
  const old = flag('old')
  if (old) return Math.min(old, whole)

  // Only a worker thread has `abort` disabled. The module takes 0.5 ms to load in the main thread.
  const youngOfWorker =
    (platform.abort as { disabled?: boolean } | undefined)?.disabled &&
    builtin('node:worker_threads').resourceLimits.maxYoungGenerationSizeMb * MEBIBYTE
  // The engine rounds a semi-space up to a power of two. Without a flag it is below 1/16 of the old
  // generation, and at most 64 MiB, on Node 20 to 26. On Deno, which may hide its flags, it is at
  // most 32 MiB.
  const semi =
    2 ** Math.ceil(Math.log2(flag('semi') || Number(youngOfWorker) / 3 || 0)) ||
    (deno ? 32 * MEBIBYTE : Math.min(64 * MEBIBYTE, 2 ** Math.floor(Math.log2(whole / 19))))
  return Math.floor(Math.max(whole - 3 * semi, whole / 8))
}

interface Builtin {
  getHeapStatistics(): { heap_size_limit: number }
  resourceLimits: { maxYoungGenerationSizeMb: number }
}

/** 0 if the platform reports no limit: it throws, or gives 0 or a number near 2^63 or 2^64. */
function read(source: () => unknown): number {
  try {
    const number = Number(source())
    return number > 0 && Number.isSafeInteger(number) ? number : 0
  } catch {
    return 0
  }
}
