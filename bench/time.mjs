import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Subject } from './support/clocks.mjs'
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
  const program = [
    join(root, 'bench/support/clock-subject.mjs'),
    join(tools(), '@isaacs/ttlcache/dist/esm/index.js'),
  ]
  const engines = {
    Node: [process.execPath, ...program],
    Bun: [commandOf('bun'), ...program],
    Deno: [commandOf('deno'), 'run', '--no-prompt', '-A', ...program],
  }
  if (quick) delete engines.Bun
  const wanted = Object.entries(scenarios).filter(([scenario]) => isWanted(scenario))
  const outcomes = {}
  const failures = []
  for (const [scenario, play] of wanted) {
    for (const [engine, command] of Object.entries(engines)) {
      const subject = new Subject(command)
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
  const names = Object.keys(outcomes)
  const text = `Each on Node ${process.versions.node}, Bun ${versionOf('bun')} and Deno ${versionOf('deno')}. *Stale*: the cache served an entry after its TTL had
passed. *Lost early*: the entry was gone before. A clock that is set back and then put right looks
like a freeze, so an entry may be lost early; it is never served late.

${table(
  ['what happens', ...names.map(headOf)],
  wanted.map(([scenario]) => [scenario, ...names.map((name) => cellOf(outcomes[name][scenario]))]),
)}
`
  return { title: 'Time', text, failures }
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
