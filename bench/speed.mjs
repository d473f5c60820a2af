import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { chartOf } from './speed/chart.mjs'
import { measured } from './speed/measured.mjs'
import { operations } from './speed/operations.mjs'
import { subjects } from './speed/subjects.mjs'

const isQuick = process.argv.includes('--quick')
// A million entries take longer than all else together: --most=100000 leaves them out.
const most = Number(
  /--most=(\d+)/.exec(process.argv.join(' '))?.[1] ?? (isQuick ? 10_000 : 1_000_000),
)
const counts = [1000, 10_000, 100_000, 1_000_000].filter((count) => count <= most)
const effort = isQuick ? { rounds: 3, cpuTime: 12 } : { rounds: 5, cpuTime: 40 }
const base = 'lru-cache'
const names = Object.keys(subjects)
const sections = []
let shown

for (const count of counts) {
  const keys = Array.from({ length: 2 * count }, (_, i) => `key-${i}`)
  const table = {}
  for (const [name, operation] of Object.entries(operations)) {
    table[name] = await measured(subjects, operation, count, keys, effort)
    console.error(`${count} ${name}`)
  }
  if (count === 10_000) shown = table
  sections.push(`## ${count.toLocaleString('en')} entries\n\n${tableOf(table)}\n`)
}

// A short run on a busy machine can be wrong many times over: it is shown, and never published.
if (isQuick) console.log(sections.join('\n'))
else publish()
// Some of the peers leave a timer for each entry.
process.exit()

function publish() {
  const settings = names.map((name) => `- \`${name}\`: ${subjects[name].settings}`).join('\n')
  const how = `Node ${process.version.slice(1)}, ${cpus()[0].model}, by \`npm run bench${most < 1_000_000 ? ` -- --most=${most}` : ''}\`: one process, subjects in turn, the median of ${effort.rounds} rounds.`
  write(
    'docs/bench.md',
    `# Speed\n\n${how}\nNanoseconds an operation, and in brackets the ratio to \`${base}\`.\n\n${settings}\n\n${sections.join('\n')}`,
  )
  write('docs/bench-read.svg', chartOf('A hit among 10,000 entries', shown.hit))
  write('docs/bench-write.svg', chartOf('An overwrite among 10,000 entries', shown.overwrite))
  const block = `![A hit](docs/bench-read.svg)\n![An overwrite](docs/bench-write.svg)\n\nAt 10,000 entries; [every size, and each peer's settings](docs/bench.md). ${how}\n\n${tableOf(shown)}`
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  write(
    'README.md',
    readme.replace(
      /<!-- bench:begin -->[\s\S]*<!-- bench:end -->/,
      () => `<!-- bench:begin -->\n${block}\n<!-- bench:end -->`,
    ),
  )
}

function tableOf(table) {
  const head = `| operation | ${names.join(' | ')} |\n| --- |${' ---: |'.repeat(names.length)}`
  const lines = Object.entries(table).map(([operation, times]) => {
    const cells = names.map((name) => cellOf(times[name], times[base]))
    return `| ${operation} | ${cells.join(' | ')} |`
  })
  return [head, ...lines].join('\n')
}

function cellOf(time, reference) {
  return time === undefined ? '' : `${Math.round(time)} (${(time / reference).toFixed(2)})`
}

function write(path, text) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text)
}
