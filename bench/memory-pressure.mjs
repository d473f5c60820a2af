// npm run bench -- memory-pressure [scenario …] [--quick] [options]
//
//   scenario …             only scenarios whose name contains one of these, such as 'rows' or 'Buffers'
//   --quick                this Node's major, limits of 128, a budget of 25%, asynchronous
//   --node=20,24           the versions of Node
//   --heap=64,128          --max-old-space-size; with only --container there is none
//   --container=128,256    MiB of a control group; with only --heap there is none
//   --budget=25%,50%,half  `half` of the limit, '64M', or `none`: a cache of one entry
//   --mode=async,sync      whether each request waits for a turn of the event loop
//   --guard=on,off         the option `memoryGuard`
//   --against=DIST         plays another build, the folder that has index.js
//   --seconds=30           what a case may take before it writes no more
//
// A case is a process: node bench/support/pressure-case.mjs --scenario='JSON rows' --budget=25%
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { container } from './support/containers.mjs'
import { scenarios } from './support/pressure-scenarios.mjs'
import { commandOf, root } from './support/process.mjs'
import { table } from './support/report.mjs'

const CASE = fileURLToPath(new URL('support/pressure-case.mjs', import.meta.url))
const WHOLE = {
  node: '20,22,24,26',
  heap: '64,128,256',
  container: '128,256',
  budget: '25%,50%,half',
  mode: 'async,sync',
  guard: 'on',
}
const QUICK = {
  ...WHOLE,
  node: process.versions.node.split('.')[0],
  heap: '128',
  container: '128',
  budget: '25%',
  mode: 'async',
}

export async function run({ isWanted, ...options }) {
  const cases = casesOf(options).filter(({ scenario }) => isWanted(scenario))
  const probe = container(128 * 2 ** 20)
  await probe?.remove()
  if (!probe) console.error('skipped the containers: no control group can be made here')
  const played = await playAll(
    cases.filter(({ place }) => probe || place === 'heap'),
    options,
  )
  const deaths = played.filter(({ isDead }) => isDead)
  const failures = deaths
    .filter(({ guard, alsoWithout }) => guard === 'on' && !alsoWithout)
    .map((each) => `${nameOf(each)}: ${each.outcome}`)
  const text = `${played.length} processes, ${deaths.length} died. Each cell has the peak in MiB, of resident memory or of the container,
or † and the versions of Node that died; (†) if a process that caches one entry dies too. * The time
ended before all was written.

${tables(played)}`
  return { title: 'Memory pressure', text, failures }
}

/** Every combination of what is asked for. */
export function casesOf({ quick, heap, container, ...others }) {
  const preset = quick ? QUICK : WHOLE
  const places = heap || container ? { heap, container } : preset
  const valuesOf = (name) => (others[name] ?? preset[name]).split(',')
  const limits = ['heap', 'container'].flatMap((place) =>
    (places[place]?.split(',') ?? []).map((limit) => ({ place, limit: Number(limit) })),
  )
  let cases = limits
  for (const name of ['guard', 'budget', 'mode', 'node']) {
    cases = cases.flatMap((each) => valuesOf(name).map((value) => ({ ...each, [name]: value })))
  }
  return cases
    .flatMap((each) => Object.keys(scenarios).map((scenario) => ({ ...each, scenario })))
    .filter(({ mode, scenario }) => mode === 'async' || !scenarios[scenario].seconds)
}

/** Two at a time, and of those in a container one. */
export async function playAll(cases, options) {
  const contained = cases.filter(({ place }) => place === 'container')
  const others = cases.filter(({ place }) => place === 'heap')
  const played = new Map()
  const without = new Map()
  const diesWithout = async (each) => {
    const same = { ...each, budget: 'none', guard: 'on' }
    const name = nameOf(same)
    if (!without.has(name)) without.set(name, (await play(same, options)).isDead)
    return without.get(name)
  }
  const worker = async (...queues) => {
    for (const queue of queues) {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const result = { ...next, ...(await play(next, options)) }
        if (result.isDead) result.alsoWithout = await diesWithout(next)
        played.set(next, result)
        console.error(`${nameOf(result)}: ${result.outcome} ${summaryOf(result)}`)
      }
    }
  }
  await Promise.all([worker(contained, others), worker(others)])
  return cases.map((each) => played.get(each))
}

