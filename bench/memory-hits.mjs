// npm run bench -- memory-hits [steady | trial | small | cost | hold …] [--quick] [--node=20,24]
import { dots } from './support/charts.mjs'
import { container } from './support/containers.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table } from './support/report.mjs'

const WORKLOAD = new URL('support/workload.mjs', import.meta.url)
const SUBJECT = new URL('support/guard-subject.mjs', import.meta.url)
/** Reads a request, by the MiB of its garbage: a case must end in seconds. */
const READS = { 1: 250, 8: 1_000, 64: 4_000 }
const STEADY = ['heap 128', 'heap 512', 'container 256', 'container 512']
const TRIALS = [128, 512, 1024].flatMap((limit) => [`heap ${limit}`, `container ${limit}`])
const OWN = [0.1, 0.4, 0.6]
const LEAST_STEADY = 0.98
const MOST_MOVED = 0.1
const LEAST_OF_BEST = 0.9
const MOST_COST = { write: 1.03, read: 1 }
const MOST_HELD = 10

export async function run({ quick, node = '20', isWanted }) {
  const results = { steady: [], trial: [], small: [], cost: [], hold: [] }
  for (const on of node.split(',').map((major) => `node${major}`)) {
    for (const part of Object.keys(results).filter(isWanted)) {
      for (const args of casesOf(part, quick)) {
        const result = { on, ...(await parts[part](...args, on)) }
        results[part].push(result)
        console.error(part, JSON.stringify(result))
      }
    }
  }
  return page(results)
}

function casesOf(part, quick) {
  const both = (some, others) => some.flatMap((one) => others.map((other) => [one, other]))
  if (part === 'steady') return quick ? [['heap 128', 1]] : both(STEADY, [1, 8, 64])
  if (part === 'trial') return quick ? [['heap 128', 0.4]] : both(TRIALS, OWN)
  if (part === 'small') return both(['heap 128', 'container 128'], ['none', '25%', '50%'])
  return [[]]
}

const parts = {
  /** So many MiB of garbage a request, without the guard and with it. */
  async steady(place, garbage, on) {
    const options = { budget: '25%', garbage, readsARequest: READS[garbage] }
    const without = await play(place, options, on)
    return { place, garbage, without, guarded: await play(place, { ...options, guard: true }, on) }
  },
  /** The largest fixed budget that lives, and '25%' and '50%' with the guard. */
  async trial(place, own, on) {
    let best
    for (let percent = 80; percent > 0 && !best; percent -= 10) {
      const played = await play(place, { budget: `${percent}%`, own }, on)
      if (!played.isDead) best = { percent, ...played }
    }
    const [quarter, half] = [
      await play(place, { budget: '25%', guard: true, own }, on),
      await play(place, { budget: '50%', guard: true, own }, on),
    ]
    const isDead = quarter.isDead || half.isDead
    const diesWithout = isDead && (await play(place, { budget: 'none', own }, on)).isDead === true
    return { place, own, best, quarter, half, diesWithout }
  },
  /** A function that holds 40 MB, and 10 MB more in every tenth request. */
  async small(place, budget, on) {
    const options = {
      budget,
      guard: true,
      own: 40 / 128,
      garbage: 10,
      every: 10,
      readsARequest: 200,
    }
    return { place, budget, ...(await play(place, options, on)) }
  },
  cost: async (on) => ({
    sides: [true, false].map((isFirst) => inFreshProcess(SUBJECT, 'costs', [isFirst], { on })),
  }),
  hold: async (on) => ({
    idle: inFreshProcess(SUBJECT, 'holds', [{}], { on, flags: ['--expose-gc'] }),
    writing: inFreshProcess(SUBJECT, 'holds', [{ isWriting: true }], {
      on,
      flags: ['--expose-gc'],
    }),
  }),
}

/** What one process gives; `isDead` if it dies. */
async function play(where, options, on) {
  const [place, mebibytes] = where.split(' ')
  const limit = Number(mebibytes)
  const group = place === 'container' ? container(limit * 2 ** 20) : undefined
  if (place === 'container' && !group) throw new Error('No control group can be made here')
  const flags = place === 'heap' ? [`--max-old-space-size=${limit}`] : []
  const how = { on, flags, wrapper: group?.wrapper }
  try {
    const played = inFreshProcess(WORKLOAD, 'play', [{ limit, guard: false, ...options }], how)
    return group ? { ...played, peak: Math.round(group.peak() / 2 ** 20) } : played
  } catch (error) {
    if (!/SIGABRT|SIGKILL|out of memory|allocation failed/.test(error)) throw error
    return { isDead: true }
  } finally {
    await group?.remove()
  }
}

