import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chartOf } from './chart.mjs'
import * as report from './report.mjs'

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const [BEGIN, END] = ['<!-- bytes:begin -->', '<!-- bytes:end -->']

/** Writes the key figures into the README, all of them into docs/, and a picture of them. */
export function publish(results) {
  const [main] = results
  const missing = Object.keys(report.tables).filter((part) => main[part] === undefined)
  if (missing.length > 0) {
    console.log(`README and docs are as before: not yet measured on ${main.version}: ${missing}`)
    return
  }
  mkdirSync(at('docs'), { recursive: true })
  const title = `What is charged ÷ what it weighs (Node ${main.version})`
  writeFileSync(at('docs/bytes.svg'), chartOf(title, main.classes, main.data))
  writeFileSync(at('docs/bytes-bench.md'), longReport(results))
  const readme = readFileSync(at('README.md'), 'utf8')
  const [from, to] = [readme.indexOf(BEGIN) + BEGIN.length, readme.indexOf(END)]
  if (to < from) throw new Error('the README has lost its markers for the figures of bytes')
  writeFileSync(at('README.md'), `${readme.slice(0, from)}\n${compact(main)}\n${readme.slice(to)}`)
}

function compact(main) {
  return `${report.groups(main)}

${report.survivors(main)}

By \`npm run bench:bytes\` on Node ${main.version}; [every class, data set and version](docs/bytes-bench.md),
and [how bytes are counted](docs/bytes.md).

![What is charged, by what it weighs, beside object-sizeof and ocache](docs/bytes.svg)
`
}

function longReport(results) {
  const [main] = results
  const failures = results.flatMap(report.failuresOf)
  return `# Bytes: what is charged, and what it weighs

By \`npm run bench:bytes\`. Each line is a process of its own with the collector forced; what it
weighs is the growth of the heap and of external memory. A figure in bold is out of the range that
is wanted. Other estimators are shown beside it: what they say ÷ what it weighs. A part can be
run alone: each table is of the last run of its part.

## Rows of public JSON, Node ${main.version}

${report.tables.data(main.data)}

## Each class of value, Node ${main.version}

${report.tables.classes(main.classes)}

## What JavaScript cannot look into, Node ${main.version}

${report.estimates(main.classes)}

## On each version of Node

${report.versions(results)}

## A whole cache of 64M

${report.tables.fills(main.fills)}

## A process of 128 MB that is written to without end

\`node --max-old-space-size=128\`, a budget of 64M. Alive is the growth of heap and external memory
since before the cache, after a forced collection, the most of ten readings.

${report.tables.survival(main.survival)}

## What measuring costs

${report.tables.cost(main.cost)}

## What resize costs

For each entry that goes, or stays, by the processor time of its thread on Node 24.

${report.tables.resize(main.resize)}

## How long the sweep holds the thread

By the processor time of its thread on Node 24, which the system counts in steps of some
milliseconds. It lists the keys of one huge object in one go.

${report.tables.slices(main.slices)}

## Out of range

${failures.length === 0 ? 'Nothing.' : failures.map((failure) => `- ${failure}`).join('\n')}
`
}
