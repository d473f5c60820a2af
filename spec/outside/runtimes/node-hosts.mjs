import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { build } from 'esbuild'
import { commandOf, installed, manifest, root, versionOf } from '../install.mjs'
import { askOver, MEBIBYTE } from './conform.mjs'

/** An HTTP function in the Functions Framework. */
export function cloudFunctions(consumer) {
  return hosted({
    host: 'cloud-functions-host.mjs',
    tool: installed('cloud-functions'),
    version: versionOf('cloud-functions'),
    program: join(consumer, 'conformance/index.mjs'),
    node: 'node24',
    expects: {},
  })
}

/** A CommonJS handler, with the flag that Lambda gives Node and a configured memory of 256 MiB. */
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
  return hosted({
    host: 'lambda-host.mjs',
    tool: root,
    version: manifest.devDependencies['lambda-local'],
    program: handler,
    node: 'node22',
    flags: ['--no-experimental-require-module'],
    env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256' },
    expects: { defaultBudget: 64 * MEBIBYTE },
  })
}

/** A host in a process of its own, which sends the port that it listens on. */
async function hosted({ host, tool, version, program, node, flags = [], env, expects }) {
  const child = fork(join(root, 'spec/outside/runtimes', host), [tool, program], {
    execPath: commandOf(node),
    execArgv: flags,
    env: { ...process.env, ...env },
  })
  const [port] = await once(child, 'message')
  return {
    version: `${version}, Node ${versionOf(node)}`,
    expects,
    ask: askOver(port),
    close: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}
