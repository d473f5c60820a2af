import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { root } from './install.mjs'

const LIMIT_BYTES = 30_720

test(`the main entry takes at most ${LIMIT_BYTES} bytes, minified and gzipped`, async () => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['lib/index.ts'],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
  })
  const { contents } = outputFiles[0]
  const { length } = gzipSync(contents, { level: 9 })
  console.log(`${contents.length} bytes minified, ${length} bytes gzipped`)
  assert.ok(length <= LIMIT_BYTES, `${length} bytes`)
})
