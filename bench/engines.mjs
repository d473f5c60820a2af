// What heapSize charges by what is alive, on each engine: a class of values at a time, each time in
// a fresh process, the median of a few.
import { join } from 'node:path'
import { commandOf, must, root, versionOf } from '../spec/outside/install.mjs'
import { classes } from './engines/classes.mjs'
import { inChromium, inWorkerd } from './engines/inspected.mjs'

const program = join(root, 'bench/engines/process.mjs')
const inProcess =
  (runtime, ...args) =>
  (name) =>
    JSON.parse(must(commandOf(runtime), [...args, program, name], root))

const engines = {
  [`Node ${versionOf('node20')}`]: inProcess('node20', '--expose-gc'),
  [`Node ${versionOf('node26')}`]: inProcess('node26', '--expose-gc'),
  [`Deno ${versionOf('deno')}`]: inProcess('deno', 'run', '-A', '--v8-flags=--expose-gc'),
  [`Bun ${versionOf('bun')}`]: inProcess('bun'),
  [`workerd ${versionOf('workerd')}`]: inWorkerd,
  Chromium: inChromium,
}

const rounds = Number(process.argv[2] ?? 3)
console.log(`| charged ÷ real | ${Object.keys(engines).join(' | ')} |`)
console.log(`| --- |${' --- |'.repeat(Object.keys(engines).length)}`)
for (const name of Object.keys(classes)) {
  const cells = []
  for (const weigh of Object.values(engines)) {
    const ratios = []
    for (let round = 0; round < rounds; round++) {
      const { real, charged } = await weigh(name)
      ratios.push(charged / real)
    }
    cells.push(ratios.sort((a, b) => a - b)[rounds >> 1].toFixed(2))
  }
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