/** The page of what was measured. */
export function page({ steady, trial, small, cost, hold }) {
  const failures = []
  const judged = (name, isFine, text) => {
    if (!isFine) failures.push(`${name}: ${text}`)
    return isFine ? text : `**${text}**`
  }
  const major = (on) => on.replace('node', 'Node ')
  const rate = ({ isDead, hitRate, counted = 1 }) =>
    isDead ? '†' : `${hitRate === null ? '-' : hitRate.toFixed(3)}${counted < 0.95 ? '*' : ''}`
  const timed = (played) =>
    played.isDead ? '†' : `${rate(played)} in ${(played.ms / 1_000).toFixed(0)} s`
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(0)

  const steadyRows = steady.map(({ on, place, garbage, without, guarded }) => {
    const name = `${major(on)}, ${place}, ${garbage} MB of garbage`
    const ratio = guarded.hitRate / without.hitRate
    const moved = 1 - guarded.least / guarded.most
    return [
      `${major(on)}, ${place} MB`,
      garbage,
      rate(without),
      rate(guarded),
      judged(name, without.isDead || ratio >= LEAST_STEADY, ratio.toFixed(3)),
      judged(`${name}, moved`, moved <= MOST_MOVED, `${(moved * 100).toFixed(0)} %`),
    ]
  })
  const trialRows = trial.map(({ on, place, own, best, quarter, half, diesWithout }) => {
    const name = `${major(on)}, ${place}, ${own * 100} % of own state`
    const partOfBest = (budget, played) => {
      if (played.isDead) return diesWithout ? '(†)' : judged(`${name}, ${budget}`, false, '†')
      if (!best) return 'lives'
      const part = played.hitRate / best.hitRate
      return judged(`${name}, ${budget}`, part >= LEAST_OF_BEST, part.toFixed(2))
    }
    return [
      `${major(on)}, ${place} MB`,
      `${own * 100} %`,
      best ? `${best.percent} %: ${timed(best)}` : 'none lives',
      timed(quarter),
      partOfBest('25%', quarter),
      timed(half),
      partOfBest('50%', half),
    ]
  })
  const smallRows = small.map((played) => [
    `${major(played.on)}, ${played.place} MB`,
    played.budget,
    judged(`${major(played.on)}, ${played.place}, ${played.budget}`, !played.isDead, rate(played)),
    played.isDead || played.budget === 'none' ? '' : mebibytes(played.most),
    played.peak ?? '',
  ])
  const costRows = cost.flatMap(({ on, sides }) =>
    Object.keys(sides[0]).map((name) => {
      // The cache that is made first is faster or slower: the mean of both orders leaves that out.
      const ratio = Math.sqrt(sides[0][name].ratio * sides[1][name].ratio)
      const most = name.includes('write') ? MOST_COST.write : MOST_COST.read
      return [
        `${major(on)}, ${name}`,
        judged(`${major(on)}, ${name}`, ratio < most + 0.005, ratio.toFixed(2)),
        ...sides.map((side) => side[name].ratio.toFixed(2)),
      ]
    }),
  )
  const holdRows = hold.map(({ on, idle, writing }) => [
    major(on),
    judged(`${major(on)}, hold`, idle.longest < MOST_HELD, idle.longest.toFixed(1)),
    judged(
      `${major(on)}, hold by a write`,
      writing.longestWrite < MOST_HELD,
      writing.longestWrite.toFixed(1),
    ),
  ])

  const text = `A function reads rows of JSON of 1 KB or more, the row of rank n 1/n^0.9 as often as the first. All rows take
1.5 times the limit. Each figure is one process; the second half of its reads counts. † It died. (†) A
process that caches one entry dies too. * The time ended before the last read.

## A steady workload

A default budget. Each request makes objects of so many MB, which live until it ends. The budget in force
moved by so much in the second half.

${table(['limit', 'garbage, MB', 'guard off', 'guard on', 'on ÷ off', 'budget moved'], steadyRows)}

## The guard beside fixed budgets

The best fixed budget is the largest of 10 % to 80 % that lives without the guard. The seconds are those
of the process: where nearly all memory is alive, the engine collects most of the time.

${table(['limit', 'own state', 'best fixed budget', "'25%' with guard", '÷ best', "'50%' with guard", '÷ best'], trialRows)}

## A function that holds 40 MB and needs 10 MB more in every tenth request

${table(['limit', 'budget', 'hit rate', 'budget in force, MB', 'peak of the container, MB'], smallRows)}

## Cost

Time with the guard ÷ without: the cache with the guard made first, and second, and the mean of both.

${table(['operation', 'on ÷ off', 'made first', 'made second'], costRows)}

## The longest hold of the thread

A cut of 300,000 entries under a gauge that says that the process is short of memory: the processor time
between two turns of the event loop, and of one write. Before Node 24, the time of day.

${table(['Node', 'between two turns, ms', 'in one write, ms'], holdRows)}
`
  return { title: 'Hit rates under memory pressure', text, failures, chart: () => chartOf(trial) }
}

function chartOf(trial) {
  const [{ on }] = trial
  const shown = trial.filter((each) => each.on === on && each.best)
  const name = ({ place, own }) => `${place} MB, ${own * 100} % own`
  const series = {
    'best fixed budget': ({ best }) => best,
    "'25%' with guard": ({ quarter }) => quarter,
    "'50%' with guard": ({ half }) => half,
  }
  const rows = shown.flatMap((each) =>
    Object.entries(series).map(([group, of]) => ({
      name: name(each),
      group,
      value: of(each).hitRate,
    })),
  )
  const least = (of) =>
    Math.min(...shown.map((each) => of(each).hitRate / each.best.hitRate)).toFixed(2)
  const result = `The best fixed budget was found by trial in each case. With the guard, '25%' has at least ${least(series["'25%' with guard"])} of its hit rate and '50%' at least ${least(series["'50%' with guard"])}`
  return dots('Hit rate, by what the function holds itself', result, 'hit rate', rows)
}
