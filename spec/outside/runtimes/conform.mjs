import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { build } from 'esbuild'

export const MEBIBYTE = 1024 ** 2

/**
 * Runs each check of the conformance program in a request of its own. A platform is
 * `{ version, expects, ask, close }`; `expects` are facts that its plan must give.
 */
export async function conform(t, platform) {
  t.diagnostic(`version ${platform.version}`)
  const answers = []
  try {
    const { groups, ...facts } = await platform.ask('plan')
    assert.deepEqual({ ...facts, ...platform.expects }, facts)
    for (const group of groups) {
      // The requests of a group are sent at the same time, and those of the next right after them.
      answers.push(...(await Promise.all(group.map((name) => answerOf(platform, name)))))
    }
  } finally {
    await platform.close()
  }
  assert.ok(answers.length > 0)
  for (const { name, passed, error } of answers) await t.test(name, () => assert.ok(passed, error))
}

async function answerOf(platform, name) {
  const late = delay(30_000, { error: 'no answer in 30 seconds' }, { ref: false })
  const failed = (error) => ({ error: String(error) })
  return { name, ...(await Promise.race([platform.ask(name).catch(failed), late])) }
}

/** Asks a server on loopback that runs the conformance program. */
export function askOver(port) {
  return async (name) =>
    (await fetch(`http://127.0.0.1:${port}/?check=${encodeURIComponent(name)}`)).json()
}

/** `object-sizeof` is CommonJS and needs the package `buffer`, so outside Node it needs a bundler. */
export async function bundledDependency(consumer) {
  const name = 'object-sizeof.mjs'
  await build({
    absWorkingDir: consumer,
    entryPoints: ['object-sizeof'],
    outfile: name,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    define: { global: 'globalThis' },
    logLevel: 'warning',
  })
  return name
}
