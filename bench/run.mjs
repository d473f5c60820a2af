// npm run bench -- NAME [part …] [options]
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const benchmarks = {
  speed: 'nanoseconds an operation, beside five peers, at four sizes, on Node 20 and 24',
  cold: 'a fresh process: start, construction, and the first 100 to 10,000 writes and reads',
  memory: 'bytes an entry takes beyond its key and value, beside five peers',
  size: 'bytes of the bundle, by folder, and beside other packages',
  bytes:
    'bytes charged ÷ bytes in the heap, by class of value and rows of public JSON, on Node 20 to 26',
  engines: 'bytes charged ÷ bytes in the heap, on Node, Deno, Bun, workerd and Chromium',
  budget: 'a cache filled to 64M, and a process of 128 MB that is written to a million times',
  'memory-pressure':
    'which processes live that write more than fits, by heap, container and budget',
  'memory-hits':
    'hit rates with the guard, without it and with the best fixed budget; what the guard costs',
  measuring: 'the time to measure a value, beside two estimators',
  sweep: 'how long the background sweep holds the thread',
  resize: 'the time of resize, per entry',
  tenants: 'the hit rate of quiet tenants while another one scans, by how the budget is divided',
  expiry: 'a write among expired entries, as their number grows',
  load: 'dump and load, per entry, as their number grows',
  time: 'what caches serve after a freeze or a clock step, also while an origin is slow or down, on Node, Bun and Deno',
  advisor:
    'hit rates that the advisor estimates against the truth, on public traces; what it costs',
  instructions: 'instructions an operation, counted by valgrind',
}
const usage = `npm run bench -- NAME [part …] [options]

${Object.entries(benchmarks)
  .map(([name, about]) => `  ${name.padEnd(16)} ${about}`)
  .join('\n')}

  part …            only the parts whose name contains one of these
  --quick           a small run, to see that it works
  --most=N          at most so many entries
  --together        speed: all operations in one process, as in a program with several caches
  --against=DIST    speed and cold: compares this build with another one
  --heap, --node …  memory-pressure: which cases, as the head of bench/memory-pressure.mjs says

A whole run writes bench/results/NAME.md and the picture of it in docs. With a part or an option
it only prints.`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    most: { type: 'string', default: 'Infinity' },
    together: { type: 'boolean', default: false },
    against: { type: 'string' },
    node: { type: 'string' },
    heap: { type: 'string' },
    container: { type: 'string' },
    budget: { type: 'string' },
    mode: { type: 'string' },
    guard: { type: 'string' },
    seconds: { type: 'string' },
  },
})
const [name, ...parts] = positionals
if (!Object.hasOwn(benchmarks, name ?? '')) {
  console.log(usage)
  process.exit(name === undefined ? 0 : 1)
}

if (options.against) process.env.BENCH_AGAINST = options.against = resolve(options.against)
const isWhole = process.argv.length === 3
const { run } = await import(`./${name}.mjs`)
const isWanted = (part) => parts.length === 0 || parts.some((wanted) => part.includes(wanted))
const {
  title,
  text,
  failures = [],
  chart,
} = await run({
  ...options,
  most: Number(options.most),
  isWanted,
})
const outOfRange = failures.map((failure) => `- ${failure}`).join('\n')
const page = `# ${title}

By \`npm run bench -- ${name}\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${machine()}.

${text}
${outOfRange && `\n## Out of range\n\n${outOfRange}\n`}`
console.log(page)
process.exitCode = failures.length > 0 ? 1 : 0
if (isWhole) {
  write(`results/${name}.md`, page)
  if (chart) write(`../docs/${name}.svg`, await chart())
}

function machine() {
  const [{ model }] = cpus()
  return `${model.trim()}, ${cpus().length} processors`
}

function write(path, content) {
  const file = new URL(path, import.meta.url)
  mkdirSync(new URL('.', file), { recursive: true })
  writeFileSync(file, content)
}
