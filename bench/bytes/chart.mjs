import { visible } from './report.mjs'

const COLOURS = { charged: '#2f6fde', 'object-sizeof': '#c0504d', ocache: '#9a8b3c' }
const NAMES = { charged: 'faas-cache-dict', 'object-sizeof': 'object-sizeof', ocache: 'ocache' }
const [LEAST, MOST] = [1 / 32, 32]
const LEFT = 330
const RIGHT = 790
const TOP = 70
const LINE = 15

const x = (ratio) => {
  const within = Math.min(MOST, Math.max(LEAST, ratio))
  return LEFT + ((RIGHT - LEFT) * Math.log2(within / LEAST)) / Math.log2(MOST / LEAST)
}
const text = (at, y, content, more = '') => `<text x="${at}" y="${y}" ${more}>${content}</text>`

/** Charged ÷ real of each class and data set, a line each, on a scale of powers of two. */
export function chartOf(title, classes, data) {
  const rows = []
  let group = ''
  for (const each of [
    ...visible(classes),
    ...data.map((set) => ({
      ...set,
      group: 'rows of public JSON',
      name: `${set.name}, ${set.shape}`,
    })),
  ]) {
    if (each.group !== group) rows.push({ heading: (group = each.group) })
    rows.push(each)
  }
  const bottom = TOP + rows.length * LINE
  const lines = rows.map((row, at) => {
    const y = TOP + at * LINE
    if (row.heading) return text(16, y + 11, row.heading, 'font-weight="bold"')
    const dots = Object.entries(COLOURS)
      .reverse()
      .map(([estimator, colour]) => {
        const ratio = row[estimator] / row.real
        const isBeyond = ratio < LEAST || ratio > MOST || !Number.isFinite(ratio)
        return `<circle cx="${x(ratio || 0).toFixed(1)}" cy="${y + 7}" r="4" stroke="${colour}" fill="${isBeyond ? '#fff' : colour}"/>`
      })
    return `${text(LEFT - 12, y + 11, row.name, 'text-anchor="end"')}<line x1="${LEFT}" x2="${RIGHT}" y1="${y + 7}" y2="${y + 7}" stroke="#eee"/>${dots.join('')}`
  })
  const scale = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32].map((ratio) => {
    const label = ratio < 1 ? `1/${1 / ratio}` : ratio
    return `<line x1="${x(ratio)}" x2="${x(ratio)}" y1="${TOP}" y2="${bottom}" stroke="${ratio === 1 ? '#333' : '#ddd'}"/>${text(x(ratio), bottom + 16, label, 'text-anchor="middle"')}`
  })
  const legend = Object.entries(NAMES).map(
    ([estimator, name], at) =>
      `<circle cx="${LEFT + at * 130}" cy="46" r="4" fill="${COLOURS[estimator]}"/>${text(LEFT + 10 + at * 130, 50, name)}`,
  )
  const height = bottom + 40
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 ${height}" font-family="sans-serif" font-size="11"><rect width="820" height="${height}" fill="#fff"/>${text(16, 24, title, 'font-size="15" font-weight="bold"')}${legend.join('')}
${scale.join('')}
${lines.join('\n')}
${text(LEFT, bottom + 32, 'hollow: beyond the scale')}
</svg>
`
}
