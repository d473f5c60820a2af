import { median } from './measured.mjs'

/** The figures that matter most: a subject and an operation, by what another subject takes. */
const figures = {
  'controller.get(key)': ['hit', 'controller', 'lru-cache'],
  'cache[key]': ['hit', 'cache[key]', 'lru-cache'],
  'cache[key], by a bare Proxy over a Map': ['hit', 'cache[key]', 'Proxy of Map'],
  'controller.set(key, text)': ['overwrite', 'controller', 'lru-cache'],
  'cache[key] = text': ['overwrite', 'cache[key]', 'lru-cache'],
  'a bare Proxy over a Map, the same': ['overwrite', 'Proxy of Map', 'lru-cache'],
  'cache.name = text': ['overwrite', 'cache.name', 'lru-cache'],
  'a JSON row, by lru-cache with object-sizeof': ['a JSON row', 'controller', 'lru-cache'],
  'a JSON row, by ocache': ['a JSON row', 'controller', 'ocache'],
  'an insert at the byte limit': ['insert at the byte limit', 'controller', 'lru-cache'],
}

const ratio = (runs, count, operation, subject, base) =>
  median(runs.map((run) => run[count][operation][subject] / run[count][operation][base]))

/** One line a figure, one column a count and engine. */
export function figuresTable(engines, counts) {
  const columns = counts.flatMap((count) => engines.map((engine) => ({ count, ...engine })))
  const heads = columns.map(({ count, name }) => `${count.toLocaleString('en')}, ${name}`)
  const lines = Object.entries(figures).map(([figure, [operation, subject, base]]) => {
    const cells = columns.map(({ count, runs }) => {
      const value = ratio(runs, count, operation, subject, base)
      return Number.isNaN(value) ? '' : value.toFixed(2)
    })
    return `| ${figure} | ${cells.join(' | ')} |`
  })
  return [
    `| time by lru-cache's, or as said | ${heads.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length)}`,
    ...lines,
  ].join('\n')
}

/** One line an operation, one column a subject: nanoseconds, and the ratio to `base`. */
export function timesTable(runs, count, subjects, base) {
  const cellOf = (operation, subject) => {
    if (runs[0][count][operation][subject] === undefined) return ''
    const time = median(runs.map((run) => run[count][operation][subject]))
    return `${Math.round(time)} (${ratio(runs, count, operation, subject, base).toFixed(2)})`
  }
  const lines = Object.keys(runs[0][count]).map(
    (operation) =>
      `| ${operation} | ${subjects.map((name) => cellOf(operation, name)).join(' | ')} |`,
  )
  return [
    `| operation | ${subjects.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(subjects.length)}`,
    ...lines,
  ].join('\n')
}

/** Nanoseconds of each subject that takes part. */
export function timesOf(runs, count, operation) {
  const names = Object.keys(runs[0][count][operation])
  return Object.fromEntries(
    names.map((name) => [name, median(runs.map((run) => run[count][operation][name]))]),
  )
}
