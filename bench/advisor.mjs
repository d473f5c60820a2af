import { advise } from '../dist/advisor.js'
import { controllerOf, FaaSCacheDict } from '../dist/index.js'
import { names as operations } from './support/advisor-subject.mjs'
import { list, median } from './support/figures.mjs'
import { inFreshProcess } from './support/process.mjs'
import { marked, table, whole } from './support/report.mjs'
import { traces } from './support/traces.mjs'

const SUBJECT = new URL('./support/advisor-subject.mjs', import.meta.url)
const FACTORS = [1 / 4, 1 / 2, 1, 2, 4]
/** The budget of a trace ÷ the bytes of all its keys. */
const PART = 1 / 10
const MOST_ERROR = 0.03
const MOST_COST = 1.1
const MOST_MEMORY = 0.01
/** Other names for the same keys make another sample of them. */
const PREFIXES = ['key-', 'row:', 'a', 'users/', 'x-']
const START = Date.UTC(2026, 0, 1)

export async function run({ quick, isWanted }) {
  const failures = []
  const parts = {
    accuracy: () => accuracy(quick, isWanted, failures),
    cost: () => cost(quick, failures),
    memory: () => memory(quick, failures),
    handler: () => handler(quick),
  }
  const isPart = Object.keys(parts).some(isWanted)
  const texts = []
  for (const [name, part] of Object.entries(parts)) {
    if (isPart ? isWanted(name) : name === 'accuracy') texts.push(await part())
  }
  return { title: 'The advisor', text: texts.join('\n'), failures }
}

async function accuracy(quick, isWanted, failures) {
  const isTrace = Object.keys(traces).some(isWanted)
  const wanted = Object.entries(traces).filter(([name]) => !isTrace || isWanted(name))
  const rows = []
  const missing = []
  for (const [name, { load }] of wanted) {
    const trace = await load()
    if (trace === undefined) {
      missing.push(name)
      continue
    }
    const budget = Math.floor(footprintOf(trace) * PART)
    const truth = FACTORS.map((factor) => replay(trace, Math.floor(budget * factor), PREFIXES[0]))
    const runs = PREFIXES.slice(0, quick ? 1 : undefined).map((prefix) =>
      replay(trace, budget, prefix, true),
    )
    const errors = FACTORS.map((_, at) =>
      runs.map(({ points }) => points[at].hitRate - truth[at].hitRate),
    )
    const worst = Math.max(...errors.flat().map(Math.abs))
    if (worst > MOST_ERROR) {
      const at = errors.findIndex((each) => each.some((error) => Math.abs(error) === worst))
      failures.push(
        `${name}, ${FACTORS[at]} × the budget: the hit rate is off by ${worst.toFixed(3)}`,
      )
    }
    rows.push([
      name,
      whole(trace.keys.length),
      (budget / 2 ** 20).toFixed(1),
      whole(truth[2].items),
      ...FACTORS.map(
        (_, at) => `${percent(truth[at].hitRate)} / ${percent(runs[0].points[at].hitRate)}`,
      ),
      marked3(Math.max(...errors.map(([error]) => Math.abs(error)))),
      marked3(worst),
    ])
    console.error(name)
  }
  const sources = wanted
    .filter(([name]) => !missing.includes(name))
    .map(([name, { about, source }]) => `- ${name}: ${about}${source ? `. ${source}` : ''}`)
  return `## Accuracy

Hit rates of five caches that replay a trace, and what an advisor in the one with the present budget says of
them: truth / estimate, in percent. The budget is a tenth of the bytes of all keys. The sample of keys is a matter
of luck, so each trace runs ${quick ? 'once' : `${PREFIXES.length} times, with other names for its keys`}. The last two columns have the largest error of
the five budgets, in the first run and in all. It should be at most ${MOST_ERROR}.

${table(
  ['trace', 'uses', 'budget, MiB', 'entries', '¼', '½', '1', '2', '4', 'error', 'largest error'],
  rows,
)}

${sources.join('\n')}

Rows have the sizes of the trace, or 0.5 to 20 KB, pages and flights ten times as much. A trace without times has a steady rate. What Caffeine ships is cloned from its
repository.${missing.length === 0 ? '' : ` Not to be had: ${missing.join(', ')}.`}
`
}

const percent = (rate) => (rate * 100).toFixed(1)
const marked3 = (error) => (error > MOST_ERROR ? `**${error.toFixed(3)}**` : error.toFixed(3))

function footprintOf({ keys, count, bytesOf }) {
  const seen = new Uint8Array(count)
  let bytes = 0
  for (const [at, key] of keys.entries()) {
    if (seen[key]) continue
    seen[key] = 1
    bytes += bytesOf(key, at)
  }
  return bytes
}

