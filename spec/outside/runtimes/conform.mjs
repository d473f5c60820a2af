import assert from 'node:assert/strict'
import { build } from 'esbuild'

export const MEBIBYTE = 1024 ** 2

/**
 * Runs each check of the conformance program in a request of its own. A platform is
 * `{ version, expects, ask, close }`; `expects` are facts that its plan must give.
 */
export async function conform(t, platform) {
  try {
    t.diagnostic(`version ${platform.version}`)
    const { groups, ...facts } = await platform.ask('plan')
    assert.ok(groups.length > 0)
    assert.deepEqual({ ...facts, ...platform.expects }, facts)
    for (const group of groups) {
      // The requests of a group are sent at the same time.
      const answers = group.map((name) =>
        platform.ask(name).catch((error) => ({ error: String(error) })),
      )
      for (const [i, name] of group.entries()) {
        await t.test(name, { timeout: 30_000 }, async () => {
          const { passed, error } = await answers[i]
          assert.ok(passed, error)
        })
      }
    }
  } finally {
    await platform.close()
  }
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
