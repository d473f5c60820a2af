import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { commandOf, installed, root, versionOf } from '../install.mjs'

/** An HTTP function, in a process of its own. */
export async function cloudFunctions(consumer) {
  const host = fork(
    join(root, 'spec/outside/runtimes/cloud-functions-host.mjs'),
    [installed('cloud-functions'), join(consumer, 'conformance/index.mjs')],
    { execPath: commandOf('node24'), execArgv: [] },
  )
  const [port] = await once(host, 'message')
  return {
    version: `${versionOf('cloud-functions')}, Node ${versionOf('node24')}`,
    expects: {},
    ask: async (name) =>
      (await fetch(`http://127.0.0.1:${port}/?check=${encodeURIComponent(name)}`)).json(),
    close: async () => {
      host.kill()
      await once(host, 'exit')
    },
  }
}
