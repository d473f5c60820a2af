import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { build } from 'esbuild'
import { commandOf, installed, root, versionOf } from '../install.mjs'

const MEBIBYTE = 1024 ** 2

/** A CommonJS handler, with the flag that Lambda gives Node and the memory that it was configured. */
export async function lambda(consumer) {
  const handler = join(consumer, 'handler.cjs')
  await build({
    absWorkingDir: consumer,
    stdin: {
      contents: `import { answer } from './conformance/index.mjs'
export const handler = ({ check }) => answer(check)`,
      resolveDir: consumer,
    },
    outfile: handler,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    packages: 'external',
    logLevel: 'warning',
  })
  const host = fork(
    join(root, 'spec/outside/runtimes/lambda-host.cjs'),
    [installed('lambda'), handler],
    {
      execPath: commandOf('node22'),
      execArgv: ['--no-experimental-require-module'],
      env: { ...process.env, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256' },
    },
  )
  const asked = new Map()
  host.on('message', ({ check, answer }) => asked.get(check)(answer))
  return {
    version: `${versionOf('lambda')}, Node ${versionOf('node22')}`,
    expects: { defaultBudget: 64 * MEBIBYTE },
    ask: (check) =>
      new Promise((answered) => {
        asked.set(check, answered)
        host.send(check)
      }),
    close: async () => {
      host.kill()
      await once(host, 'exit')
    },
  }
}
