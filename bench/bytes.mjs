import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { classes, opaque } from './bytes/classes.mjs'
import { dataSets } from './bytes/data-sets.mjs'
import { cache, install } from './bytes/install.mjs'
import { keep, kept } from './bytes/kept.mjs'
import { kinds } from './bytes/kinds.mjs'
import { publish } from './bytes/publish.mjs'
import { failuresOf, tables } from './bytes/report.mjs'

// node bench/bytes.mjs [part…] [--node=node24 | --node=/path/of/node]
//
// Without arguments: all parts, other versions of Node included, which takes half an hour. What
// each part found last is kept beside the data sets, and README and docs are written from it.
const parts = { classes: weighClasses, data: weighData, fills, survival, cost, slices, resize }
const arguments_ = process.argv.slice(2)
const asked = arguments_.filter((argument) => !argument.startsWith('--'))
const nodes = arguments_.flatMap((argument) => /^--node=(.+)/.exec(argument)?.[1] ?? [])
for (const part of asked) {
  if (!(part in parts)) throw new Error(`${part} is none of ${Object.keys(parts).join(', ')}`)
}
const isWhole = arguments_.length === 0

await install()
const results = []
for (const node of nodes.length > 0 ? nodes : isWhole ? ['', 'node22', 'node24', 'node26'] : ['']) {
  const command = commandOf(node)
  const { version } = await inProcess(command, [
    '-p',
    'JSON.stringify({ version: process.version })',
  ])
  console.log(`\nNode ${version}`)
  const result = { version: version.slice(1) }
  // Only what the engine lays out differently is weighed on each of them.
  const names = asked.length > 0 ? asked : node === '' ? Object.keys(parts) : ['classes', 'data']
  for (const part of names) {
    result[part] = await parts[part](command)
    console.log(`\n${tables[part](result[part])}`)
    keep(result.version, part, result[part])
  }
  results.push(result)
}
publish(kept())
const failures = results.flatMap(failuresOf)
for (const failure of failures) console.log(`out of range: ${failure}`)
process.exitCode = failures.length === 0 ? 0 : 1

function commandOf(node) {
  if (node === '') return process.execPath
  return node.includes('/') ? node : join(cache, 'node_modules', node, 'bin/node')
}

async function weighClasses(node) {
  const weighed = []
  for (const { make, ...of } of [...classes, ...opaque]) {
    weighed.push({ ...of, ...(await script(node, 'weigh', 'class', of.name, cache)) })
  }
  return weighed
}

async function weighData(node) {
  const weighed = []
  for (const { name, shape, source } of dataSets) {
    weighed.push({ name, shape, source, ...(await script(node, 'weigh', 'data', name, cache)) })
  }
  return weighed
}

async function fills(node) {
  const filled = []
  for (const [kind, list] of [
    ['class', classes],
    ['data', dataSets],
  ]) {
    for (const { name } of list) {
      filled.push({ kind, name, ...(await script(node, 'fill', kind, name, cache)) })
    }
  }
  return filled
}

async function survival(node) {
  const survived = []
  for (const [name, { most }] of Object.entries(kinds)) {
    const flags = ['--max-old-space-size=128']
    const reading = await script([node, ...flags], 'survive', name, 1_000_000, cache)
    survived.push({ name, most, ...reading })
  }
  return survived
}

/** Where the engine tells the processor time of a thread, since others want the processor too. */
function slices() {
  return script([commandOf('node24'), '--max-old-space-size=6000'], 'slices')
}

function resize() {
  return script([commandOf('node24'), '--max-old-space-size=4000'], 'resize')
}

function cost(node) {
  return script(node, 'cost', cache)
}

function script(node, name, ...rest) {
  const [command, ...flags] = [node].flat()
  const path = fileURLToPath(new URL(`./bytes/${name}.mjs`, import.meta.url))
  return inProcess(command, ['--expose-gc', ...flags, path, ...rest.map(String)])
}

/** What a process printed, as JSON, or that it died. */
async function inProcess(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let said = ''
  child.stdout.on('data', (chunk) => (printed += chunk))
  child.stderr.on('data', (chunk) => (said += chunk))
  const status = await new Promise((end) =>
    child.on('close', (code, signal) => end(signal ?? code)),
  )
  if (status === 0) return JSON.parse(printed)
  console.log(`${args.join(' ')} died: ${status}\n${said.slice(-400)}`)
  return { died: String(status) }
}
