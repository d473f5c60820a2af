// npm run bench [-- --most=100000] [--quick]: a quick run is shown, and never published.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { commandOf, root, versionOf } from '../spec/outside/install.mjs'
import { chartOf } from './speed/chart.mjs'
import { figuresTable, timesOf, timesTable } from './speed/figures.mjs'
import { operations } from './speed/operations.mjs'
import { subjects } from './speed/subjects.mjs'

const isQuick = process.argv.includes('--quick')
// A million entries take longer than all else together.
const most = Number(
  /--most=(\d+)/.exec(process.argv.join(' '))?.[1] ?? (isQuick ? 10_000 : 1_000_000),
)
const upToMost = (counts) => counts.filter((count) => count <= most)
const shown = upToMost([10_000, 1_000_000])
const effort = isQuick ? { turns: 3, cpuTime: 12 } : { turns: 5, cpuTime: 30 }
// All subjects at once, a million entries each.
const HEAP = '--max-old-space-size=12000'
const names = Object.keys(subjects)

const engine = (runtime, counts, rounds) => ({
  name: `Node ${versionOf(runtime)}`,
  command: commandOf(runtime),
  counts,
  rounds,
  runs: [],
})
const engines = [engine('node20', upToMost([1000, 10_000, 100_000, 1_000_000]), isQuick ? 1 : 3)]
if (!isQuick) engines.push(engine('node24', shown, 1))

for (const { name, command, counts, rounds, runs } of engines) {
  for (let round = 0; round < rounds; round++) {
    const run = {}
    for (const count of counts) run[count] = timesAt(command, count)
    runs.push(run)
    console.error(`${name}, round ${round + 1} of ${rounds}`)
  }
}

const times = engines.flatMap(({ name, counts, runs }) =>
  counts.map(
    (count) =>
      `## ${count.toLocaleString('en')} entries, ${name}\n\n${timesTable(runs, count, names, 'lru-cache')}\n`,
  ),
)
const figures = figuresTable(engines, shown)
if (isQuick) console.log([figures, ...times].join('\n\n'))
else publish()

function timesAt(command, count) {
  const taken = Object.keys(operations).map((name) => {
    const program = [HEAP, 'bench/speed/process.mjs', JSON.stringify({ count, name, effort })]
    return [name, JSON.parse(execFileSync(command, program, { cwd: root, encoding: 'utf8' }))]
  })
  return Object.fromEntries(taken)
}

function publish() {
  const settings = names.map((name) => `- \`${name}\`: ${subjects[name].settings}`).join('\n')
  const command = `npm run bench${most < 1_000_000 ? ` -- --most=${most}` : ''}`
  const how = `${engines.map(({ name }) => name).join(' and ')}, ${cpus()[0].model}, by \`${command}\`: each operation in a process of its own, in which all subjects take turns, ${effort.turns} turns each; the median of ${engines[0].rounds} processes, of one for ${engines[1].name}.`
  write(
    'docs/bench.md',
    `# Speed\n\n${how}\nNanoseconds an operation, and in brackets the ratio to \`lru-cache\`. [Where the time goes](speed.md).\n\n${settings}\n\n## The figures that matter most\n\n${figures}\n\n${times.join('\n')}`,
  )
  const { runs, name } = engines[0]
  for (const [file, title, operation] of [
    ['read', 'A hit', 'hit'],
    ['write', 'An overwrite', 'overwrite'],
  ]) {
    const chart = chartOf(
      `${title} among 10,000 entries, ${name}`,
      timesOf(runs, 10_000, operation),
    )
    write(`docs/bench-${file}.svg`, chart)
  }
  const block = `![A hit](docs/bench-read.svg)\n![An overwrite](docs/bench-write.svg)\n\n${figures}\n\nSmaller is faster. ${how}\n[Every operation, size and peer](docs/bench.md); [where the time goes](docs/speed.md), and why some of it cannot go.`
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  write(
    'README.md',
    readme.replace(
      /<!-- bench:begin -->[\s\S]*<!-- bench:end -->/,
      () => `<!-- bench:begin -->\n${block}\n<!-- bench:end -->`,
    ),
  )
}

function write(path, text) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text)
}
