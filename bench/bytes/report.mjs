const ESTIMATORS = ['charged', 'object-sizeof', 'ocache']
const DATA = [0.97, 1.35]
const FILLED = [0.95, 1.2]

const isWithin = (value, [from, to]) => value >= from && value <= to
const marked = (value, range) => {
  const text = Number.isFinite(value) ? value.toFixed(2) : 'died'
  return isWithin(value, range) ? text : `**${text}**`
}
const padded = (number) => number.toLocaleString('en').padStart(9)
const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const ratiosOf = (weighed) =>
  ESTIMATORS.map((estimator) => Math.max(0, weighed[estimator] / weighed.real))

export const isOpaque = ({ group }) => group === 'opaque'
export const visible = (weighed) => weighed.filter((each) => !isOpaque(each))

function classes(weighed) {
  const rows = visible(weighed).map((each) => {
    const [own, ...others] = ratiosOf(each)
    const wanted = `${each.range[0]} to ${each.range[1]}`
    return [each.name, marked(own, each.range), wanted, ...others.map((ratio) => ratio.toFixed(2))]
  })
  return table(['class of value', 'faas-cache-dict', 'wanted', 'object-sizeof', 'ocache'], rows)
}

export function estimates(weighed) {
  const rows = weighed.filter(isOpaque).map((each) => {
    const [charged, real] = [each.charged / each.count, each.real / each.count]
    return [each.name, Math.round(charged), Math.round(real)]
  })
  return table(['what JavaScript cannot look into', 'charged', 'weighs, in bytes'], rows)
}

function data(weighed) {
  const rows = weighed.map((each) => {
    const [own, ...others] = ratiosOf(each)
    return [
      `${each.name} (${each.shape})`,
      `\`${each.source}\``,
      padded(each.count),
      padded(Math.round(each.real / each.count)),
      marked(own, DATA),
      ...others.map((ratio) => ratio.toFixed(2)),
    ]
  })
  const heads = ['rows of', 'package', 'rows', 'bytes a row', 'faas-cache-dict']
  return table([...heads, 'object-sizeof', 'ocache'], rows)
}

function fills(filled) {
  const rows = filled.map(({ name, items, charged, real }) => [
    name,
    padded(items),
    marked(charged / real, FILLED),
  ])
  return table(['64M filled with', 'entries', '`sizeBytes` ÷ growth of the process'], rows)
}

function survival(survived) {
  const rows = survived.map(({ name, most, writes, evictions, live, budget }) => [
    name,
    padded(writes),
    padded(evictions),
    marked(live / budget, [0, most]),
    most,
  ])
  return table(['written', 'writes', 'evicted', 'alive at the most ÷ budget', 'wanted'], rows)
}

function cost({ row, doublings, latinMilliseconds, wideMilliseconds, wideInsideMilliseconds }) {
  const micros = (milliseconds) => ((milliseconds * 1_000) / row.count).toFixed(2)
  return table(
    ['what measuring costs', 'measured', 'wanted'],
    [
      [`a row of ${Math.round(row.jsonBytes)} bytes of JSON`, `${micros(row.own)} µs`, ''],
      ['that ÷ object-sizeof', marked(row.own / row.ofSizeof, [0, 0.3]), '0.3 at the most'],
      ['that ÷ ocache', marked(row.own / row.ofOcache, [0, 1]), '1 at the most'],
      ['10 MB of text, 1 byte a character', `${marked(latinMilliseconds, [0, 2])} ms`, 'under 2'],
      ['10 MB of text, 2 bytes a character', `${marked(wideMilliseconds, [0, 2])} ms`, 'under 2'],
      [
        'the same, one wide character in its middle',
        `${marked(wideInsideMilliseconds, [0, 2])} ms`,
        'under 2',
      ],
      [
        'a row twice as large ÷ the row, from 1 to 64 KB',
        doublings.map((times) => times.toFixed(2)).join(', '),
        '2',
      ],
    ],
  )
}

function slices(measured) {
  const rows = measured.map((each) => [each.name, padded(each.slices), each.longest.toFixed(1)])
  return table(['measured again by the sweep', 'slices', 'longest, ms'], rows)
}

function resize(measured) {
  const rows = measured.map(({ count, downBytes, downItems, up }) => {
    const each = (milliseconds) => ((milliseconds * 1_000) / count).toFixed(2)
    return [padded(count), each(downBytes), each(downItems), each(up)]
  })
  return table(['entries', 'fewer bytes, µs an entry', 'fewer items', 'more bytes'], rows)
}

/** A table of each part. */
export const tables = { classes, data, fills, survival, cost, slices, resize }

/** What lies outside of what is promised, in words. */
export function failuresOf({ version, classes = [], data = [], fills = [], survival = [] }) {
  const failures = []
  const judge = (name, ratio, range) => {
    if (!isWithin(ratio, range)) failures.push(`Node ${version}: ${name}: ${ratio.toFixed(3)}`)
  }
  for (const each of visible(classes)) judge(each.name, each.charged / each.real, each.range)
  for (const each of data) judge(`rows of ${each.name}`, each.charged / each.real, DATA)
  for (const each of fills) judge(`64M of ${each.name}`, each.charged / each.real, FILLED)
  for (const each of survival) judge(each.name, each.live / each.budget, [0, each.most])
  return failures
}

/** Charged ÷ real of this library on each version, by class and data set. */
export function versions(results) {
  const names = visible(results[0].classes).map((each) => ({ ...each, part: 'classes' }))
  const sets = results[0].data.map((each) => ({ ...each, part: 'data', range: DATA }))
  const rows = [...names, ...sets].map(({ part, name, range }) => [
    part === 'data' ? `rows of ${name}` : name,
    ...results.map((result) => {
      const found = result[part].find((each) => each.name === name)
      return marked(found.charged / found.real, range)
    }),
  ])
  return table(['charged ÷ weighs', ...results.map(({ version }) => version)], rows)
}

/** The least and the most of each group of classes, and of the data sets. */
export function groups({ classes, data }) {
  const all = [
    ...visible(classes),
    ...data.map((each) => ({ ...each, group: 'rows of public JSON' })),
  ]
  const rows = [...new Set(all.map(({ group }) => group))].map((group) => {
    const members = all.filter((each) => each.group === group)
    const spans = ESTIMATORS.map((estimator) => {
      const ratios = members.map((each) => Math.max(0, each[estimator] / each.real))
      return `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    })
    return [`${group} (${members.length})`, ...spans]
  })
  return table(['charged ÷ weighs', 'faas-cache-dict', 'object-sizeof', 'ocache'], rows)
}

/** What was alive at the most, by what was written. */
export function survivors({ survival }) {
  const cells = survival.map(({ live, budget, most }) => marked(live / budget, [0, most]))
  return table(
    ['a process of 128 MB, a budget of 64M, a million writes', ...survival.map(({ name }) => name)],
    [['alive at the most ÷ budget', ...cells]],
  )
}
