/** What is read here of `globalThis.process`. A platform may lack any of it. */
export interface Platform {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly versions: Readonly<Record<string, string | undefined>>
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

/**
 * The memory that this thread may use, in bytes: the smallest of the engine's heap limit, which each
 * thread has for itself, and the thread's part of every limit that all threads share. 128 MiB if the
 * platform reports no limit. Reads nothing for which a person would be asked for permission.
 */
export function memoryLimit(
  process: Partial<Platform> = globalThis.process ?? {},
  isGranted: IsGranted = grantedByDeno(),
): number {
  const platform = process as Platform
  const variable = (name: string, unit = 1) =>
    read(() => isGranted({ name: 'env', variable: name }) && Number(platform.env[name]) * unit)
  const memory = (limit: () => number) =>
    read(() => isGranted({ name: 'sys', kind: 'systemMemoryInfo' }) && limit())
  const os = () =>
    platform.getBuiltinModule('node:os') as { totalmem(): number; availableParallelism(): number }
  const v8 = () =>
    platform.getBuiltinModule('node:v8') as { getHeapStatistics(): { heap_size_limit: number } }

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

  // Bun reports the present peak of the heap as its limit.
  const heap = read(() => !platform.versions.bun && v8().getHeapStatistics().heap_size_limit)

  const smallest = Math.min(heap || Infinity, Math.min(...shared.filter(Boolean)) / threads)
  return smallest < Infinity ? Math.floor(smallest) : 128 * MEBIBYTE
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
