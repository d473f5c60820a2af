import { installPackage } from './install.mjs'
import { chromium } from './runtimes/chromium.mjs'
import { cloudFunctions } from './runtimes/cloud-functions.mjs'
import { conform } from './runtimes/conform.mjs'
import { denoUnpermitted } from './runtimes/deno.mjs'
import { lambda } from './runtimes/lambda.mjs'
import { runSpecs, specRuntimes } from './runtimes/specs.mjs'
import { LATEST, OLDEST, WITH_NODE, workerd } from './runtimes/workerd.mjs'

const platforms = {
  'deno-unpermitted': denoUnpermitted,
  workerd: (consumer) => workerd(consumer, LATEST),
  'workerd-node': (consumer) =>
    workerd(consumer, WITH_NODE, { compatibilityFlags: ['nodejs_compat'] }),
  'workerd-oldest': (consumer) => workerd(consumer, OLDEST),
  chromium,
  'cloud-functions': cloudFunctions,
  lambda,
}
const runs = {
  ...Object.fromEntries(specRuntimes.map((name) => [name, (folder) => runSpecs(name, folder)])),
  ...Object.fromEntries(
    Object.entries(platforms).map(([name, start]) => [
      name,
      async (folder) => conform(await start(folder)),
    ]),
  ),
}

const asked = process.argv.slice(2)
for (const name of asked) {
  if (!(name in runs)) throw new Error(`${name} is none of ${Object.keys(runs).join(', ')}`)
}
const names = asked.length > 0 ? asked : Object.keys(runs)
const consumer = installPackage('runtimes-consumer')
const rows = []
for (const name of names) {
  const program = specRuntimes.includes(name) ? 'the specs' : 'the conformance program'
  console.log(`\n${name}: running ${program} against the packed package`)
  try {
    rows.push({ name, ...(await runs[name](consumer)) })
  } catch (error) {
    console.log(`FAILED ${error.stack}`)
    rows.push({ name, version: 'none', passed: 0, failed: 1 })
  }
}

const columns = [
  ['runtime', ...rows.map(({ name }) => name)],
  ['version', ...rows.map(({ version }) => version)],
  ['run', ...rows.map(({ passed, failed }) => passed + failed)],
  ['passed', ...rows.map(({ passed }) => passed)],
  ['failed', ...rows.map(({ failed }) => failed)],
].map((cells, column) => {
  const texts = cells.map(String)
  const width = Math.max(...texts.map(({ length }) => length))
  return texts.map((text) => (column < 2 ? text.padEnd(width) : text.padStart(width)))
})
console.log()
for (const row of columns[0].keys()) console.log(columns.map((cells) => cells[row]).join('  '))
for (const { name, skipped = [] } of rows) {
  for (const spec of skipped) console.log(`skipped on ${name}: ${spec}`)
}
process.exitCode = rows.every(({ passed, failed }) => passed > 0 && failed === 0) ? 0 : 1
