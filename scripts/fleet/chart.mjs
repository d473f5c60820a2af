const WIDTH = 760
const PLOT = { left: 64, width: 540, height: 210 }
const COLOURS = ['#0b6e99', '#b5541c', '#4b7f2b']

/** Two charts over one axis of budgets: hit rates, and requests a second on a scale of powers of ten. */
export function chart(budgets, fleets, caption) {
  const x = (index) => PLOT.left + (index * PLOT.width) / (budgets.length - 1)
  const loads = fleets.flatMap(({ points }) =>
    points.flatMap(({ storeLoad, originLoad }) => [storeLoad, originLoad]),
  )
  const least = Math.floor(Math.log10(Math.min(...loads)))
  const most = Math.ceil(Math.log10(Math.max(...loads)))
  const powers = Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i))

  const hits = panel(64, x, budgets, {
    title: 'Hit rate: of the first tier (line), of the store in what is left (dashes)',
    ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${share * 100} %`]),
    curves: curvesOf(fleets, 'first', 'second'),
  })
  const load = panel(64 + PLOT.height + 70, x, budgets, {
    title: 'Requests a second: on the store (line), on the origin (dots)',
    ticks: powers.map((power) => [
      (Math.log10(power) - least) / (most - least),
      power.toLocaleString('en'),
    ]),
    curves: curvesOf(
      fleets,
      'storeLoad',
      'originLoad',
      (value) => (Math.log10(value) - least) / (most - least),
    ),
  })
  const height = 64 + 2 * PLOT.height + 70 + 64
  const foot = text(
    PLOT.left + PLOT.width / 2,
    height - 22,
    'maxSizeBytes of each instance',
    'middle',
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#333"><rect width="${WIDTH}" height="${height}" fill="#fff"/>${text(PLOT.left, 24, caption, 'start')}${hits}${load}${foot}</svg>\n`
}

function curvesOf(fleets, solid, broken, scaled = (value) => value) {
  return fleets.flatMap(({ instances, points }, i) => [
    {
      label: '',
      dash: solid === 'first' ? '6 4' : '1 5',
      colour: COLOURS[i],
      shares: points.map((point) => scaled(point[broken])),
    },
    {
      label: `${instances.toLocaleString('en')} instances`,
      dash: '',
      colour: COLOURS[i],
      shares: points.map((point) => scaled(point[solid])),
    },
  ])
}

function panel(top, x, budgets, { title, ticks, curves }) {
  const y = (share) => top + (1 - share) * PLOT.height
  const end = x(budgets.length - 1)
  const rows = ticks.map(
    ([share, label]) =>
      `<line x1="${PLOT.left}" x2="${end}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>${text(PLOT.left - 8, y(share) + 4, label, 'end')}`,
  )
  const columns = budgets.map((budget, i) => text(x(i), top + PLOT.height + 18, budget, 'middle'))
  const lines = curves.map(({ dash, colour, shares }) => {
    const points = shares.map((share, i) => `${x(i).toFixed(1)},${y(share).toFixed(1)}`)
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" stroke-linecap="round" stroke-dasharray="${dash}" points="${points.join(' ')}"/>`
  })
  return [
    text(PLOT.left, top - 12, title, 'start', 14),
    ...rows,
    ...columns,
    ...lines,
    ...labels(curves, y, end),
  ].join('')
}

/** Beside the ends of their curves, and apart from one another. */
function labels(curves, y, end) {
  const named = curves
    .filter(({ label }) => label)
    .map((curve) => ({ ...curve, at: y(curve.shares.at(-1)) + 4 }))
  named.sort((one, other) => one.at - other.at)
  for (const [i, curve] of named.entries()) {
    if (i > 0) curve.at = Math.max(curve.at, named[i - 1].at + 15)
  }
  return named.map(
    ({ at, label, colour }) => `<g fill="${colour}">${text(end + 8, at, label, 'start')}</g>`,
  )
}

function text(x, y, content, anchor, size = 12) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${content}</text>`
}
