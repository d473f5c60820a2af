import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import sizeof from 'object-sizeof'
import { spans } from './support/charts.mjs'
import { dataSets, textsOf } from './support/data-sets.mjs'
import { inFreshProcess, root, scratch, tools, versionOf } from './support/process.mjs'
import { marked, table, whole } from './support/report.mjs'
import { addClass, classes, estimated, OPAQUE } from './support/values.mjs'
import { weigh as weighValues } from './support/weighing.mjs'

const ROWS = 'Rows of public JSON'
const ROW_RANGE = [0.97, 1.35]
const ESTIMATORS = ['faas-cache-dict', 'object-sizeof', 'ocache']
const MAIN = 'node20'

export async function run({ quick, isWanted }) {
  tools()
  await exposeOcache()
  const sets = Object.entries(dataSets).map(([name, [source, shape]]) => ({
    group: ROWS,
    range: ROW_RANGE,
    name,
    source,
    shape,
  }))
  const subjects = [...classes, ...sets].filter(
    ({ name, group }) => isWanted(name) || isWanted(group),
  )
  const engines = quick ? [MAIN] : [MAIN, 'node22', 'node24', 'node26']
  const failures = []
  for (const subject of subjects) {
    const { name, group, range } = subject
    subject.on = {}
    for (const on of group === OPAQUE ? [MAIN] : engines) {
      const figure = inFreshProcess(import.meta.url, 'weigh', [name, group === ROWS], {
        on,
        flags: ['--expose-gc'],
      })
      subject.on[on] = figure
      const ratio = figure['faas-cache-dict'] / figure.real
      if (!(ratio >= range[0] && ratio <= range[1])) {
        failures.push(`Node ${versionOf(on)}: ${name}: ${ratio.toFixed(3)}`)
      }
    }
    console.error(name)
  }
  const visible = subjects.filter(({ group }) => group !== OPAQUE)
  const groups = [...new Set(visible.map(({ group }) => group))].map((group) => ({
    name: group,
    members: visible.filter((each) => each.group === group),
  }))
  const summary = groups.map(({ name, members }) => ({
    name: `${name} (${members.length})`,
    spans: ESTIMATORS.map((estimator) => extremes(members, estimator)),
  }))
  const text = `Charged bytes ÷ bytes in the heap and in external memory, for many values of a class at once, in a
fresh process with a forced collection. The columns of object-sizeof and ocache are their estimates ÷
the same bytes, on Node ${versionOf(MAIN)}. A figure in bold is out of the wanted range.

## Summary

${table(
  ['charged ÷ real', ...ESTIMATORS],
  summary.map(({ name, spans }) => [name, ...spans.map((span) => span.join(' to '))]),
)}

${groups.map(({ name, members }) => `## ${name}\n\n${groupTable(members, engines)}\n`).join('\n')}
## ${OPAQUE}

Bytes of one value. Each is charged an estimate.

${table(
  ['value', 'charged', 'real'],
  subjects
    .filter(({ group }) => group === OPAQUE)
    .map(({ name, on: { [MAIN]: figure } }) => [
      name,
      ...['faas-cache-dict', 'real'].map((part) => whole(figure[part] / figure.count)),
    ]),
)}
`
  return { title: 'Bytes: charged and real', text, failures, chart: () => chartOf(summary) }
}

const ratioOf = ({ on }, estimator, engine = MAIN) => {
  const { real, [estimator]: bytes } = on[engine]
  return Math.max(0, bytes / real)
}

function extremes(members, estimator) {
  const ratios = members.map((member) => ratioOf(member, estimator))
  return [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2))
}

function groupTable(members, engines) {
  const isRows = members[0].group === ROWS
  const own = engines.map((on) => `Node ${versionOf(on)}`)
  const heads = [...own, 'wanted', ...ESTIMATORS.slice(1)]
  const rows = members.map((member) => {
    const { name, range, source, shape, on } = member
    const { real, count } = on[MAIN]
    return [
      ...(isRows
        ? [`${name} (${shape})`, `\`${source}\``, whole(count), whole(real / count)]
        : [name]),
      ...engines.map((engine) => marked(ratioOf(member, ESTIMATORS[0], engine), range)),
      range.join(' to '),
      ...ESTIMATORS.slice(1).map((estimator) => marked(ratioOf(member, estimator))),
    ]
  })
  return table(
    isRows ? ['rows', 'package', 'rows', 'bytes a row', ...heads] : ['values', ...heads],
    rows,
  )
}

export const chartOf = (summary) =>
  spans(
    'Charged bytes ÷ bytes in the heap: the least and the most of each group',
    summary.flatMap(({ name, spans }) =>
      ESTIMATORS.map((estimator, at) => {
        const [from, to] = spans[at]
        return { group: name, name: estimator, from: Number(from), to: Number(to) }
      }),
    ),
    'charged ÷ real; 1 is exact; an end without a dot lies beyond the scale',
  )

/** What one class or data set adds to this process, and what estimators say of it. */
export async function weigh(name, isRows) {
  if (isRows) {
    const texts = textsOf(name)
    addClass(name, texts.length, (at) => JSON.parse(texts[at]))
  }
  const { charged, real } = await weighValues(name)
  // Imported before, it would give memory back while the values are weighed.
  const { entryBytes } = await import(`${scratch}/ocache.mjs`)
  const samples = isRows ? Infinity : undefined
  return {
    count: isRows ? textsOf(name).length : classes.find((each) => each.name === name).amount,
    real,
    'faas-cache-dict': charged,
    'object-sizeof': estimated(sizeof, samples),
    // 64 bytes of it are for an entry.
    ocache: estimated((value) => entryBytes('', value) - 64, samples),
  }
}

/** Bundles the estimator that ocache keeps to itself. */
export async function exposeOcache() {
  const setup = (building) =>
    building.onLoad({ filter: /ocache\/dist\/index\.mjs$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\nexport { entryBytes }`,
    }))
  await build({
    stdin: { contents: "export { entryBytes } from 'ocache'", resolveDir: root },
    outfile: join(scratch, 'ocache.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
    plugins: [{ name: 'expose', setup }],
  })
}
