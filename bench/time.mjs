import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { scenarios } from './time/scenarios.mjs'
import { SubjectProcess } from './time/subject-process.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, '.cache/bench-time')
const modules = join(folder, 'node_modules')

const library = faketimeLibrary()
await install()
const runtimes = {
  Node: [process.execPath, 'subjects.mjs'],
  Bun: [join(modules, '@oven/bun-linux-x64/bin/bun'), 'subjects.mjs'],
  Deno: [join(modules, '@deno/linux-x64-glibc/deno'), 'run', '--no-prompt', '-A', 'subjects.mjs'],
}

const outcomes = {}
for (const [runtime, command] of Object.entries(runtimes)) {
  for (const [scenario, play] of Object.entries(scenarios)) {
    const clockFile = join(folder, `clock-${runtime}`)
    const subject = new SubjectProcess({ command, folder, library, clockFile })
    try {
      for (const [name, outcome] of Object.entries(judged(await play(subject)))) {
        outcomes[scenario] ??= {}
        outcomes[scenario][name] ??= {}
        outcomes[scenario][name][runtime] = outcome
      }
    } finally {
      await subject.end()
    }
  }
}

const table = tableOf(outcomes)
console.log(table)
publish(table)
const failed = Object.values(outcomes).some((row) =>
  Object.values(row['faas-cache-dict']).includes('stale'),
)
process.exitCode = failed ? 1 : 0

function faketimeLibrary() {
  const find = () =>
    execFileSync('dpkg', ['-L', 'libfaketime'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .split('\n')
      .find((path) => path.endsWith('/libfaketimeMT.so.1'))
  try {
    return find()
  } catch {
    const sudo = process.getuid() === 0 ? [] : ['sudo']
    const [command, ...args] = [...sudo, 'apt-get', 'install', '-y', '-q', 'faketime']
    execFileSync(command, args, { stdio: 'inherit' })
    return find()
  }
}

async function install() {
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(root, 'bench/time/subjects.json'), join(folder, 'package.json'))
  copyFileSync(join(root, 'bench/time/subjects.mjs'), join(folder, 'subjects.mjs'))
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent'], {
    cwd: folder,
    stdio: 'inherit',
  })
  await build({
    absWorkingDir: root,
    entryPoints: ['lib/index.ts'],
    outfile: join(folder, 'faas-cache-dict.mjs'),
    bundle: true,
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
}

/** Stale is what should have gone and is served, lost what should be served and has gone. */
function judged(readings) {
  const outcomes = {}
  for (const [served, should] of readings) {
    for (const [name, is] of Object.entries(served)) {
      const outcome = is === should ? 'right' : is ? 'stale' : 'lost early'
      outcomes[name] = outcome === 'right' ? (outcomes[name] ?? 'right') : outcome
    }
  }
  return outcomes
}

/** One word where the runtimes agree. */
function cellOf(byRuntime) {
  const words = new Set(Object.values(byRuntime))
  const text =
    words.size === 1
      ? [...words][0]
      : Object.entries(byRuntime)
          .map(([runtime, word]) => `${runtime}: ${word}`)
          .join(', ')
  return text.includes('stale') ? `**${text}**` : text
}

function tableOf(outcomes) {
  const names = Object.keys(Object.values(outcomes)[0])
  const versions = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies
  const heads = names.map((name) => (versions[name] ? `${name} ${versions[name]}` : name))
  const rows = Object.entries(outcomes).map(
    ([scenario, row]) => `| ${scenario} | ${names.map((name) => cellOf(row[name])).join(' | ')} |`,
  )
  return [
    `| what happens | ${heads.join(' | ')} |`,
    `| --- |${' --- |'.repeat(names.length)}`,
    ...rows,
    '',
    `Each on Node ${process.versions.node}, Bun ${versions['@oven/bun-linux-x64']} and Deno ${versions['@deno/linux-x64-glibc']}, by \`npm run bench:time\`.`,
    '*Stale* is served after its TTL has passed, *lost early* is gone before. A clock that is set',
    'back and put right again cannot be told from a freeze: then an entry may leave early, so that',
    'none is ever served late.',
  ].join('\n')
}

function publish(table) {
  const [begin, end] = ['<!-- time:begin -->', '<!-- time:end -->']
  const readme = join(root, 'README.md')
  const text = readFileSync(readme, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to < from) {
    mkdirSync(join(root, 'docs'), { recursive: true })
    writeFileSync(join(root, 'docs/bench-time.md'), `# Time\n\n${table}\n`)
    return
  }
  writeFileSync(readme, `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`)
}