/** Asks a cache for each key of a trace, and loads what it misses. */
function replay({ keys, bytesOf, secondsOf, ttl }, maxSizeBytes, prefix, isAdvised = false) {
  let now = START
  const cache = new FaaSCacheDict({
    maxSizeBytes,
    defaultTtl: ttl,
    onTooLarge: 'skip',
    sweepInterval: null,
    memoryGuard: false,
    now: () => now,
  })
  const controller = controllerOf(cache)
  const advisor = isAdvised ? advise(cache) : undefined
  for (let at = 0; at < keys.length; at++) {
    now = START + secondsOf(at) * 1_000
    const key = prefix + keys[at]
    if (controller.get(key) !== undefined) continue
    controller.set(key, true, { sizeBytes: bytesOf(keys[at], at) })
  }
  const points = advisor?.report().points
  const { hitRate, items } = controller.stats()
  return { hitRate, items, points }
}

/** An advisor's options, and what a use may take ÷ what it takes without an advisor. */
const ADVISORS = {
  'sample: 1/32': [{ sample: 1 / 32 }, MOST_COST],
  'by default': [{}, Infinity],
}

function cost(quick, failures) {
  const [rounds, turns] = quick ? [1, 3] : [3, 4]
  const sizes = [1_000, 10_000, 100_000]
  const rows = operations.flatMap((name) =>
    sizes.map((entries) => {
      const variants = [undefined, ...Object.values(ADVISORS).map(([options]) => options)]
      const runs = list(rounds, () =>
        variants.map((options) =>
          inFreshProcess(SUBJECT, 'timed', [name, entries, options ?? null, turns], {
            on: 'node24',
          }),
        ),
      )
      console.error(`${name}, ${entries} entries`)
      return [
        name,
        whole(entries),
        whole(median(runs.map(([without]) => without))),
        ...Object.entries(ADVISORS).map(([advisor, [, most]], at) => {
          const ratio = median(runs.map((times) => times[at + 1] / times[0]))
          if (ratio > most) {
            failures.push(
              `${name}, ${whole(entries)} entries, ${advisor}: ${ratio.toFixed(2)} times as long`,
            )
          }
          return marked(ratio, [0, most])
        }),
      ]
    }),
  )
  return `## Cost of a use

Nanoseconds without an advisor, and the time with one ÷ the time without. Keys are chosen by Zipf 0.8. Each figure is the
median of ${rounds} sets of fresh processes on Node 24, which take turns; the fastest of ${turns} turns of each counts. By
default an advisor observes more than 1/32 of the keys while a cache is small.

${table(
  [
    'operation',
    'entries',
    'without, ns',
    ...Object.keys(ADVISORS).map((name) => `${name} ÷ without`),
  ],
  rows,
)}
`
}

function memory(quick, failures) {
  const cases = [
    [1_000, 2_500],
    [10_000, 2_500],
    [100_000, 2_500],
    [100_000, 250],
  ].slice(0, quick ? 1 : undefined)
  const rows = cases.map(([entries, bytes]) => {
    const figures = inFreshProcess(SUBJECT, 'memory', [entries, bytes, entries * 20], {
      flags: ['--expose-gc'],
    })
    const { budget, items, charged, real } = figures
    for (const [name, part] of Object.entries({ charged, real })) {
      if (part / budget > MOST_MEMORY) {
        failures.push(
          `${whole(entries)} rows of ${bytes} bytes: ${name} ${((100 * part) / budget).toFixed(1)} %`,
        )
      }
    }
    return [
      `${whole(items)} rows of ${bytes} bytes`,
      (budget / 2 ** 20).toFixed(1),
      ...[charged, real].map(
        (part) => `${(part / 1024).toFixed(0)} (${((100 * part) / budget).toFixed(2)} %)`,
      ),
    ]
  })
  return `## Memory

What an advisor takes in a full cache. It should be below 1 % of the budget.

${table(['entries', 'budget, MiB', 'charged, KiB', 'alive, KiB'], rows)}
`
}

function handler(quick) {
  const invocations = quick ? 300 : 6_000
  const first = inFreshProcess(SUBJECT, 'play', ['128K', invocations])
  const { recommended, points } = first.report
  const then = inFreshProcess(SUBJECT, 'play', [`${recommended / 1024}K`, invocations])
  const promised = points.find(({ maxSizeBytes }) => maxSizeBytes === recommended)
  return `## A handler that follows the advice

The handler of \`npm run demo\` reads one of 250 countries ${whole(invocations)} times from an origin that takes 2 to 8 ms. It begins with
\`maxSizeBytes: '128K'\`. Then its advisor says:

\`\`\`
${first.chart}
\`\`\`

${table(
  ['', 'hit rate', 'requests to the origin', 'mean latency, ms'],
  [
    ["before, `'128K'`", percent(first.hitRate), whole(first.requests), first.mean.toFixed(2)],
    [
      'said of the recommended budget',
      percent(promised.hitRate),
      whole(first.requests - promised.loadsSaved),
      '',
    ],
    ['after', percent(then.hitRate), whole(then.requests), then.mean.toFixed(2)],
  ],
)}
`
}
