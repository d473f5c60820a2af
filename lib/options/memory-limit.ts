/** What is read of `globalThis.process`, and of the modules that it hands out. */
export interface Platform {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly versions?: Readonly<Record<string, string | undefined>>
  constrainedMemory?(): number
  getBuiltinModule?(name: string): unknown
}

/** Whether something can be read without a person being asked for leave. */
export type Leave = (permission: { name: string; [detail: string]: string }) => boolean

/** Throws where the platform lacks what it reads. */
type Source = (platform: Required<Platform>, isFree: Leave) => number | undefined

const MEBIBYTE = 2 ** 20
const MEMORY_INFO = { name: 'sys', kind: 'systemMemoryInfo' }

/** Deno stops at the terminal and asks, so its permissions are looked up first. */
export const denoLeave =
  (deno: unknown = (globalThis as { Deno?: unknown }).Deno): Leave =>
  (permission) =>
    !deno ||
    (
      deno as { permissions: { querySync(permission: object): { state: string } } }
    ).permissions.querySync(permission).state === 'granted'

const variable =
  (name: string): Source =>
  ({ env }, isFree) =>
    isFree({ name: 'env', variable: name }) ? Number(env[name]) : undefined

const mebibytes =
  (name: string): Source =>
  (platform, isFree) =>
    Number(variable(name)(platform, isFree)) * MEBIBYTE

/**
 * What AWS Lambda was configured to give the function; Vercel, on top of it, sets it as well.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 * https://vercel.com/docs/environment-variables/reserved-environment-variables
 */
export const lambdaMemory = mebibytes('AWS_LAMBDA_FUNCTION_MEMORY_SIZE')

/**
 * What Google Cloud Functions of the first generation was configured to give the function, in its
 * older runtimes. Later ones, and Cloud Run, tell nothing but the container's limit.
 * https://cloud.google.com/functions/docs/env-var
 * https://cloud.google.com/run/docs/reference/container-contract
 */
export const cloudFunctionMemory = mebibytes('FUNCTION_MEMORY_MB')

/**
 * The limit of the control group, version 1 or 2, that the process runs in: Cloud Run,
 * Kubernetes, Docker. Only the limit of that very group, not of one around it, which a container does not
 * see either. https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_constrained_memory
 */
export const containerLimit: Source = (platform, isFree) =>
  isFree(MEMORY_INFO) ? platform.constrainedMemory() : undefined

/** What V8's heap may grow to. What Bun gives under that name is the heap's present peak. */
export const heapLimit: Source = (platform) =>
  platform.versions.bun
    ? undefined
    : (
        platform.getBuiltinModule('node:v8') as {
          getHeapStatistics(): { heap_size_limit: number }
        }
      ).getHeapStatistics().heap_size_limit

/** The memory of the whole machine. */
export const machineMemory: Source = (platform, isFree) =>
  isFree(MEMORY_INFO)
    ? (platform.getBuiltinModule('node:os') as { totalmem(): number }).totalmem()
    : undefined

/** Worker threads of a function on Lambda Managed Instances, if its configuration sets them. */
const configuredThreads = variable('AWS_LAMBDA_NODEJS_WORKER_COUNT')

/**
 * Worker threads that the Node runtime of Lambda Managed Instances starts by default: eight for each
 * processor. Only this platform sets the maximum concurrency in the environment.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
const defaultThreads: Source = (platform, isFree) => {
  const concurrency = variable('AWS_LAMBDA_MAX_CONCURRENCY')(platform, isFree)
  if (!(Number(concurrency) > 0)) return undefined
  const os = platform.getBuiltinModule('node:os') as { availableParallelism(): number }
  return 8 * os.availableParallelism()
}

const ofAllThreads = [lambdaMemory, cloudFunctionMemory, containerLimit, machineMemory]

/**
 * The memory this thread may use, in bytes: the smallest of the engine's heap limit, which each thread
 * has for itself, and its part of every limit that all threads share. 128 MiB if the platform reports
 * none. Reads nothing for which a person would be asked for permission.
 */
export const memoryLimit = (
  platform: Platform = globalThis.process ?? {},
  isFree: Leave = denoLeave(),
): number => {
  // "No limit" is 0, or a number near 2^63 or 2^64.
  const read = (source: Source): number | undefined => {
    try {
      const figure = Number(source(platform as Required<Platform>, isFree))
      return figure > 0 && Number.isSafeInteger(figure) ? figure : undefined
    } catch {
      return undefined
    }
  }
  const threads = read(configuredThreads) ?? read(defaultThreads) ?? 1
  const smallest = Math.min(
    read(heapLimit) ?? Number.POSITIVE_INFINITY,
    ...ofAllThreads.map((source) => (read(source) ?? Number.POSITIVE_INFINITY) / threads),
  )
  return smallest < Number.POSITIVE_INFINITY ? Math.floor(smallest) : 128 * MEBIBYTE
}
