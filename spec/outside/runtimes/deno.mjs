import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { commandOf, versionOf } from '../install.mjs'

const host = `import { answer } from './conformance/index.mjs'
const decoder = new TextDecoderStream()
for await (const names of Deno.stdin.readable.pipeThrough(decoder)) {
  for (const name of names.trim().split('\\n')) {
    answer(name).then((answer) => console.log(JSON.stringify({ name, answer })))
  }
}
`

/** Deno without any permission. A check that asks for one has failed. */
export async function denoUnpermitted(consumer) {
  const audit = join(consumer, 'permissions.jsonl')
  rmSync(audit, { force: true })
  writeFileSync(join(consumer, 'deno-host.mjs'), host)
  const deno = spawn(commandOf('deno'), ['run', '--no-prompt', 'deno-host.mjs'], {
    cwd: consumer,
    env: { ...process.env, DENO_AUDIT_PERMISSIONS: audit },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting = new Map()
  createInterface(deno.stdout).on('line', (line) => {
    const { name, answer } = JSON.parse(line)
    waiting.get(name)(answer)
  })
  return {
    version: versionOf('deno'),
    expects: {},
    ask: async (name) => {
      const answered = new Promise((resolve) => waiting.set(name, resolve))
      deno.stdin.write(`${name}\n`)
      const answer = await answered
      const permissions = existsSync(audit) ? readFileSync(audit, 'utf8') : ''
      return permissions === ''
        ? answer
        : { passed: false, error: `it asks for ${permissions.split('\n')[0]}` }
    },
    close: async () => {
      deno.kill()
      await once(deno, 'exit')
    },
  }
}