/** Plays one case in a process of its own. */
export async function play(each, options = {}) {
  const { scenario, place, limit, node, budget, mode, guard = 'on' } = each
  const seconds = Number(options.seconds ?? 30)
  const group = place === 'container' ? container(limit * 2 ** 20) : undefined
  const flags = place === 'heap' ? [`--max-old-space-size=${limit}`] : []
  const [command, ...args] = [
    ...(group?.wrapper ?? []),
    node ? commandOf(`node${node}`) : process.execPath,
    ...flags,
    CASE,
    ...Object.entries({ scenario, limit, budget, guard, seconds }).map(
      ([name, value]) => `--${name}=${value}`,
    ),
    `--dist=${join(options.against ?? join(root, 'dist'), 'index.js')}`,
    ...(mode === 'sync' ? ['--sync'] : []),
  ]
  try {
    const { outcome, stdout } = await ended(command, args, (seconds * 2 + 30) * 1_000)
    const figures = JSON.parse(stdout.split('\n').findLast((line) => line.startsWith('{')) ?? '{}')
    const peak = group ? Math.round(group.peak() / 2 ** 20) : figures.maxRssMiB
    return { ...figures, outcome, isDead: outcome !== 'lives', peak, limitHits: group?.limitHits() }
  } finally {
    await group?.remove()
  }
}

const DEATHS = { SIGABRT: 'out of memory', SIGKILL: 'killed', SIGTERM: 'timed out' }
const isShort = /Array buffer allocation failed|Reached heap limit|out of memory/

function ended(command, args, timeout) {
  const child = spawn(command, args, { timeout, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => {
      process.removeListener('exit', kill)
      let outcome = status === 0 ? 'lives' : (DEATHS[signal] ?? `ended with ${signal ?? status}`)
      if (outcome.startsWith('ended') && isShort.test(stderr)) outcome = DEATHS.SIGABRT
      if (outcome.startsWith('ended')) console.error(stderr.slice(-2_000))
      resolve({ outcome, stdout })
    })
  })
}

const nameOf = ({ scenario, place, limit, node, budget, mode, guard }) =>
  `${scenario} · ${place} ${limit} · ${budget} · ${mode} · Node ${node}${guard === 'off' ? ' · no guard' : ''}`

function summaryOf(result) {
  const mebibytes = (bytes) => (bytes === undefined ? '-' : Math.round(bytes / 2 ** 20))
  const { isDead, progress = 0, peak, hitRate, evictions, pressureEvictions, limitHits } = result
  return [
    isDead && `at ${progress}`,
    result.alsoWithout && 'without a cache too',
    peak && `peak ${peak}`,
    limitHits && `${limitHits} limit hits`,
    hitRate !== undefined && `hit rate ${hitRate.toFixed(3)}`,
    result.written < 0.95 && !isDead && `only ${Math.round(result.written * 100)} % written`,
    `${evictions} evictions`,
    pressureEvictions !== undefined && `${pressureEvictions} under pressure`,
    `size ${mebibytes(result.sizeBytes)} of ${mebibytes(result.effectiveMaxSizeBytes)} MiB`,
    `${result.ms} ms`,
  ]
    .filter(Boolean)
    .join(', ')
}

function tables(played) {
  const places = groups(played, ({ place, limit }) => `${place} of ${limit} MB`)
  return [...places].map(([name, cases]) => `## ${name}\n\n${tableOf(cases)}\n`).join('\n')
}

function tableOf(cases) {
  const setupOf = ({ budget, mode, guard }) =>
    `${budget} ${mode}${guard === 'off' ? ' no guard' : ''}`
  const setups = [...groups(cases, setupOf).keys()]
  const rows = [...groups(cases, ({ scenario }) => scenario)].map(([scenario, cases]) => {
    const bySetup = groups(cases, setupOf)
    return [scenario, ...setups.map((setup) => cell(bySetup.get(setup)))]
  })
  return table(['scenario', ...setups], rows)
}

function cell(cases = []) {
  if (cases.length === 0) return ''
  const dead = cases.filter(({ isDead }) => isDead)
  if (dead.length === 0) {
    const isCut = cases.some(({ written }) => written < 0.95)
    return `lives ${Math.max(...cases.map(({ peak }) => peak))}${isCut ? '*' : ''}`
  }
  const versions = dead.map(({ node, alsoWithout }) => (alsoWithout ? `(${node})` : node))
  if (cases.length > 1) return `† ${versions.join(', ')}`
  return dead[0].alsoWithout ? '(†)' : '†'
}

function groups(cases, nameOf) {
  const groups = new Map()
  for (const each of cases) {
    const name = nameOf(each)
    groups.set(name, [...(groups.get(name) ?? []), each])
  }
  return groups
}
