import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, '.cache/bench-expiry')

mkdirSync(folder, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: ['bench/expiry/writes.mjs', 'bench/expiry/reads.mjs'],
  alias: { 'faas-cache-dict': './lib/index.ts' },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  logLevel: 'warning',
})

/** In a process of its own, so that none is warmed or slowed by another. */
const measured = (script, ...args) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', join(folder, script), ...args], {
      encoding: 'utf8',
    }),
  )

const few = 1000
const many = 1_000_000
const [small, large] = [few, many].map((entries) => ({
  cache: measured('writes.mjs', 'cache', entries),
  map: measured('writes.mjs', 'map', entries),
  mapWithWork: measured('writes.mjs', 'mapWithWork', entries),
}))
const beyond = (subject) =>
  (large.cache - Math.max(0, large[subject] - small[subject])) / small.cache
const ratio = beyond('mapWithWork')
const reads = measured('reads.mjs')
const clockCost = reads.withTtl / reads.withoutTtl - 1

const ns = (value) => `${value.toFixed(0)} ns`
const line = ({ cache, map, mapWithWork }) =>
  `${ns(cache)} (get, delete and set on a Map: ${ns(mapWithWork)} with other work between them, ${ns(map)} in a bare loop)`
console.log(`A write at the limit, a tenth of the entries expired and scattered
  among ${few}: ${line(small)}
  among ${many}: ${line(large)}
  ratio beyond what a Map grows: ${ratio.toFixed(2)}, at most 1.5; beyond one in a bare loop ${beyond('map').toFixed(2)}
A read through the controller
  without a TTL ${reads.withoutTtl.toFixed(1)} ns, with one ${reads.withTtl.toFixed(1)} ns: ${(clockCost * 100).toFixed(1)} %, at most 15 %
  the first read of a synchronous run with a TTL: ${ns(reads.firstOfRun)}, without ${ns(reads.firstOfRunWithoutTtl)}`)
process.exitCode = ratio <= 1.5 && clockCost <= 0.15 ? 0 : 1
