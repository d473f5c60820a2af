import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Subject } from './support/clocks.mjs'
import { outageScenes, outages, wishes } from './support/outages.mjs'
import { commandOf, root, tools, versionOf } from './support/process.mjs'
import { table } from './support/report.mjs'

const HOUR = 3_600_000
const MINUTE = 60_000
const SECOND = 1_000

/**
 * Each gives readings: which caches served their entry, and whether they should have. An entry is to
 * be served until its TTL has passed, and not after, whatever the clocks did.
 */
const scenarios = {
  'frozen for an hour, monotonic clock stopped; TTL 1 minute': async (subject) => {
    const before = await subject.ask('write', MINUTE)
    subject.setWallClock('+1h')
    const after = await subject.ask('read')
    await subject.requireStep(before, HOUR)
    return [[after, false]]
  },
  'frozen by SIGSTOP for 2 seconds; TTL 1 second': async (subject) => {
    await subject.ask('write', SECOND)
    await subject.freeze(2 * SECOND)
    return [[await subject.ask('read'), false]]
  },
  'clock set back an hour; TTL 1 second': (subject) => setBack(subject, '+0', '-1h'),
  'clock an hour ahead when written, then put right; TTL 1 second': (subject) =>
    setBack(subject, '+1h', '+0'),
  'clock set back an hour, seen so, then put right; TTL 1 minute': async (subject) => {
    await subject.ask('write', MINUTE)
    subject.setWallClock('-1h')
    const back = await subject.ask('read')
    subject.setWallClock('+0')
    return [
      [back, true],
      [await subject.ask('read'), true],
    ]
  },
}

async function setBack(subject, from, to) {
  subject.setWallClock(from)
  const before = await subject.ask('write', SECOND)
  subject.setWallClock(to)
  const soon = await subject.ask('read')
  await subject.requireStep(before, -HOUR)
  await pause(1.5 * SECOND)
  return [
    [soon, true],
    [await subject.ask('read'), false],
  ]
}

export async function run({ quick, isWanted }) {
  const engines = {
    Node: [process.execPath],
    ...(!quick && { Bun: [commandOf('bun')] }),
    Deno: [commandOf('deno'), 'run', '--no-prompt', '-A'],
  }
  const expiry = await expiryOn(engines, isWanted)
  const loading = await outagesOn(engines, isWanted)
  return {
    title: 'Time',
    text: [expiry.text, loading.text].filter(Boolean).join('\n'),
    failures: [...expiry.failures, ...loading.failures],
  }
}

async function expiryOn(engines, isWanted) {
  const program = [
    join(root, 'bench/support/clock-subject.mjs'),
    join(tools(), '@isaacs/ttlcache/dist/esm/index.js'),
  ]
  const wanted = Object.entries(scenarios).filter(([scenario]) => isWanted(scenario))
  const outcomes = {}
  const failures = []
  for (const [scenario, play] of wanted) {
    for (const [engine, command] of Object.entries(engines)) {
      const subject = new Subject([...command, ...program])
      try {
        for (const [name, outcome] of Object.entries(judged(await play(subject)))) {
          outcomes[name] ??= {}
          outcomes[name][scenario] ??= {}
          outcomes[name][scenario][engine] = outcome
          if (name === 'faas-cache-dict' && outcome === 'stale') {
            failures.push(`${scenario}, ${engine}`)
          }
        }
      } finally {
        await subject.end()
      }
    }
  }
  if (wanted.length === 0) return { text: '', failures }
  const names = Object.keys(outcomes)
  const text = `Each on Node ${process.versions.node}, Bun ${versionOf('bun')} and Deno ${versionOf('deno')}. *Stale*: the cache served an entry after its TTL had
passed. *Lost early*: the entry was gone before. A clock that is set back and then put right looks
like a freeze, so an entry may be lost early; it is never served late.

${table(
  ['what happens', ...names.map(headOf)],
  wanted.map(([scenario]) => [scenario, ...names.map((name) => cellOf(outcomes[name][scenario]))]),
)}
`
  return { text, failures }
}

async function outagesOn(engines, isWanted) {
  const wanted = Object.keys(outageScenes).filter((scene) => isWanted(`origin: ${scene}`))
  if (wanted.length === 0) return { text: '', failures: [] }
  const { tables, failures } = await outages(engines, wanted, headOf)
  const text = `## Loads

The wish: fresh for 10 s, then stale while it revalidates for 20 s, stale if the origin fails for 60 s, no
load longer than 2 s. So no value is to be served 70 s after its load (**bold** if it was). A cache with one
window has 60 s of it:

${wishes()}

After the first load, the origin stays up (it answers after 0.5 s), is slow (4.5 s) or down (it closes the
connection). The platform stops the process (SIGSTOP) right after each answer or, with \`waitUntil\`, when the
promises that the cache gave to \`waitUntil\` have settled. Cells: the age of what each request got, or
*error*, and how long the caller waited, to half a second. *–*: the cache has no \`waitUntil\`.

${tables.map(outageTable).join('\n\n')}
`
  return { text, failures }
}

function outageTable({ scene, heads, rows }) {
  const textOf = (cell) => (typeof cell === 'object' ? cellOf(cell) : (cell ?? '–'))
  return `### ${scene[0].toUpperCase()}${scene.slice(1)}\n\n${table(
    heads,
    rows.map((row) => row.map(textOf)),
  )}`
}

function judged(readings) {
  const outcomes = {}
  for (const [served, should] of readings) {
    for (const [name, is] of Object.entries(served)) {
      if (is !== should) outcomes[name] = is ? 'stale' : 'lost early'
      outcomes[name] ??= 'right'
    }
  }
  return outcomes
}

/** One word if the engines agree. */
function cellOf(byEngine) {
  const words = Object.values(byEngine)
  const isOne = words.every((word) => word === words[0])
  const each = Object.entries(byEngine).map(([engine, word]) => `${engine}: ${word}`)
  const text = isOne ? words[0] : each.join(', ')
  return text.includes('stale') ? `**${text}**` : text
}

function headOf(name) {
  const [bench, own] = ['bench/tools.json', 'package.json'].map((path) =>
    JSON.parse(readFileSync(join(root, path), 'utf8')),
  )
  const version = bench.dependencies[name] ?? own.devDependencies[name]
  return version ? `${name} ${version}` : name
}
